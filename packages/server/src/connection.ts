import {
  AckView,
  type ConnectPacket,
  type DisconnectPacket,
  decodePacket,
  FrameDecoder,
  type FrameSink,
  type Packet,
  PacketError,
  PacketType,
  type ProtocolVersion,
  PublishView,
  ReasonCode,
} from '@promptmq/codec';
import {
  type Delivery,
  type DropReason,
  InboundTopicAliases,
  OutboundTopicAliases,
  type PublishFrame,
  type SessionLink,
} from '@promptmq/session';
import type { Permissions } from './access/index.ts';
import type { Authentication } from './authentication.ts';
import type { Broker } from './broker.ts';
import { Congestion } from './congestion.ts';
import { admit, peekVersion } from './connect.ts';
import { Deadline } from './deadline-queue.ts';
import { Output } from './output.ts';
import { PacketSender } from './packet-sender.ts';
import { type PacketTracer, tracedFields } from './packet-trace.ts';
import { Receiver } from './receiver.ts';
import type { BrokerSession } from './router.ts';
import type { Storage } from './storage/storage.ts';
import { subscribe, unsubscribe } from './subscribe.ts';
import type { Transport, TransportHandler } from './transport.ts';

export const ConnectionState = {
  /** Waiting for CONNECT. */
  Opening: 0,
  Open: 1,
  /** Our last packet is on its way; what the peer still sends is read and thrown away. */
  Closing: 2,
  Closed: 3,
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** More than this waiting for a client, and QoS 1 and 2 messages stay in its queue. */
const WRITABLE_BYTES = 262_144;

/**
 * A client that takes all at once is sent about so much of what waits for it before others have their turn: the
 * transport tells of each write in the same turn, however many there are.
 */
const TURN_BYTES = 262_144;

/** More than this waiting for a client, and those who publish to it are held back. */
const CONGESTED_BYTES = 1_048_576;
const CONGESTED_MESSAGES = 200;

/** A packet may take one read timeout for each so many bytes. */
const READ_PART_BYTES = 65_536;

/** How long a closing connection may take to read our last packet before it is cut. */
const LINGER_MS = 2000;

/** What a client asked for, after CONNECT was accepted. */
export interface ConnectionTerms {
  readonly session: BrokerSession;
  /** Seconds; 0 turns keep alive off. */
  readonly keepAlive: number;
  /** Session Expiry Interval of the CONNECT, in seconds (§3.14.2.2.2). */
  readonly sessionExpiryInterval: number;
  readonly topicAliasMaximum: number;
}

// Views are read and done with before the next packet, whatever the connection.
const publishView = new PublishView();
const ackView = new AckView();

/**
 * One network connection: the MQTT state machine between a transport and a session. It has no socket
 * and no clock of its own; bytes come in through `onData`, bytes go out through its `Output`.
 *
 * Invariants: `session` is set exactly while the state is Open; after Closing begins, nothing is added to
 * the output [MQTT-3.14.4-1] and no packet is processed.
 */
export class Connection implements SessionLink, FrameSink, TransportHandler {
  readonly broker: Broker;
  readonly transport: Transport;
  readonly output: Output;
  state: ConnectionState;
  session: BrokerSession | null;
  clientId: string;
  /** Who the client proved to be; null when it didn't. */
  userName: string | null;
  /** What the client may do; null when it may do everything. */
  permissions: Permissions | null;
  readonly sender: PacketSender;
  readonly receiver: Receiver;
  inboundAliases: InboundTopicAliases<Uint8Array>;
  /** Set by a CONNECT that names an authentication method (§4.12). */
  authentication: Authentication | null;
  #sessionExpiryInterval: number;
  readonly #decoder: FrameDecoder;
  readonly #deadline: Deadline;
  #keepAliveMs: number;
  /** When the bytes came that are processed now, or came last. */
  receivedAt: number;
  /** When the packet that has begun did; -1 when it isn't known of one yet. */
  #begunAt: number;
  /** Milliseconds of the runtime's clock. */
  readonly openedAt: number;
  #closingAt: number;
  /** Since when the transport has not taken a byte although some wait; -1 when none wait. */
  #stalledAt: number;
  /** Bytes that the transport has taken since the last flush. */
  #takenBytes: number;
  /** Whether the session is to send more after the next flush. */
  #isPumpDue: boolean;
  /** Made when the first publisher is held back on this connection's account. */
  #congestion: Congestion | null;
  /** On how many subscribers' account this connection is not read from. */
  #holdCount: number;
  /** While CONNECT is being decided on: what follows it waits. */
  #isSuspended: boolean;
  /** Set while an operator looks at this client's packets. */
  #tracer: PacketTracer | null;

  constructor(broker: Broker, transport: Transport) {
    this.broker = broker;
    this.transport = transport;
    this.output = new Output(
      transport,
      () => broker.flushLater(this),
      broker.config.server.writeBuffer,
    );
    this.state = ConnectionState.Opening;
    this.session = null;
    this.clientId = '';
    this.userName = null;
    this.permissions = null;
    this.sender = new PacketSender(this.output, broker);
    this.receiver = new Receiver(this);
    this.inboundAliases = new InboundTopicAliases(0);
    this.authentication = null;
    this.#sessionExpiryInterval = 0;
    this.#decoder = new FrameDecoder(this, {
      maximumPacketSize: broker.config.mqtt.maxPacketSize,
    });
    this.#deadline = new Deadline((now) => this.#onDeadline(now));
    this.#keepAliveMs = 0;
    this.openedAt = broker.runtime.now();
    this.receivedAt = this.openedAt;
    this.#begunAt = -1;
    this.#closingAt = 0;
    this.#takenBytes = 0;
    this.#isPumpDue = false;
    this.#stalledAt = -1;
    this.#congestion = null;
    this.#holdCount = 0;
    this.#isSuspended = false;
    this.#tracer = null;
    this.#armDeadline();
  }

  /** Whether nothing more is sent or processed. */
  get isEnding(): boolean {
    return this.state >= ConnectionState.Closing;
  }

  get version(): ProtocolVersion {
    return this.sender.version;
  }

  // ------------------------------------------------------------------ receiving

  onData(chunk: Uint8Array): void {
    this.broker.stats.bytesReceived += chunk.length;
    if (this.isEnding) return;
    this.receivedAt = this.broker.runtime.now();
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.refuse(error);
    }
    if (this.#decoder.bufferedBytes > 0 && this.state === ConnectionState.Open) this.#expectRest();
  }

  /** A packet has begun: the rest of it is to come within the read timeout. */
  #expectRest(): void {
    if (this.#begunAt === -1) this.#begunAt = this.receivedAt;
    const dueAt = this.#restDueAt();
    if (dueAt !== Number.POSITIVE_INFINITY && !this.#isWatchedUntil(dueAt)) this.#armDeadline();
  }

  /** Whether the deadline comes at that time at the latest. */
  #isWatchedUntil(at: number): boolean {
    return this.#deadline.index !== -1 && this.#deadline.at <= at;
  }

  onFrame(buffer: Uint8Array, start: number, bodyStart: number, end: number): boolean {
    const type = (buffer[start] as number) >> 4;
    const { stats } = this.broker;
    this.#begunAt = -1;
    (stats.packetsReceived[type] as number)++;
    stats.packetTypeNow = type;
    if (this.state !== ConnectionState.Open) {
      this.#onOpeningFrame(buffer, start, bodyStart, end);
      stats.packetTypeNow = 0;
      return !this.isEnding && !this.#isSuspended;
    }
    if (this.#tracer !== null) {
      const packet = decodePacket(buffer, start, bodyStart, end, this.version, 'server');
      this.#tracer(packet.cmd, tracedFields(packet));
    }
    switch (type) {
      case PacketType.PUBLISH:
        publishView.read(buffer, start, bodyStart, end, this.version, 'server');
        this.receiver.onPublish(publishView);
        break;
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBREL:
      case PacketType.PUBCOMP:
        ackView.read(buffer, start, bodyStart, end, this.version);
        this.#onAck(type, ackView.packetId, ackView.reasonCode);
        break;
      default:
        this.#onPacket(decodePacket(buffer, start, bodyStart, end, this.version, 'server'));
    }
    stats.packetTypeNow = 0;
    return this.state === ConnectionState.Open;
  }

  #onOpeningFrame(buffer: Uint8Array, start: number, bodyStart: number, end: number): void {
    if (this.isEnding) return;
    if (this.authentication !== null) {
      this.#onAuthenticatingPacket(
        decodePacket(buffer, start, bodyStart, end, this.version, 'server'),
      );
      return;
    }
    if ((buffer[start] as number) >> 4 !== PacketType.CONNECT) {
      throw new PacketError(
        ReasonCode.ProtocolError,
        'MQTT-3.1.0-1',
        0,
        'the first packet is not a CONNECT',
      );
    }
    // Even if the CONNECT is refused, the refusal is in the version that it asks for.
    this.sender.version = peekVersion(buffer, bodyStart, end);
    const packet = decodePacket(buffer, start, bodyStart, end, this.version, 'server');
    this.sender.version = (packet as ConnectPacket).protocolVersion;
    admit(this.broker, this, packet as ConnectPacket);
  }

  /** Between CONNECT and CONNACK only AUTH and DISCONNECT may come [MQTT-3.1.2-30]. */
  #onAuthenticatingPacket(packet: Packet): void {
    if (packet.cmd === 'auth') {
      (this.authentication as Authentication).onAuth(packet);
    } else if (packet.cmd === 'disconnect') {
      this.terminate();
    } else {
      throw new PacketError(
        ReasonCode.ProtocolError,
        'MQTT-3.1.2-30',
        0,
        `${packet.cmd.toUpperCase()} before authentication has ended`,
      );
    }
  }

  /** The answer to CONNECT takes a while: nothing is read or processed until `resume`. */
  suspend(): void {
    this.#isSuspended = true;
    this.transport.pause();
  }

  /** Goes on with what followed CONNECT (§3.1.4). */
  resume(): void {
    this.#isSuspended = false;
    if (this.state === ConnectionState.Closed) return;
    this.transport.resume();
    this.receivedAt = this.broker.runtime.now();
    try {
      this.#decoder.resume();
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.refuse(error);
    }
    if (this.#decoder.bufferedBytes > 0 && this.state === ConnectionState.Open) this.#expectRest();
  }

  #onPacket(packet: Packet): void {
    switch (packet.cmd) {
      case 'subscribe':
        subscribe(this.broker, this, packet);
        break;
      case 'unsubscribe':
        unsubscribe(this.broker, this, packet);
        break;
      case 'pingreq':
        this.sender.send({ cmd: 'pingresp' }); // [MQTT-3.12.4-1]
        break;
      case 'disconnect':
        this.#onDisconnect(packet);
        break;
      case 'connect':
        throw new PacketError(
          ReasonCode.ProtocolError,
          'MQTT-3.1.0-2',
          0,
          'a second CONNECT on one connection',
        );
      case 'auth':
        if (this.authentication === null) {
          throw new PacketError(
            ReasonCode.ProtocolError,
            'MQTT-4.12.0-7',
            0,
            'AUTH without an authentication method',
          );
        }
        this.authentication.onAuth(packet);
        break;
      default:
        throw new PacketError(
          ReasonCode.ProtocolError,
          '§4.13',
          0,
          `${packet.cmd.toUpperCase()} from a client`,
        );
    }
  }

  #onAck(type: PacketType, packetId: number, reasonCode: number): void {
    const session = this.session as BrokerSession;
    const now = this.receivedAt;
    let isExpected = true;
    switch (type) {
      case PacketType.PUBACK:
        isExpected = session.onPuback(packetId, now) !== 'protocol-error';
        break;
      case PacketType.PUBREC: {
        const result = session.onPubrec(packetId, reasonCode, now);
        isExpected = result !== 'protocol-error';
        if (result === 'unknown') {
          if (reasonCode < 0x80) {
            this.sender.sendAck(PacketType.PUBREL, packetId, ReasonCode.PacketIdentifierNotFound);
          }
        } else if (result === 'ok' && reasonCode < 0x80) {
          this.sendPubrel(packetId); // [MQTT-4.3.3-4]
        }
        break;
      }
      case PacketType.PUBREL: {
        this.receiver.onPubrel(packetId);
        break;
      }
      case PacketType.PUBCOMP:
        isExpected = session.onPubcomp(packetId, now) !== 'protocol-error';
        break;
    }
    if (this.#congestion !== null) this.#relieve(session);
    if (!isExpected) {
      throw new PacketError(
        ReasonCode.ProtocolError,
        '§4.3',
        0,
        'an acknowledgement that the QoS of the message does not allow',
      );
    }
  }

  #onDisconnect(packet: DisconnectPacket): void {
    const expiry = packet.properties?.sessionExpiryInterval;
    if (expiry !== undefined) {
      if (this.#sessionExpiryInterval === 0 && expiry !== 0) {
        throw new PacketError(
          ReasonCode.ProtocolError,
          '§3.14.2.2.2',
          0,
          'a session expiry interval in DISCONNECT after 0 in CONNECT',
        );
      }
      this.broker.changeSessionExpiry(this.session as BrokerSession, expiry);
    }
    const reasonCode = packet.reasonCode ?? ReasonCode.Success;
    // [MQTT-3.14.4-3]: only a normal disconnection takes the will with it.
    this.#leave(reasonCode === ReasonCode.Success ? 'discard-will' : 'send-will');
    this.broker.onDisconnected(this, 'client', reasonCode);
    this.#beginClosing();
  }

  // -------------------------------------------------------------------- sending

  get isWritable(): boolean {
    return this.output.pendingBytes < WRITABLE_BYTES;
  }

  sendPublish(delivery: Delivery, dup: boolean): DropReason | null {
    return this.sender.sendPublish(delivery, dup);
  }

  sendFrame(frame: PublishFrame, flags: number, packetId: number): DropReason | null {
    return this.sender.sendFrame(frame, flags, packetId);
  }

  sendPubrel(packetId: number): void {
    this.sender.sendAck(PacketType.PUBREL, packetId, ReasonCode.Success);
  }

  /** Hands the gathered bytes to the transport; called by the broker once a turn. */
  flush(): void {
    this.#takenBytes = 0;
    if (this.state === ConnectionState.Closed) return;
    this.output.flush();
    if (this.#isPumpDue) {
      this.#isPumpDue = false;
      this.session?.pump(this.broker.runtime.now());
    }
    if (this.#stalledAt === -1 && this.output.writtenBytes > 0) this.#expectProgress();
  }

  /** The transport holds bytes: it is to take some of them within the write timeout. */
  #expectProgress(): void {
    const { writeTimeout } = this.broker.config.server;
    this.#stalledAt = this.broker.runtime.now();
    if (writeTimeout > 0 && !this.#isWatchedUntil(this.#stalledAt + writeTimeout)) {
      this.#armDeadline();
    }
  }

  onWritten(chunk: Uint8Array): void {
    this.broker.stats.bytesSent += chunk.length;
    this.output.onWritten(chunk);
    if (this.output.writtenBytes === 0) this.#stalledAt = -1;
    else this.#stalledAt = this.broker.runtime.now();
    const { session } = this;
    this.#takenBytes += chunk.length;
    if (session?.hasBacklog && this.isWritable) this.#goOn(session);
    if (this.#congestion !== null && session !== null) this.#relieve(session);
  }

  /** Has the session send more: at once, unless this client has been sent as much as one may be in a turn. */
  #goOn(session: BrokerSession): void {
    if (this.#takenBytes < TURN_BYTES) {
      session.pump(this.broker.runtime.now());
    } else if (!this.#isPumpDue) {
      this.#isPumpDue = true;
      this.broker.flushLater(this);
    }
  }

  // ------------------------------------------------------------------ congestion

  /** Whether so much waits for this client that those who publish to it had better wait, too. */
  get isCongested(): boolean {
    return (
      this.output.pendingBytes > CONGESTED_BYTES ||
      (this.session as BrokerSession).queueLength > CONGESTED_MESSAGES
    );
  }

  /** Stops reading from a publisher until this client has caught up, or shows that it won't. */
  holdBack(publisher: Connection): void {
    if (publisher === this) return; // It would wait for its own acknowledgements.
    const { broker } = this;
    this.#congestion ??= new Congestion(broker.deadlines);
    this.#congestion.hold(publisher, broker.runtime.now());
    broker.armTimer();
  }

  /** The client has taken something: publishers go on when half of what was too much is gone. */
  #relieve(session: BrokerSession): void {
    this.#congestion?.noteProgress();
    const isRelieved =
      this.output.pendingBytes < CONGESTED_BYTES / 2 &&
      session.queueLength < CONGESTED_MESSAGES / 2;
    if (isRelieved) this.#congestion?.end();
  }

  pauseReading(): void {
    this.#holdCount++;
    if (this.#holdCount === 1) this.transport.pause();
  }

  resumeReading(): void {
    this.#holdCount--;
    if (this.#holdCount > 0) return;
    this.receivedAt = this.broker.runtime.now();
    this.#begunAt = -1;
    if (this.state === ConnectionState.Open) {
      if (this.#decoder.bufferedBytes > 0) this.#expectRest();
      // The deadline may have passed unheeded meanwhile.
      if (!this.#isWatchedUntil(this.#keepAliveAt())) this.#armDeadline();
    }
    this.transport.resume();
  }

  // -------------------------------------------------------------------- tracing

  /** Tells of this client's packets from now on if somebody looks at them, else no more. */
  updateTrace(clientId: string): void {
    const { traces } = this.broker;
    this.#tracer = traces.tracer(clientId, 'in');
    this.sender.tracer = traces.tracer(clientId, 'out');
  }

  // -------------------------------------------------------------------- opening

  /** CONNECT was accepted: from here on the connection is the session's. */
  open(terms: ConnectionTerms): void {
    const { maxTopicAlias, maxTopicAliasOut } = this.broker.config.mqtt;
    this.state = ConnectionState.Open;
    this.session = terms.session;
    this.clientId = terms.session.clientId;
    this.receiver.open();
    this.#sessionExpiryInterval = terms.sessionExpiryInterval;
    this.inboundAliases = new InboundTopicAliases(this.version === 5 ? maxTopicAlias : 0);
    const aliasMaximum = Math.min(terms.topicAliasMaximum, maxTopicAliasOut);
    this.sender.aliases = aliasMaximum > 0 ? new OutboundTopicAliases(aliasMaximum) : null;
    this.#keepAliveMs = terms.keepAlive * 1500; // [MQTT-3.1.2-22]
    this.#armDeadline();
  }

  /** CONNACK and what follows it wait until the session's record is safe. */
  holdUntilCommitted(storage: Storage, position: number): void {
    if (position < storage.committedPosition) return;
    this.output.hold();
    storage.whenCommitted({
      position,
      onCommitted: () => {
        if (this.state === ConnectionState.Closed) return;
        this.output.release();
        if (this.state === ConnectionState.Closing) this.transport.end();
      },
      onRefused: () => this.terminate(),
    });
  }

  // -------------------------------------------------------------------- closing

  /** A packet broke a rule: tells the client why, where it can be told, and closes (§4.13). */
  refuse(error: PacketError): void {
    this.broker.logRefusal(this, error);
    if (this.state === ConnectionState.Open) {
      this.disconnect(error.reasonCode, 'protocol', error.message);
    } else if (this.state === ConnectionState.Opening) {
      // Who hasn't sent a CONNECT that names a version doesn't get an MQTT answer.
      if (error.rule === 'MQTT-3.1.0-1' || error.rule === 'MQTT-3.1.2-1') this.terminate();
      else this.rejectConnect(error.reasonCode, error.message);
    }
  }

  /** Answers CONNECT with an error and closes [MQTT-3.2.2-7]. */
  rejectConnect(reasonCode: number, reasonString: string): void {
    this.sender.sendConnackError(reasonCode, reasonString);
    this.#beginClosing();
  }

  /**
   * Ends the connection from our side: DISCONNECT where the version has one, then close.
   *
   * @param cause - for logs
   * @param reasonString - told to the client if it wants to know (§3.14.2.2.3)
   */
  disconnect(reasonCode: number, cause: string, reasonString = ''): void {
    if (this.state !== ConnectionState.Open) {
      this.terminate();
      return;
    }
    this.sender.sendDisconnect(reasonCode, reasonString);
    this.#leave('send-will');
    this.broker.onDisconnected(this, cause, reasonCode);
    this.#beginClosing();
  }

  /** Another connection of the same client takes the session over [MQTT-3.1.4-3]. */
  takeOver(): void {
    this.disconnect(ReasonCode.SessionTakenOver, 'taken over');
  }

  /** Closes without a word. */
  terminate(cause = 'terminated'): void {
    if (this.state === ConnectionState.Closed) return;
    if (this.state === ConnectionState.Open) {
      this.#leave('send-will');
      this.broker.onDisconnected(this, cause, ReasonCode.UnspecifiedError);
    }
    this.state = ConnectionState.Closing;
    this.transport.destroy();
  }

  onEnd(): void {
    if (this.isEnding) return;
    if (this.state === ConnectionState.Open) {
      this.#leave('send-will');
      this.broker.onDisconnected(this, 'closed by peer', ReasonCode.UnspecifiedError);
    }
    this.#beginClosing();
  }

  onClose(): void {
    if (this.state === ConnectionState.Open) {
      this.#leave('send-will');
      this.broker.onDisconnected(this, 'closed by peer', ReasonCode.UnspecifiedError);
    }
    this.state = ConnectionState.Closed;
    this.#decoder.reset();
    this.broker.deadlines.cancel(this.#deadline);
    this.broker.onClosed(this);
  }

  #leave(will: 'send-will' | 'discard-will'): void {
    const session = this.session as BrokerSession;
    this.session = null;
    this.state = ConnectionState.Closing;
    this.#congestion?.end();
    this.broker.leave(session, will);
  }

  /** Sends what is left, closes our side, and gives the peer a while to read it. */
  #beginClosing(): void {
    this.output.flush();
    this.state = ConnectionState.Closing;
    this.#closingAt = this.broker.runtime.now();
    this.#decoder.reset();
    if (!this.output.isHeld) this.transport.end();
    this.#armDeadline();
  }

  // ------------------------------------------------------------------ deadlines

  /** One deadline serves all: it is set to the earliest, and what isn't due yet sets it again. */
  #armDeadline(): void {
    this.broker.deadlines.schedule(this.#deadline, this.#nextDeadline());
    this.broker.armTimer();
  }

  #nextDeadline(): number {
    const { connectTimeout } = this.broker.config.mqtt;
    const { writeTimeout } = this.broker.config.server;
    switch (this.state) {
      case ConnectionState.Opening:
        return this.openedAt + connectTimeout;
      case ConnectionState.Open: {
        const stalledAt =
          this.#stalledAt >= 0 && writeTimeout > 0
            ? this.#stalledAt + writeTimeout
            : Number.POSITIVE_INFINITY;
        return Math.min(this.#keepAliveAt(), stalledAt, this.#restDueAt());
      }
      case ConnectionState.Closing:
        return this.#closingAt + LINGER_MS;
      default:
        return Number.POSITIVE_INFINITY;
    }
  }

  /** When something has to have come [MQTT-3.1.2-22]; a client that isn't read from isn't late. */
  #keepAliveAt(): number {
    const isDue = this.#keepAliveMs > 0 && this.#holdCount === 0;
    return isDue ? this.receivedAt + this.#keepAliveMs : Number.POSITIVE_INFINITY;
  }

  /**
   * When more of a packet that has begun is due, and when all of it is: a byte now and then is not enough,
   * but a large packet has a read timeout for each 64 KiB that have come. A client that isn't read from isn't late.
   */
  #restDueAt(): number {
    const { readTimeout } = this.broker.config.server;
    const { bufferedBytes } = this.#decoder;
    const isDue = readTimeout > 0 && this.#holdCount === 0 && bufferedBytes > 0;
    if (!isDue || this.#begunAt === -1) return Number.POSITIVE_INFINITY;
    const parts = 1 + Math.floor(bufferedBytes / READ_PART_BYTES);
    return Math.min(this.receivedAt + readTimeout, this.#begunAt + parts * readTimeout);
  }

  #onDeadline(now: number): void {
    if (this.#nextDeadline() > now) {
      this.#armDeadline();
    } else if (this.state !== ConnectionState.Open) {
      this.terminate();
    } else if (this.#keepAliveAt() <= now) {
      this.disconnect(ReasonCode.KeepAliveTimeout, 'keep alive'); // [MQTT-3.1.2-22]
    } else if (this.#restDueAt() <= now) {
      this.disconnect(
        ReasonCode.ImplementationSpecificError,
        'read timeout',
        'the rest of a packet did not come within server.read-timeout',
      );
    } else {
      this.broker.clientLog.warn('slow-client-closed', { clientId: this.clientId });
      this.terminate('slow client');
    }
  }
}
