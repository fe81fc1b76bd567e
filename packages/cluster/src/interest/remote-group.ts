import { type Candidate, nextOf } from './weighted-turns.ts';

/** Some of another cell who get a message. */
export interface RemoteTarget<P> {
  readonly peer: P;
  /** Whole filter of a shared group; null for the ordinary subscribers. */
  readonly group: string | null;
  /** The highest Maximum QoS of their subscriptions. */
  readonly qos: 0 | 1 | 2;
}

/** The members of a shared group that one other cell has. */
class RemoteMembers<P> implements Candidate {
  target: RemoteTarget<P>;
  members: number;
  connected: number;
  weight: number;
  credit: number;

  constructor(target: RemoteTarget<P>) {
    this.target = target;
    this.members = 0;
    this.connected = 0;
    this.weight = 0;
    this.credit = 0;
  }
}

/** How many members a cell has of a group. */
export interface MemberCounts {
  readonly members: number;
  readonly connected: number;
}

const NO_MEMBERS: MemberCounts = { members: 0, connected: 0 };

/**
 * A shared group that has members in other cells, by cell.
 *
 * Invariant: there is one cell at least.
 */
export class RemoteGroup<P> {
  readonly kind = 'group';
  /** What a trie asks of those who can be members; groups aren't. */
  readonly isConnected = false;
  readonly isReady = false;
  /** `$share/NAME/FILTER`. */
  readonly wholeFilter: string;
  readonly #cells: Map<number, RemoteMembers<P>>;
  readonly #here: Candidate & { readonly target: null };
  readonly #countsHere: (wholeFilter: string) => MemberCounts;

  /** @param countsHere - how many members this process has itself */
  constructor(wholeFilter: string, countsHere: (wholeFilter: string) => MemberCounts) {
    this.wholeFilter = wholeFilter;
    this.#cells = new Map();
    this.#here = { weight: 0, credit: 0, target: null };
    this.#countsHere = countsHere;
  }

  get isEmpty(): boolean {
    return this.#cells.size === 0;
  }

  /** A cell has members, or has others now. */
  set(cell: number, peer: P, qos: 0 | 1 | 2, { members, connected }: MemberCounts): void {
    const target = { peer, qos, group: this.wholeFilter };
    let one = this.#cells.get(cell);
    if (one === undefined) {
      one = new RemoteMembers(target);
      this.#cells.set(cell, one);
    }
    one.target = target;
    // Who is announced has somebody.
    one.members = Math.max(1, members);
    one.connected = connected;
  }

  /** A cell has none any more. */
  delete(cell: number): void {
    this.#cells.delete(cell);
  }

  /**
   * Chooses the cell whose member gets the next message: by turns, as many as it has members that are connected, or members
   * at all where none is.
   *
   * @param isHere - whether this process has members, too
   * @returns null when one of this process gets it
   */
  next(isHere: boolean): RemoteTarget<P> | null {
    const here = isHere ? this.#countsHere(this.wholeFilter) : NO_MEMBERS;
    let isAnyConnected = here.connected > 0;
    for (const { connected } of this.#cells.values()) isAnyConnected ||= connected > 0;
    this.#here.weight = isAnyConnected ? here.connected : here.members;
    for (const one of this.#cells.values()) {
      one.weight = isAnyConnected ? one.connected : one.members;
    }
    return nextOf([this.#here, ...this.#cells.values()])?.target ?? null;
  }
}
