import { connect, type Socket } from 'node:net';
import { encode, type Packet, PacketDecoder, type QoS } from '@promptmq/codec';

export interface ChaosClientOptions {
  readonly clientId: string;
  readonly version: 4 | 5;
  /** No session outlives a connection. */
  readonly isClean?: boolean;
  /** Milliseconds without a packet from the broker after which the connection is given up. */
  readonly patienceMs: number;
  /** The ports of the brokers; a connection goes to one of them. */
  pickPort(): number;
  /** A message, after what the protocol asks a client to leave out. */
  onMessage?(topic: string, payload: string, isRetained: boolean): void;
  /** @param waitedMs - since it was sent on the connection that there is */
  onAcknowledged?(topic: string, payload: string, waitedMs: number): void;
  onRefused?(topic: string, payload: string): void;
  /** A session that was there isn't any more. */
  onSessionLost?(): void;
  /** The connection ended, and not by this client. */
  onLost?(): void;
  /** @param waitedMs - since the connection before was lost; 0 for one that this client ended */
  onServed?(waitedMs: number): void;
}

/** A PUBLISH whose exchange isn't over. */
interface Outgoing {
  readonly packetId: number;
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly retain: boolean;
  isReleased: boolean;
  /** On the connection that there is. */
  sentMs: number;
}

/** Between two attempts to connect. */
const RETRY_MS = 100;

/** How long CONNECT may wait for its answer. */
const CONNECT_MS_MAX = 20_000;

/**
 * A client with a session, over real sockets, that comes back to any broker whenever its connection ends. It does what the standard
 * asks for exactly once, and for order: what isn't acknowledged is sent again, in order, when the session is taken up.
 */
export class ChaosClient {
  readonly #options: ChaosClientOptions;
  #socket: Socket | null = null;
  #isServed = false;
  /** It wants to be connected. */
  #isWanted = false;
  #hasSession = false;
  #lostAtMs = 0;
  #heardAtMs = 0;
  #nextPacketId = 1;
  readonly #outgoing = new Map<number, Outgoing>();
  /** Identifiers of messages at QoS 2 that were delivered and not released. */
  readonly #incoming = new Set<number>();
  readonly #requests = new Map<number, (isGranted: boolean) => void>();
  #timer: NodeJS.Timeout | null = null;
  /** When the present attempt began. */
  #attemptMs = 0;

  constructor(options: ChaosClientOptions) {
    this.#options = options;
  }

  get clientId(): string {
    return this.#options.clientId;
  }

  get isServed(): boolean {
    return this.#isServed;
  }

  /** PUBLISH packets whose exchange isn't over. */
  get outgoingCount(): number {
    return this.#outgoing.size;
  }

  /** Connects, and again whenever that ends. */
  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#lostAtMs = 0;
    this.#timer = setInterval(() => this.#watch(), RETRY_MS);
    this.#connect();
  }

  /** Leaves, and stays away. The session stays with the broker. */
  leave(how: 'disconnect' | 'cut'): void {
    this.#isWanted = false;
    if (this.#timer !== null) clearInterval(this.#timer);
    const socket = this.#socket;
    this.#drop();
    if (socket === null) return;
    if (how === 'disconnect') {
      const { version: protocolVersion } = this.#options;
      socket.end(encode({ cmd: 'disconnect' }, { protocolVersion }) as unknown as Uint8Array);
      setTimeout(() => socket.destroy(), 1_000).unref();
    } else socket.resetAndDestroy();
  }

  /**
   * Connects once more, maybe to another broker, while the connection is open.
   *
   * @param onZombie - is called when the old one is open yet, so long after the new one is served
   */
  takeOver(zombieMs: number, onZombie: () => void): void {
    const old = this.#socket;
    if (!this.#isWanted || old === null || !this.#isServed) return;
    old.removeAllListeners('data');
    old.removeAllListeners('close');
    old.resume();
    this.#drop();
    this.#connect();
    const takenOver = this.#socket;
    const look = setInterval(() => {
      if (old.closed) {
        clearInterval(look);
        return;
      }
      if (this.#socket !== takenOver) {
        // It was lost, and tells nothing.
        clearInterval(look);
        old.destroy();
      } else if (this.#isServed && performance.now() - this.#servedAtMs > zombieMs) {
        clearInterval(look);
        old.destroy();
        onZombie();
      }
    }, RETRY_MS);
    look.unref();
  }

  #servedAtMs = 0;

  publish(topic: string, payload: string, qos: QoS, retain = false): void {
    if (qos === 0) {
      const bytes = Buffer.from(payload);
      if (this.#isServed) {
        this.#send({ cmd: 'publish', topic, payload: bytes, qos, retain, dup: false });
      }
      return;
    }
    const packetId = this.#takePacketId();
    const outgoing = { packetId, topic, payload, qos, retain, isReleased: false, sentMs: 0 };
    this.#outgoing.set(packetId, outgoing);
    if (this.#isServed) this.#sendPublish(outgoing, false);
  }

  /** @returns whether it was granted; a connection that ends answers no */
  subscribe(filter: string, qos: QoS): Promise<boolean> {
    if (!this.#isServed) return Promise.resolve(false);
    const messageId = this.#takePacketId();
    return new Promise((resolve) => {
      this.#requests.set(messageId, resolve);
      this.#send({
        cmd: 'subscribe',
        messageId,
        subscriptions: [{ topic: filter, qos }],
      } as Packet);
    });
  }

  #connect(): void {
    const { clientId, version, isClean = false, pickPort } = this.#options;
    const decoder = new PacketDecoder({ protocolVersion: version, receiver: 'client' });
    const socket = connect({ port: pickPort(), host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    this.#attemptMs = performance.now();
    this.#heardAtMs = this.#attemptMs;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (this.#socket !== socket) return;
      this.#heardAtMs = performance.now();
      for (const packet of decoder.push(Uint8Array.from(chunk))) {
        if (this.#socket === socket) this.#onPacket(packet);
      }
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#onEnd();
    });
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: version,
      clean: isClean,
      keepalive: 30,
      clientId,
      ...(version === 5 && !isClean ? { properties: { sessionExpiryInterval: 36_000 } } : {}),
    } as Packet);
  }

  #onEnd(): void {
    const wasServed = this.#isServed;
    this.#drop();
    if (wasServed) {
      this.#lostAtMs = performance.now();
      this.#options.onLost?.();
    }
  }

  #drop(): void {
    this.#socket = null;
    this.#isServed = false;
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const request of requests) request(false);
  }

  /** Now and then: comes back, and gives up a connection that doesn't answer. */
  #watch(): void {
    const socket = this.#socket;
    if (socket === null) {
      if (this.#isWanted) this.#connect();
      return;
    }
    const silentMs = performance.now() - this.#heardAtMs;
    if (this.#isServed) {
      const { patienceMs } = this.#options;
      if (silentMs > patienceMs / 3) this.#send({ cmd: 'pingreq' });
      if (silentMs < patienceMs) return;
    } else if (performance.now() - this.#attemptMs < CONNECT_MS_MAX) return;
    socket.resetAndDestroy();
  }

  #onPacket(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        this.#onConnack((packet.reasonCode ?? packet.returnCode) === 0, packet.sessionPresent);
        break;
      case 'publish': {
        const { messageId = 0, qos } = packet;
        const isNew = qos < 2 || !this.#incoming.has(messageId);
        if (isNew) {
          if (qos === 2) this.#incoming.add(messageId);
          const payload = Buffer.from(packet.payload).toString();
          this.#options.onMessage?.(packet.topic, payload, packet.retain);
        }
        if (qos > 0) this.#send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId });
        break;
      }
      case 'pubrel':
        this.#incoming.delete(packet.messageId);
        this.#send({ cmd: 'pubcomp', messageId: packet.messageId });
        break;
      case 'puback':
      case 'pubrec':
        this.#onAck(packet.messageId, packet.reasonCode ?? 0, packet.cmd === 'pubrec');
        break;
      case 'pubcomp':
        this.#outgoing.delete(packet.messageId);
        break;
      case 'suback': {
        const { messageId, granted } = packet;
        const request = this.#requests.get(messageId);
        this.#requests.delete(messageId);
        request?.((granted[0] as number) < 0x80);
        break;
      }
    }
  }

  #onConnack(isAccepted: boolean, isPresent: boolean): void {
    if (!isAccepted) {
      this.#socket?.destroy();
      return;
    }
    this.#isServed = true;
    this.#servedAtMs = performance.now();
    if (!isPresent) {
      this.#incoming.clear();
      if (this.#hasSession) this.#options.onSessionLost?.();
    }
    this.#hasSession = this.#options.isClean !== true;
    // In the order in which they were sent first [MQTT-4.6.0-1].
    for (const outgoing of [...this.#outgoing.values()]) {
      if (!outgoing.isReleased) this.#sendPublish(outgoing, isPresent);
      else if (isPresent) this.#send({ cmd: 'pubrel', messageId: outgoing.packetId });
      else this.#outgoing.delete(outgoing.packetId);
    }
    const waitedMs = this.#lostAtMs === 0 ? 0 : performance.now() - this.#lostAtMs;
    this.#lostAtMs = 0;
    this.#options.onServed?.(waitedMs);
  }

  #onAck(packetId: number, reasonCode: number, isReceived: boolean): void {
    const outgoing = this.#outgoing.get(packetId);
    if (outgoing === undefined) {
      if (isReceived) this.#send({ cmd: 'pubrel', messageId: packetId });
      return;
    }
    const { topic, payload, sentMs } = outgoing;
    if (reasonCode >= 0x80) {
      this.#outgoing.delete(packetId);
      this.#options.onRefused?.(topic, payload);
      return;
    }
    if (!isReceived) this.#outgoing.delete(packetId);
    else {
      outgoing.isReleased = true;
      this.#send({ cmd: 'pubrel', messageId: packetId });
    }
    this.#options.onAcknowledged?.(topic, payload, performance.now() - sentMs);
  }

  #sendPublish(outgoing: Outgoing, dup: boolean): void {
    const { packetId, topic, payload, qos, retain } = outgoing;
    outgoing.sentMs = performance.now();
    const bytes = Buffer.from(payload);
    this.#send({ cmd: 'publish', topic, payload: bytes, qos, retain, dup, messageId: packetId });
  }

  #send(packet: Packet): void {
    this.#socket?.write(
      encode(packet, { protocolVersion: this.#options.version }) as unknown as Uint8Array,
    );
  }

  #takePacketId(): number {
    do {
      this.#nextPacketId = (this.#nextPacketId % 65_535) + 1;
    } while (this.#outgoing.has(this.#nextPacketId) || this.#requests.has(this.#nextPacketId));
    return this.#nextPacketId;
  }
}
