import { EmbedError } from './embed-error.ts';

/**
 * Checks what a program passes to a method of the broker: where it isn't written in TypeScript, anything may come.
 * Each method throws an `EmbedError` (`invalid-argument`) that names the method, the option and what is allowed.
 */
export class Arguments {
  readonly #method: string;

  /** @param method - as programs call it, such as `clients.list` */
  constructor(method: string) {
    this.#method = method;
  }

  refuse(what: string): never {
    throw new EmbedError('invalid-argument', `broker.${this.#method}: ${what}`);
  }

  /** An object that has no other keys than these. */
  options(given: object, keys: readonly string[]): void {
    if (typeof given !== 'object' || given === null) {
      this.refuse(`options take an object, not ${shown(given)}`);
    }
    const unknown = Object.keys(given).find((key) => !keys.includes(key));
    if (unknown !== undefined) this.refuse(`${unknown} is no option; there are ${keys.join(', ')}`);
  }

  text(name: string, value: unknown): string {
    if (typeof value !== 'string') this.refuse(`${name} takes a string, not ${shown(value)}`);
    return value;
  }

  flag(name: string, value: unknown): boolean {
    if (typeof value !== 'boolean') this.refuse(`${name} takes true or false, not ${shown(value)}`);
    return value;
  }

  wholeNumber(name: string, value: unknown, min: number, max: number): number {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      this.refuse(`${name} takes a whole number from ${min} to ${max}, not ${shown(value)}`);
    }
    return value as number;
  }
}

const SHOWN_LENGTH_MAX = 100;

/** A value in an error. */
export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return `a ${value.constructor?.name ?? 'object'}`;
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}
