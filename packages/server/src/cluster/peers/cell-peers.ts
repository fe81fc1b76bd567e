import {
  Announcer,
  cellOf,
  FrameType,
  Interest,
  InterestTable,
  joinTargets,
  type Lane,
  type Link,
  type LinkSet,
  type LinkUser,
  laneOf,
  type Publish0Cell,
  readPublish0,
} from '@promptmq/cluster';
import { PublishView } from '@promptmq/codec';
import type { Message } from '@promptmq/session';
import type { HeldPublisher } from '../../connection/peer.ts';
import type { PeerCell, PeerGroup, PeerRoute, Peers, PeerTarget } from '../../routing/peers.ts';
import type { Publication } from '../../routing/publication.ts';
import { isReserved } from '../../routing/reserved-topics.ts';
import { UnitsFor } from '../../runtime/turns.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import type { PeersHost } from './host.ts';
import { RetainedBarriers } from './retained-barriers.ts';
import { RetainedSync } from './retained-sync.ts';
import { TransientLane } from './transient-lane.ts';

/** Read and done with before the next frame. */
const view = new PublishView();

/** Which cell this is, and which others there are. */
export interface CellPlace {
  readonly cell: number;
  /** Higher than that of all that have served it before. */
  readonly epoch: number;
  /** The names of the processes that serve the other cells, by cell. */
  readonly others: ReadonlyMap<number, string>;
}

/** What is stored for other cells and comes from them: QoS 0 keeps its place among it. */
export interface StoredForwarding {
  noteStored(cell: number, topic: string, ahead: number): void;
  isBehind(cell: number, topic: string): boolean;
  isInOrder(cell: number): boolean;
  takeInOrder(
    cell: number,
    topic: string,
    body: Uint8Array,
    take: (body: Uint8Array) => void,
  ): boolean;
  whenApplied(cells: readonly number[], onApplied: () => void): void;
}

/**
 * The other cells, for the broker of one: says to them what its clients have subscribed to, knows what theirs have, and
 * exchanges messages of QoS 0 with them. Those of QoS 1 and 2 are stored for the sessions that stand for the cells.
 */
export class CellPeers implements Peers, LinkUser {
  readonly announcer: Announcer;
  readonly #host: PeersHost;
  readonly #cell: number;
  readonly #others: ReadonlyMap<number, string>;
  readonly #table: InterestTable<PeerCell>;
  readonly #retained: RetainedSync;
  readonly #barriers: RetainedBarriers;
  /** Null until the broker has recovered. */
  #forwarding: StoredForwarding | null;
  /** By cell. */
  readonly #peers: Map<number, PeerCell>;
  /** Of the process that serves a cell, by cell, while there is a link to it. */
  readonly #lanes: Map<number, TransientLane>;
  /** Cells whose interest nobody waits for: they may be away for long. */
  readonly #unawaited: Set<number>;
  /** Who waits until all of the others' interest is known. */
  #waiting: (() => void)[];

  /** @param links - to which there is no link yet */
  constructor(host: PeersHost, { cell, epoch, others }: CellPlace, links: LinkSet) {
    const { runtime, router } = host;
    this.#host = host;
    this.#cell = cell;
    this.#others = others;
    this.#peers = new Map();
    this.#forwarding = null;
    for (const number of others.keys()) this.#peers.set(number, new Peer(number, host, this));
    this.#lanes = new Map();
    this.#unawaited = new Set();
    this.#waiting = [];
    this.announcer = new Announcer(cell, epoch, {
      defer: (callback) => runtime.defer(callback),
      setTimer: (delayMs, callback) => runtime.setTimer(delayMs, callback),
      now: () => runtime.now(),
      onWaited: (waitedMs) => host.stats.forwarding.interestWaits.observe(waitedMs / 1000),
      patienceMs: host.config.cluster.subscribePatience,
      connectedOf: (wholeFilter) => router.trie.group(wholeFilter)?.connectedCount ?? 0,
    });
    this.#table = new InterestTable(
      (number) => this.#peers.get(number) ?? new Peer(number, host, this),
      (wholeFilter) => this.announcer.countsOf(wholeFilter),
    );
    for (const [number, node] of others) {
      this.#table.expect(number);
      this.announcer.expect(node);
    }
    new Interest(links, this.#table, [this.announcer], () => this.#onWhole());
    this.#retained = new RetainedSync(host, cell, links, (topic) => this.#keeperNumber(topic));
    this.#barriers = new RetainedBarriers(host, cell, others, links, {
      whenSaid: (link, onSaid) => this.#retained.whenSaid(link, onSaid),
      whenApplied: (cells, onApplied) => this.#forwarding?.whenApplied(cells, onApplied),
    });
    links.handle([FrameType.publish0], (link, body) => {
      host.faults.contain(null, 'receiving', () => this.#onPublish0(link, body));
    });
    links.follow(this);
  }

  /** What is stored for the other cells goes by this. */
  useForwarding(forwarding: StoredForwarding): void {
    this.#forwarding = forwarding;
  }

  /** Something is about to be stored for another cell; see `PeerCell`. */
  noteStored(cell: number, topic: string, ahead: number): void {
    this.#forwarding?.noteStored(cell, topic, ahead);
  }

  /** Whether something of a topic waits for another cell. */
  isBehind({ cell, session }: PeerCell, topic: string): boolean {
    return this.#forwarding?.isBehind(cell, topic) ?? session.hasBacklog;
  }

  get backlogBytes(): number {
    return this.#host.sessions.cells.totals.bytes;
  }

  /** Whether all that the clients of the other cells have subscribed to is known. Until then they are sent more than they want. */
  get isWhole(): boolean {
    const awaited = [...this.#others.keys()].filter((cell) => !this.#unawaited.has(cell));
    return this.#table.hasAllOf(awaited);
  }

  /** Whether what the clients of another cell have subscribed to is waited for. */
  setAwaited(cell: number, isAwaited: boolean): void {
    if (isAwaited) this.#unawaited.delete(cell);
    else this.#unawaited.add(cell);
    this.#onWhole();
  }

  /** Calls back once that is so; at once where it is. */
  whenWhole(callback: () => void): void {
    if (this.isWhole) callback();
    else this.#waiting.push(callback);
  }

  /** By other cell: how many filters its clients have subscribed to, as far as that is known here. */
  get filterCounts(): readonly (readonly [cell: number, count: number])[] {
    return [...this.#others.keys()].map((cell) => [cell, this.#table.filterCountOf(cell)]);
  }

  /** A process has died, or is not going to come back: nobody waits for it any more. */
  forget(node: string): void {
    this.announcer.forget(node);
  }

  /** Nothing is announced any more, and nobody is held back. */
  stop(): void {
    this.announcer.close();
    this.#barriers.stop();
    for (const lane of this.#lanes.values()) lane.relieve();
    this.#lanes.clear();
  }

  // ---------------------------------------------------------------- what is published here

  routeOf(route: { readonly topic: string }): PeerRoute | null {
    const found = this.#table.routeOf(route);
    this.#host.turns.used += this.#table.takeVisitedNodes() >> UnitsFor.nodesShift;
    return found;
  }

  groupOf(wholeFilter: string): PeerGroup | null {
    return this.#table.groupOf(wholeFilter);
  }

  sendQoS0(
    publication: Publication,
    targets: readonly PeerTarget[],
    publisher: HeldPublisher | null,
  ): void {
    const [first] = targets;
    if (targets.length === 1 && first?.group === null) {
      // Mostly it is this.
      const { cell } = first.peer;
      const lane = this.#lanes.get(cell);
      if (lane === undefined) this.#host.stats.dropped['cell-away']++;
      else lane.send(publication, [{ cell, targets: '' }], publisher);
      return;
    }
    for (const [lane, cells] of this.#byLane(targets)) lane.send(publication, cells, publisher);
  }

  /** What each process is sent: its cells, each once. */
  #byLane(targets: readonly PeerTarget[]): Map<TransientLane, Publish0Cell[]> {
    const byLane = new Map<TransientLane, Publish0Cell[]>();
    for (const cell of new Set(targets.map(({ peer }) => peer.cell))) {
      const lane = this.#lanes.get(cell);
      if (lane === undefined) {
        this.#host.stats.dropped['cell-away']++;
        continue;
      }
      const own = targets.filter(({ peer }) => peer.cell === cell);
      const isPlain = own.some(({ group }) => group === null);
      const groups = own.flatMap(({ group }) => group ?? []);
      const cells = byLane.get(lane) ?? [];
      byLane.set(lane, cells);
      cells.push({ cell, targets: joinTargets({ isPlain, groups }) });
    }
    return byLane;
  }

  // ----------------------------------------------------------------------- retained

  keeperOf(topic: string): PeerCell | null {
    return this.#peers.get(this.#keeperNumber(topic)) ?? null;
  }

  onRetained(message: Message, position: number): void {
    this.#retained.onRetained(message, position);
  }

  onCopied(topic: string, position: number): void {
    this.#retained.onCopied(topic, position);
  }

  onNotRetained(topic: string): void {
    this.#retained.tellAgain(topic);
  }

  whenRetainedKnown(topicFilters: readonly string[], onDone: (isKnown: boolean) => void): void {
    const asked = topicFilters.filter((topicFilter) => !isReserved(Buffer.from(topicFilter)));
    if (asked.length === 0) {
      onDone(true);
      return;
    }
    const hasWildcard = asked.some((topicFilter) => /[+#]/.test(topicFilter));
    const keepers = hasWildcard
      ? [this.#cell, ...this.#others.keys()]
      : [...new Set(asked.map((topic) => this.#keeperNumber(topic)))];
    this.#barriers.wait(
      keepers.sort((one, other) => one - other),
      onDone,
    );
  }

  clearRetained(topic: string): void {
    this.#retained.clear(topic);
  }

  /** Topics are given to cells as clients are. */
  #keeperNumber(topic: string): number {
    return cellOf(topic, this.#others.size + 1);
  }

  // ------------------------------------------------------------------------- links

  onUp(link: Link): void {
    const lane = new TransientLane(this.#host, link);
    for (const { cell } of link.peer.cells) {
      this.#lanes.get(cell)?.relieve();
      this.#lanes.set(cell, lane);
    }
  }

  onDrained(link: Link, lane: Lane): void {
    if (lane === laneOf(FrameType.publish0)) this.#relieve(link);
  }

  onDown(link: Link): void {
    this.#relieve(link);
    for (const [cell, lane] of this.#lanes) if (lane.link === link) this.#lanes.delete(cell);
  }

  #relieve(link: Link): void {
    for (const lane of this.#lanes.values()) if (lane.link === link) lane.relieve();
  }

  #onWhole(): void {
    if (!this.isWhole) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
  }

  // --------------------------------------------------------------- what is published there

  /** In its place among what has come from that cell, and has a sequence. */
  #onPublish0({ peer }: Link, body: Uint8Array): void {
    const forwarding = this.#forwarding;
    const cell = peer.cells[0]?.cell ?? this.#cell;
    if (forwarding === null || forwarding.isInOrder(cell)) {
      this.#takePublish0(body);
      return;
    }
    const take = (frame: Uint8Array) => this.#takePublish0(frame);
    if (forwarding.takeInOrder(cell, topicOf(body), body, take)) return;
    this.#host.stats.dropped['cell-behind']++;
  }

  #takePublish0(body: Uint8Array): void {
    const { version, cells, publisherId, packetStart } = readPublish0(body);
    const own = cells.find(({ cell }) => cell === this.#cell);
    if (own === undefined) return;
    readPacket(body, packetStart, version);
    this.#host.turns.used += UnitsFor.publish;
    this.#host.router.forwardView(view, { clientId: publisherId, version }, own.targets);
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    this.announcer.checkInvariants();
    this.#table.checkInvariants();
  }
}

/** Has `view` read the PUBLISH that a frame ends with. */
function readPacket(body: Uint8Array, packetStart: number, version: 4 | 5): void {
  let bodyStart = packetStart + 2;
  while ((body[bodyStart - 1] as number) >= 0x80) bodyStart++;
  view.read(body, packetStart, bodyStart, body.length, version, 'server');
}

/** The topic name of a PUBLISH0. */
function topicOf(body: Uint8Array): string {
  const { version, packetStart } = readPublish0(body);
  readPacket(body, packetStart, version);
  return Buffer.from(body.subarray(view.topicStart, view.topicEnd)).toString();
}

/** Another cell in routes. Its session is made when it is needed. */
class Peer implements PeerCell {
  readonly cell: number;
  readonly #host: PeersHost;
  readonly #peers: CellPeers;

  constructor(cell: number, host: PeersHost, peers: CellPeers) {
    this.cell = cell;
    this.#host = host;
    this.#peers = peers;
  }

  noteStored(topic: string, ahead: number): void {
    this.#peers.noteStored(this.cell, topic, ahead);
  }

  isBehind(topic: string): boolean {
    return this.#peers.isBehind(this, topic);
  }

  get session(): BrokerSession {
    return this.#host.sessions.cells.of(this.cell);
  }
}
