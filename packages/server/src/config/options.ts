import { configSchema } from './schema.ts';
import { leavesOf, type SchemaLeaf, type SchemaPart } from './values/parts.ts';

/** One option of the schema, under all its names. */
export interface ConfigOption extends SchemaLeaf {
  /** As on the command line, without dashes, such as `wal-sync-mode`. */
  readonly flag: string;
  /** Other flags that mean the same: with all sections in the name, or with fewer. */
  readonly otherFlags: readonly string[];
  /** The environment variable, such as `PROMPTMQ_STORAGE_WAL_SYNC_MODE`. */
  readonly variable: string;
}

/** Their flags go without the section, and before those of other sections that would be the same. */
const SECTIONS_WITHOUT_PREFIX: readonly string[] = ['server', 'mqtt', 'storage'];

/** Every option, in the order of the schema. */
export const configOptions: readonly ConfigOption[] = withFlags(
  leavesOf(configSchema as unknown as SchemaPart),
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

/** The section of an option, such as `storage.wal`; an option outside of all is one of its own. */
export function sectionOf({ key }: ConfigOption): string {
  return key.includes('.') ? key.slice(0, key.lastIndexOf('.')) : key;
}

/** The key without its section where that is unique, with it otherwise; the other form works, too. */
function withFlags(leaves: readonly SchemaLeaf[]): ConfigOption[] {
  const taken = new Set<string>();
  const long = (leaf: SchemaLeaf) => leaf.key.replaceAll('.', '-');
  const short = (leaf: SchemaLeaf) => leaf.key.split('.').slice(1).join('-') || leaf.key;
  const counts = new Map<string, number>();
  for (const leaf of leaves) {
    counts.set(short(leaf), (counts.get(short(leaf)) ?? 0) + 1);
    taken.add(long(leaf));
  }
  return leaves.map((value) => {
    const variable = `promptmq.${value.key}`.replace(/[.-]/g, '_').toUpperCase();
    const leaf = { ...value, variable };
    const isBare = SECTIONS_WITHOUT_PREFIX.includes(leaf.path[0] as string);
    const isFree =
      counts.get(short(leaf)) === 1 || leaf.path[0] === 'server' || leaf.path[0] === 'mqtt';
    if (!isFree || taken.has(short(leaf))) return { ...leaf, flag: long(leaf), otherFlags: [] };
    return isBare
      ? { ...leaf, flag: short(leaf), otherFlags: [long(leaf)] }
      : { ...leaf, flag: long(leaf), otherFlags: [short(leaf)] };
  });
}
