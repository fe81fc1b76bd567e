import type { Socket } from 'node:net';
import type { ConnectionPlace } from '../limits/connection-places.ts';
import { Deadline } from '../runtime/deadline-queue.ts';
import type { SocketRefusal } from '../runtime/stats.ts';
import type { ListenerHost } from './host.ts';
import { addressOf } from './peer-address.ts';

/** What a socket is expected to do before its MQTT connection begins, and what is said of one that doesn't. */
const LATE = {
  'first-bytes': 'nothing came within mqtt.connect-timeout',
  'proxy-header': 'no whole PROXY protocol header within mqtt.connect-timeout',
  tls: 'the TLS handshake took longer than mqtt.connect-timeout',
  http: 'no whole HTTP request within mqtt.connect-timeout',
  /** It was refused already: the answer is on its way. */
  answer: null,
} as const;

/** How long a client may take to take its refusal. */
const ANSWER_MS = 2000;

export type ArrivalStage = keyof typeof LATE;

/** What is known of a socket that another process has accepted. */
export interface AdoptedOrigin {
  /** What the peer is called in the log. */
  readonly address: string;
  /** How long ago it was accepted, in milliseconds. */
  readonly ageMs: number;
  /** What has been read of it: MQTT, from its first byte on. */
  readonly read: Uint8Array;
}

/**
 * A socket from accept until the broker has its MQTT connection. It owns the time-out of every stage: all of them
 * together have `mqtt.connect-timeout`, and what is left of it is the CONNECT's.
 *
 * Invariants: it ends once, by `handOver`, `refuse` or the close of the socket; when it was refused or was late, the
 * socket is destroyed, so that nothing that finishes afterwards is served.
 */
export class Arrival {
  readonly #host: ListenerHost;
  /** As it was accepted: what TLS or HTTP make of it lives and ends with it. */
  readonly socket: Socket;
  /** Milliseconds of the runtime's clock. */
  readonly acceptedAt: number;
  /** What the peer is called in the log: by the proxy before it, or by its own address. */
  address: string;
  /** Where it counts, until the socket is closed. */
  readonly place: ConnectionPlace;
  readonly #deadline: Deadline;
  #stage: ArrivalStage;
  #isOver: boolean;

  /** @param ageMs - how long ago it was accepted, by whichever process */
  constructor(host: ListenerHost, socket: Socket, place: ConnectionPlace, ageMs = 0) {
    this.#host = host;
    this.socket = socket;
    this.place = place;
    this.acceptedAt = host.runtime.now() - ageMs;
    // Kept: a socket that is closed has no address any more.
    this.address = addressOf(socket);
    this.#deadline = new Deadline(() => this.#onLate());
    this.#stage = 'first-bytes';
    this.#isOver = false;
    host.deadlines.schedule(this.#deadline, this.acceptedAt + host.config.mqtt.connectTimeout);
    // Without a listener the error would be thrown; 'close' follows it.
    socket.on('error', () => {});
    socket.on('close', () => this.#onClose());
  }

  /** Whether the socket is on its way to an MQTT connection, still. */
  get isUnderWay(): boolean {
    return !this.#isOver;
  }

  /** Whether it was refused, and may still take its answer. */
  get isAnswered(): boolean {
    return this.#stage === 'answer';
  }

  /**
   * Its address is known: it counts there from the first call on.
   *
   * @returns false when there are too many from that address, or it is banned, and it was closed
   */
  locate(): boolean {
    const ban = this.#host.banOf(this.address);
    if (ban !== null) {
      this.refuse('banned', `banned, as ${ban}`);
      return false;
    }
    const limit = this.place.locate(this.address);
    if (limit !== null) this.refuse('limit', `too many connections from the address (${limit})`);
    return limit === null;
  }

  enter(stage: ArrivalStage): void {
    this.#stage = stage;
  }

  /** The MQTT connection has begun: from here on its time-outs are the `ConnectionTimeouts`'. */
  handOver(): void {
    this.#end();
  }

  /** Counts and logs why the socket is closed, and closes it at once. */
  refuse(refusal: SocketRefusal, why: string): void {
    if (this.#isOver) return;
    this.report(refusal, why);
    this.#end();
    this.socket.destroy();
  }

  /** Counts and logs why the socket is about to be closed, and lets it take its answer for a while. */
  report(refusal: SocketRefusal, why: string): void {
    if (this.isAnswered) return;
    const { deadlines, runtime } = this.#host;
    this.#host.onSocketRefused(refusal, this.address, why);
    this.#stage = 'answer';
    deadlines.schedule(this.#deadline, runtime.now() + ANSWER_MS);
  }

  #onLate(): void {
    const why = LATE[this.#stage];
    if (why !== null) this.refuse('timeout', why);
    this.socket.destroy();
  }

  /** Who closes before a handshake began was a probe; in the midst of one, it is likely that something doesn't suit the client. */
  #onClose(): void {
    this.place.release();
    if (!this.#isOver && this.#stage === 'tls' && this.#host.isServing) {
      this.report('tls', 'TLS: the client closed in the handshake');
    }
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#host.deadlines.cancel(this.#deadline);
  }
}
