/** Where the filters of rules part. */
interface Node {
  /** By level. */
  children: Map<string, Node> | null;
  plus: Node | null;
  /** Rules with a filter that ends here. */
  ends: number[] | null;
  /** Rules with a filter that ends with # here. */
  hashes: number[] | null;
}

/**
 * The topic filters of rules, as a tree of levels: to find those that cover a filter, only the branches that can are
 * visited, and each once, however many rules there are and however deep the filter is.
 */
export class FilterSet {
  readonly #root: Node;

  constructor() {
    this.#root = createNode();
  }

  /** @param rule - its number */
  add(filter: string, rule: number): void {
    let node = this.#root;
    for (const level of filter.split('/')) {
      if (level === '#') {
        node.hashes ??= [];
        node.hashes.push(rule);
        return;
      }
      node = childOf(node, level);
    }
    node.ends ??= [];
    node.ends.push(rule);
  }

  /**
   * Whether every topic that a filter matches is matched by one filter of the set; a topic name matches itself.
   *
   * @param applies - by number of the rule: those with 0 are passed over
   */
  covers(filter: string, applies: Uint8Array): boolean {
    const root = this.#root;
    const levels = filter.split('/');
    // Wildcards at the beginning don't match topics that begin with $ [MQTT-4.7.2-1].
    const isHidden = filter.startsWith('$');
    const nodes: Node[] = [root];
    const depths: number[] = [0];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const depth = depths.pop() as number;
      const hasWildcards = node !== root || !isHidden;
      // "a/#" matches "a", too (§4.7.1.2).
      if (hasWildcards && isAny(node.hashes, applies)) return true;
      if (depth === levels.length) {
        if (isAny(node.ends, applies)) return true;
        continue;
      }
      const wanted = levels[depth] as string;
      if (wanted === '#') continue;
      const child = wanted === '+' ? undefined : node.children?.get(wanted);
      if (child !== undefined) push(nodes, depths, child, depth + 1);
      if (hasWildcards && node.plus !== null) push(nodes, depths, node.plus, depth + 1);
    }
    return false;
  }
}

function push(nodes: Node[], depths: number[], node: Node, depth: number): void {
  nodes.push(node);
  depths.push(depth);
}

function isAny(rules: readonly number[] | null, applies: Uint8Array): boolean {
  if (rules === null) return false;
  for (const rule of rules) if (applies[rule] === 1) return true;
  return false;
}

function childOf(node: Node, level: string): Node {
  if (level === '+') {
    node.plus ??= createNode();
    return node.plus;
  }
  node.children ??= new Map();
  let child = node.children.get(level);
  if (child === undefined) {
    child = createNode();
    node.children.set(level, child);
  }
  return child;
}

function createNode(): Node {
  return { children: null, plus: null, ends: null, hashes: null };
}
