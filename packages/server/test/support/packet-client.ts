import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encode, type Packet, PacketDecoder, type ProtocolVersion } from '@promptmq/codec';

/** The bytes of a CONNECT of MQTT 3.1.1. */
export const connectBytes = encode({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  clientId: 'c',
  keepalive: 0,
}) as Buffer;

/** A client over a real socket that sends exactly what the test says, and answers nothing by itself. */
export class PacketClient {
  readonly #socket: Socket;
  readonly #version: ProtocolVersion;
  readonly #decoder: PacketDecoder;
  readonly #packets: Packet[] = [];
  #isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket, version: ProtocolVersion) {
    this.#socket = socket;
    this.#version = version;
    this.#decoder = new PacketDecoder({ protocolVersion: version, receiver: 'client' });
    socket.on('data', (chunk) => {
      this.#packets.push(...this.#decoder.push(Uint8Array.from(chunk)));
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  static async open(
    url: string,
    version: ProtocolVersion = 5,
    host = '127.0.0.1',
  ): Promise<PacketClient> {
    const socket = connect({ host, port: Number(new URL(url).port), noDelay: true });
    await once(socket, 'connect');
    return new PacketClient(socket, version);
  }

  /** Sends CONNECT, with a session that outlives the connection unless told otherwise. */
  connect(clientId: string, fields: Partial<Packet & { cmd: 'connect' }> = {}): void {
    this.send({
      cmd: 'connect',
      protocolId: this.#version === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion: this.#version,
      clean: false,
      keepalive: 0,
      clientId,
      ...(this.#version === 5 ? { properties: { sessionExpiryInterval: 1000 } } : {}),
      ...fields,
    } as Packet);
  }

  send(...packets: Packet[]): void {
    for (const packet of packets) {
      this.#socket.write(encode(packet, { protocolVersion: this.#version }) as Uint8Array);
    }
  }

  publish(
    topic: string,
    payload: string,
    qos: 0 | 1 | 2,
    messageId: number,
    fields: object = {},
  ): void {
    const identifier = qos === 0 ? {} : { messageId };
    const content = { topic, payload: Buffer.from(payload), qos, ...identifier };
    this.send({ cmd: 'publish', dup: false, retain: false, ...content, ...fields });
  }

  subscribe(topic: string, messageId: number, qos: 0 | 1 | 2 = 2): void {
    this.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos }] });
  }

  /** The next packet; null when the broker closes instead. */
  async next(): Promise<Packet | null> {
    while (this.#packets.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#packets.shift() ?? null;
  }

  /** Everything that the broker has sent before it answers a PINGREQ, which it does at once. */
  async sentSoFar(): Promise<Packet[]> {
    this.send({ cmd: 'pingreq' });
    const packets: Packet[] = [];
    for (;;) {
      const packet = await this.next();
      if (packet === null || packet.cmd === 'pingresp') return packets;
      packets.push(packet);
    }
  }

  /** Reads nothing more. */
  pause(): void {
    this.#socket.pause();
  }

  /** Cuts the connection without a DISCONNECT. */
  async cut(): Promise<void> {
    this.#socket.destroy();
    if (!this.#isClosed) await once(this.#socket, 'close');
  }
}
