import type { TopicNode } from '../../model/topic-tree.ts';

/** A line of the tree. */
export interface TreeRow {
  readonly node: TopicNode;
  readonly depth: number;
  /** What stands for it: its level, several of them where there is nothing between, or the whole topic. */
  readonly label: string;
  /** Null where it can't be opened. */
  readonly isOpen: boolean | null;
}

export type Order = 'name' | 'rate';

export interface RowOptions {
  /** By topic, what somebody has opened or closed. */
  readonly open: ReadonlyMap<string, boolean>;
  /** Only topics that contain it, without the tree; all where it is empty. */
  readonly search: string;
  readonly order: Order;
}

/** Lines that a page shows: more make it slow. */
const ROWS_MAX = 400;

/** With no more topics than this, all are shown from the start. */
const OPEN_TOPICS_MAX = 40;

/** The lines that are to be seen, and how many more there would be. */
export function rowsOf(
  root: TopicNode,
  { open, search, order }: RowOptions,
): { readonly rows: readonly TreeRow[]; readonly moreCount: number } {
  const rows: TreeRow[] = [];
  let moreCount = 0;
  const add = (row: TreeRow) => {
    if (rows.length < ROWS_MAX) rows.push(row);
    else moreCount++;
  };
  if (search !== '') {
    const found = leavesOf(root).filter(({ topic }) => topic.includes(search));
    for (const node of found.sort(by(order))) {
      add({ node, depth: 0, label: node.topic, isOpen: null });
    }
    return { rows, moreCount };
  }
  const isSmall = root.topics <= OPEN_TOPICS_MAX;
  const walk = (parent: TopicNode, depth: number) => {
    for (const child of [...parent.children.values()].sort(by(order))) {
      const { node, label } = joined(child);
      const isLeaf = node.children.size === 0 && node.more === null;
      const isOpen = isLeaf ? null : (open.get(node.topic) ?? (isSmall && node.more === null));
      add({ node, depth, label, isOpen });
      if (isOpen === true) walk(node, depth + 1);
    }
  };
  walk(root, 0);
  return { rows, moreCount };
}

/** Levels that have nothing but one level below them stand in one line: `a/b/c`. */
function joined(first: TopicNode): { node: TopicNode; label: string } {
  let node = first;
  let label = first.name;
  while (node.children.size === 1 && !node.isTopic && node.more === null) {
    const [only] = node.children.values() as IterableIterator<TopicNode>;
    if (only === undefined) break;
    node = only;
    label = `${label}/${only.name}`;
  }
  return { node, label };
}

function by(order: Order): (a: TopicNode, b: TopicNode) => number {
  const byName = (a: TopicNode, b: TopicNode) => (a.topic < b.topic ? -1 : 1);
  return order === 'name' ? byName : (a, b) => b.rate - a.rate || b.count - a.count || byName(a, b);
}

function leavesOf(node: TopicNode): TopicNode[] {
  const found: TopicNode[] = [];
  const visit = (each: TopicNode) => {
    if (each.isTopic) found.push(each);
    for (const child of each.children.values()) visit(child);
  };
  visit(node);
  return found;
}
