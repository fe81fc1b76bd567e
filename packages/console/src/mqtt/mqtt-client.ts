import {
  type ConnectFields,
  DISCONNECT,
  encodeAcknowledgement,
  encodeConnect,
  encodePublish,
  encodeSubscribe,
  encodeUnsubscribe,
  type Message,
  PacketStream,
  PINGREQ,
  type Received,
  type Subscription,
} from './packets.ts';
import type { Properties } from './properties.ts';
import { reasonText } from './reason-codes.ts';

type Publish = Extract<Received, { type: 'publish' }>;
type Connack = Extract<Received, { type: 'connack' }>;

/** What a client tells of. */
export interface MqttListener {
  onConnected(connack: Connack): void;
  onMessage(message: Publish): void;
  /** It is over. `reason` says why, in words. */
  onClosed(reason: string): void;
}

/** What was answered: a reason code, and what the broker says to it. */
export interface MqttAnswer {
  readonly reasonCode: number;
  readonly reasonString: string | null;
}

/**
 * A client of MQTT 5 over a WebSocket, for one connection: it doesn't connect again, and keeps nothing.
 *
 * Invariant: each packet identifier in `#waiting` is of one packet that was sent and isn't answered yet.
 */
export class MqttClient {
  readonly #socket: WebSocket;
  readonly #listener: MqttListener;
  readonly #stream = new PacketStream();
  readonly #waiting = new Map<
    number,
    { resolve: (answer: MqttAnswer) => void; reject: (error: Error) => void }
  >();
  /** QoS 2 messages that were passed on, until PUBREL. */
  readonly #received = new Set<number>();
  #nextPacketId = 1;
  #pinger: ReturnType<typeof setInterval> | null = null;
  #reason: string | null = null;

  /**
   * @param url - `ws:` or `wss:`
   * @throws {WireError} what is to be sent in CONNECT doesn't fit in one
   */
  constructor(url: string, fields: ConnectFields, listener: MqttListener) {
    const connect = encodeConnect(fields);
    this.#listener = listener;
    const socket = new WebSocket(url, 'mqtt');
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => socket.send(connect);
    socket.onmessage = ({ data }) => this.#onData(data);
    socket.onclose = ({ code }) => this.#onClose(code);
    this.#socket = socket;
    if (fields.keepAlive > 0) {
      this.#pinger = setInterval(() => this.#send(PINGREQ), fields.keepAlive * 500);
    }
  }

  /** Resolves when the message is acknowledged; at QoS 0 at once, and with null. */
  async publish(message: Message): Promise<MqttAnswer | null> {
    if (message.qos === 0) {
      this.#send(encodePublish(message, null));
      return null;
    }
    return this.#ask((packetId) => encodePublish(message, packetId));
  }

  subscribe(subscription: Subscription, properties: Properties): Promise<MqttAnswer> {
    return this.#ask((packetId) => encodeSubscribe(packetId, subscription, properties));
  }

  unsubscribe(filter: string): Promise<MqttAnswer> {
    return this.#ask((packetId) => encodeUnsubscribe(packetId, filter));
  }

  /** Says good-bye and closes. */
  end(): void {
    this.#reason ??= 'disconnected';
    this.#send(DISCONNECT);
    this.#socket.close();
  }

  #ask(encode: (packetId: number) => Uint8Array<ArrayBuffer>): Promise<MqttAnswer> {
    return new Promise((resolve, reject) => {
      const packetId = this.#freePacketId();
      const bytes = encode(packetId);
      this.#waiting.set(packetId, { resolve, reject });
      this.#send(bytes);
    });
  }

  #freePacketId(): number {
    if (this.#waiting.size >= 1000) throw new Error('1,000 packets wait for their answers');
    while (this.#waiting.has(this.#nextPacketId)) this.#advance();
    const packetId = this.#nextPacketId;
    this.#advance();
    return packetId;
  }

  #advance(): void {
    this.#nextPacketId = this.#nextPacketId === 0xffff ? 1 : this.#nextPacketId + 1;
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(bytes);
  }

  #onData(data: unknown): void {
    try {
      if (!(data instanceof ArrayBuffer)) throw new Error('a frame of text, where MQTT has bytes');
      for (const packet of this.#stream.push(new Uint8Array(data))) this.#onPacket(packet);
    } catch (error) {
      this.#reason ??= `what came is not MQTT: ${(error as Error).message}`;
      this.#socket.close();
    }
  }

  #onPacket(packet: Received): void {
    switch (packet.type) {
      case 'connack':
        if (packet.reasonCode === 0) this.#listener.onConnected(packet);
        else this.#reason = because('refused', packet.reasonCode, packet.properties);
        return;
      case 'publish':
        this.#onPublish(packet);
        return;
      case 'pubrec':
        // A refusal ends it, else PUBCOMP will.
        if (packet.reasonCode >= 0x80) this.#answer(packet.packetId, packet);
        else this.#send(encodeAcknowledgement('pubrel', packet.packetId));
        return;
      case 'pubrel':
        this.#received.delete(packet.packetId);
        this.#send(encodeAcknowledgement('pubcomp', packet.packetId));
        return;
      case 'puback':
      case 'pubcomp':
        this.#answer(packet.packetId, packet);
        return;
      case 'suback':
      case 'unsuback': {
        const { packetId, reasonCodes, properties } = packet;
        this.#answer(packetId, { reasonCode: reasonCodes[0] ?? 0x80, properties });
        return;
      }
      case 'disconnect':
        this.#reason = because('disconnected by the broker', packet.reasonCode, packet.properties);
        return;
    }
  }

  #onPublish(packet: Publish): void {
    const { qos, packetId } = packet;
    const isNew = qos !== 2 || packetId === null || !this.#received.has(packetId);
    if (isNew) this.#listener.onMessage(packet);
    if (packetId === null) return;
    if (qos === 2) this.#received.add(packetId);
    this.#send(encodeAcknowledgement(qos === 2 ? 'pubrec' : 'puback', packetId));
  }

  #answer(
    packetId: number,
    { reasonCode, properties }: { reasonCode: number; properties: Properties },
  ): void {
    const waiting = this.#waiting.get(packetId);
    this.#waiting.delete(packetId);
    waiting?.resolve({ reasonCode, reasonString: properties.reasonString ?? null });
  }

  #onClose(code: number): void {
    if (this.#pinger !== null) clearInterval(this.#pinger);
    const reason =
      this.#reason ?? `the connection is closed (WebSocket ${code}): is the address right?`;
    for (const { reject } of this.#waiting.values()) reject(new Error(reason));
    this.#waiting.clear();
    this.#listener.onClosed(reason);
  }
}

function because(what: string, code: number, { reasonString }: Properties): string {
  return `${what}: ${reasonText(code)}${reasonString === undefined ? '' : ` (${reasonString})`}`;
}
