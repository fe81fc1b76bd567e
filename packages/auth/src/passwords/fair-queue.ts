/**
 * A queue in which those who add much wait behind their own: entries are taken in turns, first by group, then by
 * member of the group. Those of one member come in the order in which they were added.
 */
export class FairQueue<T> {
  /** In the order in which it is their turn; none is empty, nor has an empty member. */
  readonly #groups: Map<string, Map<string, T[]>>;
  #length: number;

  constructor() {
    this.#groups = new Map();
    this.#length = 0;
  }

  get length(): number {
    return this.#length;
  }

  push(group: string, member: string, entry: T): void {
    let members = this.#groups.get(group);
    if (members === undefined) {
      members = new Map();
      this.#groups.set(group, members);
    }
    const entries = members.get(member);
    if (entries === undefined) members.set(member, [entry]);
    else entries.push(entry);
    this.#length++;
  }

  /** Takes the entry whose turn it is. */
  shift(): T | undefined {
    for (const [group, members] of this.#groups) {
      this.#groups.delete(group);
      const entry = takeTurn(members);
      if (members.size > 0) this.#groups.set(group, members);
      this.#length--;
      return entry;
    }
    return undefined;
  }

  /**
   * Takes the newest entry of the group that has most, to make room for one of `group`; undefined when no group would
   * then have more than this one.
   */
  popFromLargest(group: string): T | undefined {
    let largest = group;
    let most = countOf(this.#groups.get(group)) + 1;
    for (const [other, members] of this.#groups) {
      const count = countOf(members);
      if (count > most) [largest, most] = [other, count];
    }
    if (largest === group) return undefined;
    const members = this.#groups.get(largest) as Map<string, T[]>;
    const [member, entries] = [...members].at(-1) as [string, T[]];
    const entry = entries.pop();
    if (entries.length === 0) members.delete(member);
    if (members.size === 0) this.#groups.delete(largest);
    this.#length--;
    return entry;
  }
}

function takeTurn<T>(members: Map<string, T[]>): T | undefined {
  for (const [member, entries] of members) {
    members.delete(member);
    const entry = entries.shift();
    if (entries.length > 0) members.set(member, entries);
    return entry;
  }
  return undefined;
}

function countOf<T>(members: Map<string, T[]> | undefined): number {
  let count = 0;
  for (const entries of members?.values() ?? []) count += entries.length;
  return count;
}
