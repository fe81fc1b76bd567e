import { isUtf8 } from 'node:buffer';
import { PacketError, PacketType, type PublishView, ReasonCode } from '@promptmq/codec';
import type { Peer } from '../connection/peer.ts';
import type { Outcome } from '../routing/router.ts';
import { countReceived } from '../runtime/stats.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';
import type { AwaitedAcks } from '../storage/journal.ts';
import type { Origin } from '../storage/records/message-record.ts';
import type { ProtocolHost } from './host.ts';
import { PendingAcks } from './pending-acks.ts';

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

  constructor(host: ProtocolHost, connection: Peer) {
    this.connection = connection;
    this.#host = host;
    this.#pendingAcks = null;
    this.#acksOf = null;
    this.#receiveMaximum = 0;
    this.#maxQos = 0;
    this.#isRetainAvailable = false;
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

  onPublish(view: PublishView): void {
    const { packetId } = view;
    countReceived(this.#host.stats, view.qos, view.payloadEnd - view.payloadStart);
    let reasonCode = this.#check(view);
    switch (view.qos) {
      case 0:
        this.#route(view, reasonCode);
        break;
      case 1:
        this.#checkReceiveMaximum();
        // Before MQTT 5, PUBACK can't say no.
        if (this.connection.version === 5 && this.#session.received.has(packetId)) {
          reasonCode = ReasonCode.PacketIdentifierInUse;
        }
        this.#acknowledgeRouted(packetId, this.#route(view, reasonCode));
        break;
      case 2:
        this.#receiveQoS2(view, reasonCode);
        break;
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
    if (isReady && position < journal.committedPosition) {
      this.connection.sender.sendAck(type, packetId, reasonCode);
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
    if (clientEvents.sinks.refuse === null) return;
    const topic = Buffer.from(buffer.subarray(topicStart, topicEnd)).toString();
    const reasonCode = ReasonCode.PayloadFormatInvalid;
    const why = 'the payload is not UTF-8, as it says';
    clientEvents.topicRefused(this.connection, 'publish', topic, reasonCode, why);
  }

  /** Routes a PUBLISH that was not refused; the topic alias of any other is set all the same. */
  #route(view: PublishView, checked: number): Outcome {
    const { router } = this.#host;
    const connection = this.connection;
    if (checked !== ReasonCode.Success) return router.skip(view, connection, checked);
    return router.publish(view, connection, view.qos === 2 ? this.#originOf(view) : null);
  }

  /** The QoS 2 exchange of a stored session that a message begins; null when the session isn't stored. */
  #originOf({ packetId }: PublishView): Origin | null {
    const { stored } = this.#session;
    return stored === null ? null : { kind: 'received', session: stored.number, packetId };
  }

  #acknowledgeRouted(packetId: number, { reasonCode, position }: Outcome): void {
    this.#acknowledge(PacketType.PUBACK, packetId, reasonCode, position); // [MQTT-4.3.2-4]
  }

  /** Takes a QoS 2 message once, however often it is sent [MQTT-4.3.3-10], and answers [MQTT-4.3.3-8]. */
  #receiveQoS2(view: PublishView, checked: number): void {
    const session = this.#session;
    const { packetId } = view;
    const { router, journal } = this.#host;
    if (session.received.has(packetId)) {
      router.skip(view, this.connection, ReasonCode.Success);
      session.received.add(packetId);
      // What came first may still be on its way to the disk.
      const position = !session.isStored ? -1 : journal.lastPosition;
      this.#acknowledge(PacketType.PUBREC, packetId, ReasonCode.Success, position, true);
      return;
    }
    this.#checkReceiveMaximum();
    const outcome = this.#route(view, checked);
    // [MQTT-4.3.3-9]; before MQTT 5 the exchange continues, as PUBREC can't say no.
    if (outcome.reasonCode < 0x80 || this.connection.version < 5) session.received.add(packetId);
    this.#acknowledge(PacketType.PUBREC, packetId, outcome.reasonCode, outcome.position);
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
