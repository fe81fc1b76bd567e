import type { Decision } from './acl-rule.ts';

/** A rule as it stands at a filter. */
export interface FilterRule {
  /** The lowest decides: twice the negative rank, and 1 more for a rule that allows. */
  readonly order: number;
  /** Bit `qos << 1 | retain` for each PUBLISH or SUBSCRIBE that it is for. */
  readonly conditions: number;
  readonly decision: Decision;
}

/** Every QoS, retained or not. */
export const ANY_CONDITION = 0b111111;

/** Where the filters of rules part. */
interface Node {
  /** By level. */
  children: Map<string, Node> | null;
  plus: Node | null;
  /** Rules with a filter that ends here, the ones that decide first. */
  ends: FilterRule[] | null;
  /** Rules with a filter that ends with # here. */
  hashes: FilterRule[] | null;
  /** The lowest order of a rule here or below that denies. */
  firstDenial: number;
}

/** At most this many nodes are visited to find out whether filters overlap; beyond, it is said that they do. */
const OVERLAP_NODES_MAX = 1000;

/**
 * The topic filters of rules, as a tree of levels: to find those that cover a filter, only the branches that can are
 * visited, and each once, however many rules there are and however deep the filter is.
 */
export class FilterSet {
  readonly #root: Node;
  /** Filters that begin with $: no wildcard at the beginning of a filter matches them [MQTT-4.7.2-1]. */
  readonly #hidden: Node;
  /** Filters that are meant as they stand. */
  #literals: Map<string, FilterRule[]> | null;
  /** Nodes that were visited since whoever counts them has set it to 0. */
  visitedNodes: number;

  constructor() {
    this.#root = createNode();
    this.#hidden = createNode();
    this.#literals = null;
    this.visitedNodes = 0;
  }

  add(filter: string, rule: FilterRule): void {
    let node = this.#rootOf(filter);
    const denial = rule.decision.isAllowed ? Number.POSITIVE_INFINITY : rule.order;
    node.firstDenial = Math.min(node.firstDenial, denial);
    for (const level of filter.split('/')) {
      if (level === '#') {
        node.hashes = inserted(node.hashes, rule);
        return;
      }
      node = childOf(node, level);
      node.firstDenial = Math.min(node.firstDenial, denial);
    }
    node.ends = inserted(node.ends, rule);
  }

  /** As `add`, for every topic and filter. */
  addAll(rule: FilterRule): void {
    for (const node of [this.#root, this.#hidden]) {
      node.hashes = inserted(node.hashes, rule);
      if (!rule.decision.isAllowed) node.firstDenial = Math.min(node.firstDenial, rule.order);
    }
  }

  /** As `add`, for this very filter only. It doesn't count for `isDeniedWithin`. */
  addLiteral(filter: string, rule: FilterRule): void {
    this.#literals ??= new Map();
    this.#literals.set(filter, inserted(this.#literals.get(filter) ?? null, rule));
  }

  /**
   * Of the rules with a filter that matches every topic which this one matches, the one that decides; a topic name matches
   * itself.
   *
   * @param condition - one bit of `FilterRule.conditions`
   */
  find(filter: string, condition: number): FilterRule | null {
    const literals = this.#literals?.get(filter);
    let best = literals === undefined ? null : better(null, literals, condition);
    const levels = filter.split('/');
    const nodes: Node[] = [this.#rootOf(filter)];
    const depths: number[] = [0];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const depth = depths.pop() as number;
      this.visitedNodes++;
      // "a/#" matches "a", too (§4.7.1.2).
      if (node.hashes !== null) best = better(best, node.hashes, condition);
      if (depth === levels.length) {
        if (node.ends !== null) best = better(best, node.ends, condition);
        continue;
      }
      const wanted = levels[depth] as string;
      if (wanted === '#') continue;
      if (wanted !== '+') pushIfThere(nodes, depths, node.children?.get(wanted), depth + 1);
      pushIfThere(nodes, depths, node.plus, depth + 1);
    }
    return best;
  }

  /** Whether any rule denies. */
  get hasDenials(): boolean {
    return this.#root.firstDenial < Infinity || this.#hidden.firstDenial < Infinity;
  }

  /**
   * Whether a filter that is allowed may match topics that are denied: by a rule that decides before the one which allows it.
   * Where that would take long to find out, it says yes.
   *
   * @param order - of the rule that allows the filter
   */
  isDeniedWithin(filter: string, order: number): boolean {
    const levels = filter.split('/');
    const nodes: Node[] = [this.#rootOf(filter)];
    const depths: number[] = [0];
    let visited = 0;
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const depth = depths.pop() as number;
      if (node.firstDenial >= order) continue;
      if (++visited > OVERLAP_NODES_MAX || isDenied(node.hashes, order)) return true;
      if (depth === levels.length) {
        if (isDenied(node.ends, order)) return true;
        continue;
      }
      const wanted = levels[depth] as string;
      // Whatever is below, and "a" of "a/#".
      if (wanted === '#') return true;
      if (wanted === '+') {
        for (const child of node.children?.values() ?? []) push(nodes, depths, child, depth + 1);
      } else {
        pushIfThere(nodes, depths, node.children?.get(wanted), depth + 1);
      }
      pushIfThere(nodes, depths, node.plus, depth + 1);
    }
    return false;
  }

  #rootOf(filter: string): Node {
    return filter.startsWith('$') ? this.#hidden : this.#root;
  }
}

function push(nodes: Node[], depths: number[], node: Node, depth: number): void {
  nodes.push(node);
  depths.push(depth);
}

function pushIfThere(
  nodes: Node[],
  depths: number[],
  node: Node | null | undefined,
  depth: number,
): void {
  if (node !== null && node !== undefined) push(nodes, depths, node, depth);
}

function better(
  best: FilterRule | null,
  rules: readonly FilterRule[],
  condition: number,
): FilterRule | null {
  for (const rule of rules) {
    if (best !== null && best.order <= rule.order) return best;
    if ((rule.conditions & condition) !== 0) return rule;
  }
  return best;
}

function isDenied(rules: readonly FilterRule[] | null, order: number): boolean {
  if (rules === null) return false;
  return rules.some((rule) => rule.order < order && !rule.decision.isAllowed);
}

/** With the rule where it belongs by its order; mostly that is the end. */
function inserted(rules: FilterRule[] | null, rule: FilterRule): FilterRule[] {
  if (rules === null) return [rule];
  let index = rules.length;
  while (index > 0 && (rules[index - 1] as FilterRule).order > rule.order) index--;
  rules.splice(index, 0, rule);
  return rules;
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
  return {
    children: null,
    plus: null,
    ends: null,
    hashes: null,
    firstDenial: Number.POSITIVE_INFINITY,
  };
}
