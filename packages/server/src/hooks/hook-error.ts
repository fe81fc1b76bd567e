import { inspect } from 'node:util';
import type { HookName } from './hooks.ts';

/** Of what a hook returned, so much is shown. */
const SHOWN_LENGTH_MAX = 200;

/** How a hook failed: it threw or was rejected, answered with what it may not, or took longer than `hooks.timeout`. */
export const HOOK_FAILURES = ['threw', 'invalid-answer', 'timeout'] as const;
export type HookFailure = (typeof HOOK_FAILURES)[number];

/** A hook of the program failed; what it was asked for is refused. */
export class HookError extends Error {
  override readonly name = 'HookError';
  readonly hook: HookName;
  readonly failure: HookFailure;
  /** Whom it was asked for. */
  readonly clientId: string;

  /** @param cause - what it threw */
  constructor(
    hook: HookName,
    failure: HookFailure,
    clientId: string,
    message: string,
    cause?: unknown,
  ) {
    super(`hook ${hook} ${message}`, cause === undefined ? undefined : { cause });
    this.hook = hook;
    this.failure = failure;
    this.clientId = clientId;
  }
}

/** A hook has answered with what it may not; the message says with what, and what it may. */
export class InvalidAnswer extends Error {}

/** What kind of value a hook returned, for people, with the names of its fields: what is in them may be a password or a payload. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value !== 'object' || value === null || value instanceof Date) return inShort(value);
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an object without fields' : cut(`{ ${keys.join(', ')} }`);
}

/** The same with what is in it: for what has no secrets. */
export function inShort(value: unknown): string {
  return cut(inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY }));
}

function cut(text: string): string {
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}

/** What a hook threw, which may be anything, also what can't be made text. */
export function thrownText(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'something that is no text';
  }
}
