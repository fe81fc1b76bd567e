import { check } from '../check.ts';
import { Context, type Subject } from '../client/context.ts';
import { RawClient } from '../client/raw-client.ts';
import { type Credentials, hostAndPort, type Target } from '../client/target.ts';
import { withCredentials } from '../client/with-credentials.ts';
import { NotTriedError } from '../not-tried.ts';
import { type ConnectOptions, connect, publish, subscribe } from '../wire/client-packets.ts';
import type { ReceivedPacket } from '../wire/server-packet.ts';
import type { Version } from '../wire/version.ts';
import { RawSocket, type TlsVersions } from './raw-socket.ts';

/** A broker that is attacked. */
export interface HostileTarget extends Target {
  /** `mqtts://HOST:PORT` of the same broker; null when there is none. */
  readonly tlsUrl: string | null;
  /** A second user, who may do less than the first; null when there is none. */
  readonly other: Credentials | null;
  /** Topics below it are open to the second user. */
  readonly open: string;
  /** Topics below it are closed to the second user: he may neither publish nor subscribe there. */
  readonly closed: string;
  /** After this time a connection that hasn't come to CONNACK has to be closed. */
  readonly connectTimeoutMs: number;
}

/** How long a broker may take for what it has to do at once; it may have much else to do. */
export const AT_ONCE_MS = 10_000;

/** What a hostile case works with: connections to the broker, closed when the case ends. */
export class HostileContext extends Context {
  readonly broker: HostileTarget;
  readonly version: Version;
  readonly #sockets: RawSocket[] = [];
  readonly #others: RawClient[] = [];

  constructor(
    broker: HostileTarget,
    versions: Subject['versions'],
    name: string,
    version: Version,
  ) {
    super({ target: broker, versions }, name);
    this.broker = broker;
    this.version = version;
  }

  /** Reason codes of MQTT 5; before, nothing but the close. */
  codes(...codes: readonly number[]): readonly number[] {
    return this.version === 5 ? codes : [1, 2, 3, 4, 5];
  }

  /** A connection in the version of the case, after CONNACK. */
  client(options: ConnectOptions = {}): Promise<RawClient> {
    return this.connect({ version: this.version, ...options });
  }

  /** The same, subscribed to a filter. */
  async listener(filter: string, qos = 0, options: ConnectOptions = {}): Promise<RawClient> {
    return this.subscriber(filter, qos, { version: this.version, ...options });
  }

  /** The bytes end an open connection, in the version of the case. */
  async ends(bytes: Uint8Array, codes: readonly number[] | null): Promise<void> {
    const client = await this.client();
    client.send(bytes);
    await client.expectClosed(codes);
  }

  /**
   * The bytes, first on a connection, end it: without CONNACK, or with one that refuses.
   *
   * @param codes - that CONNACK may have; null: any that refuses, in whatever version
   */
  async endsFirst(bytes: Uint8Array, codes: readonly number[] | null = null): Promise<void> {
    if (codes === null) {
      const socket = await this.socket();
      socket.send(bytes);
      check(await socket.closedWithin(AT_ONCE_MS), 'still open');
      const [type, , , code] = socket.received;
      check(type !== 0x20 || code !== 0, 'accepted');
      return;
    }
    const client = await this.open(this.version);
    client.sendBare(bytes);
    await client.expectClosed(codes);
  }

  /** The connection is served: an answer comes to a PINGREQ. */
  async serves(client: RawClient): Promise<ReceivedPacket[]> {
    return client.drain();
  }

  /** The client was either served or closed. */
  async servedOrClosed(client: RawClient): Promise<ReceivedPacket[]> {
    try {
      return await client.drain();
    } catch (error) {
      check(client.isClosed, `neither served nor closed: ${(error as Error).message}`);
      return [];
    }
  }

  /** A socket to the target's port on which nothing was sent. */
  async socket(): Promise<RawSocket> {
    const { host, port } = hostAndPort(this.broker.url);
    return this.#keep(await RawSocket.tcp(host, port));
  }

  /** The same, after CONNACK. */
  async connectedSocket(options: ConnectOptions = {}): Promise<RawSocket> {
    const socket = await this.socket();
    socket.send(this.connectOf({ version: this.version, ...options }));
    check(await socket.receives(4, AT_ONCE_MS), 'no CONNACK');
    check(socket.received[3] === 0, `CONNACK 0x${socket.received[3]?.toString(16)}`);
    return socket;
  }

  async webSocketPort(): Promise<RawSocket> {
    const { wsUrl } = this.broker;
    if (wsUrl === null) throw new NotTriedError('no address of a WebSocket is known');
    const { host, port } = hostAndPort(wsUrl);
    return this.#keep(await RawSocket.tcp(host, port));
  }

  /** Of the WebSocket's address. */
  get path(): string {
    const { pathname, search } = new URL(this.broker.wsUrl ?? 'ws://none/mqtt');
    return `${pathname}${search}`;
  }

  /** A request to upgrade to WebSocket; headers of the same name take the place of the usual ones. */
  upgrade(method: string, path: string, headers: readonly string[] = []): Uint8Array {
    const nameOf = (header: string) => header.slice(0, header.indexOf(':')).toLowerCase();
    const replaced = new Set(headers.map(nameOf));
    const usual = [
      ...['Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade'],
      ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: mqtt'],
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ].filter((header) => !replaced.has(nameOf(header)));
    return Buffer.from(
      `${method} ${path} HTTP/1.1\r\n${[...usual, ...headers].join('\r\n')}\r\n\r\n`,
    );
  }

  /** A socket to the WebSocket's port after its upgrade. */
  async upgraded(): Promise<RawSocket> {
    const socket = await this.webSocketPort();
    socket.send(this.upgrade('GET', this.path));
    await socket.receives(100, AT_ONCE_MS);
    check(socket.text.startsWith('HTTP/1.1 101'), `no upgrade: ${socket.text.split('\r\n')[0]}`);
    return socket;
  }

  /** A socket to the port of TLS, before its handshake. */
  async tlsPort(): Promise<RawSocket> {
    const { host, port } = hostAndPort(this.#tlsUrl());
    return this.#keep(await RawSocket.tcp(host, port));
  }

  /** A socket after its TLS handshake. */
  async tls(versions: TlsVersions = {}): Promise<RawSocket> {
    const { host, port } = hostAndPort(this.#tlsUrl());
    return this.#keep(await RawSocket.tls(host, port, versions));
  }

  #tlsUrl(): string {
    const { tlsUrl } = this.broker;
    if (tlsUrl === null) throw new NotTriedError('no address with TLS is known');
    return tlsUrl;
  }

  /** The user who may do less. */
  get otherUser(): Credentials {
    const { other } = this.broker;
    if (other === null) throw new NotTriedError('no second user is known');
    return other;
  }

  /** A connection of the second user on which nothing was sent. */
  async openOther(version: Version = this.version): Promise<RawClient> {
    const client = await RawClient.open({ ...this.broker, credentials: this.otherUser }, version);
    this.#others.push(client);
    return client;
  }

  /** The second user, connected. */
  async other(options: ConnectOptions = {}): Promise<RawClient> {
    const client = await this.openOther();
    client.send(this.otherConnect(options));
    await client.expect('connack', { reasonCode: 0 });
    return client;
  }

  /** CONNECT of the second user. */
  otherConnect(options: ConnectOptions = {}): Uint8Array {
    const packet = connect({ version: this.version, clientId: this.clientId(), ...options });
    return withCredentials(packet, this.otherUser);
  }

  /** Topics of this case that the second user may use. */
  openTopic(suffix = ''): string {
    return `${this.broker.open}/${this.topic(suffix)}`;
  }

  /** Topics of this case that he may not. */
  closedTopic(suffix = ''): string {
    return `${this.broker.closed}/${this.topic(suffix)}`;
  }

  /** SUBSCRIBE in the version of the case. */
  subscribe(filter: string, flags = 0, id = 1): Uint8Array {
    return subscribe([[filter, flags]], { version: this.version, id });
  }

  /** PUBLISH in the version of the case. */
  publish(topic: string, payload: string, options: Parameters<typeof publish>[2] = {}): Uint8Array {
    return publish(topic, payload, { version: this.version, ...options });
  }

  override close(): void {
    super.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const client of this.#others) client.destroy();
  }

  #keep(socket: RawSocket): RawSocket {
    this.#sockets.push(socket);
    return socket;
  }
}
