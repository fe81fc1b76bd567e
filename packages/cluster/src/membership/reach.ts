/**
 * Which nodes stay together when links between some of them are broken though all of them have the engine: whoever lacks most is left out,
 * and of those the one whose name is last, until all that are left reach each other. All nodes that know the same come to the same result.
 *
 * @param reaches - by node: the nodes that it reaches, null when it doesn't know, and then it reaches all
 * @returns the nodes that stay
 */
export function reachingSet(
  reaches: ReadonlyMap<string, readonly string[] | null>,
): ReadonlySet<string> {
  const staying = new Set(reaches.keys());
  const reach = (from: string, to: string) => reaches.get(from)?.includes(to) ?? true;
  for (;;) {
    let out: string | null = null;
    let most = 0;
    for (const node of [...staying].sort()) {
      let missing = 0;
      for (const other of staying) {
        if (other !== node && !(reach(node, other) && reach(other, node))) missing++;
      }
      if (missing === 0 || missing < most) continue;
      most = missing;
      out = node;
    }
    if (out === null) return staying;
    staying.delete(out);
  }
}
