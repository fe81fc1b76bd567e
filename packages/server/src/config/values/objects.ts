import { z } from 'zod';
import { toKebabCase } from '../names.ts';
import { mapValues, type SchemaLeaf, type SchemaPart } from './parts.ts';
import { allowedText, isNone, type ValueKind, valueKinds } from './units.ts';

/**
 * Sections in a list, such as listeners: YAML in a file, JSON on the command line and in the environment.
 *
 * @param item - what one of them is, in words, such as "a listener with kind and bind"
 * @param part - the schema of one of them, with camelCase keys; files have them in kebab-case
 * @param words - what of one may be written as a word alone, with what that stands for
 */
export function objects<Part extends z.ZodType, Word extends string = never>(
  lengthMax: number,
  item: string,
  part: Part,
  words: Readonly<Record<Word, unknown>> = {} as Readonly<Record<Word, unknown>>,
) {
  const kind: ValueKind = { kind: 'objects', lengthMax, item, part, words };
  return z
    .custom<readonly (z.input<Part> | Word)[] | string | null | false>(() => true)
    .transform((value, context): readonly z.output<Part>[] => {
      const items = itemsOf(value);
      if (items === null || items.length > lengthMax) {
        context.addIssue(allowedText(kind));
        return z.NEVER;
      }
      return items.map((written, index) => {
        const result = part.safeParse(
          mapValues(part as unknown as SchemaPart, withoutWords(written, words), (inner) => inner),
        );
        for (const issue of result.error?.issues ?? []) {
          context.addIssue({ ...issue, path: [index, ...issue.path] } as never);
        }
        return result.data as z.output<Part>;
      });
    })
    .register(valueKinds, kind);
}

/** `custom`, and `custom:` with nothing after it, are `custom: true`, say. */
function withoutWords(written: unknown, words: Readonly<Record<string, unknown>>): unknown {
  if (typeof written === 'string' && Object.hasOwn(words, written)) {
    return { [written]: words[written] };
  }
  if (typeof written !== 'object' || written === null) return written;
  const [first, ...others] = Object.entries(written);
  if (first === undefined || others.length > 0) return written;
  const [name, value] = first;
  const isEmpty = (value === null || value === true) && Object.hasOwn(words, name);
  return isEmpty ? { [name]: words[name] } : written;
}

/** What a file, a flag or a variable says, as a list; null when it is none. */
function itemsOf(value: unknown): readonly unknown[] | null {
  if (isNone(value)) return [];
  if (typeof value !== 'string') return Array.isArray(value) ? value : null;
  try {
    const parsed = JSON.parse(value) as unknown;
    return Array.isArray(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** What was written for a list of sections, with each value as another says. */
export function mapItems(
  { part }: ValueKind & { kind: 'objects' },
  value: unknown,
  change: (value: unknown, leaf: Pick<SchemaLeaf, 'kind' | 'isSecret'>) => unknown,
): unknown {
  const items = itemsOf(value);
  if (items === null) return value;
  return items.map((item) => mapValues(part as SchemaPart, item, change));
}

/** The same with names as in files. */
export function inKebabCase(kind: ValueKind & { kind: 'objects' }, value: unknown): unknown {
  const items = itemsOf(value);
  if (items === null) return value;
  const { part } = kind;
  return items.map((item) =>
    mapValues(
      part as SchemaPart,
      item,
      (inner, leaf) => (leaf.kind.kind === 'objects' ? inKebabCase(leaf.kind, inner) : inner),
      toKebabCase,
    ),
  );
}
