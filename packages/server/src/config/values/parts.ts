import { toCamelCase, toKebabCase } from '../names.ts';
import { type ValueKind, valueKinds } from './units.ts';

/*
 * The schema as data: which values it has, of which kinds, under which names. Options come from it, and whatever looks at the
 * values of a list of sections.
 */

/** What the schema's parts tell about themselves; not all of it is in zod's public types. */
export interface SchemaPart {
  readonly description?: string;
  readonly shape?: Record<string, SchemaPart>;
  readonly def: {
    readonly innerType?: SchemaPart;
    readonly in?: SchemaPart;
    readonly out?: SchemaPart;
    readonly defaultValue?: unknown;
  };
  meta(): { readonly secret?: boolean; readonly restart?: boolean } | undefined;
}

/** One value of the schema. */
export interface SchemaLeaf {
  /** As in `Config`, such as `['storage', 'wal', 'syncMode']`. */
  readonly path: readonly string[];
  /** As in a file, such as `storage.wal.sync-mode`. */
  readonly key: string;
  readonly description: string;
  /** As people write it; empty where there is none. */
  readonly defaultText: string;
  readonly kind: ValueKind;
  /** Whether its value is never shown. */
  readonly isSecret: boolean;
  /** Whether a change takes effect only when the broker is started again. */
  readonly needsRestart: boolean;
}

/** The values of a part, in its order. */
export function leavesOf(part: SchemaPart, path: readonly string[] = []): SchemaLeaf[] {
  const shape = shapeOf(part);
  if (shape !== undefined) {
    return Object.entries(shape).flatMap(([name, child]) => leavesOf(child, [...path, name]));
  }
  const meta = part.meta() ?? {};
  return [
    {
      path,
      key: path.map(toKebabCase).join('.'),
      description: part.description ?? '',
      defaultText: toDefaultText(part),
      kind: kindOf(part),
      isSecret: meta.secret ?? false,
      needsRestart: meta.restart ?? false,
    },
  ];
}

/** The names of the sections and values of a part; undefined when it is a value itself. */
function shapeOf(part: SchemaPart): SchemaPart['shape'] {
  if (part.shape !== undefined) return part.shape;
  // A value that is made of a section is a value: what it begins with has a kind.
  if (valueKinds.has(part as never)) return undefined;
  const inner = part.def.innerType ?? part.def.in;
  return inner === undefined ? undefined : shapeOf(inner);
}

function toDefaultText(part: SchemaPart): string {
  const value = part.def.defaultValue;
  if (value === null || value === Number.POSITIVE_INFINITY) return 'none';
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'object')
    return Object.keys(value).length === 0 ? '' : JSON.stringify(value);
  return value === undefined ? '' : String(value);
}

/** Transformed values are pipes: the kind is with what they begin with. */
function kindOf(part: SchemaPart): ValueKind {
  const kind = valueKinds.get(part as never);
  if (kind !== undefined) return kind;
  const inner = part.def.innerType ?? part.def.in;
  if (inner === undefined) throw new Error('a value of the schema has no kind');
  return kindOf(inner);
}

/**
 * What somebody has written for a part, with its names in camelCase, or in another spelling, and
 * each value that is known as another says. What the schema doesn't know stays as it is, to be refused.
 */
export function mapValues(
  part: SchemaPart,
  value: unknown,
  change: (value: unknown, leaf: Pick<SchemaLeaf, 'kind' | 'isSecret'>) => unknown,
  spelling: (name: string) => string = toCamelCase,
): unknown {
  const shape = shapeOf(part);
  if (shape === undefined) {
    return change(value, { kind: kindOf(part), isSecret: part.meta()?.secret ?? false });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([written, inner]) => {
      const name = toCamelCase(written);
      const child = Object.hasOwn(shape, name) ? shape[name] : undefined;
      if (child === undefined) return [written, inner];
      return [spelling(name), mapValues(child, inner, change, spelling)];
    }),
  );
}
