import type { AuthenticationMethod } from '@promptmq/auth';
import { encode, type Packet, PacketDecoder, type ProtocolVersion } from '@promptmq/codec';
import { Broker } from '../../src/broker.ts';
import { type ConfigInput, parseConfig } from '../../src/config/index.ts';
import type { Transport, TransportHandler } from '../../src/connection/transport.ts';
import { noopLogger } from '../../src/log/index.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { SimulatedClock } from '../../src/testing/clock/simulated-clock.ts';

/** Time that passes only when told to, and turns that end only when told to. */
class SimulatedRuntime implements Runtime {
  endsByHand = false;
  readonly #clock = new SimulatedClock();
  #deferred: (() => void)[] = [];
  #ids = 0;

  now = () => this.#clock.time;

  get time(): number {
    return this.#clock.time;
  }

  set time(time: number) {
    this.#clock.time = time;
  }

  /** What the wall clock is ahead of `time`. */
  wallAheadMs = 0;

  wallNow = () => this.time + this.wallAheadMs;

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    return this.#clock.schedule(delayMs, callback);
  }

  uniqueId(): string {
    this.#ids++;
    return `unique-${this.#ids}`;
  }

  /** Ends the turn, and those that follow from it, unless a test ends them one by one. */
  endTurn(): void {
    if (this.endsByHand) return;
    while (this.#deferred.length > 0) this.endOneTurn();
  }

  /** @returns whether there was anything left to do at its end */
  endOneTurn(): boolean {
    const callbacks = this.#deferred.splice(0);
    for (const callback of callbacks) callback();
    return callbacks.length > 0;
  }

  advance(ms: number): void {
    const end = this.time + ms;
    while (this.#clock.step(end)) this.endTurn();
  }
}

/** A whole broker without sockets and without real time. */
export class Simulation {
  readonly runtime = new SimulatedRuntime();
  readonly broker: Broker;

  constructor(
    options: ConfigInput = {},
    authenticationMethods: readonly AuthenticationMethod[] = [],
  ) {
    const config = parseConfig({
      storage: { enabled: false },
      ...options,
      // Simulated clients send no PINGREQ: keep alive is what they ask for.
      mqtt: { keepAlive: 0, ...options.mqtt },
    });
    this.broker = new Broker(config, this.runtime, noopLogger, authenticationMethods);
  }

  /**
   * A connection that has not sent anything yet.
   *
   * @param userName - as whoever brought the connection says
   * @param address - such as `192.0.2.1:50000`
   */
  open(
    version: ProtocolVersion = 5,
    userName: string | null = null,
    address = 'simulated',
  ): SimulatedClient {
    return new SimulatedClient(this, version, userName, address);
  }

  /** A client that has connected; its CONNACK is taken. */
  connect(clientId: string, fields: Partial<Packet & { cmd: 'connect' }> = {}): SimulatedClient {
    const client = this.open(fields.protocolVersion ?? 5);
    client.connect(clientId, fields);
    const [connack] = client.take();
    if (connack?.cmd !== 'connack' || (connack.reasonCode ?? connack.returnCode) !== 0) {
      throw new Error(`not connected: ${JSON.stringify(connack)}`);
    }
    return client;
  }

  /** Lets time pass, in seconds. */
  advance(seconds: number): void {
    this.runtime.advance(seconds * 1000);
  }
}

/** The client's end of a simulated connection: what it sends is processed at once. */
export class SimulatedClient implements Transport {
  readonly remoteAddress: string;
  readonly protocol = 'tcp';
  readonly version: ProtocolVersion;
  readonly userName: string | null;
  /** The broker closed its side: by a half-close, or by cutting the connection. */
  isClosed = false;
  /** The broker doesn't read from this client for now. */
  isPaused = false;
  /** While true, the broker's writes are not taken. */
  isStalled = false;
  readonly #simulation: Simulation;
  readonly #handler: TransportHandler | undefined;
  readonly #decoder: PacketDecoder;
  #received: Packet[] = [];
  #untaken: Uint8Array[] = [];
  #isGone = false;

  constructor(
    simulation: Simulation,
    version: ProtocolVersion,
    userName: string | null = null,
    address = 'simulated',
  ) {
    this.remoteAddress = address;
    this.#simulation = simulation;
    this.version = version;
    this.userName = userName;
    this.#decoder = new PacketDecoder({ protocolVersion: version, receiver: 'client' });
    const handler = simulation.broker.accept(this);
    if (handler === null) throw new Error('not accepted');
    this.#handler = handler;
  }

  // What the broker does.

  write(chunk: Uint8Array): void {
    if (this.#isGone) return;
    if (this.isClosed) throw new Error('written after the end');
    this.#untaken.push(chunk);
  }

  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.#takeWritten();
    this.isClosed = true;
  }

  destroy(): void {
    this.isClosed = true;
    this.drop();
  }

  // What the client does.

  /** Sends packets in one chunk, or raw bytes. */
  send(...packets: (Packet | Uint8Array)[]): void {
    const chunks = packets.map((packet) =>
      packet instanceof Uint8Array
        ? packet
        : (encode(packet, { protocolVersion: this.version }) as Uint8Array),
    );
    this.#handler?.onData(Buffer.concat(chunks));
    this.#simulation.runtime.endTurn();
  }

  connect(clientId: string, fields: Partial<Packet & { cmd: 'connect' }> = {}): void {
    this.send({
      cmd: 'connect',
      protocolId: this.version === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion: this.version,
      clean: true,
      keepalive: 0,
      clientId,
      ...fields,
    } as Packet);
  }

  subscribe(topic: string, options: object = {}, properties: object = {}): void {
    this.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic, qos: 2, ...options }],
      ...(this.version === 5 ? { properties } : {}),
    } as Packet);
  }

  publish(topic: string, payload: string, fields: object = {}): void {
    this.send({
      cmd: 'publish',
      qos: 0,
      dup: false,
      retain: false,
      topic,
      payload: Buffer.from(payload),
      ...fields,
    } as Packet);
  }

  /** Closes its own side only. */
  halfClose(): void {
    this.#handler?.onEnd();
    this.#simulation.runtime.endTurn();
  }

  /** Cuts the connection without a DISCONNECT. */
  drop(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.isClosed = true;
    this.#handler?.onClose(null);
    this.#simulation.runtime.endTurn();
  }

  /** What has come since the last call. */
  take(): Packet[] {
    this.#simulation.runtime.endTurn();
    if (!this.isStalled) this.#takeWritten();
    return this.#received.splice(0);
  }

  /** The same in short: `PUBLISH topic payload`, other packets with their reason code. */
  brief(): string[] {
    return this.take().map((packet) => {
      switch (packet.cmd) {
        case 'publish':
          return `publish ${packet.topic} ${Buffer.from(packet.payload).toString()}`;
        case 'suback':
        case 'unsuback':
          return `${packet.cmd} ${packet.granted?.join(',') ?? ''}`;
        default:
          return 'reasonCode' in packet ? `${packet.cmd} ${packet.reasonCode}` : packet.cmd;
      }
    });
  }

  #takeWritten(): void {
    while (this.#untaken.length > 0) {
      for (const chunk of this.#untaken.splice(0)) {
        this.#received.push(...this.#decoder.push(Uint8Array.from(chunk)));
        this.#handler?.onWritten(chunk);
      }
      this.#simulation.runtime.endTurn();
    }
  }
}
