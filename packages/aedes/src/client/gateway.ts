import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IDisconnectPacket,
  type ISubackPacket,
  type ISubscribePacket,
  type IUnsubscribePacket,
  type Packet,
} from 'mqtt-packet';
import type { ClientHost, HostedClient } from '../host.ts';
import { faultOf } from '../packets/checked.ts';
import { connackOf } from '../packets/connack.ts';
import { encodePacket } from '../packets/encode.ts';
import { FrameSplitter } from '../packets/frame-splitter.ts';
import {
  acknowledgement,
  decode,
  type Frame,
  identifierOf,
  reasonOf,
  Type,
  withIdentifier,
} from '../packets/frames.ts';
import type { AedesPublishPacket, Client, PublishedPacket, PublishPacket } from '../types.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { ClientSubscriptions } from './client-subscriptions.ts';
import { Drain } from './drain.ts';
import { type HandshakeHost, shakeHands } from './handshake.ts';
import { Inbound, type InboundHost } from './inbound.ts';
import { InnerStream, type InnerStreamOwner } from './inner-stream.ts';
import { originOf } from './origin.ts';
import { Outbound, type OutboundHost } from './outbound.ts';
import { SentIdentifiers } from './sent-identifiers.ts';

/** The client that programs see, as it is written to here. */
export type Face = { -readonly [Key in keyof Client]: Client[Key] };

/** Bytes that a client may have sent before it is connected; then it isn't read from until it is. */
const EARLY_BYTES_MAX = 1_048_576;
/** Over a keep alive of 1, a client may be silent for one and a half seconds [MQTT-3.1.2-22]. */
const KEEP_ALIVE_MS = 1500;
const KEEP_ALIVE_TIMEOUT = 0x8d;

/**
 * Stands between a client and the broker within: all packets come by, in both directions. It asks the program's handlers, tells
 * what happens, and lets the program send, subscribe and disconnect in the client's place.
 */
export class Gateway implements InnerStreamOwner, InboundHost, OutboundHost, HandshakeHost {
  readonly face: Face;
  readonly broker: ClientHost;
  readonly identifiers: SentIdentifiers;
  readonly subscriptions: ClientSubscriptions;
  readonly #inner: InnerStream;
  readonly #in: Inbound;
  readonly #out: Outbound;
  readonly #incoming: FrameSplitter;
  readonly #outgoing: FrameSplitter;
  readonly #acknowledgements: Acknowledgements;
  readonly #drain: Drain;
  /** Packets that wait for the one before. */
  readonly #queue: Frame[];
  /** What the program wants of the client before it has its CONNACK, which comes first [MQTT-3.2.0-1]. Null from then on. */
  #held: (() => void)[] | null;
  #queuedBytes: number;
  #isBusy: boolean;
  #isInnerFull: boolean;
  #connectTimer: ReturnType<typeof setTimeout> | null;
  #keepAliveTimer: ReturnType<typeof setTimeout> | null;
  #will: PublishedPacket | null;
  /** Nothing has come yet. */
  #isFirst: boolean;
  #willDelayMs: number;
  /** A DISCONNECT has come after which the will isn't published. */
  #saysGoodbye: boolean;
  #isIdAssigned: boolean;
  #isAttached: boolean;
  /** A packet was wrong: what follows isn't looked at. */
  #isDeaf: boolean;
  #isRegistered: boolean;
  #isOver: boolean;
  #isFinished: boolean;
  /** Called when it is over. */
  #onFinished: (() => void)[];

  constructor(face: Face, broker: ClientHost, packetSizeMax: number) {
    this.face = face;
    this.broker = broker;
    this.identifiers = new SentIdentifiers();
    this.#inner = new InnerStream(this);
    this.#in = new Inbound(this);
    this.#out = new Outbound(this);
    this.#incoming = new FrameSplitter(packetSizeMax, (frame) => this.#onFrame(frame));
    this.#outgoing = new FrameSplitter(Number.POSITIVE_INFINITY, (frame) =>
      this.#out.onFrame(frame),
    );
    this.#acknowledgements = new Acknowledgements((bytes) => this.send(bytes));
    this.#drain = new Drain(face.conn, broker.limits.drainTimeout, () => {
      this.fail(new Error('drain timeout'), 0);
    });
    this.#queue = [];
    this.#held = [];
    this.#queuedBytes = 0;
    this.#isBusy = false;
    this.#isInnerFull = false;
    this.#connectTimer = setTimeout(() => {
      this.fail(new Error('connect did not arrive in time'), 0);
    }, broker.limits.connectTimeout);
    this.#keepAliveTimer = null;
    this.#will = null;
    this.#isFirst = true;
    this.#willDelayMs = 0;
    this.#saysGoodbye = false;
    this.#isIdAssigned = false;
    this.#isAttached = false;
    this.#isDeaf = false;
    this.#isRegistered = false;
    this.#isOver = false;
    this.#isFinished = false;
    this.#onFinished = [];
    this.subscriptions = new ClientSubscriptions(this);
    const { conn } = face;
    conn.on('data', (chunk: Buffer) => this.#onData(chunk));
    conn.on('error', (error) => this.fail(error, 0));
    conn.on('end', () => this.end(0));
    conn.on('close', () => this.end(0));
  }

  get version(): number {
    return this.face.version ?? 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  // ------------------------------------------------------------------ what the client sends

  #onData(chunk: Buffer): void {
    if (this.#isOver || this.#isDeaf) return;
    this.#keepAliveTimer?.refresh();
    this.#incoming.push(this.#isFirst ? this.#withoutPreamble(chunk) : chunk);
  }

  /** What is left of the first bytes when the program has read what stands before MQTT. */
  #withoutPreamble(chunk: Buffer): Buffer {
    this.#isFirst = false;
    const decoded = this.broker.decodeProtocol(this.face, chunk);
    if (decoded === null || decoded === undefined) return chunk;
    this.face.connDetails = decoded;
    const { data } = decoded as { data?: unknown };
    return Buffer.isBuffer(data) ? data : chunk;
  }

  #onFrame(frame: Frame): void {
    if (this.#isOver || this.#isDeaf) return;
    if (this.#in.hasConnect && !this.face.connected) {
      if (this.#queue.length >= this.broker.limits.queueLimit) {
        this.#forgetWho();
        this.fail(new Error('Client queue limit reached'), 0x97);
        return;
      }
    }
    this.#queue.push(frame);
    this.#queuedBytes += frame.bytes.length;
    this.#work();
  }

  #work(): void {
    while (!this.#isBusy && !this.#isOver && !this.#isDeaf) {
      const frame = this.#queue.shift();
      if (frame === undefined) break;
      this.#queuedBytes -= frame.bytes.length;
      this.#isBusy = true;
      try {
        this.#in.onFrame(frame, () => this.#proceed());
      } catch (error) {
        this.#refer(frame, error as Error);
      }
    }
    this.#regulate();
  }

  /** A packet is wrong: tells the program, and has the broker within answer and close. */
  #refer(frame: Frame, error: Error): void {
    this.#isDeaf = true;
    this.#queue.length = 0;
    this.#tell(faultOf(frame, this.version, error));
    if (this.#isOver) return;
    if (this.#isAttached) this.pass(frame.bytes);
    else if (frame.type !== Type.Connect || frame.fault !== undefined) this.end(0);
    else {
      void this.broker.whenStarted().then(
        () => {
          this.#attachInner();
          this.pass(frame.bytes);
        },
        () => this.end(0),
      );
    }
  }

  #proceed(): void {
    if (!this.#isBusy) return;
    this.#isBusy = false;
    this.#work();
  }

  /** Reads from the client, or doesn't. */
  #regulate(): void {
    const { conn, connected } = this.face;
    const waits = connected ? this.#queue.length > 0 : this.#queuedBytes > EARLY_BYTES_MAX;
    const mayRead = !waits && !this.#isInnerFull;
    if (mayRead === !conn.isPaused()) return;
    if (mayRead) conn.resume();
    else conn.pause();
  }

  // ------------------------------------------------------------------ CONNECT

  onConnect(packet: IConnectPacket): void {
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer);
    this.#connectTimer = null;
    shakeHands(this, packet);
  }

  begin(): void {
    this.face.connecting = true;
  }

  introduce(id: string, packet: IConnectPacket): void {
    this.face.id = id;
    this.#isIdAssigned = packet.clientId === undefined || packet.clientId === '';
    this.#incoming.isLenient = packet.protocolVersion === 3;
    this.face.clean = packet.clean !== false;
    this.face.version = packet.protocolVersion ?? 4;
  }

  turnAway(error: Error | null): void {
    this.face.connecting = false;
    if (error !== null) this.fail(error, 0);
    else this.end(0);
  }

  reject(returnCode: number, why: string): void {
    this.#sendConnack(returnCode);
    this.fail(Object.assign(new Error(why), { errorCode: returnCode }), 0);
  }

  deny(returnCode: number, error: Error): void {
    this.#sendConnack(returnCode);
    this.face.connecting = false;
    const tell = () => {
      this.broker.emit('clientError', this.face, Object.assign(error, { errorCode: returnCode }));
    };
    this.end(0, tell);
  }

  #sendConnack(returnCode: number): void {
    const { bytes, packet } = connackOf(returnCode, this.version || 4);
    this.send(bytes);
    this.broker.emit('connackSent', packet, this.face);
  }

  admit(packet: IConnectPacket): void {
    const other = this.broker.clientOf(this.face.id as string);
    const proceed = () => {
      void this.broker
        .whenStarted()
        .then(() => this.#attach(packet))
        .catch((error: Error) => this.reject(3, error.message));
    };
    if (other === null) proceed();
    else {
      other.end(0x8e);
      other.close(proceed);
    }
  }

  #attach(packet: IConnectPacket): void {
    if (this.#isOver) return;
    if (packet.clean !== false) {
      this.#open(packet);
      return;
    }
    this.subscriptions.restore(() => this.#open(packet));
  }

  #open(packet: IConnectPacket): void {
    this.#attachInner();
    const { will, keepalive = 0, properties } = packet;
    if (will !== undefined) {
      this.#will = {
        ...will,
        payload: Buffer.from(will.payload),
        brokerId: this.broker.id,
        clientId: this.face.id as string,
      } as PublishedPacket;
    }
    this.#willDelayMs = willDelayOf(packet);
    const inner = { ...packet, clientId: this.face.id as string, keepalive: 0 };
    delete inner.will;
    if (properties !== undefined) {
      // Aliases are a matter of one connection; what the program may change goes without them.
      const { topicAliasMaximum: _, ...others } = properties;
      inner.properties = others;
    }
    if (keepalive > 0) {
      this.#keepAliveTimer = setTimeout(() => this.#onSilence(), keepalive * KEEP_ALIVE_MS);
    }
    this.pass(encodePacket(inner, this.version));
  }

  #attachInner(): void {
    if (this.#isOver) return;
    const { conn, req } = this.face;
    const { address, protocol } = originOf(conn, req);
    this.#isAttached = true;
    this.broker.attach(this.#inner, address, protocol);
  }

  #onSilence(): void {
    this.broker.emit('keepaliveTimeout', this.face);
    this.fail(new Error('keep alive timeout'), KEEP_ALIVE_TIMEOUT);
  }

  onConnack(frame: Frame): void {
    const packet = decode(frame, this.version) as IConnackPacket;
    const returnCode = packet.returnCode ?? packet.reasonCode ?? 0;
    if (returnCode !== 0) {
      this.send(frame.bytes);
      this.broker.emit('connackSent', connackShown(packet, returnCode), this.face);
      // Where its CONNECT was wrong, the program has been told already.
      if (this.#isDeaf) {
        this.end(0);
        return;
      }
      this.#forgetWho();
      this.fail(new Error(`connection refused: ${returnCode}`), 0);
      return;
    }
    this.#in.topicAliasMaximum = packet.properties?.topicAliasMaximum ?? 0;
    this.#isRegistered = true;
    this.broker.register(this.face as HostedClient);
    if (this.#isOver) return;
    this.subscriptions.revoke();
    if (this.#isIdAssigned && this.version === 5) {
      const { properties, ...others } = packet;
      const assigned = { ...properties, assignedClientIdentifier: this.face.id };
      this.send(encodePacket({ ...others, properties: assigned }, 5)); // [MQTT-3.2.2-16]
    } else {
      this.send(frame.bytes);
    }
    this.broker.emit('connackSent', connackShown(packet, 0), this.face);
    this.#doHeld();
    // What waited for the session has been sent in the same turn.
    setImmediate(() => this.#onReady());
  }

  #onReady(): void {
    if (this.#isOver) return;
    this.face.connecting = false;
    this.face.connected = true;
    this.face.emit('connected');
    this.broker.emit('clientReady', this.face);
    this.#proceed();
  }

  #forgetWho(): void {
    this.face.id = null;
    this.face.version = null;
  }

  // ------------------------------------------------------------------ messages

  get levelsMax(): number {
    return this.broker.limits.maxTopicLevels;
  }

  get inflightMax(): number {
    return this.broker.limits.maxInflightInbound;
  }

  get looksAtMessages(): boolean {
    return this.broker.watchesMessages;
  }

  get mayBeChanged(): boolean {
    return this.broker.asksForPublish;
  }

  authorizePublish(packet: PublishPacket, done: (error?: Error | null) => void): void {
    this.broker.authorizePublish(this.face, packet, (error) => {
      if (!this.#isOver) done(error);
    });
  }

  onPublished(packet: PublishedPacket, done: () => void): void {
    this.broker.passOn(packet, this.face, (error) => {
      if (error !== null) this.fail(error, 0x80);
      done();
    });
  }

  onSent(packet: PublishedPacket, done: () => void): void {
    this.onPublished(packet, () => {});
    this.broker.whenRoom(done);
  }

  onAcknowledged(frame: Frame): void {
    const packet = this.#in.answered(frame);
    const release = this.#acknowledgements.add(frame.bytes);
    if (packet === null) {
      release();
      return;
    }
    this.onPublished(packet, release);
  }

  onReleased(identifier: number): void {
    this.#in.released(identifier);
  }

  // ------------------------------------------------------------------ what the client is sent

  get forwardsAll(): boolean {
    return this.broker.forwardsAll;
  }

  get wantsAcks(): boolean {
    return this.broker.listenerCount('ack') > 0;
  }

  forward(packet: AedesPublishPacket): AedesPublishPacket | null {
    packet.brokerId = this.broker.id;
    packet.brokerCounter = 0;
    return this.broker.authorizeForward(this.face, packet) ?? null;
  }

  send(bytes: Buffer): void {
    this.#drain.write(bytes);
  }

  answer(bytes: Buffer): void {
    this.pass(bytes);
  }

  onAck(frame: Frame): void {
    const shown = identifierOf(frame);
    const isRefused = frame.type === Type.Pubrec && reasonOf(frame) >= 0x80;
    const isOwn = this.identifiers.isOwn(shown);
    if (frame.type === Type.Pubrec && !isRefused) {
      if (isOwn) {
        this.send(acknowledgement(Type.Pubrel, shown));
        return;
      }
    } else {
      const sent = this.#out.take(shown);
      const packet = frame.type === Type.Pubcomp ? { cmd: 'pubrel', messageId: shown } : sent;
      if (!isRefused) this.broker.emit('ack', packet, this.face);
      if (isOwn) {
        this.identifiers.settle(shown);
        return;
      }
    }
    const chosen = this.identifiers.chosenFor(shown);
    if (frame.type !== Type.Pubrec || isRefused) this.identifiers.settle(shown);
    this.pass(
      chosen === shown ? frame.bytes : withIdentifier(frame.bytes, frame.bodyStart, chosen),
    );
  }

  onPing(packet: Packet): void {
    this.broker.emit('ping', packet, this.face);
  }

  /** Does it when the client has its CONNACK, or never will. */
  whenConnected(work: () => void): void {
    if (this.#held === null) work();
    else this.#held.push(work);
  }

  #doHeld(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const work of held) work();
  }

  /** Sends a message to this client alone. */
  publish(given: PublishPacket, callback: (error?: Error | null) => void): void {
    if (this.#isOver) {
      this.broker.emit('clientError', this.face, new Error('connection closed'));
      callback();
      return;
    }
    const { topic, payload = '', qos = 0, retain = false, properties } = given;
    const packet: AedesPublishPacket = {
      cmd: 'publish',
      topic,
      payload,
      qos,
      retain,
      dup: false,
      ...(properties && { properties }),
    };
    const forwarded = this.forward(packet);
    if (forwarded === null) {
      callback();
      return;
    }
    const messageId = qos > 0 ? this.identifiers.take() : undefined;
    if (messageId === 0) {
      callback(new Error('all packet identifiers are taken'));
      return;
    }
    const sent = { ...forwarded, ...(messageId && { messageId }) };
    this.#out.note(sent);
    const bytes = generate(sent as Packet, { protocolVersion: this.version });
    this.#drain.write(bytes, () => callback());
  }

  // ------------------------------------------------------------------ subscriptions

  onSubscribe(packet: ISubscribePacket, bytes: Buffer, done: () => void): void {
    this.subscriptions.onSubscribe(packet, bytes, done);
  }

  onSuback(packet: ISubackPacket, bytes: Buffer): void {
    this.subscriptions.onSuback(packet, bytes);
  }

  onUnsubscribe(packet: IUnsubscribePacket): void {
    this.subscriptions.onUnsubscribe(packet);
  }

  onUnsuback(identifier: number): boolean {
    return this.subscriptions.onUnsuback(identifier);
  }

  // ------------------------------------------------------------------ the stream within

  pass(bytes: Buffer): void {
    if (!this.#inner.push(bytes)) this.#isInnerFull = true;
  }

  onInnerRead(): void {
    if (!this.#isInnerFull) return;
    this.#isInnerFull = false;
    this.#regulate();
  }

  onInnerWrite(chunk: Buffer, done: () => void): void {
    if (this.#isOver) {
      done();
      return;
    }
    // The packets that come of it are parts of the chunk, which is lent until all of them have been written.
    this.#outgoing.push(Buffer.from(chunk));
    this.#drain.write(Buffer.alloc(0), done);
  }

  onInnerEnd(): void {
    this.end(0);
  }

  onInnerClose(): void {
    this.end(0);
  }

  onGoodbye({ reasonCode = 0, properties }: IDisconnectPacket): void {
    const expiry = properties?.sessionExpiryInterval;
    if (expiry !== undefined) this.#willDelayMs = Math.min(this.#willDelayMs, expiry * 1000);
    this.#saysGoodbye = reasonCode === 0; // [MQTT-3.14.4-3]
  }

  onDisconnect(): void {
    this.#saysGoodbye = false; // The DISCONNECT that came was wrong.
  }

  // ------------------------------------------------------------------ the end

  /** Something has gone wrong: tells the program, and ends the connection. */
  fail(error: Error, reasonCode: number): void {
    if (this.#isOver) return;
    this.#tell(error);
    this.end(reasonCode);
  }

  #tell(error: Error): void {
    const { face } = this;
    const isKnown = face.id !== null;
    if (!isKnown) face.version = null;
    this.broker.emit(isKnown ? 'clientError' : 'connectionError', face, error);
    if (face.listenerCount('error') > 0) face.emit('error', error);
  }

  /**
   * Ends the connection.
   *
   * @param reasonCode - that a client of MQTT 5 is sent; 0 for none
   * @param then - called when it is over
   */
  end(reasonCode: number, then: (() => void) | null = null): void {
    if (then !== null) {
      if (this.#isFinished) setImmediate(then);
      else this.#onFinished.push(then);
    }
    if (this.#isOver) return;
    this.#isOver = true;
    const { face } = this;
    face.closed = true;
    if (this.#connectTimer !== null) clearTimeout(this.#connectTimer);
    if (this.#keepAliveTimer !== null) clearTimeout(this.#keepAliveTimer);
    this.#drain.stop();
    const { conn } = face;
    if (reasonCode > 0 && face.version === 5 && this.#isRegistered) {
      this.send(generate({ cmd: 'disconnect', reasonCode }, { protocolVersion: 5 }));
    }
    // What was written leaves before the stream is closed.
    if (conn.writable && !conn.destroyed) conn.end(() => conn.destroy());
    else conn.destroy();
    conn.resume();
    this.#inner.push(null);
    this.#inner.destroy();
    if (!this.#isRegistered) {
      this.#finish();
      return;
    }
    const will = this.#saysGoodbye ? null : this.#will;
    if (will === null) {
      this.#leave();
      return;
    }
    this.broker.publishWill(face, will, this.#willDelayMs, () => this.#leave());
  }

  #leave(): void {
    const { face } = this;
    face.connected = false;
    face.connecting = false;
    this.broker.unregister(face as HostedClient);
    if (face.clean) this.subscriptions.drop();
    this.#finish();
  }

  #finish(): void {
    this.#isFinished = true;
    this.face.connecting = false;
    this.subscriptions.abandon();
    this.#doHeld();
    const waiting = this.#onFinished;
    this.#onFinished = [];
    for (const callback of waiting) callback();
  }
}

/** A CONNACK as programs see it: before MQTT 5, nothing else is in it. */
function connackShown(packet: IConnackPacket, returnCode: number) {
  const { sessionPresent, reasonCode, properties } = packet;
  return {
    cmd: 'connack',
    returnCode,
    sessionPresent,
    ...(reasonCode !== undefined && { reasonCode }),
    ...(properties !== undefined && { properties }),
  };
}

/** Milliseconds that a will waits after the end of the connection (§3.1.3.2.2): at most as long as there is a session. */
function willDelayOf({ will, properties }: IConnectPacket): number {
  const delay = will?.properties?.willDelayInterval ?? 0;
  return Math.min(delay, properties?.sessionExpiryInterval ?? 0) * 1000;
}
