import type { EventEmitter } from 'node:events';
import { connect as openSocket, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as openTls } from 'node:tls';
import { WebSocket } from 'ws';
import { pingreq } from '../wire/client-packets.ts';
import { read } from '../wire/reader.ts';
import { describe, type ReceivedPacket, type Type } from '../wire/server-packet.ts';
import type { Version } from '../wire/version.ts';
import { type Credentials, hostAndPort, type Target } from './target.ts';
import { withCredentials } from './with-credentials.ts';

/** How long a broker may take for what it has to do at once. */
const DEADLINE_MS = 5000;

/** An expectation that the broker did not meet. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
}

/** A connection that sends raw bytes and reads packets strictly. */
export class RawClient {
  version: Version;
  readonly #stream: Socket | WebSocket;
  readonly #settleMs: number;
  /** Until the first packet is sent. */
  #credentials: Credentials | null;
  #buffer: Uint8Array = new Uint8Array(0);
  readonly #packets: ReceivedPacket[] = [];
  #isClosed = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  private constructor(
    stream: Socket | WebSocket,
    version: Version,
    { credentials, settleMs }: Target,
  ) {
    this.#stream = stream;
    this.#settleMs = settleMs;
    this.#credentials = credentials;
    this.version = version;
    const onClose = () => {
      this.#isClosed = true;
      this.#wake?.();
    };
    if (stream instanceof WebSocket) {
      stream.on('message', (data: Uint8Array) => this.#onData(data));
      stream.on('close', onClose);
    } else {
      stream.on('data', (chunk) => this.#onData(chunk));
      stream.on('end', onClose);
      stream.on('close', onClose);
    }
    stream.on('error', onClose);
  }

  /**
   * Opens a connection to a target, over what its address says.
   *
   * @throws the system's error, or {@link ConformanceError} when none comes about in time
   */
  static async open(target: Target, version: Version = 5): Promise<RawClient> {
    if (target.url.startsWith('ws')) {
      return RawClient.openWebSocket(target, target.url, ['mqtt'], version);
    }
    const { host, port } = hostAndPort(target.url);
    const isTls = target.url.startsWith('mqtts:');
    const socket = isTls
      ? openTls({ host, port, ...tlsOptions(target, host) })
      : openSocket({ host, port });
    socket.setNoDelay(true);
    const client = new RawClient(socket, version, target);
    await client.#opened(isTls ? 'secureConnect' : 'connect');
    return client;
  }

  /** Opens a WebSocket connection. */
  static async openWebSocket(
    target: Target,
    url: string,
    protocols: string[] = ['mqtt'],
    version: Version = 5,
  ): Promise<RawClient> {
    const socket = new WebSocket(url, protocols, tlsOptions(target, hostAndPort(url).host));
    const client = new RawClient(socket, version, target);
    await client.#opened('open');
    return client;
  }

  async #opened(event: string): Promise<void> {
    const stream: EventEmitter = this.#stream;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => {
          reject(new ConformanceError(`no connection within ${DEADLINE_MS} ms`));
        }, DEADLINE_MS);
        stream.once(event, resolve);
        stream.once('error', reject);
        stream.once('close', () => reject(new ConformanceError('closed while connecting')));
      });
    } catch (error) {
      this.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  send(...chunks: readonly Uint8Array[]): void {
    let all: Uint8Array = Buffer.concat(chunks);
    if (this.#credentials !== null) all = withCredentials(all, this.#credentials);
    this.#credentials = null;
    if (this.#stream instanceof WebSocket) this.#stream.send(all);
    else this.#stream.write(all);
  }

  /** Sends as it is, without the credentials of the target. */
  sendBare(...chunks: readonly Uint8Array[]): void {
    this.#credentials = null;
    this.send(...chunks);
  }

  /** Sends a WebSocket message in fragments (RFC 6455, 5.4). */
  sendFragments(...fragments: readonly Uint8Array[]): void {
    for (const [index, fragment] of fragments.entries()) {
      (this.#stream as WebSocket).send(fragment, { fin: index === fragments.length - 1 });
    }
  }

  /** Sends a WebSocket ping; resolves with the data of the pong. */
  ping(data: string): Promise<string> {
    const socket = this.#stream as WebSocket;
    return new Promise((resolve) => {
      socket.once('pong', (answer: Uint8Array) => resolve(Buffer.from(answer).toString()));
      socket.ping(data);
    });
  }

  /** Sends a WebSocket text frame. */
  sendText(text: string): void {
    (this.#stream as WebSocket).send(text);
  }

  get webSocketProtocol(): string {
    return (this.#stream as WebSocket).protocol;
  }

  /** The next packet, which must be of this type. */
  async expect(type: Type, what: Partial<ReceivedPacket> = {}): Promise<ReceivedPacket> {
    const received = await this.next();
    if (received === null) throw new ConformanceError(`closed instead of ${type}`);
    if (received.type !== type) {
      throw new ConformanceError(`${describe(received)} instead of ${type}`);
    }
    for (const [name, value] of Object.entries(what)) {
      const actual = received[name as keyof ReceivedPacket];
      if (JSON.stringify(actual) !== JSON.stringify(value)) {
        throw new ConformanceError(
          `${type}: ${name} is ${JSON.stringify(actual)}, not ${JSON.stringify(value)}`,
        );
      }
    }
    return received;
  }

  /** The next packet; null when the broker closed. */
  async next(deadlineMs = DEADLINE_MS): Promise<ReceivedPacket | null> {
    const end = Date.now() + deadlineMs;
    for (;;) {
      const received = this.#packets.shift();
      if (received !== undefined) return received;
      if (this.#failure !== null) throw this.#failure;
      if (this.#isClosed) return null;
      if (!(await this.#change(end - Date.now()))) {
        throw new ConformanceError(`nothing came within ${deadlineMs} ms`);
      }
    }
  }

  /**
   * The broker closes, after a packet or without one: DISCONNECT with one of the codes, or for a
   * connection without CONNACK, CONNACK with one of them. MAY and SHOULD leave both open.
   */
  async expectClosed(codes: readonly number[] | null = null): Promise<void> {
    for (let received = await this.next(); received !== null; received = await this.next()) {
      if (received.type !== 'disconnect' && received.type !== 'connack') {
        throw new ConformanceError(`${describe(received)} instead of a close`);
      }
      if (codes !== null && !codes.includes(received.reasonCode)) {
        const code = received.reasonCode.toString(16);
        throw new ConformanceError(`${received.type} with 0x${code} instead of another reason`);
      }
    }
  }

  /** Nothing has come by the time that the broker answers a PINGREQ. */
  async expectNothing(): Promise<void> {
    await this.settle();
    this.send(pingreq);
    await this.expect('pingresp');
  }

  /** Packets up to the answer to a PINGREQ: all that the broker had to say by then. */
  async drain(): Promise<ReceivedPacket[]> {
    await this.settle();
    this.send(pingreq);
    const drained: ReceivedPacket[] = [];
    for (;;) {
      const received = await this.next();
      if (received === null) throw new ConformanceError('closed');
      if (received.type === 'pingresp') return drained;
      drained.push(received);
    }
  }

  /** Waits until what clients have sent is with those who get it, where the target says that it takes a while. */
  async settle(): Promise<void> {
    if (this.#settleMs > 0 && !this.#isClosed) await wait(this.#settleMs);
  }

  /** Closes our side after what has been sent: over TCP the broker can still answer. */
  end(): void {
    if (this.#stream instanceof WebSocket) this.#stream.close();
    else this.#stream.end();
  }

  /** Cuts the connection. */
  destroy(): void {
    if (this.#stream instanceof WebSocket) this.#stream.terminate();
    else this.#stream.destroy();
  }

  /** Of what has come and was not read as a packet; null when there is nothing. */
  get firstByte(): number | null {
    return this.#buffer[0] ?? null;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  #onData(chunk: Uint8Array): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    try {
      for (;;) {
        const received = read(this.#buffer, this.version);
        if (received === null) break;
        this.#packets.push(received);
        this.#buffer = this.#buffer.subarray(received.size);
      }
    } catch (error) {
      this.#failure = error as Error;
    }
    this.#wake?.();
  }

  #change(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          this.#wake = null;
          resolve(false);
        },
        Math.max(0, withinMs),
      );
      this.#wake = () => {
        this.#wake = null;
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}

function tlsOptions({ ca, rejectsUnverified }: Target, host: string) {
  return {
    rejectUnauthorized: rejectsUnverified,
    // An address is no name of a server (RFC 6066, 3).
    servername: /^[\d.]+$|:/.test(host) ? '' : host,
    ...(ca === null ? {} : { ca }),
  };
}
