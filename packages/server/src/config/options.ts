import { configSchema } from './schema.ts';

/** One option of the schema, under all its names. */
export interface ConfigOption {
  readonly section: string;
  /** As in `Config`, such as `maxQos`. */
  readonly name: string;
  /** As in a file, such as `mqtt.max-qos`. */
  readonly key: string;
  /** As on the command line, without dashes. */
  readonly flag: string;
  readonly description: string;
  /** As people write it. */
  readonly defaultText: string;
  /** Where only certain words are allowed. */
  readonly choices: readonly string[] | null;
}

/** Their flags go without the section: their keys are unique, and stay so. */
const SECTIONS_WITHOUT_PREFIX: readonly string[] = ['server', 'mqtt'];

/** What the schema's parts tell about themselves; not all of it is in zod's public types. */
interface SchemaPart {
  readonly description?: string;
  readonly shape: Record<string, SchemaPart>;
  readonly options?: readonly unknown[];
  readonly def: {
    readonly innerType?: SchemaPart;
    readonly defaultValue?: unknown;
  };
}

/** Every option, in the order of the schema. */
export const configOptions: readonly ConfigOption[] = Object.entries(
  (configSchema as unknown as SchemaPart).shape,
).flatMap(([section, part]) =>
  Object.entries((part.def.innerType as SchemaPart).shape).map(([name, option]) => ({
    section,
    name,
    key: `${toKebabCase(section)}.${toKebabCase(name)}`,
    flag: SECTIONS_WITHOUT_PREFIX.includes(section)
      ? toKebabCase(name)
      : `${toKebabCase(section)}-${toKebabCase(name)}`,
    description: option.description ?? '',
    defaultText: String(option.def.defaultValue),
    choices: (option.def.innerType?.options as readonly string[] | undefined)?.every(
      (choice) => typeof choice === 'string',
    )
      ? (option.def.innerType?.options as readonly string[])
      : null,
  })),
);

/** `maxQos` to `max-qos`. */
export function toKebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `max-qos` to `maxQos`. */
export function toCamelCase(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The name that is the fewest changes away from a wrong one; null when none is near. */
export function nearest(wrong: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(wrong.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(wrong, name);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const substitution = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
