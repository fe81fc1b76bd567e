import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import {
  acceptLane,
  dialLane,
  HANDSHAKE_SIZE_MAX,
  type Membership,
  type TakenLane,
} from './handshake.ts';
import { LaneStream } from './lane-stream.ts';
import type { Lane, LinkEnd } from './link.ts';
import type { LinkSet } from './link-set.ts';
import { connectLink, type LinkTls, TlsDoor } from './link-tls.ts';
import { StreamLink, type StreamLinkOptions } from './stream-link.ts';

/** Where a process takes links: the path of a Unix domain socket, or an address. */
export type LinkAddress = string | { readonly host: string; readonly port: number };

export interface LinkNodeOptions extends StreamLinkOptions, Membership {
  /** Who this process is: asked at each handshake. */
  readonly self: () => LinkEnd;
  /** Says why there is to be no link to a member, whoever has dialled; null when there is. By default there is one to all. */
  readonly admit?: (peer: LinkEnd) => string | null;
  /** Certificates of links over a network, asked for each; those over Unix domain sockets have none. Not there: no link has. */
  readonly tls?: () => LinkTls;
  /** How long a handshake may take, in milliseconds. */
  readonly handshakeMs: number;
  /** How long to wait before dialling again, at first and at most, in milliseconds. */
  readonly redialMs: number;
  readonly redialMsMax: number;
  /** A link could not be had; the next attempt follows where this process dials. */
  readonly onFailed?: (where: string, error: Error) => void;
}

/** Handshakes under way at a time that others have begun: beyond them, sockets are closed at once. */
const HANDSHAKES_MAX = 256;

/** A node that is being dialled, or will be after a while. */
interface Attempt {
  readonly address: LinkAddress;
  readonly streams: LaneStream[];
}

/**
 * Makes the links of a process: takes those that others dial, and dials those that it is told to, again and again until it has them.
 * Of two processes one dials: the caller says which.
 */
export class LinkNode {
  readonly #links: LinkSet;
  readonly #options: LinkNodeOptions;
  readonly #dialed = new Map<string, LinkAddress>();
  /** Of nodes that are being dialled, or will be. */
  readonly #dialing = new Map<string, Attempt>();
  readonly #timers = new Set<() => void>();
  /** Sockets of handshakes, and lanes whose other one has not come. */
  readonly #halves = new Map<string, { stream: LaneStream; lane: Lane; forget: () => void }>();
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #handshakes = 0;
  #isStopped = false;

  constructor(links: LinkSet, options: LinkNodeOptions) {
    this.#links = links;
    this.#options = options;
    links.follow({ onDown: (link) => this.#redial(link.peer.node) });
  }

  /** @throws the system's error when it can't listen there */
  listen(address: LinkAddress): Promise<void> {
    const door = this.#doorOf(address);
    const server = createServer({ noDelay: true }, (socket) => {
      if (door === null) void this.#accept(socket);
      else this.#secure(socket, door);
    });
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(typeof address === 'string' ? { path: address } : { ...address }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#options.onFailed?.('accept', error));
        resolve();
      });
    });
  }

  /** The port that it listens to, where that is one. */
  get port(): number {
    const bound = this.#server?.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  /** Has a link to a node from now on, whenever that can be. One that has come to another address is dialled there at once. */
  dial(node: string, address: LinkAddress): void {
    this.#dialed.set(node, address);
    const attempt = this.#dialing.get(node);
    if (attempt !== undefined && !isSameAddress(attempt.address, address)) {
      this.#dialing.delete(node);
      for (const stream of attempt.streams) stream.destroy('it is at another address');
    }
    if (this.#links.of(node) === null) this.#dialNow(node, this.#options.redialMs);
  }

  /** Doesn't dial it any more; a link that there is stays. */
  forget(node: string): void {
    this.#dialed.delete(node);
  }

  /** Closes all links, and takes no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#timers) cancel();
    const server = this.#server;
    const closed =
      server === null ? Promise.resolve() : new Promise<void>((done) => server.close(() => done()));
    for (const link of this.#links.all) link.close('this process stops');
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  // ------------------------------------------------------------------ dialling

  /** A link that is down is dialled again after a while: one that always breaks at once is not to keep the process busy. */
  #redial(node: string): void {
    const address = this.#dialed.get(node);
    if (this.#isStopped || address === undefined || this.#dialing.has(node)) return;
    const attempt: Attempt = { address, streams: [] };
    this.#dialing.set(node, attempt);
    this.#dialLater(node, attempt, this.#options.redialMs, this.#options.redialMs);
  }

  /** Unless it is dialled elsewhere by then. */
  #dialLater(node: string, attempt: Attempt, waitMs: number, nextMs: number): void {
    this.#later(waitMs, () => {
      if (this.#dialing.get(node) !== attempt) return;
      this.#dialing.delete(node);
      this.#dialNow(node, nextMs);
    });
  }

  #later(waitMs: number, callback: () => void): void {
    const cancel = this.#options.clock.setTimer(waitMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }

  #dialNow(node: string, waitMs: number): void {
    const address = this.#dialed.get(node);
    if (this.#isStopped || address === undefined || this.#dialing.has(node)) return;
    const attempt: Attempt = { address, streams: [] };
    this.#dialing.set(node, attempt);
    const { streams } = attempt;
    this.#open(node, address, streams).then(
      () => {
        if (this.#dialing.get(node) !== attempt) return;
        this.#dialing.delete(node);
        if (this.#isStopped) for (const stream of streams) stream.destroy('this process stops');
        // It was over before it was known to be there.
        else if (this.#links.of(node) === null) this.#redial(node);
      },
      (error: Error) => {
        if (this.#isStopped || this.#dialing.get(node) !== attempt) return;
        const { onFailed, redialMsMax } = this.#options;
        onFailed?.(node, error);
        this.#dialLater(node, attempt, waitMs, Math.min(2 * waitMs, redialMsMax));
      },
    );
  }

  /** @param streams - gets those that are opened */
  async #open(node: string, address: LinkAddress, streams: LaneStream[]): Promise<void> {
    const link = randomBytes(16).toString('base64url');
    try {
      const taken: TakenLane[] = [];
      for (const lane of [1, 2] as const) {
        const stream = this.#streamOf(await this.#connect(address));
        streams.push(stream);
        const dialled = dialLane(stream, this.#options, this.#options.self(), lane, link);
        taken.push(await this.#inTime(stream, dialled));
      }
      const [first, second] = taken as [TakenLane, TakenLane];
      if (first.peer.node !== node) throw new Error(`it is ${first.peer.node}`);
      if (first.peer.incarnation !== second.peer.incarnation) throw new Error('it has restarted');
      const why = this.#options.admit?.(second.peer) ?? null;
      if (why !== null) throw new Error(why);
      if (!this.#isStopped) this.#begin(second.peer, streams as [LaneStream, LaneStream]);
    } catch (error) {
      for (const stream of streams) stream.destroy((error as Error).message);
      throw error;
    }
  }

  // ----------------------------------------------------------------- accepting

  #doorOf(address: LinkAddress): TlsDoor | null {
    const { tls, handshakeMs, onFailed } = this.#options;
    if (tls === undefined || typeof address === 'string') return null;
    return new TlsDoor({
      ...{ tls, handshakeMs },
      onSecure: (socket) => {
        this.#handshakes--;
        void this.#accept(socket);
      },
      onFailed: (error) => {
        this.#handshakes--;
        onFailed?.('accept', error);
      },
    });
  }

  #secure(socket: Socket, door: TlsDoor): void {
    if (this.#isStopped || this.#handshakes >= HANDSHAKES_MAX) {
      socket.destroy();
      return;
    }
    this.#handshakes++;
    this.#follow(socket);
    door.take(socket);
  }

  async #accept(socket: Socket): Promise<void> {
    const { self, admit = () => null, onFailed } = this.#options;
    const stream = this.#streamOf(socket);
    if (this.#isStopped || this.#handshakes >= HANDSHAKES_MAX) {
      stream.destroy('too many handshakes');
      return;
    }
    this.#handshakes++;
    try {
      const accepted = acceptLane(stream, this.#options, self(), admit);
      this.#pair(stream, await this.#inTime(stream, accepted));
    } catch (error) {
      onFailed?.('accept', error as Error);
    } finally {
      this.#handshakes--;
    }
  }

  /** Both lanes of a link have to come: the second one makes it. */
  #pair(stream: LaneStream, { peer, lane, link }: TakenLane): void {
    const key = JSON.stringify([peer.node, peer.incarnation, link]);
    const half = this.#halves.get(key);
    if (half === undefined) {
      const { clock, handshakeMs } = this.#options;
      const cancel = clock.setTimer(handshakeMs, () => {
        forget();
        stream.destroy('its other lane has not come');
      });
      const forget = () => {
        this.#halves.delete(key);
        this.#timers.delete(cancel);
        cancel();
      };
      this.#timers.add(cancel);
      this.#halves.set(key, { stream, lane, forget });
      return;
    }
    half.forget();
    if (half.lane === lane) {
      for (const one of [half.stream, stream]) one.destroy('the same lane twice');
      return;
    }
    this.#begin(peer, lane === 1 ? [stream, half.stream] : [half.stream, stream]);
  }

  // --------------------------------------------------------------------- both

  #begin(peer: LinkEnd, lanes: readonly [LaneStream, LaneStream]): void {
    new StreamLink(peer, lanes, this.#links, this.#options).start();
  }

  /** It is destroyed when this process stops. */
  #follow(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** With TLS, once that is agreed on. */
  async #connect(address: LinkAddress): Promise<Socket> {
    const { clock, handshakeMs, tls } = this.#options;
    let cancel = () => {};
    try {
      return await connectLink(address, tls?.() ?? null, (socket) => {
        this.#follow(socket);
        cancel = clock.setTimer(handshakeMs, () => socket.destroy());
        this.#timers.add(cancel);
      });
    } finally {
      this.#timers.delete(cancel);
      cancel();
    }
  }

  #streamOf(socket: Socket): LaneStream {
    socket.setNoDelay(true);
    this.#follow(socket);
    return new LaneStream(socket, HANDSHAKE_SIZE_MAX);
  }

  async #inTime<T>(stream: LaneStream, handshake: Promise<T>): Promise<T> {
    const { clock, handshakeMs } = this.#options;
    const cancel = clock.setTimer(handshakeMs, () =>
      stream.destroy(`no handshake within ${handshakeMs} ms`),
    );
    this.#timers.add(cancel);
    try {
      return await handshake;
    } finally {
      this.#timers.delete(cancel);
      cancel();
    }
  }
}

function isSameAddress(one: LinkAddress, other: LinkAddress): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return one.host === other.host && one.port === other.port;
}
