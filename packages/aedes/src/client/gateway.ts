import type { IConnackPacket, IConnectPacket, IDisconnectPacket } from 'mqtt-packet';
import type { ClientHost } from '../host.ts';
import { faultOf, isMalformed } from '../packets/checked.ts';
import { FrameSplitter } from '../packets/frame-splitter.ts';
import { type Frame, Type } from '../packets/frames.ts';
import { Admission, type AdmissionHost } from './connect/admission.ts';
import { KeepAlive } from './connect/keep-alive.ts';
import { originOf } from './connect/origin.ts';
import { Will } from './connect/will.ts';
import { Ending, type EndingHost } from './ending.ts';
import type { Face } from './face.ts';
import { Inbound, type InboundHost } from './inbound/inbound.ts';
import { PacketQueue, type PacketQueueHost } from './inbound/packet-queue.ts';
import { InnerStream, type InnerStreamOwner } from './inner-stream.ts';
import { Drain } from './outbound/drain.ts';
import { Outbound, type OutboundHost } from './outbound/outbound.ts';
import { SentMessages, type SentMessagesHost } from './outbound/sent-messages.ts';
import {
  ClientSubscriptions,
  type SubscriptionsHost,
} from './subscriptions/client-subscriptions.ts';

const KEEP_ALIVE_TIMEOUT = 0x8d;
const QUOTA_EXCEEDED = 0x97;
/** Implementation specific error. */
const HANDLER_FAILED = 0x83;

type Hosts = AdmissionHost &
  PacketQueueHost &
  InboundHost &
  OutboundHost &
  SentMessagesHost &
  EndingHost;

/**
 * Stands between a client and the broker within: all packets come by, in both directions. Its parts ask the program's handlers,
 * tell what happens, and let the program send, subscribe and disconnect in the client's place; here they are put together.
 */
export class Gateway implements Hosts, SubscriptionsHost, InnerStreamOwner {
  readonly face: Face;
  readonly broker: ClientHost;
  readonly subscriptions: ClientSubscriptions;
  readonly sent: SentMessages;
  readonly will: Will;
  readonly inner: InnerStream;
  readonly #admission: Admission;
  readonly #keepAlive: KeepAlive;
  readonly #queue: PacketQueue;
  readonly #in: Inbound;
  readonly #outgoing: FrameSplitter;
  readonly #out: Outbound;
  readonly #drain: Drain;
  /** What the program wants of the client before it has its CONNACK, which comes first [MQTT-3.2.0-1]. Null from then on. */
  #held: (() => void)[] | null;
  #isInnerFull: boolean;
  #isAttached: boolean;
  readonly #ending: Ending;

  /** @param packetSizeMax - of what the client sends, in bytes */
  constructor(face: Face, broker: ClientHost, packetSizeMax: number) {
    const { connectTimeout, drainTimeout } = broker.limits;
    this.face = face;
    this.broker = broker;
    this.subscriptions = new ClientSubscriptions(this);
    this.sent = new SentMessages(this);
    this.#admission = new Admission(this);
    this.#keepAlive = new KeepAlive(
      connectTimeout,
      () => this.fail(new Error('connect did not arrive in time'), 0),
      () => this.#onSilence(),
    );
    this.will = new Will();
    this.#queue = new PacketQueue(this, packetSizeMax);
    this.#in = new Inbound(this);
    this.inner = new InnerStream(this);
    this.#outgoing = new FrameSplitter(Number.POSITIVE_INFINITY, (frame) =>
      this.#out.onFrame(frame),
    );
    this.#out = new Outbound(this);
    this.#drain = new Drain(face.conn, drainTimeout, () =>
      this.fail(new Error('drain timeout'), 0),
    );
    this.#held = [];
    this.#isInnerFull = false;
    this.#isAttached = false;
    this.#ending = new Ending(this);
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
    return this.#ending.isOver;
  }

  // ------------------------------------------------------------------ what the program wants of the client

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

  // ------------------------------------------------------------------ what the client sends

  #onData(chunk: Buffer): void {
    if (this.isOver || this.#queue.isDeaf) return;
    this.#keepAlive.onData();
    this.#queue.push(chunk);
  }

  #onSilence(): void {
    this.broker.emit('keepaliveTimeout', this.face);
    this.fail(new Error('keep alive timeout'), KEEP_ALIVE_TIMEOUT);
  }

  get isInnerFull(): boolean {
    return this.#isInnerFull;
  }

  get hasConnect(): boolean {
    return this.#in.hasConnect;
  }

  onPacket(frame: Frame, done: () => void): void {
    this.#in.onFrame(frame, done);
  }

  /** Tells the program, and has the broker within answer and close. */
  onWrongPacket(frame: Frame, error: Error): void {
    // A handler of the program has thrown: nobody has allowed what the packet asks for.
    if (!isMalformed(frame, this.version)) {
      this.fail(error, HANDLER_FAILED);
      return;
    }
    this.#tell(faultOf(frame, this.version, error));
    if (this.isOver) return;
    if (this.#isAttached) this.pass(frame.bytes);
    else if (frame.type !== Type.Connect || frame.fault !== undefined) this.end(0);
    else {
      void this.broker.whenStarted().then(
        () => {
          this.#attach();
          this.pass(frame.bytes);
        },
        () => this.end(0),
      );
    }
  }

  onTooMany(): void {
    this.#admission.forgetWho();
    this.fail(new Error('Client queue limit reached'), QUOTA_EXCEEDED);
  }

  onAck(frame: Frame): void {
    this.sent.onAck(frame);
  }

  onGoodbye(packet: IDisconnectPacket): void {
    this.will.onDisconnect(packet);
  }

  // ------------------------------------------------------------------ its admission

  get isRegistered(): boolean {
    return this.#admission.isRegistered;
  }

  onConnect(packet: IConnectPacket): void {
    this.#keepAlive.onConnect();
    this.#admission.onConnect(packet);
  }

  get isWrong(): boolean {
    return this.#queue.isDeaf;
  }

  onIntroduced({ protocolVersion }: IConnectPacket): void {
    if (protocolVersion === 3) this.#queue.beLenient();
  }

  restoreSubscriptions(done: () => void): void {
    this.subscriptions.restore(done);
  }

  onAdmitted(packet: IConnectPacket): void {
    this.#attach();
    this.will.take(packet, this.broker.id, this.face.id as string);
    this.#keepAlive.start(packet.keepalive ?? 0);
  }

  #attach(): void {
    if (this.isOver) return;
    const { conn, req } = this.face;
    const { address, protocol } = originOf(conn, req);
    this.#isAttached = true;
    this.broker.attach(this.inner, address, protocol);
  }

  onRegistered({ properties }: IConnackPacket): void {
    this.#in.topicAliasMaximum = properties?.topicAliasMaximum ?? 0;
    this.subscriptions.revoke();
  }

  onConnackSent(): void {
    this.#doHeld();
  }

  onReady(): void {
    this.#queue.proceed();
  }

  // ------------------------------------------------------------------ what the client is sent

  send(bytes: Buffer, onWritten?: () => void): void {
    this.#drain.write(bytes, onWritten);
  }

  onConnack(frame: Frame): void {
    this.#admission.onConnack(frame);
  }

  onAnswer(frame: Frame): void {
    this.#in.onAnswer(frame);
  }

  onReleased(identifier: number): void {
    this.#in.onReleased(identifier);
  }

  onDisconnect(): void {
    this.will.onWrongDisconnect();
  }

  // ------------------------------------------------------------------ the stream within

  pass(bytes: Buffer): void {
    if (!this.inner.push(bytes)) this.#isInnerFull = true;
  }

  onInnerRead(): void {
    if (!this.#isInnerFull) return;
    this.#isInnerFull = false;
    this.#queue.regulate();
  }

  onInnerWrite(chunk: Buffer, done: () => void): void {
    if (this.isOver) {
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

  // ------------------------------------------------------------------ the end

  /** Something has gone wrong: tells the program, and ends the connection. */
  fail(error: Error, reasonCode: number): void {
    if (this.isOver) return;
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
   * @param then - called when all that belongs to it is done
   */
  end(reasonCode: number, then: (() => void) | null = null): void {
    this.#ending.begin(reasonCode, then);
  }

  onOver(): void {
    this.#keepAlive.stop();
    this.#drain.stop();
  }

  onFinished(): void {
    this.#doHeld();
  }
}
