import { invariant } from '../invariant.ts';
import { TextMap } from '../text-map.ts';
import { isHashAt, isPlusAt, levelEnd, sameLevelLength } from './levels.ts';

/** Up to this many siblings are a chain; more are a map. A map costs about 200 bytes more. */
const CHAIN_MAX = 8;
/** A piece of a string keeps the whole alive: pieces of longer ones are copied. */
const KEY_LENGTH_SHARED_MAX = 256;

/**
 * One or more whole levels below its parent.
 *
 * Invariant: except for the root, a node has a value or at least two children, so there are fewer than two nodes a value,
 * however many levels a key has.
 */
export class LevelNode<V> {
  /** The levels, joined by slashes; the parent finds the node by the first. */
  path: string;
  value: V | null;
  plus: LevelNode<V> | null;
  hash: LevelNode<V> | null;
  /** The first of a chain of siblings, or all of them by their first level; in order of insertion. */
  literals: LevelNode<V> | Map<string, LevelNode<V>> | null;
  /** The next sibling, in a chain. */
  next: LevelNode<V> | null;

  constructor(path: string, value: V | null) {
    this.path = path;
    this.value = value;
    this.plus = null;
    this.hash = null;
    this.literals = null;
    this.next = null;
  }
}

/** A level that keys have after others. */
export interface LevelBelow<V> {
  readonly level: string;
  /** Has all keys with these levels, and no others. */
  readonly node: LevelNode<V>;
  /** Of the key that ends here; null when there is none. */
  readonly value: V | null;
}

/** Is notified of changes that move the point where a node's levels start. */
export interface LevelTreeObserver<V> {
  /** A child has lost its first levels to a new node above it. */
  onSplit(child: LevelNode<V>, upper: LevelNode<V>): void;
  /** A node is about to leave, and its only child to take its place, with the levels of both. */
  onJoin(node: LevelNode<V>, child: LevelNode<V>): void;
  /** Of a map of children one is left, which isn't in a map any more. */
  onCollapse(parent: LevelNode<V>): void;
}

/**
 * A map from topics or filters to values, kept as a tree of levels in which a run of levels without
 * a fork is one node. Wildcards are levels like others here, which the owners' matching finds in
 * `plus` and `hash`. Every operation is a loop: the depth of a key costs no stack.
 *
 * Invariants: siblings differ in their first level, by which a map has them; a chain has `CHAIN_MAX` of them at most, a map
 * two at least; `size` and `nodeCount` are what there is.
 */
export class LevelTree<V> {
  /** Has no levels and no value. */
  readonly root: LevelNode<V>;
  /** How many values there are. */
  size: number;
  /** How many nodes there are, without the root. */
  nodeCount: number;
  /** Who looks at the tree while it changes. */
  readonly observers: Set<LevelTreeObserver<V>>;

  constructor() {
    this.root = new LevelNode<V>('', null);
    this.size = 0;
    this.nodeCount = 0;
    this.observers = new Set();
  }

  get(key: string): V | null {
    let node = this.root;
    let offset = 0;
    while (offset <= key.length) {
      const child = childAt(node, key, offset);
      if (child === null || commonLength(child.path, key, offset) !== child.path.length) {
        return null;
      }
      node = child;
      offset += child.path.length + 1;
    }
    return node.value;
  }

  set(key: string, value: V): void {
    let node = this.root;
    let offset = 0;
    while (offset <= key.length) {
      let child = childAt(node, key, offset);
      if (child === null) {
        addChild(node, new LevelNode(piece(key, offset, key.length), value));
        this.nodeCount++;
        this.size++;
        return;
      }
      const common = commonLength(child.path, key, offset);
      if (common !== child.path.length) {
        const upper = splitChild(node, child, common);
        for (const observer of this.observers) observer.onSplit(child, upper);
        child = upper;
        this.nodeCount++;
      }
      node = child;
      offset += common + 1;
    }
    if (node.value === null) {
      this.size++;
    }
    node.value = value;
  }

  /** Removes a value, and the nodes that nothing else needs. */
  delete(key: string): boolean {
    let above = this.root;
    let parent = this.root;
    let node = this.root;
    let offset = 0;
    while (offset <= key.length) {
      const child = childAt(node, key, offset);
      if (child === null || commonLength(child.path, key, offset) !== child.path.length) {
        return false;
      }
      above = parent;
      parent = node;
      node = child;
      offset += child.path.length + 1;
    }
    if (node.value === null) {
      return false;
    }
    node.value = null;
    this.size--;
    if (node.plus !== null || node.hash !== null || node.literals !== null) {
      this.#join(parent, node);
    } else {
      const wasMap = parent.literals instanceof Map;
      removeChild(parent, node);
      if (wasMap && !(parent.literals instanceof Map)) {
        for (const observer of this.observers) observer.onCollapse(parent);
      }
      this.nodeCount--;
      this.#join(above, parent);
    }
    return true;
  }

  /** All keys with their values, in no particular order. It must not change meanwhile. */
  *entries(): Generator<[key: string, value: V]> {
    for (const [node, key] of this.nodes()) if (node.value !== null) yield [key, node.value];
  }

  /**
   * All keys that have values, in no particular order, for who goes through them a part at a time. The tree may change in between: then
   * keys that others have come or gone beside may be left out, or be there twice, and what comes may be no key any more.
   */
  *keysLoosely(): Generator<string> {
    const stack = [{ children: liveChildren(this.root), prefix: '' }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { value: child, done } = top.children.next();
      if (done === true) {
        stack.pop();
        continue;
      }
      const key = top.prefix + child.path;
      if (child.value !== null) yield key;
      stack.push({ children: liveChildren(child), prefix: `${key}/` });
    }
  }

  /**
   * The levels that come next in the keys that begin with others. It must not change meanwhile.
   *
   * @param prefix - whole levels; null for the first levels of all keys
   */
  *levelsBelow(prefix: string | null): Generator<LevelBelow<V>> {
    let node = this.root;
    for (let offset = 0; prefix !== null && offset <= prefix.length; ) {
      const child = childAt(node, prefix, offset);
      if (child === null) return;
      const { path } = child;
      const common = commonLength(path, prefix, offset);
      if (common !== path.length) {
        // The prefix ends between two levels of the node.
        if (offset + common === prefix.length) yield levelOf(child, path.slice(common + 1));
        return;
      }
      node = child;
      offset += common + 1;
    }
    for (const child of liveChildren(node)) yield levelOf(child, child.path);
  }

  /**
   * How many keys have values at a node and below it.
   *
   * @param nodesMax - how many nodes are visited
   * @returns how many were visited, too: as many as they may be where there may be more; and the last of the values
   */
  countBelow(
    node: LevelNode<V>,
    nodesMax: number,
  ): { values: number; visited: number; last: V | null } {
    const pending = [node];
    let values = 0;
    let visited = 0;
    let last: V | null = null;
    for (let one = pending.pop(); one !== undefined && visited < nodesMax; one = pending.pop()) {
      visited++;
      if (one.value !== null) {
        values++;
        last = one.value;
      }
      let room = nodesMax - visited - pending.length;
      for (const child of liveChildren(one)) {
        if (room-- <= 0) return { values, visited: nodesMax, last };
        pending.push(child);
      }
    }
    return { values, visited, last };
  }

  /** All nodes with the keys up to their ends, the root included. It must not change meanwhile. */
  *nodes(): Generator<[node: LevelNode<V>, key: string]> {
    yield [this.root, ''];
    const pending = childrenOf(this.root).map((node) => ({ key: node.path, node }));
    for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
      const { key, node } = one;
      yield [node, key];
      for (const child of childrenOf(node)) {
        pending.push({ key: `${key}/${child.path}`, node: child });
      }
    }
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    let valueCount = 0;
    let nodeCount = -1;
    const pending = [this.root];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      nodeCount++;
      if (node.value !== null) valueCount++;
      const children = childrenOf(node);
      const isNeeded = node === this.root || node.value !== null || children.length > 1;
      invariant(isNeeded, `the node ${node.path} has neither a value nor two children`);
      for (const child of children) pending.push(child);
    }
    invariant(nodeCount === this.nodeCount, `${this.nodeCount} nodes counted of ${nodeCount}`);
    invariant(valueCount === this.size, `${this.size} values counted of ${valueCount}`);
  }

  /** Restores the invariant of a node that lost its value or a child. */
  #join(parent: LevelNode<V>, node: LevelNode<V>): void {
    if (node === this.root || node.value !== null) {
      return;
    }
    const child = onlyChild(node);
    if (child !== null) {
      for (const observer of this.observers) observer.onJoin(node, child);
      child.next = null;
      replaceChild(parent, node, child);
      child.path = `${node.path}/${child.path}`;
      this.nodeCount--;
    }
  }
}

/** The level that comes first in a part of a node's path. */
function levelOf<V>(node: LevelNode<V>, rest: string): LevelBelow<V> {
  const level = rest.slice(0, levelEnd(rest, 0));
  return { level, node, value: level === rest ? node.value : null };
}

/** All children of a node; those of a map as it changes. */
function* liveChildren<V>({ plus, hash, literals }: LevelNode<V>): Generator<LevelNode<V>> {
  if (plus !== null) yield plus;
  if (hash !== null) yield hash;
  if (literals instanceof Map) {
    yield* literals.values();
    return;
  }
  const chain: LevelNode<V>[] = [];
  for (let child = literals; child !== null; child = child.next) chain.push(child);
  yield* chain;
}

/** All children of a node; checks that each is where it is looked for. */
function childrenOf<V>(node: LevelNode<V>): LevelNode<V>[] {
  const children: LevelNode<V>[] = [];
  const { plus, hash, literals } = node;
  if (literals instanceof Map) {
    invariant(literals.size > 1, `a map of ${literals.size} children`);
    for (const [level, child] of literals) {
      invariant(level === firstLevel(child), `${child.path} is in a map as ${level}`);
      invariant(child.next === null, `${child.path} is in a map and in a chain`);
      children.push(child);
    }
  } else {
    for (let child = literals; child !== null; child = child.next) children.push(child);
    invariant(children.length <= CHAIN_MAX, `a chain of ${children.length} children`);
  }
  const levels = new Set(children.map(firstLevel));
  invariant(levels.size === children.length, `siblings below ${node.path} that are the same`);
  invariant(!levels.has('+') && !levels.has('#'), `a wildcard below ${node.path} is a literal`);
  if (plus !== null) {
    invariant(firstLevel(plus) === '+', `${plus.path} is found by +`);
    children.push(plus);
  }
  if (hash !== null) {
    invariant(hash.path === '#', `${hash.path} is found by #`);
    children.push(hash);
  }
  return children;
}

function childAt<V>(node: LevelNode<V>, key: string, offset: number): LevelNode<V> | null {
  if (isPlusAt(key, offset)) {
    return node.plus;
  }
  if (isHashAt(key, offset)) {
    return node.hash;
  }
  const literals = node.literals;
  if (literals instanceof Map) {
    return literals.get(key.substring(offset, levelEnd(key, offset))) ?? null;
  }
  let child = literals;
  while (child !== null && sameLevelLength(child.path, 0, key, offset) === -1) {
    child = child.next;
  }
  return child;
}

/** How much of the path is whole levels that the key has at the offset, too. */
function commonLength(path: string, key: string, offset: number): number {
  let position = 0;
  for (;;) {
    const length = sameLevelLength(path, position, key, offset + position);
    if (length === -1) {
      return position - 1;
    }
    position += length;
    if (position === path.length || offset + position === key.length) {
      return position;
    }
    position++;
  }
}

/** Puts a node with the first `length` of the child's path in the child's place, and the child below. */
function splitChild<V>(parent: LevelNode<V>, child: LevelNode<V>, length: number): LevelNode<V> {
  const upper = new LevelNode<V>(piece(child.path, 0, length), null);
  replaceChild(parent, child, upper);
  child.path = piece(child.path, length + 1, child.path.length);
  addChild(upper, child);
  return upper;
}

function addChild<V>(node: LevelNode<V>, child: LevelNode<V>): void {
  if (isPlusAt(child.path, 0)) {
    node.plus = child;
  } else if (isHashAt(child.path, 0)) {
    node.hash = child;
  } else if (node.literals instanceof Map) {
    node.literals.set(firstLevel(child), child);
  } else if (node.literals === null) {
    node.literals = child;
  } else {
    appendToChain(node, node.literals, child);
  }
}

function appendToChain<V>(node: LevelNode<V>, first: LevelNode<V>, child: LevelNode<V>): void {
  let last = first;
  let length = 1;
  while (last.next !== null) {
    last = last.next;
    length++;
  }
  last.next = child;
  if (length === CHAIN_MAX) {
    node.literals = mapOfChain(first);
  }
}

function mapOfChain<V>(first: LevelNode<V>): Map<string, LevelNode<V>> {
  const map = new TextMap<LevelNode<V>>();
  let child: LevelNode<V> | null = first;
  while (child !== null) {
    const next: LevelNode<V> | null = child.next;
    child.next = null;
    map.set(firstLevel(child), child);
    child = next;
  }
  return map;
}

/** Puts a node that starts with the same level in the place of a child. */
function replaceChild<V>(node: LevelNode<V>, child: LevelNode<V>, by: LevelNode<V>): void {
  if (node.plus === child) {
    node.plus = by;
  } else if (node.hash === child) {
    node.hash = by;
  } else if (node.literals instanceof Map) {
    node.literals.set(firstLevel(child), by);
  } else {
    by.next = child.next;
    relink(node, child, by);
  }
  child.next = null;
}

function removeChild<V>(node: LevelNode<V>, child: LevelNode<V>): void {
  if (node.plus === child) {
    node.plus = null;
  } else if (node.hash === child) {
    node.hash = null;
  } else if (node.literals instanceof Map) {
    node.literals.delete(firstLevel(child));
    if (node.literals.size === 1) {
      node.literals = node.literals.values().next().value ?? null;
    }
  } else {
    relink(node, child, child.next);
    child.next = null;
  }
}

/** Makes what pointed to a child of a chain point elsewhere. */
function relink<V>(node: LevelNode<V>, child: LevelNode<V>, to: LevelNode<V> | null): void {
  let previous = node.literals as LevelNode<V>;
  if (previous === child) {
    node.literals = to;
    return;
  }
  while (previous.next !== child) {
    previous = previous.next as LevelNode<V>;
  }
  previous.next = to;
}

function onlyChild<V>(node: LevelNode<V>): LevelNode<V> | null {
  const { plus, hash, literals } = node;
  if (literals instanceof Map) {
    return null;
  }
  if (literals !== null) {
    return plus === null && hash === null && literals.next === null ? literals : null;
  }
  if (plus !== null) {
    return hash === null ? plus : null;
  }
  return hash;
}

function firstLevel<V>(node: LevelNode<V>): string {
  return piece(node.path, 0, levelEnd(node.path, 0));
}

function piece(text: string, start: number, end: number): string {
  const part = text.substring(start, end);
  return text.length > KEY_LENGTH_SHARED_MAX && part.length < text.length
    ? new TextDecoder().decode(new TextEncoder().encode(part))
    : part;
}
