/** Of each part of a node's configuration that nodes have to agree on, by its key, a hash that only they can compare. */
export type Settings = Readonly<Record<string, string>>;

/** The hash of the secret that all other hashes are made with. */
export const SECRET_KEY = 'cluster.secret';

/**
 * The keys in which two nodes disagree, in their order. One that only one of them has is of another version, and is not compared; without the same
 * secret no hash can be, and only that is named.
 */
export function disagreements(one: Settings, other: Settings): string[] {
  const keys = Object.keys(one).filter((key) => {
    const theirs = other[key];
    return theirs !== undefined && theirs !== one[key];
  });
  return keys.includes(SECRET_KEY) ? [SECRET_KEY] : keys.sort();
}

/**
 * Of nodes, the keys in which each has something else than most have; where as many have one value as another, than that which the first of them has.
 *
 * @param nodes - by name, in their order
 */
export function deviations(
  nodes: ReadonlyMap<string, Settings>,
): ReadonlyMap<string, readonly string[]> {
  const keys = new Set([...nodes.values()].flatMap((settings) => Object.keys(settings)));
  const common: Record<string, string> = {};
  for (const key of keys) {
    const counts = new Map<string, number>();
    for (const settings of nodes.values()) {
      const value = settings[key];
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const most = [...counts.values()].reduce((one, other) => Math.max(one, other), 0);
    for (const [value, count] of counts) {
      if (count === most && common[key] === undefined) common[key] = value;
    }
  }
  return new Map([...nodes].map(([node, settings]) => [node, disagreements(settings, common)]));
}
