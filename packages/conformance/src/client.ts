import { connect as openSocket, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { check, WRONG } from './check.ts';
import {
  ack,
  type ConnectOptions,
  connect,
  type Part,
  type PublishOptions,
  pingreq,
  property,
  publish,
  type ReceivedPacket,
  read,
  subscribe,
  type Type,
  type Version,
} from './wire.ts';

/** How long a broker may take for what it has to do at once. */
const DEADLINE_MS = 5000;

/** An expectation that the broker did not meet. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
}

/** Where the broker under test listens. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** For WebSocket, such as `ws://127.0.0.1:8080/mqtt`; null when there is none. */
  readonly wsUrl: string | null;
}

/** A connection that sends raw bytes and reads packets strictly. */
export class RawClient {
  version: Version;
  readonly #stream: Socket | WebSocket;
  #buffer: Uint8Array = new Uint8Array(0);
  readonly #packets: ReceivedPacket[] = [];
  #isClosed = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  private constructor(stream: Socket | WebSocket, version: Version) {
    this.#stream = stream;
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

  /** Opens a TCP connection. */
  static async open(target: Target, version: Version = 5): Promise<RawClient> {
    const socket = openSocket({ host: target.host, port: target.port, noDelay: true });
    const client = new RawClient(socket, version);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    return client;
  }

  /** Opens a WebSocket connection. */
  static async openWebSocket(url: string, protocols: string[] = ['mqtt']): Promise<RawClient> {
    const socket = new WebSocket(url, protocols);
    const client = new RawClient(socket, 5);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    return client;
  }

  send(...chunks: readonly Uint8Array[]): void {
    if (this.#stream instanceof WebSocket) this.#stream.send(Buffer.concat(chunks));
    else this.#stream.write(Buffer.concat(chunks));
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
    this.send(pingreq);
    await this.expect('pingresp');
  }

  /** Packets up to the answer to a PINGREQ: all that the broker had to say by then. */
  async drain(): Promise<ReceivedPacket[]> {
    this.send(pingreq);
    const drained: ReceivedPacket[] = [];
    for (;;) {
      const received = await this.next();
      if (received === null) throw new ConformanceError('closed');
      if (received.type === 'pingresp') return drained;
      drained.push(received);
    }
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

/** The payload of a PUBLISH as text. */
export function text({ payload }: ReceivedPacket): string {
  return Buffer.from(payload).toString();
}

/** The payloads of those packets that are PUBLISH, joined by commas. */
export function texts(received: readonly ReceivedPacket[]): string {
  return received
    .filter(({ type }) => type === 'publish')
    .map(text)
    .join();
}

/** All values of a property. */
export function values(received: ReceivedPacket, id: number): unknown[] {
  return received.properties.filter((one) => one.id === id).map(({ value }) => value);
}

/** What the operator of a broker can do to it. */
export interface Operator {
  disconnectClient(clientId: string): boolean;
  stop(): Promise<void>;
}

export function describe(received: ReceivedPacket): string {
  const code = received.reasonCode.toString(16).padStart(2, '0');
  return received.type === 'publish'
    ? `publish of ${received.topic}`
    : `${received.type} with 0x${code}`;
}

/** What a case works with: connections to the broker, closed when the case ends. */
export class Context {
  readonly target: Target;
  /** Unique, so that cases that run side by side don't meet. */
  readonly name: string;
  readonly #operator: Operator | null;
  readonly #clients: RawClient[] = [];
  #clientCount = 0;

  constructor(target: Target, name: string, operator: Operator | null = null) {
    this.target = target;
    this.name = name;
    this.#operator = operator;
  }

  /** Of the broker under test; only cases that say that they need one have it. */
  get operator(): Operator {
    if (this.#operator === null) throw new Error('this case has not asked for an operator');
    return this.#operator;
  }

  /** A topic or filter of this case alone. */
  topic(suffix = ''): string {
    return `${this.name}${suffix}`;
  }

  /** A connection on which nothing has been sent. */
  async open(version: Version = 5): Promise<RawClient> {
    const client = await RawClient.open(this.target, version);
    this.#clients.push(client);
    return client;
  }

  async openWebSocket(path = '', protocols?: string[]): Promise<RawClient> {
    const client = await RawClient.openWebSocket(`${this.target.wsUrl}${path}`, protocols);
    this.#clients.push(client);
    return client;
  }

  /** A client identifier of this case alone. */
  clientId(suffix = ''): string {
    this.#clientCount++;
    return `${this.name}${suffix === '' ? this.#clientCount : suffix}`;
  }

  /** A client whose CONNECT was accepted. */
  async connect(options: ConnectOptions = {}): Promise<RawClient> {
    const client = await this.open(options.version ?? 5);
    client.send(connect({ clientId: this.clientId(), ...options }));
    await client.expect('connack', { reasonCode: 0 });
    return client;
  }

  /** A connected client with one subscription; `flags` are those of `subscribe`. */
  async subscriber(
    filter: Part = this.topic(),
    flags = 0,
    options: ConnectOptions = {},
  ): Promise<RawClient> {
    const client = await this.connect(options);
    client.send(subscribe([[filter, flags]], { version: options.version ?? 5 }));
    await client.expect('suback', { reasonCodes: [flags & 3] });
    return client;
  }

  /** CONNECT of a client whose session outlives its connection. */
  durable(options: ConnectOptions = {}): ConnectOptions {
    const properties = options.version === undefined ? property.sessionExpiry(60) : [];
    return { clientId: this.clientId(), clean: false, properties, ...options };
  }

  /**
   * Publishes a message and sees its exchange through: a broker may deliver a QoS 2 message at its
   * PUBLISH or at its PUBREL (§4.3.3).
   */
  async deliver(sender: RawClient, topic: Part, payload: Part, options: PublishOptions = {}) {
    const { qos = 0, id = 1 } = options;
    sender.send(publish(topic, payload, options));
    if (qos === 1) await sender.expect('puback', { id });
    if (qos < 2) return;
    await sender.expect('pubrec', { id });
    sender.send(ack('pubrel', id));
    await sender.expect('pubcomp', { id });
  }

  /** Subscribes to a filter that has to be refused: with 0x8F, or by a close. */
  async refusedFilter(filter: string): Promise<void> {
    const client = await this.connect();
    client.send(subscribe([[filter, 0]]));
    const answer = await client.next();
    const isRefused =
      answer === null ||
      (answer.type === 'suback' && answer.reasonCodes[0] === 0x8f) ||
      (answer.type === 'disconnect' && [...WRONG, 0x8f].includes(answer.reasonCode));
    check(isRefused, `${filter}: ${answer?.type}`);
  }

  /** Sends a packet that has to be refused, on a connection of its own that is open. */
  async refused(bytes: Uint8Array, codes: readonly number[], version: Version = 5): Promise<void> {
    const client = await this.connect({ version });
    client.send(bytes);
    await client.expectClosed(codes);
  }

  /** Sends bytes as the first on a connection, which the broker has to close. */
  async refusedConnect(
    bytes: Uint8Array,
    version: Version,
    codes: readonly number[],
  ): Promise<void> {
    const client = await this.open(version);
    client.send(bytes);
    await client.expectClosed(codes);
  }

  close(): void {
    for (const client of this.#clients) client.destroy();
  }
}
