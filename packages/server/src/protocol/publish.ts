import { isUtf8 } from 'node:buffer';
import { PacketError, PacketType, PublishView, ReasonCode } from '@promptmq/codec';
import type { Message } from '@promptmq/session';
import type { Config } from '../config/index.ts';
import type { Peer } from '../connection/peer.ts';
import type { Refusal, Verdict } from '../hooks/answers.ts';
import type { ClientHooks } from '../hooks/client-hooks.ts';
import type { ChangedMessage } from '../hooks/hook-message.ts';
import type { Outcome } from '../routing/router.ts';
import { isTooDeep } from '../routing/topic-routes.ts';
import { countReceived } from '../runtime/stats.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import { expiryTime } from '../sessions/recipient-terms.ts';
import type { AwaitedAcks } from '../storage/journal.ts';
import type { Origin } from '../storage/records/message-record.ts';
import { BY_HOOK } from '../tracing/client-events.ts';
import type { ProtocolHost } from './host.ts';
import { PendingAcks } from './pending-acks.ts';

/** Where a PUBLISH lies. */
type AskedFrame = Pick<PublishView, 'buffer' | 'start' | 'topicStart' | 'end'>;

/**
 * Takes what one client publishes, and acknowledges it when what the answer stands for is safe. Its methods
 * are called while the connection is open.
 */
export class Receiver implements AwaitedAcks {
  readonly connection: Peer;
  readonly #host: ProtocolHost;
  /** Made when the first acknowledgement has to wait for the log. */
  #pendingAcks: PendingAcks | null;
  /** Whose they are, also when the connection is over. */
  #acksOf: BrokerSession | null;
  // What CONNACK said: it holds for the connection, whatever is configured meanwhile (§3.2.2.3).
  #receiveMaximum: number;
  #maxQos: number;
  #isRetainAvailable: boolean;
  /** The PUBLISH that hooks are asked for; null when none is. */
  #asked: AskedFrame | null;
  /** Why the PUBLISH that is being acknowledged was refused; empty when nobody has said so. */
  #why: string;

  constructor(host: ProtocolHost, connection: Peer) {
    this.connection = connection;
    this.#host = host;
    this.#pendingAcks = null;
    this.#acksOf = null;
    this.#receiveMaximum = 0;
    this.#maxQos = 0;
    this.#isRetainAvailable = false;
    this.#asked = null;
    this.#why = '';
  }

  /** CONNACK is being sent. */
  open(): void {
    const { receiveMaximum, maxQos, retainAvailable } = this.#host.config.mqtt;
    this.#receiveMaximum = receiveMaximum;
    this.#maxQos = maxQos;
    this.#isRetainAvailable = retainAvailable;
  }

  get #session(): BrokerSession {
    return this.connection.session as BrokerSession;
  }

  /**
   * @param view - read; the receiver's until this returns
   * @returns what is left to do when hooks have decided on it and the connection is resumed; null when nothing is
   */
  onPublish(view: PublishView): Generator<void> | null {
    countReceived(this.#host.stats, view.qos, view.payloadEnd - view.payloadStart);
    if (this.#receive(view, null) || this.connection.isEnding) return null;
    return this.#receiveDecided();
  }

  /**
   * @param verdict - of the hooks; null where they have not been asked
   * @returns false when they have the next word, or have ended the connection
   */
  #receive(view: PublishView, verdict: Verdict | null): boolean {
    const { packetId } = view;
    let reasonCode = this.#check(view);
    let outcome: Outcome | null;
    switch (view.qos) {
      case 0:
        return this.#route(view, reasonCode, verdict) !== null;
      case 1:
        this.#checkReceiveMaximum();
        // Before MQTT 5, PUBACK can't say no.
        if (this.connection.version === 5 && this.#session.received.has(packetId)) {
          reasonCode = ReasonCode.PacketIdentifierInUse;
        }
        outcome = this.#route(view, reasonCode, verdict);
        if (outcome !== null) this.#acknowledgeRouted(packetId, outcome);
        return outcome !== null;
      case 2:
        return this.#receiveQoS2(view, reasonCode, verdict);
    }
  }

  /** [MQTT-3.3.4-7]: QoS 1 messages whose PUBACK waits for the log count, too. */
  #checkReceiveMaximum(): void {
    if (this.connection.version < 5) return;
    const underWay = this.#session.received.countNow + (this.#pendingAcks?.pubackCount ?? 0);
    if (underWay < this.#receiveMaximum) return;
    throw new PacketError(
      ReasonCode.ReceiveMaximumExceeded,
      'MQTT-3.3.4-7',
      0,
      'more QoS 1 and 2 messages than the Receive Maximum',
    );
  }

  /**
   * Acknowledges a packet when the record that the answer depends on is safe.
   *
   * @param position - of the record; -1 when there is none
   * @param isDuplicate - of a message that had come before: its record may be an earlier one
   */
  #acknowledge(
    type: PacketType,
    packetId: number,
    reasonCode: number,
    position: number,
    isDuplicate = false,
  ): void {
    const { journal } = this.#host;
    const isReady = this.#pendingAcks?.isEmpty !== false;
    const why = this.#why;
    this.#why = '';
    if (isReady && position < journal.committedPosition) {
      const { sender } = this.connection;
      if (why === '') sender.sendAck(type, packetId, reasonCode);
      else sender.sendRefusal(type, packetId, reasonCode, why);
      return;
    }
    this.#pendingAcks ??= new PendingAcks();
    this.#acksOf = this.#session;
    this.#pendingAcks.add(position, type, packetId, reasonCode, isDuplicate);
    journal.awaitAcks(this);
    journal.holdBack(this.connection);
  }

  /**
   * Sends the acknowledgements whose records are safe, while there is a connection; returns whether none waits any
   * more.
   */
  sendCommittedAcks(position: number): boolean {
    const acks = this.#pendingAcks;
    if (acks === null) return true;
    const isOpen = this.connection.session !== null;
    acks.take(position, (type, packetId, reasonCode) => {
      if (isOpen) this.connection.sender.sendAck(type, packetId, reasonCode);
    });
    return acks.isEmpty;
  }

  /**
   * There will be no records from a position on: says so to those who wait for them. The session takes back
   * what they said, even if its connection is over: its client sends it again on another one.
   */
  refuseAcks(position: number): void {
    const session = this.#acksOf;
    if (session === null) return;
    const isOpen = this.connection.session !== null;
    this.#pendingAcks?.refuse(position, (type, packetId, isDuplicate) => {
      if (type === PacketType.PUBCOMP) {
        if (!isDuplicate) session.received.restore(packetId);
        if (isOpen) this.#retryPubrel(packetId);
        return -1;
      }
      // What is still received has a record that is safe, or will be: one that was refused was released first.
      if (isDuplicate && session.received.has(packetId)) return isOpen ? ReasonCode.Success : -1;
      if (type === PacketType.PUBREC) session.received.delete(packetId);
      return isOpen ? ReasonCode.QuotaExceeded : -1;
    });
    // Earlier versions have no way to refuse a message: not to acknowledge it has to do.
    if (isOpen && this.connection.version < 5) this.connection.terminate();
  }

  /** Takes PUBREL up again when the disk has room for what it changes. */
  #retryPubrel(packetId: number): void {
    const connection = this.connection;
    const { session } = connection;
    this.#host.journal.whenRoom(() => {
      if (session !== null && connection.session === session) this.onPubrel(packetId);
    });
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    this.#pendingAcks?.checkInvariants();
  }

  /**
   * What the broker's limits say of a PUBLISH.
   *
   * @returns the reason code to refuse the message with, or Success
   * @throws {PacketError} where the refusal ends the connection
   */
  #check(view: PublishView): number {
    const { config, stats } = this.#host;
    const { checkPayloadFormat } = config.mqtt;
    if (view.qos > this.#maxQos) {
      throw new PacketError(ReasonCode.QoSNotSupported, 'MQTT-3.2.2-11', 0, 'QoS not supported');
    }
    if (view.retain && !this.#isRetainAvailable) {
      throw new PacketError(
        ReasonCode.RetainNotSupported,
        'MQTT-3.2.2-14',
        0,
        'retained messages are not supported',
      );
    }
    if (!checkPayloadFormat || hasDeclaredFormat(view)) return ReasonCode.Success;
    stats.refused['payload-format-invalid']++;
    this.#noteInvalid(view);
    return ReasonCode.PayloadFormatInvalid;
  }

  /** Notifies listeners of a message whose payload isn't what it says. */
  #noteInvalid({ buffer, topicStart, topicEnd }: PublishView): void {
    const { clientEvents } = this.#host;
    if (!clientEvents.asksRefusals) return;
    const topic = Buffer.from(buffer.subarray(topicStart, topicEnd)).toString();
    const reasonCode = ReasonCode.PayloadFormatInvalid;
    const why = 'the payload is not UTF-8, as it says';
    clientEvents.topicRefused(this.connection, 'publish', topic, reasonCode, why);
  }

  /**
   * Routes a PUBLISH that was not refused; the topic alias of any other is set all the same.
   *
   * @returns null when hooks have the next word, or have ended the connection
   */
  #route(view: PublishView, checked: number, verdict: Verdict | null): Outcome | null {
    const { router } = this.#host;
    const connection = this.connection;
    if (checked !== ReasonCode.Success) return router.skip(view, connection, checked);
    const { hooks } = connection;
    if (hooks?.asksPublish === true) return this.#routeAsked(hooks, view, verdict);
    return router.publish(view, connection, view.qos === 2 ? this.#originOf(view) : null);
  }

  /** The same, where hooks decide on it first. */
  #routeAsked(hooks: ClientHooks, view: PublishView, known: Verdict | null): Outcome | null {
    const { router, config } = this.#host;
    const connection = this.connection;
    const { buffer, start, topicStart, end } = view;
    const route = router.routeOf(view, connection);
    const verdict = known ?? hooks.decide(view, route.topic);
    if (verdict === null) {
      this.#asked = { buffer, start, topicStart, end };
      return null;
    }
    // A hook may have had the broker read other packets.
    if (view.buffer !== buffer || view.start !== start)
      this.#readAgain(view, buffer, start, topicStart, end);
    if (!verdict.isAllowed) return this.#refuse(view.qos, route.topic, verdict);
    const origin = view.qos === 2 ? this.#originOf(view) : null;
    const { message } = verdict;
    if (message === undefined) return router.publishTo(route, view, connection, origin);
    const refusal = refusalOfChanged(message, config.mqtt);
    if (refusal !== null) return this.#refuse(view.qos, message.topic, refusal);
    return router.publishChanged(this.#messageOf(message), connection, origin);
  }

  /** Waits until hooks have decided on a PUBLISH, and continues with it. */
  *#receiveDecided(): Generator<void> {
    yield;
    const { buffer, start, topicStart, end } = this.#asked as AskedFrame;
    this.#asked = null;
    const { hooks } = this.connection;
    const view = new PublishView();
    this.#readAgain(view, buffer, start, topicStart, end);
    this.#receive(view, (hooks as ClientHooks).takeVerdict());
  }

  #readAgain(
    view: PublishView,
    buffer: Uint8Array,
    start: number,
    topicStart: number,
    end: number,
  ): void {
    const { version } = this.connection;
    view.read(buffer, start, topicStart - 2, end, version, 'server', this.#host.config.mqtt);
  }

  /** A hook has refused it, or what came of it can't be taken. */
  #refuse(
    qos: number,
    topic: string,
    { reasonCode, why }: Pick<Refusal, 'reasonCode' | 'why'>,
  ): Outcome {
    const { router, stats, clientEvents } = this.#host;
    const connection = this.connection;
    stats.refused['refused-by-hook']++;
    clientEvents.accessRefused(connection, connection.clientId, 'publish', topic, BY_HOOK);
    clientEvents.topicRefused(connection, 'publish', topic, reasonCode, why);
    // At QoS 0 nothing is acknowledged, and the next answer is another message's.
    if (qos > 0) this.#why = why;
    return router.refuse(reasonCode);
  }

  /** What came of a message is a message that the client published. */
  #messageOf(changed: ChangedMessage): Message {
    const { config, runtime } = this.#host;
    const { topic, topicBytes, payload, qos, retain, encodedProperties } = changed;
    return {
      topic,
      topicBytes,
      properties: encodedProperties,
      payload,
      qos,
      retain,
      expiresAt: expiryTime(changed.expiryInterval, config.mqtt.maxMessageExpiry, runtime.now()),
      publisherId: this.connection.clientId,
    };
  }

  /** The QoS 2 exchange of a stored session that a message begins; null when the session isn't stored. */
  #originOf({ packetId }: PublishView): Origin | null {
    const { stored } = this.#session;
    return stored === null ? null : { kind: 'received', session: stored.number, packetId };
  }

  #acknowledgeRouted(packetId: number, outcome: Outcome): void {
    this.#acknowledge(PacketType.PUBACK, packetId, outcome.reasonCode, this.#recordOf(outcome)); // [MQTT-4.3.2-4]
  }

  /** Position of the record that the answer to a message depends on; -1 where it is refused. */
  #recordOf({ position, reasonCode }: Outcome): number {
    if (position !== -1 || reasonCode >= 0x80) return position;
    return this.#host.journal.unstoredPosition();
  }

  /** Takes a QoS 2 message once, however often it is sent [MQTT-4.3.3-10], and answers [MQTT-4.3.3-8]. */
  #receiveQoS2(view: PublishView, checked: number, verdict: Verdict | null): boolean {
    const session = this.#session;
    const { packetId } = view;
    const { router, journal } = this.#host;
    if (session.received.has(packetId)) {
      router.skip(view, this.connection, ReasonCode.Success);
      session.received.add(packetId);
      // What came first may still be on its way to the disk.
      const position = !session.isStored ? -1 : journal.lastPosition;
      this.#acknowledge(PacketType.PUBREC, packetId, ReasonCode.Success, position, true);
      return true;
    }
    this.#checkReceiveMaximum();
    const outcome = this.#route(view, checked, verdict);
    if (outcome === null) return false;
    // [MQTT-4.3.3-9]; before MQTT 5 the exchange continues, as PUBREC can't say no.
    if (outcome.reasonCode < 0x80 || this.connection.version < 5) session.received.add(packetId);
    this.#acknowledge(PacketType.PUBREC, packetId, outcome.reasonCode, this.#recordOf(outcome));
    return true;
  }

  /** The packet identifier is free again, and stays so, before PUBCOMP says it [MQTT-4.3.3-11]. */
  onPubrel(packetId: number): void {
    const session = this.#session;
    const { journal } = this.#host;
    if (!session.received.has(packetId)) {
      // That it is free may still be on its way to the disk.
      const position = !session.isStored ? -1 : journal.lastPosition;
      const reasonCode = ReasonCode.PacketIdentifierNotFound;
      this.#acknowledge(PacketType.PUBCOMP, packetId, reasonCode, position, true);
      return;
    }
    if (!session.isStored) {
      session.received.delete(packetId);
      this.#acknowledge(PacketType.PUBCOMP, packetId, ReasonCode.Success, -1);
    } else if (journal.isOpen) {
      session.received.delete(packetId);
      const position = journal.writeFree(session, packetId);
      this.#acknowledge(PacketType.PUBCOMP, packetId, ReasonCode.Success, position);
    } else {
      this.#retryPubrel(packetId);
    }
  }
}

/** Whether a payload that says it is UTF-8 is (§3.3.2.3.2). */
function hasDeclaredFormat(view: PublishView): boolean {
  if (view.payloadFormatIndicator === 0) return true;
  return isUtf8(view.buffer.subarray(view.payloadStart, view.payloadEnd));
}

/** What the limits say of a message that a hook has changed; the rules on its topic are applied when it is routed. */
function refusalOfChanged(
  { topic, payload, properties }: ChangedMessage,
  mqtt: Config['mqtt'],
): Pick<Refusal, 'reasonCode' | 'why'> | null {
  if (isTooDeep(topic, mqtt)) {
    const why = 'the topic is longer or deeper than this broker takes';
    return { reasonCode: ReasonCode.TopicNameInvalid, why };
  }
  if (mqtt.checkPayloadFormat && properties.payloadFormatIndicator === true && !isUtf8(payload)) {
    const why = 'the payload is not UTF-8, as it says';
    return { reasonCode: ReasonCode.PayloadFormatInvalid, why };
  }
  return null;
}
