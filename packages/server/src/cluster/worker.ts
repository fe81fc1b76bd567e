import {
  type Channel,
  Channels,
  type ChannelUser,
  cellOf,
  LINK_DEFAULTS,
  type Link,
  type LinkEnd,
  LinkNode,
  LinkSet,
} from '@promptmq/cluster';
import { nodeIdOf } from '../config/index.ts';
import type { Transport, TransportHandler } from '../connection/transport.ts';
import type { BoundListener } from '../listeners/listener.ts';
import type { ObservedPeers } from '../observability/links/link-metrics.ts';
import type { Peers } from '../routing/peers.ts';
import { nodeRuntime, type Runtime } from '../runtime/runtime.ts';
import type { LiveUsers } from '../security/live-users.ts';
import type { Announcements } from '../sessions/subscriptions.ts';
import { Forwarding } from './forwarding/forwarding.ts';
import type { ForwardingHost } from './forwarding/host.ts';
import { ChannelTransport } from './front/channel-transport.ts';
import { type ClientFacts, decodeFacts, encodeFacts, factsOf } from './front/client-facts.ts';
import { Front, type FrontHost } from './front/front.ts';
import { referenceAmong } from './front/server-reference.ts';
import { epochOf } from './links/link-epoch.ts';
import { LinkFailures } from './links/link-failures.ts';
import type { LinkTerms } from './links/link-terms.ts';
import { ProcessFigures } from './links/process-figures.ts';
import { CellPeers } from './peers/cell-peers.ts';
import type { PeersHost } from './peers/host.ts';
import {
  type CellPlace,
  cellName,
  type UsersRequest,
  type WorkerFigures,
  type WorkerStart,
} from './worker-messages.ts';

/** What a worker needs of its broker. */
export interface WorkerBroker extends PeersHost, ForwardingHost {
  readonly sessions: PeersHost['sessions'];
  readonly runtime: Runtime;
  readonly stats: ForwardingHost['stats'];
  readonly turns: ForwardingHost['turns'];
  readonly journal: ForwardingHost['journal'];
  readonly router: PeersHost['router'] & ForwardingHost['router'] & { peers: Peers | null };
  announcements: Announcements | null;
  figuresOfOthers: {
    exchange(own: WorkerFigures, onOthers: (others: readonly WorkerFigures[]) => void): void;
  } | null;
  observedPeers: ObservedPeers | null;
  readonly liveUsers: Pick<LiveUsers, 'others' | 'askHere'>;
  accept(transport: Transport): TransportHandler | null;
  onSocketRefused(reason: 'cell-away', address: string, why: string): void;
}

/** What it needs of the supervisor. */
export interface WorkerOutside {
  /**
   * Sends a socket to the worker of a cell.
   *
   * @param onSent - it has left, and may be closed here
   */
  giveSocket(
    to: number,
    facts: ClientFacts,
    read: Uint8Array,
    handle: object,
    onSent: () => void,
  ): void;
  /** Another process has the cell of this one. */
  onReplaced(why: string): void;
  /** Has all processes change users, groups and roles, this one among them. @returns what is answered; @throws {Error} by rejection, for whoever asks */
  changeUsers(request: UsersRequest): Promise<string>;
  /** Tells the supervisor the figures of this process; those of the others come to `onFigures`. */
  tellFigures(figures: WorkerFigures): void;
}

/** Of a connection's time until CONNECT is answered, the part that waiting for a cell may take: then there is time for the answer. */
const PATIENCE_PART = 0.9;

/**
 * A worker is a process with one cell: the broker of the clients whose identifiers fall to it, whichever process they connect to. It has a link
 * to each of the other cells. A front is one without a cell, and passes all clients on.
 */
export class Worker {
  /** Null for a front. */
  readonly cell: number | null;
  readonly links: LinkSet;
  readonly front: Front;
  readonly channels: Channels;
  readonly #start: WorkerStart;
  /** With which its cell is owned; 0 while another process has it. */
  #epoch: number;
  readonly #outside: WorkerOutside;
  /** Waits for the figures of the others. */
  #onOthers: ((others: readonly WorkerFigures[]) => void) | null = null;
  readonly #node: LinkNode;
  readonly #failures = new LinkFailures();
  /** Those to other cells. */
  readonly #cellLinks: LinkSet;
  #broker: WorkerBroker | null = null;
  #peers: CellPeers | null = null;
  #forwarding: Forwarding | null = null;
  /** Where the cells are, by number. */
  #places: readonly CellPlace[] = [];
  /** Whether no client that connects is to be served. */
  #isClosed = false;
  /** Whether it takes links, and may dial. */
  #hasBegun = false;
  /** Those of this process; opened after the links. */
  #listeners: readonly BoundListener[] = [];
  /** Sockets that came before the listeners were open. */
  #early: { readonly handle: object; readonly facts: ClientFacts; readonly read: Uint8Array }[] =
    [];
  /** Who waits until clients of the cell with this number can be passed on. */
  readonly #waiting = new Map<number, Set<() => void>>();
  /** Of the clients without an identifier, which cell had the last one. */
  #namelessCell = -1;

  /**
   * @param incarnation - another one at each start of the process
   * @param onError - hears what a link could not deal with
   * @param terms - of links to processes of other nodes
   */
  constructor(
    start: WorkerStart,
    outside: WorkerOutside,
    incarnation: string,
    onError: (error: unknown) => void,
    terms: LinkTerms = { peers: [], tls: null },
  ) {
    const { cell, epoch, name, cluster, secret } = start;
    this.#epoch = epoch;
    const { peers, tls } = terms;
    this.cell = cell;
    this.#start = start;
    this.#outside = outside;
    this.links = new LinkSet(onError);
    this.#cellLinks = this.links.part(({ cells }) => cells.length > 0);
    this.front = new Front(this.#frontHost());
    this.channels = new Channels(this.links, {
      node: name,
      defer: nodeRuntime.defer,
      onOpen: (channel, facts) => this.#takeChannel(channel, decodeFacts(facts)),
    });
    const owner = start.node === null ? {} : { owner: start.node };
    this.#node = new LinkNode(this.links, {
      ...LINK_DEFAULTS,
      ...(start.node === null ? NEAR_LINKS : FAR_LINKS),
      ...{ clock: nodeRuntime, cluster, secret, peers, ...(tls === null ? {} : { tls }) },
      self: () => ({
        ...{ node: name, incarnation, ...owner },
        cells: cell === null ? [] : [{ cell, epoch: this.#epoch }],
      }),
      admit: (peer) => this.#whyNot(peer),
      onFailed: (where, error) => this.#failures.note(where, error, this.#broker?.log ?? null),
    });
    this.links.follow({
      onUp: ({ peer }) => {
        this.#failures.forget(peer.node);
        this.#broker?.log.debug('link-up', { node: peer.node });
        for (const one of peer.cells) this.#lookFor(one.cell);
      },
      onDown: ({ peer }, why) => this.#broker?.log.debug('link-down', { node: peer.node, why }),
    });
  }

  /** As that of the machine, with identifiers of clients that fall to this worker. */
  get runtime(): Runtime {
    return {
      ...nodeRuntime,
      uniqueId: () => {
        let id = nodeRuntime.uniqueId();
        while (this.cell !== null && this.#cellOf(id) !== this.cell) id = nodeRuntime.uniqueId();
        return id;
      },
    };
  }

  /** The figures of the other workers, which were asked for. */
  onFigures(others: readonly WorkerFigures[]): void {
    const onOthers = this.#onOthers;
    this.#onOthers = null;
    onOthers?.(others);
  }

  /** There is a broker, which has not recovered yet: what its clients subscribe to is announced from here on. */
  prepare(broker: WorkerBroker): void {
    const { count } = this.#start;
    const { cell } = this;
    this.#broker = broker;
    broker.observedPeers = new ProcessFigures(this, nodeIdOf(broker.config), {
      refusedLinks: () => this.#failures.refused,
      places: () => this.#places,
      filterCounts: () => this.#peers?.filterCounts ?? [],
    });
    broker.figuresOfOthers = {
      exchange: (own, onOthers) => {
        this.#onOthers = onOthers;
        this.#outside.tellFigures(own);
      },
    };
    if (cell === null) return;
    broker.liveUsers.others = {
      change: (payload, asker) =>
        this.#outside.changeUsers({ payload: Buffer.from(payload).toString(), ...asker }),
    };
    const others = new Map<number, string>();
    for (let number = 0; number < count; number++) {
      if (number !== cell) others.set(number, cellName(number));
    }
    const place = { cell, epoch: this.#epoch, others };
    this.#peers = new CellPeers(broker, place, this.#cellLinks);
    broker.announcements = this.#peers.announcer;
    broker.router.peers = this.#peers;
  }

  /** The part of this process in what a client of any has asked to change of users. @returns what is answered */
  async carryOutUsers({ payload, ...asker }: UsersRequest): Promise<string> {
    const { liveUsers } = this.#broker as WorkerBroker;
    return (await liveUsers.askHere(Buffer.from(payload), asker)).response;
  }

  /** The cell that another process had is claimed; before `begin`. */
  claim(epoch: number): void {
    this.#epoch = epoch;
    if (this.#peers !== null) this.#peers.announcer.epoch = epoch;
  }

  /** The broker has recovered and is about to listen: takes links from here on, and dials the other cells. */
  async begin(broker: WorkerBroker): Promise<void> {
    const { address } = this.#start;
    if (this.cell !== null) {
      const peers = this.#peers as CellPeers;
      this.#forwarding = new Forwarding(broker, this.cell, this.#cellLinks, peers);
    }
    if (address !== null) await this.#node.listen(address);
    this.#hasBegun = true;
    const places = this.#places;
    this.#places = [];
    this.onCells(places, this.#isClosed);
  }

  /** Resolves when it is known what the clients of all other cells have subscribed to that are waited for. */
  whole(): Promise<void> {
    const peers = this.#peers;
    return peers === null ? Promise.resolve() : new Promise((resolve) => peers.whenWhole(resolve));
  }

  /** The listeners are open. */
  serve(listeners: readonly BoundListener[]): void {
    this.#listeners = listeners;
    const early = this.#early;
    this.#early = [];
    for (const { handle, facts, read } of early) this.takeSocket(handle, facts, read);
  }

  /** A client whose session is here has connected to another worker, which gives its socket. */
  takeSocket(handle: object, facts: ClientFacts, read: Uint8Array): void {
    if (this.#listeners.length === 0) {
      this.#early.push({ handle, facts, read });
      return;
    }
    const { remoteAddress: address, ageMs } = facts;
    this.#listenerOf(facts).adopt(handle, { address, ageMs, read });
  }

  /** Resolves when no connection is passed on any more to this process's clients, or after a time. */
  drained(timeoutMs: number): Promise<void> {
    return this.front.drained(timeoutMs);
  }

  /** The broker is about to stop: what waits for other workers goes on waiting. */
  release(): void {
    this.#forwarding?.stop();
    this.#peers?.stop();
  }

  /** Closes the links. */
  async stop(): Promise<void> {
    await this.#node.stop();
  }

  // ------------------------------------------------------------------------ cells

  /**
   * The supervisor says where the cells are.
   *
   * @param isClosed - whether no client that connects is to be served
   */
  onCells(places: readonly CellPlace[], isClosed: boolean): void {
    this.#isClosed = isClosed;
    const before = this.#places;
    this.#places = places;
    if (!this.#hasBegun) return;
    for (const place of places) {
      if (place.cell === this.cell) this.#lookAtOwn(place);
      else this.#lookAt(place, before[place.cell]);
    }
  }

  #lookAtOwn({ epoch }: CellPlace): void {
    if (epoch > this.#epoch) {
      this.#outside.onReplaced(`cell ${this.cell} has another owner, of epoch ${epoch}`);
    }
  }

  #lookAt(
    { cell, epoch, state, address, isAwaited }: CellPlace,
    before: CellPlace | undefined,
  ): void {
    const name = cellName(cell);
    const link = this.links.of(name);
    const isFormer = link !== null && epochOf(link, cell) < epoch;
    if (isFormer) link.close(`cell ${cell} has another owner, of epoch ${epoch}`);
    // Nobody waits for one that is gone, until there is a link to the next one.
    const isAway = state === 'away' && before?.state !== 'away';
    if (isFormer || isAway || (before !== undefined && before.epoch < epoch && link === null)) {
      this.#peers?.forget(name);
    }
    this.#peers?.setAwaited(cell, isAwaited);
    // Of two cells the one with the higher number dials; a front dials all.
    if (address !== null && (this.cell === null || cell < this.cell)) {
      this.#node.dial(name, address);
    } else {
      this.#node.forget(name);
    }
    this.#lookFor(cell);
  }

  /** @returns why there is to be no link to a process; null where there is */
  #whyNot({ cells }: LinkEnd): string | null {
    for (const { cell, epoch } of cells) {
      const known = cell === this.cell ? this.#epoch : (this.#places[cell]?.epoch ?? 0);
      if (cell === this.cell || epoch < known) {
        return `cell ${cell} has an owner of epoch ${known} here, and ${epoch} there`;
      }
    }
    return null;
  }

  // ------------------------------------------------------------------------ front

  #frontHost(): FrontHost {
    const mqtt = () => this.#broker?.config.mqtt;
    const patienceMs = () => {
      const { cluster, mqtt: own } = (this.#broker as WorkerBroker).config;
      return Math.min(cluster.connectPatience, PATIENCE_PART * own.connectTimeout);
    };
    const isClosed = () => this.#isClosed;
    return {
      get isClosed() {
        return isClosed();
      },
      get connectSizeMax() {
        return mqtt()?.maxConnectSize ?? 0;
      },
      get patienceMs() {
        return patienceMs();
      },
      isOwn: (clientId) => this.#cellOf(clientId) === this.cell,
      nameless: () => this.#nameless(),
      referenceFor: (clientId, transport) => this.#referenceFor(clientId, transport),
      giveAway: (clientId, transport, read) =>
        this.#giveAway(this.#cellOf(clientId), transport, read),
      openChannel: (clientId, transport, use) =>
        this.#openChannel(this.#cellOf(clientId), transport, use),
      whenReachable: (clientId, callback) => this.#wait(this.#cellOf(clientId), callback),
      setTimer: (delayMs, callback) => nodeRuntime.setTimer(delayMs, callback),
      onRefused: ({ remoteAddress }) => {
        const why = 'no process serves the cell of the client';
        this.#broker?.onSocketRefused('cell-away', remoteAddress, why);
      },
    };
  }

  #referenceFor(clientId: Uint8Array, { protocol }: Transport): string | null {
    if (this.#broker?.config.cluster.serverReference !== true) return null;
    const place = this.#places[this.#cellOf(clientId)];
    if (place === undefined || place.isHere || place.state !== 'serving') return null;
    return referenceAmong(place.clients, protocol);
  }

  #cellOf(clientId: string | Uint8Array): number {
    return cellOf(clientId, this.#start.count);
  }

  /** A cell draws itself. A front has the cells that serve draw in turns, those of this supervisor first. */
  #nameless(): Uint8Array | null {
    if (this.cell !== null) return null;
    const reachable = this.#places.filter(({ cell }) => this.#linkTo(cell) !== null);
    const here = reachable.filter(({ isHere }) => isHere);
    const candidates = here.length > 0 ? here : reachable.length > 0 ? reachable : this.#places;
    const next = candidates.find(({ cell }) => cell > this.#namelessCell) ?? candidates[0];
    this.#namelessCell = next?.cell ?? 0;
    for (;;) {
      const id = nodeRuntime.uniqueId();
      if (this.#cellOf(id) === this.#namelessCell) return Buffer.from(id);
    }
  }

  /** @returns the link to who serves a cell; null while nobody does that can be reached */
  #linkTo(cell: number): Link | null {
    const place = this.#places[cell];
    const link = this.links.of(cellName(cell));
    const isServed = place?.state === 'serving' && link !== null;
    return isServed && epochOf(link, cell) === place.epoch ? link : null;
  }

  /** Only to a worker that is there: one that has just died would get no more of it than the client of that. */
  #giveAway(to: number, transport: Transport, read: Uint8Array): boolean {
    if (this.#places[to]?.isHere !== true || this.#linkTo(to) === null) return false;
    const given = transport.giveAway?.() ?? null;
    if (given === null) return false;
    const facts = factsOf(transport, this.#now);
    const all = given.unread.length === 0 ? read : Buffer.concat([read, given.unread]);
    this.#outside.giveSocket(to, facts, all, given.handle, given.close);
    return true;
  }

  #openChannel(
    to: number,
    transport: Transport,
    use: (channel: Channel) => ChannelUser,
  ): Channel | null {
    const link = this.#linkTo(to);
    if (link === null) return null;
    return this.channels.open(link, encodeFacts(factsOf(transport, this.#now)), use);
  }

  #wait(cell: number, callback: () => void): () => void {
    const waiting = this.#waiting.get(cell) ?? new Set();
    this.#waiting.set(cell, waiting);
    waiting.add(callback);
    return () => void waiting.delete(callback);
  }

  /** Those who wait for a cell go on, if it can be reached. */
  #lookFor(cell: number): void {
    if (this.#linkTo(cell) === null) return;
    const waiting = this.#waiting.get(cell);
    this.#waiting.delete(cell);
    for (const callback of waiting ?? []) callback();
  }

  // ------------------------------------------------------------------------- cell

  /** @returns null when the broker doesn't take it, and it was closed */
  #takeChannel(channel: Channel, facts: ClientFacts): ChannelUser | null {
    const broker = this.#broker;
    if (broker === null || this.cell === null || this.#listeners.length === 0) return null;
    const listener = facts.listener === null ? null : this.#listenerOf(facts).terms;
    const acceptedAt = this.#now - facts.ageMs;
    const transport = new ChannelTransport(channel, facts, listener, acceptedAt);
    const handler = broker.accept(transport);
    if (handler === null) return null;
    transport.start(handler);
    return transport;
  }

  #listenerOf(facts: ClientFacts): BoundListener {
    const found = this.#listeners.find(({ name }) => name === facts.listener);
    return found ?? (this.#listeners[0] as BoundListener);
  }

  get #now(): number {
    return (this.#broker as WorkerBroker).runtime.now();
  }
}

/**
 * A process that has ended closes its sockets: so silence only means that it was held up, as by a disk or a debugger, and the link had better
 * wait for it.
 */
const NEAR_LINKS = {
  pingMs: 2000,
  silentMs: 60_000,
  handshakeMs: 10_000,
  redialMs: 20,
  redialMsMax: 1000,
} as const;

/** A machine that is lost, or a network that is, closes nothing. */
const FAR_LINKS = {
  pingMs: 500,
  silentMs: 4000,
  handshakeMs: 3000,
  redialMs: 50,
  // A cell that has moved listens some time after all were told where it is, and serves when the links are there.
  redialMsMax: 150,
} as const;
