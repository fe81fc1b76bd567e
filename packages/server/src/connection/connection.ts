import { type Admitted, admitted, type Permissions } from '@promptmq/auth';
import {
  MessageBytes,
  type PacketError,
  PacketType,
  type ProtocolVersion,
  ReasonCode,
} from '@promptmq/codec';
import {
  type Delivery,
  type DropReason,
  OutboundTopicAliases,
  type PublishImage,
} from '@promptmq/session';
import { invariant, type MountPoint } from '@promptmq/topics';
import type { AclLimits, Rights } from '../access/index.ts';
import type { ClientHooks } from '../hooks/client-hooks.ts';
import type { ConnectionPlace } from '../limits/connection-places.ts';
import { OverloadThrottle } from '../limits/overload/overload-throttle.ts';
import type { Throttle } from '../limits/throttle.ts';
import { PacketDispatcher } from '../protocol/packet-dispatcher.ts';
import type { TurnTaker } from '../runtime/turns.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import { remainingExpiry } from '../sessions/recipient-terms.ts';
import { denialOf } from '../tracing/client-events.ts';
import { topicOf } from '../tracing/image-topic.ts';
import { CONGESTED_MESSAGES, Congestion } from './congestion.ts';
import { ConnectionState } from './connection-state.ts';
import type { ConnectionHost } from './host.ts';
import { InboundAliases } from './inbound-aliases.ts';
import { Input } from './input.ts';
import { Output } from './output.ts';
import type {
  ConnectionTerms,
  HeldBytes,
  HeldPublisher,
  Peer,
  PeerAuthentication,
} from './peer.ts';
import { MountedSender } from './sender/mounted-sender.ts';
import { PacketSender } from './sender/packet-sender.ts';
import { ConnectionTimeouts } from './timeouts.ts';
import type { Transport, TransportHandler } from './transport.ts';

/** More than this waiting for a client, and QoS 1 and 2 messages stay in its queue. */
const WRITABLE_BYTES = 262_144;

/**
 * Bytes: a client that takes all at once is sent about this much of what waits for it before others have their turn: the
 * transport reports each write in the same turn, however many there are.
 */
const TURN_BYTES = 1_048_576;

/** Who a client is before it has shown anything. */
const NOBODY: Admitted = admitted(null, null);

/**
 * One network connection, from accept to close, between a transport and a session. It has no socket and no clock
 * of its own: bytes come in through its `Input` and are its dispatcher's to understand, bytes go out through its `Output`.
 *
 * Invariants: `session` is set exactly while the state is Open; after Closing begins, nothing is added to
 * the output [MQTT-3.14.4-1] and no packet is processed.
 */
export class Connection implements Peer, TransportHandler, TurnTaker {
  readonly #host: ConnectionHost;
  readonly transport: Transport;
  readonly place: ConnectionPlace;
  readonly output: Output;
  state: ConnectionState;
  session: BrokerSession | null;
  clientId: string;
  /** Who the client proved to be; null when it didn't. */
  userName: string | null;
  /** Who said so, and what goes with it; that it is nobody until it has been let in. */
  admission: Admitted;
  /** What is asked about its CONNECT, and awaited; null when nothing is. */
  asked: AbortController | null;
  /** What the client may do; null when it may do everything. */
  permissions: Permissions | null;
  rights: Rights | null;
  /** What it may do at most, as a hook has answered, whatever the rules are; null when it hasn't said so. */
  limits: AclLimits | null;
  /** Whether what waits for it may have been queued under other rules: each message is asked about then. */
  #hasOtherRules: boolean;
  /** Whether what it subscribes is as with No Local and Retain As Published, which MQTT 3.1 and 3.1.1 don't have. */
  isBridge: boolean;
  /** Whether its CONNECT asked for a new session. */
  cleanStart: boolean;
  readonly mountPoint: MountPoint | null;
  readonly sender: PacketSender;
  readonly timeouts: ConnectionTimeouts;
  readonly #dispatcher: PacketDispatcher;
  readonly #input: Input;
  /** Null where nothing of what the client sends is limited in time. */
  #throttle: Throttle | null;
  inboundAliases: InboundAliases;
  /** Set by a CONNECT that names an authentication method (§4.12). */
  authentication: PeerAuthentication | null;
  /** The hooks as they are asked for it; null before CONNECT, and where there are none. */
  hooks: ClientHooks | null;
  sessionExpiryInterval: number;
  /** When the bytes came that are processed now, or came last. */
  receivedAt: number;
  /** Its place among the CONNECTs of all clients; 0 before. */
  connectNumber: number;
  /** Milliseconds of the runtime's clock. */
  readonly openedAt: number;
  /** Bytes that the transport has taken since the last flush. */
  #takenBytes: number;
  /** Whether the session is to send more after the next flush. */
  #isPumpDue: boolean;
  /** Made when the first publisher is held back on this connection's account. */
  #congestion: Congestion | null;
  /** The peer has closed its side, or all is closed, before everything that it had sent was done. */
  #hasPeerEnded: boolean;
  #isTransportClosed: boolean;
  /** What is sent is held, and it isn't known yet for which record. */
  /** Where it comes from that has taken the session over. */
  #takenOverBy: string | null;
  #isUndecided: boolean;

  constructor(host: ConnectionHost, transport: Transport, place: ConnectionPlace) {
    this.#host = host;
    this.transport = transport;
    this.place = place;
    this.output = new Output(
      transport,
      () => host.flushLater(this),
      host.config.server.writeBuffer,
      host.memory.output,
    );
    this.state = ConnectionState.Opening;
    this.session = null;
    this.clientId = '';
    this.userName = null;
    this.admission = NOBODY;
    this.asked = null;
    this.permissions = null;
    this.rights = null;
    this.limits = null;
    this.#hasOtherRules = false;
    this.isBridge = false;
    this.cleanStart = false;
    this.mountPoint = transport.listener?.mountPoint ?? null;
    this.sender =
      this.mountPoint === null
        ? new PacketSender(this.output, host)
        : new MountedSender(this.output, host, this.mountPoint);
    this.inboundAliases = new InboundAliases(host.memory.aliases, 0);
    this.authentication = null;
    this.hooks = null;
    this.sessionExpiryInterval = 0;
    this.openedAt = transport.acceptedAt ?? host.runtime.now();
    this.receivedAt = this.openedAt;
    this.connectNumber = 0;
    this.#takenBytes = 0;
    this.#isPumpDue = false;
    this.#congestion = null;
    this.#hasPeerEnded = false;
    this.#isTransportClosed = false;
    this.#isUndecided = false;
    this.#takenOverBy = null;
    this.#dispatcher = new PacketDispatcher(host, this);
    this.#input = new Input(host, this, this.#dispatcher);
    this.#throttle = null;
    this.timeouts = new ConnectionTimeouts(host, this);
  }

  /** Whether nothing more is sent or processed. */
  get isEnding(): boolean {
    return this.state >= ConnectionState.Closing;
  }

  get connection(): this {
    return this;
  }

  get isConnected(): boolean {
    return this.state === ConnectionState.Open;
  }

  /** Bytes, fixed header included. */
  get maximumPacketSize(): number {
    const { maximumPacketSize = Number.POSITIVE_INFINITY } = this.transport;
    return Math.min(this.#host.config.mqtt.maxPacketSize, maximumPacketSize);
  }

  get version(): ProtocolVersion {
    return this.sender.version;
  }

  // ------------------------------------------------------------------ receiving

  onData(chunk: Uint8Array): void {
    this.#host.stats.bytesReceived += chunk.length;
    if (this.isEnding) return;
    this.#input.push(chunk);
    if (this.#throttle !== null) this.#throttle.onBytes(chunk.length);
  }

  /** Its turn has come again. */
  continue(): void {
    if (this.isEnding || !this.#input.continue(this.#isTransportClosed)) return;
    if (this.#isTransportClosed) this.onClose();
    else if (this.#hasPeerEnded && !this.#isBeingDone) this.onEnd();
    // Also for what waits behind a hook, where the peer has ended.
    else this.#input.readOn();
  }

  get bufferedBytes(): number {
    return this.#input.bufferedBytes;
  }

  get isSuspended(): boolean {
    return this.#dispatcher.isSuspended;
  }

  suspend(): void {
    this.#input.suspend();
  }

  resume(): void {
    if (this.state === ConnectionState.Closed) return;
    this.#input.decide();
    if (this.isEnding || this.isSuspended) return;
    // What the peer had sent before it ended is done first.
    if (this.#isTransportClosed) this.onClose();
    else if (this.#hasPeerEnded) this.onEnd();
  }

  /** Whether something that an open client has sent is being done, and waits for a hook. */
  get #isBeingDone(): boolean {
    return this.isConnected && this.isSuspended;
  }

  get isHeldBack(): boolean {
    return this.#input.isPaused;
  }

  pauseReading(): void {
    this.#input.pause();
  }

  resumeReading(): void {
    this.#input.resume();
  }

  // -------------------------------------------------------------------- sending

  get isWritable(): boolean {
    const { pendingBytes, allowance } = this.output;
    return pendingBytes < WRITABLE_BYTES && pendingBytes < allowance;
  }

  sendPublish(delivery: Delivery, dup: boolean): DropReason | null {
    const { permissions } = this;
    const isAsked = this.#hasOtherRules || this.sender.filter !== null;
    if (isAsked && permissions !== null && !permissions.mayReceive(delivery.message.topic)) {
      return this.#withhold(permissions, delivery.message.topic);
    }
    if (this.hooks?.asksDeliver === true && !this.#mayDeliver(this.hooks, delivery)) {
      return 'refused-by-hook';
    }
    return this.sender.sendPublish(delivery, dup);
  }

  #mayDeliver(hooks: ClientHooks, { message, qos, retain }: Delivery): boolean {
    const { topic, topicBytes, properties, payload, expiresAt } = message;
    const bytes = new MessageBytes();
    bytes.set(topicBytes, properties, payload);
    const expiry = remainingExpiry(expiresAt, this.#host.runtime.now());
    const isAllowed = hooks.mayDeliver(topic, (qos << 1) | (retain ? 1 : 0), { bytes, expiry });
    // A hook may have had the client disconnected.
    return isAllowed && !this.isEnding;
  }

  sendImage(image: PublishImage, flags: number, packetId: number): DropReason | null {
    const { permissions } = this;
    if (this.#hasOtherRules && permissions !== null) {
      const topic = topicOf(image);
      if (!permissions.mayReceive(topic)) return this.#withhold(permissions, topic);
    }
    return this.sender.sendImage(image, flags, packetId);
  }

  /** The rules deny the client what waits for it. */
  #withhold(permissions: Permissions, topic: string): DropReason {
    const denial = denialOf(permissions.decide('receive', topic));
    this.#host.clientEvents.accessRefused(this, this.clientId, 'receive', topic, denial);
    return 'not-authorized';
  }

  sendPubrel(packetId: number): void {
    this.sender.sendAck(PacketType.PUBREL, packetId, ReasonCode.Success);
  }

  /** Hands the gathered bytes to the transport; called by the broker once a turn. */
  flush(): void {
    this.#takenBytes = 0;
    if (this.state === ConnectionState.Closed) return;
    if (this.isEnding) this.output.flush();
    else this.output.endTurn();
    if (this.#isPumpDue) {
      this.#isPumpDue = false;
      this.session?.pump(this.#host.runtime.now());
    }
    if (this.output.writtenBytes > 0) this.timeouts.expectProgress();
  }

  onWritten(chunk: Uint8Array): void {
    this.#host.stats.bytesSent += chunk.length;
    this.output.onWritten(chunk);
    this.timeouts.onProgress(this.output.writtenBytes > 0);
    const { session } = this;
    this.#takenBytes += chunk.length;
    if (session?.hasBacklog && this.isWritable) this.#continue(session);
    this.relievePublishers();
    this.#input.onTaken();
  }

  /** Has the session send more: at once, unless this client has been sent as much as one may be in a turn. */
  #continue(session: BrokerSession): void {
    if (this.#takenBytes < TURN_BYTES) {
      session.pump(this.#host.runtime.now());
    } else if (!this.#isPumpDue) {
      this.#isPumpDue = true;
      this.#host.flushLater(this);
    }
  }

  /** Other rules apply than those under which what waits for the client was queued. */
  changePermissions(permissions: Permissions | null): void {
    this.permissions = permissions;
    this.#hasOtherRules = true;
  }

  updateFilter(): void {
    const { permissions } = this;
    this.sender.filter = permissions?.filtersDelivery === true ? permissions : null;
  }

  // ------------------------------------------------------------------ congestion

  /** Whether so much waits for this client that those who publish to it had better wait, too. */
  get isCongested(): boolean {
    return (
      this.output.isCongested || (this.session as BrokerSession).queue.length > CONGESTED_MESSAGES
    );
  }

  /** Stops reading from a publisher until this client has caught up, or shows that it won't. */
  holdBack(publisher: HeldPublisher): void {
    if (publisher === this) return; // It would wait for its own acknowledgements.
    const { deadlines, runtime, stats } = this.#host;
    this.#congestion ??= new Congestion(deadlines, stats);
    this.#congestion.hold(publisher, runtime.now());
  }

  /** The client may have taken something: publishers continue when half of what was too much is gone. */
  relievePublishers(): void {
    const { session } = this;
    if (this.#congestion === null || session === null) return;
    this.#congestion.noteProgress();
    const isRelieved = this.output.isRelieved && session.queue.length < CONGESTED_MESSAGES / 2;
    if (isRelieved) this.#congestion.end();
  }

  // ------------------------------------------------------------------- invariants

  get held(): HeldBytes {
    return {
      input: this.#input.countedBytes,
      output: this.output.countedBytes,
      aliases: this.inboundAliases.bytes + (this.sender.aliases?.bytes ?? 0),
    };
  }

  checkInvariants(): void {
    const { session, state } = this;
    const isOpen = state === ConnectionState.Open;
    invariant(
      isOpen === (session !== null),
      `state ${state}, and ${session?.clientId ?? 'nobody'}`,
    );
    invariant(session === null || session.link === this, `${this.clientId} has another connection`);
    this.output.checkInvariants();
    this.#input.checkInvariants();
    this.#dispatcher.checkInvariants();
    this.#throttle?.checkInvariants();
    this.#congestion?.checkInvariants();
    this.timeouts.checkInvariants();
  }

  // -------------------------------------------------------------------- tracing

  /** Reports this client's packets from now on if somebody looks at them, else no more. */
  updateTrace(clientId: string): void {
    const { traces } = this.#host;
    this.#dispatcher.tracer = traces.tracer(clientId, 'in');
    this.sender.tracer = traces.tracer(clientId, 'out');
  }

  // -------------------------------------------------------------------- opening

  /** CONNECT was accepted: from here on the connection is the session's. */
  open(terms: ConnectionTerms): void {
    const { maxTopicAlias, maxTopicAliasOut } = this.#host.config.mqtt;
    this.state = ConnectionState.Open;
    this.session = terms.session;
    this.clientId = terms.session.clientId;
    this.isBridge = terms.isBridge;
    this.cleanStart = terms.cleanStart;
    this.#dispatcher.open();
    this.sessionExpiryInterval = terms.sessionExpiryInterval;
    this.inboundAliases = new InboundAliases(
      this.#host.memory.aliases,
      this.version === 5 ? maxTopicAlias : 0,
    );
    const aliasMaximum = Math.min(terms.topicAliasMaximum, maxTopicAliasOut);
    this.sender.aliases =
      aliasMaximum > 0 ? new OutboundTopicAliases(aliasMaximum, this.#host.memory.aliases) : null;
    this.timeouts.open(terms.keepAlive);
  }

  /** The connection has joined its session, or a reload has other rates apply: what it waits for is over. */
  renewThrottle(): void {
    this.#replaceThrottle(this.isConnected ? this.#host.limits.throttleFor(this) : null);
  }

  /** Overload has begun, by which those who publish or subscribe wait, or it is over. */
  updateHolding(): void {
    const { overload } = this.#host;
    const throttle = this.#throttle;
    this.#dispatcher.throttle =
      overload.isHolding && this.isConnected
        ? new OverloadThrottle(overload, this, throttle)
        : throttle;
  }

  #setThrottle(throttle: Throttle | null): void {
    this.#throttle = throttle;
    this.updateHolding();
  }

  /** What the former one has it wait for is over. */
  #replaceThrottle(throttle: Throttle | null): void {
    const waits = this.#throttle?.end();
    this.#setThrottle(throttle);
    if (waits?.isPaused === true) this.resumeReading();
    if (waits?.isSuspended === true) this.resume();
  }

  hold(): void {
    this.#isUndecided = true;
    this.output.hold();
  }

  releaseWhenCommitted(position: number, onRefused: () => void): void {
    const { journal } = this.#host;
    this.#isUndecided = false;
    if (position < journal.committedPosition) {
      this.output.release();
      return;
    }
    journal.holdBack(this);
    journal.whenCommitted({
      position,
      connection: this,
      onCommitted: () => {
        if (this.state === ConnectionState.Closed) return;
        this.output.release();
        if (this.state === ConnectionState.Closing) this.transport.end();
      },
      onRefused: () => {
        onRefused();
        this.terminate();
      },
    });
  }

  // -------------------------------------------------------------------- closing

  closeAsAsked(will: 'send-will' | 'discard-will', reasonCode: number): void {
    this.#leave(will, 'client', reasonCode);
    this.#beginClosing();
  }

  /** A packet broke a rule: says why to the client, where that is possible, and closes (§4.13). */
  refuse(error: PacketError): void {
    this.#host.clientEvents.packetRefused(this, error);
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
   * @param reasonString - for the client, if it wants to know (§3.14.2.2.3)
   */
  disconnect(
    reasonCode: number,
    cause: string,
    reasonString = '',
    will: 'send-will' | 'discard-will' = 'send-will',
  ): void {
    if (this.state !== ConnectionState.Open) {
      this.terminate();
      return;
    }
    this.sender.sendDisconnect(reasonCode, reasonString);
    this.#leave(will, cause, reasonCode);
    this.#beginClosing();
  }

  /** Another connection of the same client takes the session over [MQTT-3.1.4-3]. */
  takeOver(by: string | null): void {
    this.#takenOverBy = by;
    this.disconnect(ReasonCode.SessionTakenOver, 'taken over');
  }

  /** Something went wrong on our side while it was its turn: the client gets no details. */
  fail(): void {
    if (this.state === ConnectionState.Opening) this.rejectConnect(ReasonCode.UnspecifiedError, '');
    else this.disconnect(ReasonCode.UnspecifiedError, 'internal error');
  }

  /** Closes at once, as it could not be closed in order: it may be only our last packet that could not be sent. */
  cut(): void {
    try {
      if (this.state === ConnectionState.Open) {
        this.#leave('send-will', 'internal error', ReasonCode.UnspecifiedError);
      }
    } finally {
      if (this.state !== ConnectionState.Closed) this.state = ConnectionState.Closing;
      this.session = null;
      this.#endAsking();
      this.transport.destroy();
      this.#closeIfGone();
    }
  }

  /** Closes without a word. */
  terminate(cause = 'terminated'): void {
    if (this.state === ConnectionState.Closed) return;
    if (this.state === ConnectionState.Open) {
      this.#leave('send-will', cause, ReasonCode.UnspecifiedError);
    }
    this.state = ConnectionState.Closing;
    this.#endAsking();
    this.transport.destroy();
    this.#closeIfGone();
  }

  /** The transport has closed already, and says so no more. */
  #closeIfGone(): void {
    if (this.#isTransportClosed && this.state !== ConnectionState.Closed) this.onClose();
  }

  onEnd(): void {
    this.#hasPeerEnded = true;
    if (this.isEnding || this.#input.isLeft || this.#isBeingDone) return;
    if (this.state === ConnectionState.Open) {
      this.#leave('send-will', 'closed by peer', ReasonCode.UnspecifiedError);
    }
    this.#beginClosing();
  }

  onClose(): void {
    this.#isTransportClosed = true;
    if (this.#isBeingDone) {
      if (this.hooks?.isAwaiting === true) this.hooks.abort();
      return;
    }
    // What it sent before it closed counts: such as a DISCONNECT, which takes the will with it.
    if (this.#input.isLeft) {
      // Who waits for the client to take something lets nothing continue any more.
      this.#host.turns.wait(this);
      return;
    }
    try {
      if (this.state === ConnectionState.Open) {
        this.#leave('send-will', 'closed by peer', ReasonCode.UnspecifiedError);
      }
    } finally {
      this.state = ConnectionState.Closed;
      this.#endAsking();
      this.#input.reset();
      this.#throttle?.end();
      this.#setThrottle(null);
      this.#host.overload.forget(this);
      this.output.close();
      this.#host.turns.forget(this);
      this.sender.aliases?.clear();
      this.inboundAliases.forget();
      this.timeouts.cancel();
      this.#host.onClosed(this);
    }
  }

  /**
   * Nobody needs answers about this client any more.
   *
   * @returns how many are awaited, each of which has the connection suspended
   */
  #endAsking(): number {
    const { asked } = this;
    this.asked = null;
    asked?.abort();
    return (this.hooks?.end() === true ? 1 : 0) + (asked === null ? 0 : 1);
  }

  /** An open connection is over: the session continues without it, or ends. */
  #leave(will: 'send-will' | 'discard-will', cause: string, reasonCode: number): void {
    const session = this.session as BrokerSession;
    this.#dispatcher.abandonWork();
    this.session = null;
    this.state = ConnectionState.Closing;
    this.#congestion?.end();
    this.#host.leave(this, session, will, cause, this.#takenOverBy);
    this.#host.clientEvents.disconnected(this, cause, reasonCode, this.#takenOverBy);
  }

  /** Sends what is left, closes our side, and gives the peer a while to read it. */
  #beginClosing(): void {
    // There is no record that what was held would wait for.
    if (this.#isUndecided) this.output.release();
    this.output.flush();
    this.state = ConnectionState.Closing;
    const suspensions = this.#endAsking();
    this.#input.reset();
    // What still comes is read, and thrown away.
    for (let count = 0; count < suspensions; count++) this.#input.decide();
    this.#replaceThrottle(null);
    if (this.#host.overload.forget(this)) this.resume();
    if (!this.output.isHeld) this.transport.end();
    this.timeouts.beginClosing();
    this.#closeIfGone();
  }
}
