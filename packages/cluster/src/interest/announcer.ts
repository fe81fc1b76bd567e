import { invariant, TextMap } from '@promptmq/topics';
import { FrameType } from '../links/frames.ts';
import { type Link, laneOf } from '../links/link.ts';
import { AwaitedVersions, type WaitingHost } from './awaited-versions.ts';
import {
  encodeChange,
  encodeReset,
  encodeVersion,
  type FilterInterest,
  filterSizeMax,
  type InterestVersion,
} from './interest-frames.ts';
import type { MemberCounts } from './remote-group.ts';

/** Bytes of one CHANGE, about. */
const CHANGE_SIZE = 32 * 1024;
/** How long it may take until others know how many members of a group are connected, in milliseconds. */
const COUNTS_DELAY_MS = 50;

const LANE = laneOf(FrameType.interestChange);

/** What is announced of a subscription. */
export interface AnnouncedSubscription {
  /** The whole filter, `$share/NAME/` included. */
  readonly topicFilter: string;
  readonly qos: 0 | 1 | 2;
}

/** What an announcer needs of its process. */
export interface AnnouncerHost extends WaitingHost {
  /** Calls back at the end of this turn. */
  defer(callback: () => void): void;
  /** How many members of a shared group are connected now. */
  connectedOf(wholeFilter: string): number;
}

/** One filter of this cell. */
class OwnFilter {
  readonly filter: string;
  readonly isShared: boolean;
  /** Its subscriptions by Maximum QoS. */
  readonly counts: [number, number, number];
  /** The highest of them that was announced; -1: none was. */
  announcedQos: -1 | 0 | 1 | 2;
  announcedMembers: number;
  announcedConnected: number;
  /** The version by which others learn the last of what messages of this cell's clients depend on. */
  neededVersion: number;

  constructor(filter: string) {
    this.filter = filter;
    this.isShared = filter.startsWith('$share/');
    this.counts = [0, 0, 0];
    this.announcedQos = -1;
    this.announcedMembers = 0;
    this.announcedConnected = 0;
    this.neededVersion = 0;
  }

  get members(): number {
    const [none, one, two] = this.counts;
    return none + one + two;
  }

  get qos(): -1 | 0 | 1 | 2 {
    const [none, one, two] = this.counts;
    if (two > 0) return 2;
    if (one > 0) return 1;
    return none > 0 ? 0 : -1;
  }
}

/** Another process that keeps what is announced, from its start to its end. */
class Listener {
  /** Null until there was a link to it. */
  incarnation: string | null;
  link: Link | null;
  /** What it has said it routes by. */
  acknowledged: number;
  /** Whether it may route messages, so that an answer to SUBSCRIBE has to wait for it. */
  isAwaited: boolean;
  /** All that there is, while it is being sent; null when nothing is. */
  whole: Iterator<OwnFilter> | null;

  constructor(incarnation: string | null) {
    this.incarnation = incarnation;
    this.link = null;
    this.acknowledged = -1;
    this.isAwaited = false;
    this.whole = null;
  }
}

/**
 * Says to the processes of other cells what the clients of this one have subscribed to, and knows when they route by it. What
 * changes in a turn is said at its end.
 *
 * Invariants: a filter is known while somebody subscribes to it, or while it hasn't been said that nobody does any more;
 * nobody waits for a version that all have.
 */
export class Announcer {
  readonly cell: number;
  /** Of this owner of the cell; may be set until there is a link. */
  epoch: number;
  readonly #host: AnnouncerHost;
  readonly #filters: Map<string, OwnFilter>;
  /** Those of which something is to be said. */
  readonly #changed: Set<OwnFilter>;
  /** Groups of which others don't know how many members are connected. */
  readonly #counted: Set<OwnFilter>;
  /** By the name of their process. */
  readonly #listeners: Map<string, Listener>;
  readonly #awaited: AwaitedVersions;
  #version: number;
  #isFlushDue: boolean;
  #isCountDue: boolean;

  constructor(cell: number, epoch: number, host: AnnouncerHost) {
    this.cell = cell;
    this.epoch = epoch;
    this.#host = host;
    this.#filters = new TextMap();
    this.#changed = new Set();
    this.#counted = new Set();
    this.#listeners = new Map();
    this.#awaited = new AwaitedVersions(host);
    this.#version = 0;
    this.#isFlushDue = false;
    this.#isCountDue = false;
  }

  /** How many filters somebody subscribes to, shared ones by their whole name. */
  get filterCount(): number {
    return this.#filters.size;
  }

  /** How many members this cell has of a shared group, as others know it, about. */
  countsOf(wholeFilter: string): MemberCounts {
    const own = this.#filters.get(wholeFilter);
    if (own === undefined) return { members: 0, connected: 0 };
    return { members: own.members, connected: own.announcedConnected };
  }

  // ------------------------------------------------------------------ subscriptions

  /**
   * A client has subscribed.
   *
   * @param former - what it had with the same filter; undefined when there was none
   */
  add({ topicFilter, qos }: AnnouncedSubscription, former?: AnnouncedSubscription): void {
    let own = this.#filters.get(topicFilter);
    if (own === undefined) {
      own = new OwnFilter(topicFilter);
      this.#filters.set(topicFilter, own);
    }
    if (former !== undefined) own.counts[former.qos]--;
    own.counts[qos]++;
    if (own.qos !== own.announcedQos) {
      if (own.qos > own.announcedQos) own.neededVersion = this.#version + 1;
      this.#note(own);
    }
    if (own.isShared) this.#noteCounts(own);
  }

  /** A client doesn't subscribe to it any more. */
  remove({ topicFilter, qos }: AnnouncedSubscription): void {
    const own = this.#filters.get(topicFilter) as OwnFilter;
    own.counts[qos]--;
    if (own.qos !== own.announcedQos) this.#note(own);
    if (own.isShared) this.#noteCounts(own);
  }

  /** A member of a shared group has connected, or isn't connected any more. */
  onPresence(wholeFilter: string): void {
    const own = this.#filters.get(wholeFilter);
    if (own !== undefined) this.#noteCounts(own);
  }

  /** Whether all other processes route the messages that match the filter to this cell, as far as its QoS goes. */
  isRouted(topicFilter: string): boolean {
    const own = this.#filters.get(topicFilter);
    return own === undefined || own.neededVersion <= this.#acknowledgedByAll();
  }

  /**
   * Calls back when all other processes route by what has been announced by now.
   *
   * @param onDone - with false when one of them has not said so in `patienceMs`, and with true at once when all have
   */
  whenRouted(onDone: (isRouted: boolean) => void): void {
    const version = this.#isFlushDue ? this.#version + 1 : this.#version;
    if (version <= this.#acknowledgedByAll()) onDone(true);
    else this.#awaited.add(version, onDone);
  }

  // ---------------------------------------------------------------- other processes

  /** There is another process, to which there is no link yet: it may route messages, so that it is waited for. */
  expect(node: string): void {
    if (this.#listeners.has(node)) return;
    const listener = new Listener(null);
    listener.isAwaited = true;
    this.#listeners.set(node, listener);
  }

  /**
   * There is a link to another process: it gets all that there is, and then what changes. One that was started again knows
   * nothing, and doesn't route anything yet; nobody waits for what it was before.
   */
  linkUp(link: Link): void {
    const { node, incarnation } = link.peer;
    this.expect(node);
    let listener = this.#listeners.get(node) as Listener;
    listener.incarnation ??= incarnation;
    if (listener.incarnation !== incarnation) {
      listener = new Listener(incarnation);
      this.#listeners.set(node, listener);
      this.#release();
    }
    // All that there is has what this turn has brought: it may be what it has known of an earlier owner, and is promised.
    this.#flush();
    listener.link = link;
    listener.whole = this.#filters.values();
    link.send(FrameType.interestReset, encodeReset(this));
    this.#continue(listener, link);
  }

  /** A link isn't busy any more. */
  linkDrained(link: Link): void {
    const listener = this.#listeners.get(link.peer.node);
    if (listener?.link === link) this.#continue(listener, link);
  }

  /** A link is broken. The process may go on routing by what it knows, so that its acknowledgement is waited for all the same. */
  linkDown(link: Link): void {
    const listener = this.#listeners.get(link.peer.node);
    if (listener?.link !== link) return;
    listener.link = null;
    listener.whole = null;
  }

  /** A process is over for good, or has been put out: nobody waits for it any more. */
  forget(node: string): void {
    if (this.#listeners.delete(node)) this.#release();
  }

  /** A process routes by what was said up to a version. */
  onAck(link: Link, { epoch, version }: InterestVersion): void {
    const listener = this.#listeners.get(link.peer.node);
    if (listener?.link !== link || epoch !== this.epoch) return;
    listener.acknowledged = Math.max(listener.acknowledged, version);
    this.#release();
  }

  /** Nothing is announced any more: who waits isn't answered. */
  close(): void {
    this.#awaited.close();
    this.#listeners.clear();
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    for (const [filter, own] of this.#filters) {
      const isUsed = own.members > 0 || this.#changed.has(own);
      invariant(own.filter === filter && isUsed, `nobody subscribes to ${filter}`);
      invariant(
        own.counts.every((count) => count >= 0),
        `${filter} has ${own.counts}`,
      );
      const isSaid = own.qos === own.announcedQos || this.#changed.has(own);
      invariant(isSaid, `nobody is going to know of ${filter}`);
    }
    invariant(this.#changed.size === 0 || this.#isFlushDue, 'changes that are not to be announced');
    this.#awaited.checkInvariants(this.#acknowledgedByAll());
  }

  // ---------------------------------------------------------------------- what is said

  #note(own: OwnFilter): void {
    this.#changed.add(own);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#host.defer(() => this.#flush());
  }

  #noteCounts(own: OwnFilter): void {
    this.#counted.add(own);
    if (this.#isCountDue) return;
    this.#isCountDue = true;
    this.#host.setTimer(COUNTS_DELAY_MS, () => {
      this.#isCountDue = false;
      for (const one of this.#counted) {
        const connected = this.#host.connectedOf(one.filter);
        const { members } = one;
        if (members === 0) continue;
        if (one.announcedMembers !== members || one.announcedConnected !== connected)
          this.#note(one);
      }
      this.#counted.clear();
    });
  }

  #flush(): void {
    if (!this.#isFlushDue) return;
    this.#isFlushDue = false;
    this.#version++;
    const filters = [...this.#changed].map((own) => this.#say(own));
    this.#changed.clear();
    for (const body of this.#bodiesOf(filters, this.#version)) {
      for (const { link } of this.#listeners.values()) link?.send(FrameType.interestChange, body);
    }
    // Where there is nobody to wait for.
    this.#release();
  }

  /** Notes that it is announced as it is now. */
  #say(own: OwnFilter): FilterInterest {
    const { filter, isShared, qos, members } = own;
    own.announcedQos = qos;
    own.announcedMembers = members;
    own.announcedConnected = isShared ? this.#host.connectedOf(filter) : 0;
    if (members === 0) this.#filters.delete(filter);
    return { filter, qos, isShared, members, connected: own.announcedConnected };
  }

  /** The bodies of CHANGE that say it, of which the last has all of a version. */
  *#bodiesOf(filters: readonly FilterInterest[], version: number): Generator<Uint8Array> {
    const { cell, epoch } = this;
    let some: FilterInterest[] = [];
    let size = 0;
    for (const one of filters) {
      if (size > CHANGE_SIZE) {
        yield encodeChange({ cell, epoch, version: version - 1, filters: some });
        some = [];
        size = 0;
      }
      some.push(one);
      size += filterSizeMax(one.filter);
    }
    yield encodeChange({ cell, epoch, version, filters: some });
  }

  /** Sends of all that there is as much as the link takes. What changes meanwhile is sent beside it, and may be there twice. */
  #continue(listener: Listener, link: Link): void {
    const { cell, epoch } = this;
    while (listener.whole !== null && !link.isBusy(LANE)) {
      const filters = takeSome(listener.whole);
      const version = this.#version;
      if (filters.length > 0) {
        link.send(FrameType.interestChange, encodeChange({ cell, epoch, version, filters }));
        continue;
      }
      listener.whole = null;
      // From here on it may have all that it needs to route messages.
      listener.isAwaited = true;
      link.send(FrameType.interestSync, encodeVersion({ cell, epoch, version }));
    }
  }

  // ------------------------------------------------------------------------ who waits

  /** Up to which version all processes that may route messages have what was said. */
  #acknowledgedByAll(): number {
    let lowest = this.#version;
    for (const { isAwaited, acknowledged } of this.#listeners.values()) {
      if (isAwaited && acknowledged < lowest) lowest = acknowledged;
    }
    return lowest;
  }

  #release(): void {
    this.#awaited.release(this.#acknowledgedByAll());
  }
}

/** Takes as many of the filters as go into a frame; none when there are no more. */
function takeSome(whole: Iterator<OwnFilter>): FilterInterest[] {
  const filters: FilterInterest[] = [];
  for (let size = 0; size < CHANGE_SIZE; ) {
    const next = whole.next();
    if (next.done === true) break;
    const { filter, isShared, announcedQos, announcedMembers, announcedConnected } = next.value;
    // What is new is said with what else changes in this turn.
    if (announcedQos === -1) continue;
    const [members, connected] = [announcedMembers, announcedConnected];
    filters.push({ filter, qos: announcedQos, isShared, members, connected });
    size += filterSizeMax(filter);
  }
  return filters;
}
