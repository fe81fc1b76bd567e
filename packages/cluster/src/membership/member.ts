import type { Clock } from '@promptmq/wal';
import { EngineError, type EngineMap } from '../engine/engine.ts';
import { type Directory, directoryOf } from '../map/directory.ts';
import { homesOf } from '../map/homes.ts';
import { MapView, type Revised } from '../map/map-view.ts';
import {
  type CellRecord,
  decodeMeta,
  decodeNode,
  drainKey,
  encodeRecord,
  isNodeId,
  KeyPrefix,
  META_KEY,
  type MetaRecord,
  type NodeFacts,
  nodeKey,
  RecordError,
} from '../map/records.ts';
import { readCluster } from '../map/requests.ts';
import { settledPut } from '../map/settled-put.ts';
import { CellKeeper, type GiveReason, type KeeperHost } from './cell-keeper.ts';
import { Heartbeat } from './heartbeat.ts';
import { Lateness } from './lateness.ts';
import {
  MEMBER_TIMES,
  type MemberOptions,
  MembershipError,
  type MemberTimes,
  type Reach,
} from './member-options.ts';
import type { ClaimReason, MembershipEvent, MembershipHost } from './membership-host.ts';
import { balancingMove, bestTarget, claimOrders, type Move } from './placement.ts';
import { reachingSet } from './reach.ts';
import { type Stand, Standing } from './standing.ts';

/** The newest format of records and entries that this version knows. */
export const MEMBER_LEVEL = 1;

/** Looks at all there is so often in each heartbeat, besides when something changes. */
const LOOKS = 4;

/** Heartbeats after which each node that is there has been heard of by one that has just joined. */
const UNKNOWN_HEARTBEATS = 2;

/** Between attempts to read what the cluster is, in milliseconds. */
const RETRY_MS = 500;

/**
 * A node's part in a cluster: it says that it is there, serves the cells that fall to it, and claims those of nodes that are not.
 *
 * `join`, then `leave` or `stop`. What it knows of others and of cells is the map of the engine, as far as this node has seen it; the map may be
 * behind, and is a directory only: who owns a cell, the cell's log decides.
 */
export class Member {
  readonly #host: MembershipHost;
  readonly #options: MemberOptions;
  readonly #times: MemberTimes;
  readonly #map: EngineMap;
  readonly #clock: Clock;
  readonly #view = new MapView();
  readonly #heartbeat: Heartbeat;
  readonly #lateness: Lateness;
  readonly #standing: Standing;
  readonly #keeperHost: KeeperHost;
  #keepers: readonly CellKeeper[] = [];
  /** By cell: the only node that may serve it; null where any may. */
  #homes: readonly string[] | null = null;
  #stand: Stand = { state: 'active', why: null };
  #directoryText = '';
  #directory: Directory = { cells: [], nodes: [] };
  #reach: Reach | null = null;
  #clients: readonly string[];
  /** Of the configuration, as it is now. */
  #compared: Pick<NodeFacts, 'fingerprint' | 'settings'>;
  #isRunning = true;
  #hasJoined = false;
  #isLeaving = false;
  #isApart = false;
  /** Since when `#isApart` is not what the links say; null when it is. */
  #apartChangeAt: number | null = null;
  #joinedAt = 0;
  /** Since when an own heartbeat has come back. */
  #begunAt = Number.POSITIVE_INFINITY;
  /** When a cell's record, or who may have cells, changed last. */
  #changedAt = 0;
  /** No cell is moved for balance before. */
  #balanceNotBefore = 0;
  #knownNodes = new Map<string, 'alive' | 'late'>();
  #eligibleText = '';
  #isLooking = false;
  #isLookWanted = false;
  #cancelLook = () => {};
  #endWatch = () => {};
  #onLeft: (() => void) | null = null;

  constructor(host: MembershipHost, options: MemberOptions) {
    this.#host = host;
    this.#options = options;
    this.#times = { ...MEMBER_TIMES, ...options.times };
    this.#map = options.map;
    this.#clock = options.clock;
    this.#clients = options.facts.clients;
    const { fingerprint, settings } = options.facts;
    this.#compared = settings === undefined ? { fingerprint } : { fingerprint, settings };
    this.#lateness = new Lateness(this.#times.heartbeatMs);
    this.#standing = new Standing(this.#times, this.#clock.now());
    const { map, clock, node, incarnation } = options;
    this.#heartbeat = new Heartbeat({
      ...{ map, clock, node, incarnation, heartbeatMs: this.#times.heartbeatMs },
      content: () => ({
        ...options.facts,
        ...this.#compared,
        clients: this.#clients,
        state: this.#isLeaving ? 'leaving' : 'active',
        isApart: this.#isApart,
        reaches: this.#reach?.reaches ?? null,
        refused: this.#reach?.refused ?? [],
      }),
      onTaken: (value, revision) => {
        this.#standing.onAnswer(this.#clock.now());
        this.#take(nodeKey(node), value, revision);
      },
      onSuperseded: () => {
        this.#standing.onSuperseded();
        this.#look();
      },
    });
    this.#keeperHost = this.#makeKeeperHost();
  }

  /** Where everything is, as far as is known. */
  get directory(): Directory {
    return this.#directory;
  }

  get stand(): Stand {
    return this.#stand;
  }

  /** The cells that are served here, with their epochs. */
  get served(): readonly { readonly cell: number; readonly epoch: number }[] {
    return this.#keepers.flatMap(({ cell, servedEpoch }) =>
      servedEpoch === null ? [] : [{ cell, epoch: servedEpoch }],
    );
  }

  /**
   * Takes part from now on. Waits for the engine as long as it takes.
   *
   * @returns what the cluster is, which the first node decides
   * @throws {MembershipError} `cells`, `durability`, `level`, `node`, `stopped`
   * @throws {RecordError} when what the map says of the cluster can't be read
   */
  async join(): Promise<MetaRecord> {
    const { node, peers = [], cells, durability = 'replicated' } = this.#options;
    if (!isNodeId(node)) throw new MembershipError('node', `a node can not be called ${node}`);
    if (peers.length > 0 && !peers.includes(node)) {
      throw new MembershipError('node', `node ${node} is not among those that may take part`);
    }
    if (durability === 'node' && peers.length === 0) {
      throw new MembershipError('durability', 'it takes the names of all nodes to share the cells');
    }
    const meta = await this.#meta();
    if (meta.durability !== durability) {
      const others = await this.#othersText();
      const text = `the cluster was made with durability ${meta.durability}${others}, and ${durability} is configured here: it can't be changed, so it takes ${meta.durability}`;
      throw new MembershipError('durability', text);
    }
    if (meta.cells !== cells) {
      const others = await this.#othersText();
      const text = `the cluster was made with ${meta.cells} cells${others}, and ${cells} are configured here: the number can't be changed, so it takes ${meta.cells}`;
      throw new MembershipError('cells', text);
    }
    if (meta.level > MEMBER_LEVEL) {
      const others = await this.#othersText();
      const text = `the cluster is at level ${meta.level}${others}, and this version knows ${MEMBER_LEVEL}: it takes a newer one`;
      throw new MembershipError('level', text);
    }
    if (!this.#isRunning) throw new MembershipError('stopped', 'the member was stopped');
    this.#hasJoined = true;
    this.#homes = meta.homes;
    this.#joinedAt = this.#clock.now();
    this.#changedAt = this.#joinedAt;
    this.#standing.onAnswer(this.#joinedAt);
    this.#keepers = Array.from(
      { length: meta.cells },
      (_, cell) => new CellKeeper(cell, this.#keeperHost),
    );
    this.#endWatch = this.#map.watch('', (key, value, revision) => {
      if (!this.#isRunning) return;
      this.#take(key, value, revision);
      if (key === nodeKey(node) && value !== null) this.#onOwnRecord(value);
      this.#look();
    });
    this.#heartbeat.send();
    this.#tick();
    return meta;
  }

  /** What the links say of the others; without it, it is taken that all reach each other. */
  setReach(reach: Reach): void {
    const before = this.#reach;
    this.#reach = reach;
    const isNews = before === null || !isSame(before.refused, reach.refused);
    if (isNews || !isSame(before.reaches, reach.reaches)) this.#say();
  }

  /** Where clients connect to has changed, or is known now. */
  setClients(urls: readonly string[]): void {
    this.#clients = urls;
    this.#say();
  }

  /** What of the configuration has to agree with that of the others has changed. */
  setCompared({ fingerprint, settings }: Pick<NodeFacts, 'fingerprint' | 'settings'>): void {
    this.#compared = settings === undefined ? { fingerprint } : { fingerprint, settings };
    this.#say();
  }

  /** What served a cell with an epoch has ended by itself, and nothing of it is there any more: it is opened again, here or elsewhere. */
  cellEnded(cell: number, epoch: number, why: string): void {
    this.#keepers[cell]?.onEnded(epoch, why);
  }

  /**
   * Gives all cells away, one after the other, and ends. Takes as long as that takes, with an engine that doesn't answer for ever: `stop` ends it
   * before.
   */
  async leave(): Promise<void> {
    if (!this.#isRunning) return;
    if (!this.#hasJoined) {
      this.stop();
      return;
    }
    this.#isLeaving = true;
    const left = new Promise<void>((resolve) => {
      this.#onLeft = resolve;
    });
    this.#heartbeat.send();
    this.#look();
    await left;
    if (!this.#isRunning) return;
    this.#heartbeat.end();
    await this.#heartbeat.remove();
    this.stop();
  }

  /** Ends at once. Cells that are served here stay so: others claim them when they find that this node is late. */
  stop(): void {
    this.#isRunning = false;
    this.#heartbeat.end();
    this.#endWatch();
    this.#cancelLook();
    this.#onLeft?.();
    this.#onLeft = null;
  }

  #say(): void {
    if (this.#hasJoined) this.#heartbeat.send();
  }

  // ------------------------------------------------------------------ the map

  async #meta(): Promise<MetaRecord> {
    const { cells, facts, peers = [], durability = 'replicated' } = this.#options;
    const level = Math.min(facts.level, MEMBER_LEVEL);
    const homes = durability === 'node' ? homesOf(peers, cells) : null;
    for (;;) {
      if (!this.#isRunning) throw new MembershipError('stopped', 'the member was stopped');
      const found = await this.#read(META_KEY);
      if (found !== undefined && found !== null) return decodeMeta(found);
      if (found === null) {
        const createdMs = this.#clock.wallNow();
        const value = encodeRecord({ cells, level, createdMs, durability, homes });
        const isWanted = () => this.#isRunning;
        const outcome = await settledPut(this.#map, this.#clock, META_KEY, value, 0, isWanted);
        if (outcome.kind === 'set') return decodeMeta(value);
        if (outcome.kind === 'conflict' && outcome.found !== null) {
          return decodeMeta(outcome.found.value);
        }
      }
      await new Promise<void>((resolve) => {
        this.#clock.setTimer(RETRY_MS, resolve);
      });
    }
  }

  /** Whom a node disagrees with that can't take part; empty where that is not to be had. */
  async #othersText(): Promise<string> {
    try {
      const { nodes } = (await readCluster(this.#map, this.#clock)) ?? {};
      const known = [...(nodes ?? [])].map(([id, { version }]) => `${id} (${version})`);
      return known.length === 0 ? '' : `, as have ${known.sort().join(', ')}`;
    } catch {
      return '';
    }
  }

  /** @returns undefined when the engine doesn't answer */
  async #read(key: string): Promise<Uint8Array | null | undefined> {
    try {
      return (await this.#map.get(key))?.value ?? null;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'unavailable') return undefined;
      throw error;
    }
  }

  #take(key: string, value: Uint8Array | null, revision: number): void {
    try {
      if (!this.#view.take(key, value, revision)) return;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.#onEvent({ kind: 'record-unreadable', key, why: error.message });
      return;
    }
    if (key.startsWith(KeyPrefix.cell)) this.#changedAt = this.#clock.now();
    if (!key.startsWith(KeyPrefix.node)) return;
    const id = key.slice(KeyPrefix.node.length);
    const found = this.#view.nodes.get(id)?.record;
    if (found === undefined) this.#lateness.forget(id);
    else this.#lateness.onBeat(id, found.incarnation, found.beat, this.#clock.now());
  }

  /** An own heartbeat that has come back by the watch says that what was there before has come, too. */
  #onOwnRecord(value: Uint8Array): void {
    const { node, incarnation } = this.#options;
    const record = decodeNode(nodeKey(node), value);
    if (record.incarnation !== incarnation) return;
    const sentAt = this.#heartbeat.sentAt(record.beat);
    if (sentAt === null) return;
    if (!this.#lateness.hasBegun) {
      this.#begunAt = this.#clock.now();
      void this.#endFormerDrain();
    }
    this.#lateness.onOwnBeat(sentAt);
  }

  /** What was drained before it was started is to be used again. */
  async #endFormerDrain(): Promise<void> {
    const { node, incarnation } = this.#options;
    const drain = this.#view.drains.get(node);
    if (drain === undefined || drain.record.incarnation === incarnation) return;
    await this.#map.remove(drainKey(node), drain.revision);
  }

  // -------------------------------------------------------------- looking at it

  #tick(): void {
    if (!this.#isRunning) return;
    this.#look();
    // How long another one has been silent is known as of the last own heartbeat: of one that seems to have ended it is to be known soon.
    const others = [...this.#view.nodes.keys()].filter((id) => id !== this.#options.node);
    if (others.some((id) => this.#isRefused(id) && !this.#isLate(id))) this.#heartbeat.send();
    this.#cancelLook = this.#clock.setTimer(this.#times.heartbeatMs / LOOKS, () => this.#tick());
  }

  /** Looks at all there is; what changes meanwhile is looked at as well. */
  #look(): void {
    this.#isLookWanted = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#isLookWanted && this.#isRunning) {
      this.#isLookWanted = false;
      this.#lookOnce();
    }
    this.#isLooking = false;
  }

  #lookOnce(): void {
    const now = this.#clock.now();
    this.#lookAtStand(now);
    this.#lookAtNodes(now);
    this.#lookAtReach(now);
    for (const keeper of this.#keepers) keeper.look();
    this.#lookAtDirectory();
    if (this.#isLeaving && this.#keepers.every(({ isAway }) => isAway)) {
      this.#onLeft?.();
      this.#onLeft = null;
    }
  }

  #lookAtStand(now: number): void {
    const before = this.#stand;
    const stand = this.#standing.pass(now, this.#isDownForAll());
    if (stand.state === before.state && stand.why === before.why) return;
    this.#stand = stand;
    if (stand.state !== 'fenced') this.#host.onState(stand.state, stand.why);
    else void this.#fence(stand);
  }

  async #fence(stand: Stand): Promise<void> {
    const why =
      stand.why === 'superseded'
        ? 'another process has the name of this node'
        : 'the engine has not answered for too long';
    await Promise.all(this.#keepers.map((keeper) => keeper.fence(why)));
    if (this.#isRunning && this.#stand === stand) this.#host.onState(stand.state, stand.why);
  }

  /** Whether nobody can have claimed anything: most nodes are reached, and none of them has the engine. */
  #isDownForAll(): boolean {
    if (this.#reach === null) return false;
    const { reaches, withoutEngine } = this.#reach;
    const known = [...this.#view.nodes.keys()].filter((node) => this.#mayTakePart(node));
    const reached = reaches.filter((node) => known.includes(node));
    const isMajority = (reached.length + 1) * 2 > known.length;
    return isMajority && reached.every((node) => withoutEngine.includes(node));
  }

  #lookAtNodes(now: number): void {
    const known = new Map<string, 'alive' | 'late'>();
    for (const node of this.#view.nodes.keys()) {
      const isLate = this.#isLate(node);
      known.set(node, isLate ? 'late' : 'alive');
      if (this.#knownNodes.get(node) === known.get(node)) continue;
      if (isLate) this.#onEvent({ kind: 'node-late', node, isRefused: this.#isRefused(node) });
      else this.#onEvent({ kind: 'node-alive', node });
    }
    for (const node of this.#knownNodes.keys()) {
      if (!known.has(node)) this.#onEvent({ kind: 'node-gone', node });
    }
    this.#knownNodes = known;
    const eligibleText = this.#eligible().join(' ');
    if (eligibleText !== this.#eligibleText) this.#changedAt = now;
    this.#eligibleText = eligibleText;
  }

  #lookAtReach(now: number): void {
    if (this.#reach === null) return;
    const { node } = this.#options;
    const reaches = new Map<string, readonly string[] | null>([[node, this.#reach.reaches]]);
    for (const [id, { record }] of this.#view.nodes) {
      if (id !== node && this.#isAlive(id)) reaches.set(id, record.reaches);
    }
    if (reachingSet(reaches).has(node) !== this.#isApart) {
      this.#apartChangeAt = null;
      return;
    }
    this.#apartChangeAt ??= now;
    const { apartMs, lateAfterMs } = this.#times;
    if (now - this.#apartChangeAt < (this.#isApart ? lateAfterMs : apartMs)) return;
    this.#apartChangeAt = null;
    this.#isApart = !this.#isApart;
    this.#onEvent({ kind: 'apart', isApart: this.#isApart });
    this.#heartbeat.send();
  }

  #lookAtDirectory(): void {
    const nodes = new Map([...this.#view.nodes].map(([id, { record }]) => [id, record]));
    const cells = this.#keepers.map(({ cell }) => this.#view.cell(cell).record);
    const directory = directoryOf(
      cells,
      nodes,
      (id) => this.#isAlive(id),
      (id) => this.#isEligible(id),
      (cell) => this.#isAway(cell),
    );
    const text = JSON.stringify(directory);
    if (text === this.#directoryText) return;
    this.#directoryText = text;
    this.#directory = directory;
    this.#host.onDirectory(directory);
  }

  /** Whether a cell can't be served by anybody now, as only its home has its log. */
  #isAway(cell: number): boolean {
    const home = this.#homes?.[cell];
    if (home === undefined) return false;
    return !this.#isAlive(home) || this.#view.log(cell)?.record.state === 'lost';
  }

  // ---------------------------------------------------------------------- nodes

  #mayTakePart(node: string): boolean {
    const { peers = [] } = this.#options;
    return peers.length === 0 || peers.includes(node);
  }

  #isLate(node: string): boolean {
    if (node === this.#options.node) return false;
    const silentMs = this.#lateness.silentMs(node);
    if (silentMs >= this.#times.lateAfterMs) return true;
    return silentMs >= this.#times.refusedAfterMs && this.#isRefused(node);
  }

  /** Whether most others find that nobody listens at a node's address. */
  #isRefused(node: string): boolean {
    let others = 0;
    let refused = 0;
    for (const [id, { record }] of this.#view.nodes) {
      if (id === node || this.#lateness.silentMs(id) >= this.#times.lateAfterMs) continue;
      const said = id === this.#options.node ? (this.#reach?.refused ?? []) : record.refused;
      others++;
      if (said.includes(node)) refused++;
    }
    return refused * 2 > others;
  }

  #isAlive(node: string): boolean {
    return this.#view.nodes.has(node) && !this.#isLate(node);
  }

  #isEligible(node: string): boolean {
    if (node === this.#options.node) return this.#giveReason() === null;
    const record = this.#view.nodes.get(node)?.record;
    if (record === undefined || !this.#mayTakePart(node) || this.#isLate(node)) return false;
    return record.state === 'active' && !record.isApart && !this.#view.isDrained(node);
  }

  /** Names of nodes that may be given cells. */
  #eligible(): string[] {
    const ids = [...this.#view.nodes.keys()].filter((id) => this.#isEligible(id));
    return ids.sort();
  }

  #giveReason(): GiveReason | null {
    if (this.#isLeaving) return 'leaving';
    if (this.#view.isDrained(this.#options.node)) return 'drained';
    return this.#isApart ? 'apart' : null;
  }

  // ---------------------------------------------------------------------- cells

  #makeKeeperHost(): KeeperHost {
    const { node, incarnation } = this.#options;
    const isRunning = () => this.#isRunning;
    const canAct = () => this.#stand.state === 'active' && this.#lateness.hasBegun;
    const giveReason = () => this.#giveReason();
    const isBound = () => this.#homes !== null;
    const hasOthers = () => !isBound() && this.#eligible().some((id) => id !== node);
    return {
      ...{ node, incarnation, map: this.#map, clock: this.#clock, times: this.#times },
      ...{ host: this.#host, view: this.#view },
      get isRunning() {
        return isRunning();
      },
      get canAct() {
        return canAct();
      },
      get giveReason() {
        return giveReason();
      },
      get hasOthers() {
        return hasOthers();
      },
      get isBound() {
        return isBound();
      },
      isEligible: (id) => !isBound() && this.#isEligible(id),
      orphanReason: (record) => this.#orphanReason(record),
      claimDelayMs: (cell) => this.#claimDelayMs(cell),
      giveTarget: (cell) => this.#giveTarget(cell),
      balanceTarget: (cell) => this.#balanceTarget(cell),
      onMoveCancelled: () => {
        this.#balanceNotBefore = this.#clock.now() + this.#times.steadyMs;
      },
      take: (key, value, revision) => this.#take(key, value, revision),
      onEvent: (event) => this.#onEvent(event),
      onChanged: () => this.#look(),
    };
  }

  #orphanReason({ node, incarnation }: CellRecord): ClaimReason | null {
    if (node === null) return 'free';
    const owner = this.#view.nodes.get(node)?.record;
    if (owner?.incarnation !== incarnation) return this.#isKnown(node) ? 'gone' : null;
    return this.#isLate(node) ? 'late' : null;
  }

  /**
   * Whether the last heartbeat of a node, if there is one, has come. A watch that has just begun may leave out one that is followed by another, which
   * comes behind this node's own.
   */
  #isKnown(node: string): boolean {
    const { heartbeatMs } = this.#times;
    const isOwn = node === this.#options.node;
    return isOwn || this.#clock.now() - this.#begunAt >= UNKNOWN_HEARTBEATS * heartbeatMs;
  }

  #claimDelayMs(cell: number): number | null {
    const { node } = this.#options;
    // Only its home has its log: whoever else served it would serve it without all that was acknowledged.
    if (this.#homes !== null) return this.#homes[cell] === node && !this.#isLeaving ? 0 : null;
    const { claimStepMs, gatherMs, lateAfterMs } = this.#times;
    const { record } = this.#view.cell(cell);
    const target = record.target !== null && this.#isEligible(record.target) ? record.target : null;
    const isGathering = this.#clock.now() - this.#joinedAt < gatherMs;
    if (record.node === null && target === null && isGathering) return null;
    const orphans = this.#records().flatMap((other, number) =>
      this.#orphanReason(other) === null ? [] : [number],
    );
    const order = claimOrders(orphans, this.#countsOfClaimants()).get(cell) ?? [];
    // One to which it was given, and one that has started again and has most of its log, come first.
    const first = [target, record.node].filter((id) => id !== null && this.#isEligible(id));
    const rank = [...new Set([...first, ...order])].indexOf(node);
    if (rank === -1) return null;
    return rank === 0 || target === null ? rank * claimStepMs : lateAfterMs + rank * claimStepMs;
  }

  #giveTarget(cell: number): string | null {
    if (this.#homes !== null) return null;
    const { node } = this.#options;
    const isOneMoving = this.#keepers.some(
      ({ cell: other, isStepping }) => isStepping || isMovingFrom(node, this.#view.cell(other)),
    );
    return isOneMoving ? null : bestTarget(cell, this.#counts());
  }

  #balanceTarget(cell: number): string | null {
    const move = this.#balancingMove();
    return move?.cell === cell && move.from === this.#options.node ? move.to : null;
  }

  #balancingMove(): Move | null {
    if (this.#homes !== null) return null;
    const now = this.#clock.now();
    if (now < Math.max(this.#balanceNotBefore, this.#changedAt + this.#times.settleMs)) return null;
    const cells: { cell: number; node: string | null }[] = [];
    for (const [cell, { node, state, target, isForgotten }] of this.#records().entries()) {
      if (isForgotten) continue;
      const isSettled = state === 'serving' && target === null && node !== null;
      if (!isSettled || !this.#isEligible(node)) return null;
      cells.push({ cell, node });
    }
    return balancingMove(cells, this.#eligible());
  }

  /** Where no node may be given cells, one that is drained or apart serves them rather than none. */
  #countsOfClaimants(): Map<string, number> {
    const counts = this.#counts();
    if (counts.size > 0) return counts;
    const isThere = (id: string) => this.#mayTakePart(id) && this.#isAlive(id);
    const others = [...this.#view.nodes].filter(
      ([id, { record }]) => isThere(id) && record.state === 'active',
    );
    return this.#counts(others.map(([id]) => id).sort());
  }

  /** By node that may be given cells: how many it has, or is to have. */
  #counts(nodes: readonly string[] = this.#eligible()): Map<string, number> {
    const counts = new Map(nodes.map((id) => [id, 0]));
    for (const record of this.#records()) {
      const holder = record.target ?? record.node;
      const count = holder === null ? undefined : counts.get(holder);
      if (holder !== null && count !== undefined) counts.set(holder, count + 1);
    }
    return counts;
  }

  #records(): readonly CellRecord[] {
    return this.#keepers.map(({ cell }) => this.#view.cell(cell).record);
  }

  #onEvent(event: MembershipEvent): void {
    this.#host.onEvent?.(event);
  }
}

function isMovingFrom(node: string, { record }: Revised<CellRecord>): boolean {
  return record.node === node && record.state === 'moving';
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}
