import { ReasonCode } from '@promptmq/codec';
import { invariant } from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import { Deadline, type DeadlineQueue } from '../runtime/deadline-queue.ts';
import type { Faulty } from '../runtime/faults.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { SocketRefusal } from '../runtime/stats.ts';
import { ConnectionState } from './connection-state.ts';
import type { Peer } from './peer.ts';

/** A packet may take one read timeout for each part of this size, in bytes. */
const READ_PART_BYTES = 65_536;

/** How long a closing connection may take to read our last packet before it is cut. */
const LINGER_MS = 2000;

/** What timeouts need of the house. */
export interface TimeoutsHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly deadlines: DeadlineQueue;
  readonly clientLog: Logger;
  /** A connection was closed before its CONNECT was accepted. */
  onSocketRefused(reason: SocketRefusal, address: string, why: string): void;
}

/** What timeouts see of their connection. */
export interface TimedConnection
  extends Faulty,
    Pick<
      Peer,
      'state' | 'openedAt' | 'receivedAt' | 'authentication' | 'disconnect' | 'terminate'
    > {
  /** Bytes that came and were not processed. */
  readonly bufferedBytes: number;
  /** Whether the answer to CONNECT takes a while. */
  readonly isSuspended: boolean;
  /** Whether it is not read from. */
  readonly isHeldBack: boolean;
}

/**
 * How long a connection may be silent, and what becomes of one that is for longer: CONNECT has a time to come,
 * then keep alive runs, a packet that has begun has to continue, and the client has to read what it is sent.
 *
 * Invariant: `#deadline` is set to no later than whatever is due first.
 */
export class ConnectionTimeouts {
  readonly #connection: TimedConnection;
  readonly #host: TimeoutsHost;
  readonly #deadline: Deadline;
  #keepAliveMs: number;
  /** When the packet that has begun did; -1 when it isn't known of one yet. */
  #begunAt: number;
  #closingAt: number;
  /** When its client is to be disconnected, in milliseconds of the broker's time; Infinity when it isn't. */
  #expiresAt: number;
  /** When what its client has shown ends, likewise. */
  #provedUntil: number;
  /** Since when the transport has not taken a byte although some wait; -1 when none wait. */
  #stalledAt: number;

  /** The connection has been accepted. */
  constructor(host: TimeoutsHost, connection: TimedConnection) {
    this.#connection = connection;
    this.#host = host;
    this.#deadline = new Deadline((now) => this.#onDeadline(now), connection);
    this.#keepAliveMs = 0;
    this.#begunAt = -1;
    this.#closingAt = 0;
    this.#stalledAt = -1;
    this.#expiresAt = Number.POSITIVE_INFINITY;
    this.#provedUntil = Number.POSITIVE_INFINITY;
    this.#arm();
  }

  /** Seconds; 0 when keep alive is off. */
  get keepAlive(): number {
    return this.#keepAliveMs / 1500;
  }

  /** @param at - milliseconds of the broker's time; to be called before CONNECT is accepted */
  expireAt(at: number): void {
    this.#expiresAt = at;
  }

  /** @param at - milliseconds of the broker's time; Infinity is without an end. Also while it is connected: it has shown something again */
  proveUntil(at: number): void {
    this.#provedUntil = at;
    if (this.#connection.state === ConnectionState.Open && !this.#isWatchedUntil(at)) this.#arm();
  }

  /** CONNECT was accepted. */
  open(keepAliveSeconds: number): void {
    this.#keepAliveMs = keepAliveSeconds * 1500; // [MQTT-3.1.2-22]
    this.#arm();
  }

  /** Our last packet has been sent. */
  beginClosing(): void {
    this.#closingAt = this.#host.runtime.now();
    this.#arm();
  }

  /** The connection is closed. */
  cancel(): void {
    this.#host.deadlines.cancel(this.#deadline);
  }

  // ------------------------------------------------------------------- receiving

  /** A packet has come whole. */
  onPacket(): void {
    this.#begunAt = -1;
  }

  /** Only a part of a packet has come: the rest of it is to come within the read timeout. */
  expectRest(): void {
    if (this.#begunAt === -1) this.#begunAt = this.#connection.receivedAt;
    const dueAt = this.#restDueAt();
    if (dueAt !== Number.POSITIVE_INFINITY && !this.#isWatchedUntil(dueAt)) this.#arm();
  }

  /** The client is read from again, as if it began to send now. */
  onReadingResumed(): void {
    const connection = this.#connection;
    this.#begunAt = -1;
    if (connection.state !== ConnectionState.Open) return;
    if (connection.bufferedBytes > 0) this.expectRest();
    // The deadline may have passed unheeded meanwhile.
    if (!this.#isWatchedUntil(this.#keepAliveAt())) this.#arm();
  }

  // --------------------------------------------------------------------- sending

  /** The transport was given bytes: it is to take some of them within the write timeout. */
  expectProgress(): void {
    if (this.#stalledAt !== -1) return;
    const { writeTimeout } = this.#host.config.server;
    this.#stalledAt = this.#host.runtime.now();
    if (writeTimeout > 0 && !this.#isWatchedUntil(this.#stalledAt + writeTimeout)) this.#arm();
  }

  /** The transport has taken bytes; whether others wait. Those that were written in this turn are expected when it ends. */
  onProgress(isMoreWaiting: boolean): void {
    if (!isMoreWaiting) this.#stalledAt = -1;
    else if (this.#stalledAt !== -1) this.#stalledAt = this.#host.runtime.now();
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    // One that is cut is closed when its transport says so, which needs no deadline.
    const isCut = this.#closingAt === 0 || this.#deadline.index === -1;
    if (this.#connection.state === ConnectionState.Closing && isCut) return;
    const nextAt = this.#nextAt();
    const isWatched = nextAt === Number.POSITIVE_INFINITY || this.#isWatchedUntil(nextAt);
    invariant(isWatched, `what is due at ${nextAt} is watched until ${this.#deadline.at}`);
  }

  // -------------------------------------------------------------------- deadline

  /** One deadline serves all: it is set to the earliest, and what isn't due yet sets it again. */
  #arm(): void {
    this.#host.deadlines.schedule(this.#deadline, this.#nextAt());
  }

  /** Whether the deadline comes at that time at the latest. */
  #isWatchedUntil(at: number): boolean {
    return this.#deadline.index !== -1 && this.#deadline.at <= at;
  }

  #nextAt(): number {
    const { connectTimeout } = this.#host.config.mqtt;
    switch (this.#connection.state) {
      case ConnectionState.Opening:
        return this.#connection.openedAt + connectTimeout;
      case ConnectionState.Open:
        return Math.min(
          this.#keepAliveAt(),
          this.#progressDueAt(),
          this.#restDueAt(),
          this.#expiresAt,
          this.#provedUntil,
        );
      case ConnectionState.Closing:
        return this.#closingAt + LINGER_MS;
      default:
        return Number.POSITIVE_INFINITY;
    }
  }

  /** When something has to have come [MQTT-3.1.2-22]; a client that isn't read from isn't late. */
  #keepAliveAt(): number {
    const isDue = this.#keepAliveMs > 0 && !this.#connection.isHeldBack;
    return isDue ? this.#connection.receivedAt + this.#keepAliveMs : Number.POSITIVE_INFINITY;
  }

  #progressDueAt(): number {
    const { writeTimeout } = this.#host.config.server;
    const isDue = this.#stalledAt >= 0 && writeTimeout > 0;
    return isDue ? this.#stalledAt + writeTimeout : Number.POSITIVE_INFINITY;
  }

  /**
   * When more of a packet that has begun is due, and when all of it is: a byte now and then is not enough,
   * but a large packet has a read timeout for each 64 KiB that have come. A client that isn't read from isn't late.
   */
  #restDueAt(): number {
    const readTimeout = this.#readTimeoutMs();
    const { receivedAt, bufferedBytes, isHeldBack } = this.#connection;
    const isDue = readTimeout > 0 && !isHeldBack && bufferedBytes > 0;
    if (!isDue || this.#begunAt === -1) return Number.POSITIVE_INFINITY;
    const parts = 1 + Math.floor(bufferedBytes / READ_PART_BYTES);
    return Math.min(receivedAt + readTimeout, this.#begunAt + parts * readTimeout);
  }

  /** Never shorter than what keep alive allows: a slow client may pause within a packet as it may between two. */
  #readTimeoutMs(): number {
    const { readTimeout } = this.#host.config.server;
    return readTimeout === 0 ? 0 : Math.max(readTimeout, this.#keepAliveMs);
  }

  /** CONNECT was not accepted within the connect timeout. */
  #onConnectLate(): void {
    const connection = this.#connection;
    const { remoteAddress } = connection.transport;
    this.#host.onSocketRefused(
      'timeout',
      remoteAddress,
      `${this.#lateText()} mqtt.connect-timeout`,
    );
    connection.terminate();
  }

  #lateText(): string {
    const { authentication, isSuspended, bufferedBytes } = this.#connection;
    if (authentication !== null || isSuspended) return 'authentication took longer than';
    return bufferedBytes > 0 ? 'the CONNECT did not come whole within' : 'no CONNECT came within';
  }

  #onDeadline(now: number): void {
    const connection = this.#connection;
    if (this.#nextAt() > now) {
      this.#arm();
    } else if (connection.state === ConnectionState.Opening) {
      this.#onConnectLate();
    } else if (connection.state !== ConnectionState.Open) {
      connection.terminate();
    } else if (this.#provedUntil <= now) {
      connection.disconnect(ReasonCode.NotAuthorized, 'expired', 'what it has shown has expired');
    } else if (this.#expiresAt <= now) {
      connection.disconnect(ReasonCode.MaximumConnectTime, 'expired');
    } else if (this.#keepAliveAt() <= now) {
      connection.disconnect(ReasonCode.KeepAliveTimeout, 'keep alive'); // [MQTT-3.1.2-22]
    } else if (this.#restDueAt() <= now) {
      connection.disconnect(
        ReasonCode.ImplementationSpecificError,
        'read timeout',
        'the rest of a packet came too slowly (server.read-timeout)',
      );
    } else {
      this.#host.clientLog.warn('slow-client-closed', { clientId: connection.clientId });
      connection.terminate('slow client');
    }
  }
}
