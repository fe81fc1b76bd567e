import { connect as connectSocket, type Socket } from 'node:net';
import { generate, type IConnectPacket, type Packet, type Parser, parser } from 'mqtt-packet';

type Fields = Record<string, unknown>;
/** A packet as it was received, with whatever it has. */
export type Received = Packet & Record<string, unknown>;

/** A client that sends packets one by one and keeps those that come, for tests of what a broker sends, and when. */
export class RawClient {
  readonly socket: Socket;
  readonly received: Received[];
  /** Resolves when the connection is closed, whatever for. */
  readonly closed: Promise<void>;
  #version: number;
  #taken: number;
  #wake: () => void;

  constructor(port: number) {
    this.received = [];
    this.#version = 4;
    this.#taken = 0;
    this.#wake = () => {};
    this.socket = connectSocket(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    // Its version is known with the first packet that is sent.
    let decoder: Parser | null = null;
    this.socket.on('data', (chunk) => {
      decoder ??= this.#decoder();
      decoder.parse(chunk);
    });
  }

  #decoder(): Parser {
    const decoder = parser({ protocolVersion: this.#version });
    decoder.on('packet', (packet) => {
      this.received.push(packet as Received);
      this.#wake();
    });
    // What refuses MQTT 5 answers in the format of 3.1.1.
    decoder.on('error', () => {});
    return decoder;
  }

  /** Sends a CONNECT: MQTT 3.1.1, no keep alive, clean, client identifier `c`. */
  connect(fields: Partial<IConnectPacket> = {}): this {
    this.#version = fields.protocolVersion ?? 4;
    return this.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: 'c',
      keepalive: 0,
      ...fields,
    });
  }

  send(packet: Fields): this {
    this.socket.write(generate(packet as unknown as Packet, { protocolVersion: this.#version }));
    return this;
  }

  publish(topic: string, payload: string, fields: Fields = {}): this {
    return this.send({
      cmd: 'publish',
      qos: 0,
      dup: false,
      retain: false,
      topic,
      payload,
      ...fields,
    });
  }

  subscribe(topic: string, qos = 0, fields: Fields = {}): this {
    const subscriptions = [{ topic, qos }];
    return this.send({ cmd: 'subscribe', messageId: 1, subscriptions, ...fields });
  }

  /** The next packet of this kind that nobody has taken; those before it are passed over. */
  async next(cmd: Packet['cmd']): Promise<Received> {
    for (;;) {
      while (this.#taken < this.received.length) {
        const packet = this.received[this.#taken++];
        if (packet?.cmd === cmd) return packet;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The topics and payloads that have come so far. */
  get messages(): string[] {
    return this.received
      .filter(({ cmd }) => cmd === 'publish')
      .map(({ topic, payload }) => `${topic}: ${payload}`);
  }

  /** Connects, and waits for CONNACK. */
  async open(fields: Partial<IConnectPacket> = {}): Promise<Received> {
    this.connect(fields);
    return this.next('connack');
  }

  cut(): void {
    this.socket.destroy();
  }
}
