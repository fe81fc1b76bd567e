import { join } from 'node:path';
import {
  type Channel,
  Channels,
  type ChannelUser,
  cellOf,
  LINK_DEFAULTS,
  LinkNode,
  LinkSet,
} from '@promptmq/cluster';
import type { Transport, TransportHandler } from '../connection/transport.ts';
import type { BoundListener } from '../listeners/listener.ts';
import type { Peers } from '../routing/peers.ts';
import { nodeRuntime, type Runtime } from '../runtime/runtime.ts';
import type { Announcements } from '../sessions/subscriptions.ts';
import { Forwarding } from './forwarding/forwarding.ts';
import type { ForwardingHost } from './forwarding/host.ts';
import { ChannelTransport } from './front/channel-transport.ts';
import { type ClientFacts, decodeFacts, encodeFacts, factsOf } from './front/client-facts.ts';
import { Front, type FrontHost } from './front/front.ts';
import { CellPeers } from './peers/cell-peers.ts';
import type { PeersHost } from './peers/host.ts';
import { linkSocket, type WorkerStart, workerName } from './worker-messages.ts';

/** What a worker needs of its broker. */
export interface WorkerBroker extends PeersHost, ForwardingHost {
  readonly sessions: PeersHost['sessions'];
  readonly runtime: Runtime;
  readonly stats: ForwardingHost['stats'];
  readonly turns: ForwardingHost['turns'];
  readonly journal: ForwardingHost['journal'];
  readonly router: PeersHost['router'] & ForwardingHost['router'] & { peers: Peers | null };
  announcements: Announcements | null;
  accept(transport: Transport): TransportHandler | null;
}

/** What it needs of the supervisor. */
export interface WorkerOutside {
  /**
   * Sends a socket to another worker.
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
}

/**
 * A worker is a process with one cell: the broker of the clients whose identifiers fall to it, whichever worker they connect to. It has a link to
 * each of the others.
 */
export class Worker {
  readonly number: number;
  readonly links: LinkSet;
  readonly front: Front;
  readonly channels: Channels;
  readonly #start: WorkerStart;
  readonly #outside: WorkerOutside;
  readonly #node: LinkNode;
  #broker: WorkerBroker | null = null;
  #peers: CellPeers | null = null;
  #forwarding: Forwarding | null = null;
  /** Those of this process; opened after the links. */
  #listeners: readonly BoundListener[] = [];
  /** Sockets that came before the listeners were open. */
  #early: { readonly handle: object; readonly facts: ClientFacts; readonly read: Uint8Array }[] =
    [];
  /** Who waits for a link to the worker with this number. */
  readonly #waiting = new Map<number, Set<() => void>>();
  readonly #onError: (error: unknown) => void;

  /**
   * @param incarnation - another one at each start of the process
   * @param onError - hears what a link could not deal with
   */
  constructor(
    start: WorkerStart,
    outside: WorkerOutside,
    incarnation: string,
    onError: (error: unknown) => void,
  ) {
    this.number = start.number;
    this.#start = start;
    this.#outside = outside;
    this.#onError = onError;
    this.links = new LinkSet((error) => this.#onError(error));
    this.front = new Front(this.#frontHost());
    const node = workerName(start.number);
    this.channels = new Channels(this.links, {
      node,
      defer: nodeRuntime.defer,
      onOpen: (channel, facts) => this.#takeChannel(channel, decodeFacts(facts)),
    });
    this.#node = new LinkNode(this.links, {
      ...LINK_DEFAULTS,
      ...WORKER_LINKS,
      clock: nodeRuntime,
      cluster: 'workers',
      secret: start.secret,
      self: () => ({ node, incarnation, cells: [{ cell: start.number, epoch: start.epoch }] }),
      onFailed: (where, why) => this.#broker?.log.debug('link-failed', { where, why }),
    });
    this.links.follow({
      onUp: ({ peer }) => {
        this.#broker?.log.debug('link-up', { node: peer.node });
        this.#reached(numberOf(peer.node));
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
        while (this.#workerOf(id) !== this.number) id = nodeRuntime.uniqueId();
        return id;
      },
    };
  }

  /** There is a broker, which has not recovered yet: what its clients subscribe to is announced from here on. */
  prepare(broker: WorkerBroker): void {
    const { count, epoch } = this.#start;
    this.#broker = broker;
    const others = new Map<number, string>();
    for (let number = 0; number < count; number++) {
      if (number !== this.number) others.set(number, workerName(number));
    }
    const place = { cell: this.number, epoch, others };
    this.#peers = new CellPeers(broker, place, this.links);
    broker.announcements = this.#peers.announcer;
    broker.router.peers = this.#peers;
  }

  /** The broker has recovered and is about to listen: takes links from here on, and dials the workers with lower numbers. */
  async begin(broker: WorkerBroker): Promise<void> {
    this.#forwarding = new Forwarding(broker, this.number, this.links);
    const { directory } = this.#start;
    await this.#node.listen(join(directory, linkSocket(this.number)));
    for (let number = 0; number < this.number; number++) {
      this.#node.dial(workerName(number), join(directory, linkSocket(number)));
    }
  }

  /** Resolves when it is known what the clients of all other workers have subscribed to. */
  whole(): Promise<void> {
    return new Promise((resolve) => (this.#peers as CellPeers).whenWhole(resolve));
  }

  /** Another worker has ended: nobody waits for it until there is a link to the next one with its number. */
  onGone(number: number): void {
    this.#peers?.forget(workerName(number));
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

  // ------------------------------------------------------------------------ front

  #frontHost(): FrontHost {
    const connectSizeMax = () => this.#broker?.config.mqtt.maxConnectSize ?? 0;
    return {
      get connectSizeMax() {
        return connectSizeMax();
      },
      isOwn: (clientId) => this.#workerOf(clientId) === this.number,
      giveAway: (clientId, transport, read) =>
        this.#giveAway(this.#workerOf(clientId), transport, read),
      openChannel: (clientId, transport, use) =>
        this.#openChannel(this.#workerOf(clientId), transport, use),
      whenReachable: (clientId, callback) => this.#wait(this.#workerOf(clientId), callback),
    };
  }

  #workerOf(clientId: string | Uint8Array): number {
    return cellOf(clientId, this.#start.count);
  }

  /** Only to a worker that is there: one that has just died would get no more of it than the client of that. */
  #giveAway(to: number, transport: Transport, read: Uint8Array): boolean {
    if (this.links.of(workerName(to)) === null) return false;
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
    const link = this.links.of(workerName(to));
    if (link === null) return null;
    return this.channels.open(link, encodeFacts(factsOf(transport, this.#now)), use);
  }

  #wait(number: number, callback: () => void): () => void {
    const waiting = this.#waiting.get(number) ?? new Set();
    this.#waiting.set(number, waiting);
    waiting.add(callback);
    return () => void waiting.delete(callback);
  }

  #reached(number: number): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    for (const callback of waiting ?? []) callback();
  }

  // ------------------------------------------------------------------------- cell

  /** @returns null when the broker doesn't take it, and it was closed */
  #takeChannel(channel: Channel, facts: ClientFacts): ChannelUser | null {
    const broker = this.#broker;
    if (broker === null) return null;
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
const WORKER_LINKS = {
  pingMs: 2000,
  silentMs: 60_000,
  handshakeMs: 10_000,
  redialMs: 20,
  redialMsMax: 1000,
} as const;

function numberOf(node: string): number {
  return Number(node.slice(node.lastIndexOf('-') + 1));
}
