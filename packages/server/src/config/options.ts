import { toKebabCase } from './names.ts';
import { configSchema } from './schema.ts';
import { type ValueKind, valueKinds } from './units.ts';

/** One option of the schema, under all its names. */
export interface ConfigOption {
  /** As in `Config`, such as `['storage', 'wal', 'syncMode']`. */
  readonly path: readonly string[];
  /** As in a file, such as `storage.wal.sync-mode`. */
  readonly key: string;
  /** As on the command line, without dashes, such as `wal-sync-mode`. */
  readonly flag: string;
  /** Other flags that mean the same: with all sections in the name, or with fewer. */
  readonly otherFlags: readonly string[];
  /** The environment variable, such as `PROMPTMQ_STORAGE_WAL_SYNC_MODE`. */
  readonly variable: string;
  readonly description: string;
  /** As people write it. */
  readonly defaultText: string;
  readonly kind: ValueKind;
  /** Whether its value is never shown. */
  readonly isSecret: boolean;
  /** Whether a change takes effect only when the broker is started again. */
  readonly needsRestart: boolean;
}

/** Their flags go without the section, and before those of other sections that would be the same. */
const SECTIONS_WITHOUT_PREFIX: readonly string[] = ['server', 'mqtt', 'storage'];

/** What the schema's parts tell about themselves; not all of it is in zod's public types. */
interface SchemaPart {
  readonly description?: string;
  readonly shape?: Record<string, SchemaPart>;
  readonly def: {
    readonly innerType?: SchemaPart;
    readonly in?: SchemaPart;
    readonly defaultValue?: unknown;
  };
  meta(): { readonly secret?: boolean; readonly restart?: boolean } | undefined;
}

type Leaf = Omit<ConfigOption, 'flag' | 'otherFlags'>;

/** Every option, in the order of the schema. */
export const configOptions: readonly ConfigOption[] = withFlags(
  leavesOf(configSchema as unknown as SchemaPart, []),
);

/** The keys of all sections, such as `storage` and `storage.wal`. */
export const configSections: readonly string[] = [
  ...new Set(
    configOptions.flatMap(({ key }) => {
      const names = key.split('.').slice(0, -1);
      return names.map((_, index) => names.slice(0, index + 1).join('.'));
    }),
  ),
];

/** The section of an option, such as `storage.wal`. */
export function sectionOf({ key }: ConfigOption): string {
  return key.slice(0, key.lastIndexOf('.'));
}

function leavesOf(part: SchemaPart, path: readonly string[]): Leaf[] {
  const inner = part.def.innerType ?? part;
  if (inner.shape !== undefined) {
    return Object.entries(inner.shape).flatMap(([name, child]) => leavesOf(child, [...path, name]));
  }
  const names = path.map(toKebabCase);
  const meta = part.meta() ?? {};
  return [
    {
      path,
      key: names.join('.'),
      variable: ['promptmq', ...names].join('_').replaceAll('-', '_').toUpperCase(),
      description: part.description ?? '',
      defaultText: toDefaultText(part.def.defaultValue),
      kind: kindOf(inner),
      isSecret: meta.secret ?? false,
      needsRestart: meta.restart ?? false,
    },
  ];
}

function toDefaultText(value: unknown): string {
  if (value === null || value === Number.POSITIVE_INFINITY) return 'none';
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** Transformed values are pipes: the kind is with what they begin with. */
function kindOf(schema: SchemaPart): ValueKind {
  const kind = valueKinds.get(schema as never);
  if (kind !== undefined) return kind;
  if (schema.def.in === undefined) throw new Error('a value of the schema has no kind');
  return kindOf(schema.def.in);
}

/** The key without its section where that is unique, with it otherwise; the other form works, too. */
function withFlags(leaves: readonly Leaf[]): ConfigOption[] {
  const taken = new Set<string>();
  const long = (leaf: Leaf) => leaf.key.replaceAll('.', '-');
  const short = (leaf: Leaf) => leaf.key.split('.').slice(1).join('-');
  const counts = new Map<string, number>();
  for (const leaf of leaves) {
    counts.set(short(leaf), (counts.get(short(leaf)) ?? 0) + 1);
    taken.add(long(leaf));
  }
  return leaves.map((leaf) => {
    const isBare = SECTIONS_WITHOUT_PREFIX.includes(leaf.path[0] as string);
    const isFree =
      counts.get(short(leaf)) === 1 || leaf.path[0] === 'server' || leaf.path[0] === 'mqtt';
    if (!isFree || taken.has(short(leaf))) return { ...leaf, flag: long(leaf), otherFlags: [] };
    return isBare
      ? { ...leaf, flag: short(leaf), otherFlags: [long(leaf)] }
      : { ...leaf, flag: long(leaf), otherFlags: [short(leaf)] };
  });
}
