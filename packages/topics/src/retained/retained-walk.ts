import { invariant } from '../invariant.ts';
import type { LevelNode, LevelTree, LevelTreeObserver } from '../levels/level-tree.ts';
import { isHashAt, isPlusAt, levelEnd, matchFilterLevels } from '../levels/levels.ts';
import { isHiddenFromWildcards, matchesFilter } from '../topic-filter.ts';
import type { HistoryReader, RetainedHistory } from './retained-history.ts';
import type { RetainedMessage } from './retained-message.ts';

/**
 * Looks for the retained messages that match a filter, as they are when it begins, in any number of steps: the tree may
 * change in between. A topic whose message is replaced meanwhile is found with the former one, once; one whose
 * message is removed meanwhile isn't found unless it has been already, and one that is new isn't.
 *
 * Invariant: what is still to be visited is on the stack, and below it; each entry begins where the levels that have
 * been matched end. A change of the tree that moves that point changes the entries. One that has left the tree is empty.
 */
export class RetainedWalk<M extends RetainedMessage>
  implements LevelTreeObserver<M>, HistoryReader
{
  readonly topicFilter: string;
  /** When it began; the history's. */
  version: number;
  readonly #tree: LevelTree<M>;
  /** A stack in columns: nodes that are to be visited, and nodes whose map of children is being visited. */
  readonly #nodes: LevelNode<M>[];
  /** The children that are left; null for a node that is to be visited itself. */
  readonly #children: (Iterator<LevelNode<M>> | null)[];
  /** Where in the filter the levels of the node, or of its children, start. */
  readonly #offsets: number[];
  /** How much of the node's path lies before that, since the node was joined with the one above it. */
  readonly #skips: number[];
  /** What has changed since it began. */
  readonly #history: RetainedHistory<M>;
  /** Whether a node has been visited, so that changes of the tree matter. */
  hasStarted: boolean;
  /** Messages that had been removed, and are back. */
  #owed: M[];

  /** @param topicFilter - valid, and not shared */
  constructor(tree: LevelTree<M>, history: RetainedHistory<M>, topicFilter: string) {
    this.topicFilter = topicFilter;
    this.version = 0;
    this.#tree = tree;
    this.#nodes = [];
    this.#children = [];
    this.#offsets = [];
    this.#skips = [];
    this.#history = history;
    this.hasStarted = false;
    this.#owed = [];
  }

  get isDone(): boolean {
    return this.hasStarted && this.#nodes.length === 0 && this.#owed.length === 0;
  }

  /**
   * Continues.
   *
   * @param found - gets the messages that are found, expired ones too
   * @param nodesMax - how many nodes of the tree to visit; about two for each message that there is at most
   * @returns how many were visited: fewer only when it is done
   */
  step(found: M[], nodesMax: number): number {
    const nodes = this.#nodes;
    if (!this.hasStarted) {
      this.hasStarted = true;
      this.#pushChildren(this.#tree.root, 0);
    }
    for (const message of this.#owed.splice(0)) found.push(message);
    let left = nodesMax;
    while (left > 0 && nodes.length > 0) {
      const top = nodes.length - 1;
      const children = this.#children[top] as Iterator<LevelNode<M>> | null;
      if (children === null) {
        const node = nodes[top] as LevelNode<M>;
        const offset = this.#offsets[top] as number;
        const skip = this.#skips[top] as number;
        this.#pop();
        this.#visit(node, offset, skip, found);
        left--;
      } else {
        left -= this.#visitChildren(top, children, left, found);
      }
    }
    return nodesMax - left;
  }

  /** Visits children up to one that has children itself. */
  #visitChildren(
    top: number,
    children: Iterator<LevelNode<M>>,
    nodesMax: number,
    found: M[],
  ): number {
    const offset = this.#offsets[top] as number;
    const hidesDollar = this.#hidesDollar(this.#nodes[top] as LevelNode<M>, offset);
    for (let visited = 0; visited < nodesMax; ) {
      const { value: child, done } = children.next();
      if (done === true) {
        this.#pop();
        return visited;
      }
      visited++;
      if (hidesDollar && isHiddenFromWildcards(child.path)) continue;
      this.#visit(child, offset, 0, found);
      if (this.#nodes.length > top + 1) return visited;
    }
    return nodesMax;
  }

  #visit(node: LevelNode<M>, offset: number, skip: number, found: M[]): void {
    const filter = this.topicFilter;
    const path = skip === 0 ? node.path : node.path.substring(skip);
    const next = matchFilterLevels(filter, offset, path);
    if (next === -1) return;
    const isWhole = next > filter.length || isHashAt(filter, next);
    if (isWhole && node.value !== null) this.#add(node.value, found);
    if (next <= filter.length && node.literals !== null) this.#pushChildren(node, next);
  }

  #add(message: M, found: M[]): void {
    const former = this.#history.isEmpty ? message : this.#history.formerOf(this, message);
    if (former !== null) found.push(former);
  }

  /** Has those children visited that the filter's level at `offset` may match. */
  #pushChildren(node: LevelNode<M>, offset: number): void {
    const { literals } = node;
    if (literals instanceof Map) {
      if (this.#isWildcardAt(offset)) {
        this.#push(node, literals.values(), offset);
        return;
      }
      const filter = this.topicFilter;
      const child = literals.get(filter.substring(offset, levelEnd(filter, offset)));
      if (child !== undefined) this.#push(child, null, offset);
      return;
    }
    const hidesDollar = this.#hidesDollar(node, offset);
    // All at once: a chain is short, and what follows a node in it may change.
    for (let child = literals; child !== null; child = child.next) {
      if (hidesDollar && isHiddenFromWildcards(child.path)) continue;
      this.#push(child, null, offset);
    }
  }

  #isWildcardAt(offset: number): boolean {
    return isPlusAt(this.topicFilter, offset) || isHashAt(this.topicFilter, offset);
  }

  #hidesDollar(parent: LevelNode<M>, offset: number): boolean {
    return parent === this.#tree.root && this.#isWildcardAt(offset); // [MQTT-4.7.2-1]
  }

  #push(node: LevelNode<M>, children: Iterator<LevelNode<M>> | null, offset: number): void {
    this.#nodes.push(node);
    this.#children.push(children);
    this.#offsets.push(offset);
    this.#skips.push(0);
  }

  #pop(): void {
    this.#nodes.pop();
    this.#children.pop();
    this.#offsets.pop();
    this.#skips.pop();
  }

  // ------------------------------------------------------------- changes in between

  /**
   * A message that was removed is back, as if nothing had happened: it is owed. It may be found twice, as nobody knows
   * whether the walk has been where it is.
   */
  onTakenBack(message: M): void {
    const wasRemoved = this.#history.isRemovedSince(this, message.topic);
    if (wasRemoved && matchesFilter(this.topicFilter, message.topic)) this.#owed.push(message);
  }

  onSplit(child: LevelNode<M>, upper: LevelNode<M>): void {
    const index = this.#indexOf(child);
    if (index === -1) return;
    const length = upper.path.length + 1;
    if ((this.#skips[index] as number) >= length) (this.#skips[index] as number) -= length;
    else this.#nodes[index] = upper;
  }

  onJoin(node: LevelNode<M>, child: LevelNode<M>): void {
    const index = this.#indexOf(node);
    if (index !== -1) {
      this.#nodes[index] = child;
      return;
    }
    const childIndex = this.#indexOf(child);
    if (childIndex !== -1) (this.#skips[childIndex] as number) += node.path.length + 1;
  }

  onCollapse(parent: LevelNode<M>): void {
    for (let index = 0; index < this.#nodes.length; index++) {
      const children = this.#children[index] as Iterator<LevelNode<M>> | null;
      if (children === null || this.#nodes[index] !== parent) continue;
      const { value: child, done } = children.next();
      if (done === true) continue;
      if (this.#hidesDollar(parent, 0) && isHiddenFromWildcards(child.path)) continue;
      this.#nodes[index] = child;
      this.#children[index] = null;
    }
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const keys = new Map<LevelNode<M>, string>(this.#nodes.length > 0 ? this.#tree.nodes() : []);
    const count = this.#nodes.length;
    const counts = [this.#children, this.#offsets, this.#skips].map(({ length }) => length);
    invariant(
      counts.every((one) => one === count),
      `a stack of ${count} and ${counts.join(', ')}`,
    );
    for (const [index, node] of this.#nodes.entries()) {
      const key = keys.get(node);
      if (key === undefined) {
        const { value, literals } = node;
        const isEmpty = value === null && literals === null;
        invariant(isEmpty, `${this.topicFilter} is to visit what is not in the tree`);
        continue;
      }
      const skip = this.#skips[index] as number;
      const isWhole = this.#children[index] !== null;
      // Without the slash after the levels that were matched.
      const start = isWhole ? key.length : key.length - node.path.length + skip - 1;
      const matched = start < 0 ? 0 : matchFilterLevels(this.topicFilter, 0, key.slice(0, start));
      const isRoot = node === this.#tree.root;
      invariant(
        (isRoot ? 0 : matched) === this.#offsets[index],
        `${this.topicFilter} is to visit ${key} from ${start}`,
      );
    }
  }

  /** Where a node is on the stack that is to be visited itself; -1 when it isn't. */
  #indexOf(node: LevelNode<M>): number {
    for (let index = 0; index < this.#nodes.length; index++) {
      if (this.#nodes[index] === node && this.#children[index] === null) return index;
    }
    return -1;
  }
}
