import { invariant } from '@promptmq/topics';
import type { MemoryAccount } from '../memory-account.ts';
import { Delivery, DeliveryState } from '../messages/delivery.ts';
import { messageSize, STORED_MESSAGE } from '../messages/message.ts';
import { SentFrameState, SentFrames } from './sent-frames.ts';

/** How many packet identifiers there are. */
const PACKET_IDS = 65_535;

/** What a delivery occupies beside the bytes of its message: an estimate. */
const DELIVERY_BYTES = 250;

/** What the window asks of the store. */
export interface WindowStore {
  /** Whether what a delivery depends on is stored as safely as it has to be before it is sent. */
  isSafe(position: number, isReference: boolean): boolean;
  /** The delivery is over. */
  settle(delivery: Delivery): void;
  /** PUBREC came for a delivery: the store sends PUBREL when that is committed. */
  release(delivery: Delivery): void;
}

/** What the session says of an acknowledgement. */
export type AckResult =
  /** It belongs to a delivery and was taken. */
  | 'ok'
  /** It was taken, and the store sees to the answer. */
  | 'deferred'
  /** No delivery has that packet identifier. */
  | 'unknown'
  /** A delivery has it, but this packet is not what its QoS or state allows. */
  | 'protocol-error';

/**
 * The window of what was sent: the QoS 1 and 2 messages of a session that are not fully acknowledged (§4.3), their packet
 * identifiers, how far each has come, and how many more the client takes (§4.9).
 *
 * What it keeps is counted: a client that acknowledges nothing is sent no more when it has as much as one may have just
 * now, whatever it says that it takes. Frames are a few bits each.
 *
 * Invariants: a packet identifier is in `#deliveries` or in `#frames`, once at most; while the session has a
 * connection, `#sendQuota` is what the client takes less what was sent on it, at least 0, and nothing begins at quota 0
 * [MQTT-3.3.4-9].
 */
export class Window {
  readonly #store: WindowStore | null;
  readonly #memory: MemoryAccount | null;
  /** What deliveries count there. */
  #bytes: number;
  /** By packet identifier, in the order in which they were first sent. */
  readonly #deliveries: Map<number, Delivery>;
  /** Packet identifiers of frames. */
  readonly #frames: SentFrames;
  #sendQuota: number;
  /** What it is while nothing has been sent on the connection. */
  #sendQuotaMax: number;
  #lastPacketId: number;
  /** How often a stored delivery could not have the identifier of its sequence. */
  #otherIdsCount: number;
  /** The number of the session's connection. */
  #connection: number;

  /**
   * @param store - null when deliveries are in memory only
   * @param memory - where deliveries are counted
   */
  constructor(store: WindowStore | null, memory: MemoryAccount | null) {
    this.#store = store;
    this.#memory = memory;
    this.#bytes = 0;
    this.#deliveries = new Map();
    this.#frames = new SentFrames();
    this.#sendQuota = 0;
    this.#sendQuotaMax = 0;
    this.#lastPacketId = 0;
    this.#otherIdsCount = 0;
    this.#connection = 0;
  }

  get count(): number {
    return this.#deliveries.size + this.#frames.size;
  }

  /** What deliveries count in the memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get frameCount(): number {
    return this.#frames.size;
  }

  /** Packet identifiers of frames, in no particular order. */
  get frameIds(): Iterable<number> {
    return this.#frames.packetIds();
  }

  /** Those that are no frames, in the order in which they were first sent. */
  get deliveries(): Iterable<Delivery> {
    return this.#deliveries.values();
  }

  /** There is a new connection, which takes that many: 1 to 65,535. */
  beginConnection(sendQuota: number): void {
    this.#sendQuota = sendQuota;
    this.#sendQuotaMax = sendQuota;
    this.#connection++;
  }

  clear(): void {
    this.#count(-this.#bytes);
    this.#deliveries.clear();
    this.#frames.clear();
  }

  // ------------------------------------------------------------------- sending

  /** Messages that the client takes at a time on this connection, or took on the last. */
  get sendQuotaMax(): number {
    return this.#sendQuotaMax;
  }

  /** Whether the client takes one more. */
  get hasQuota(): boolean {
    return this.#sendQuota > 0;
  }

  /**
   * Whether one more exchange may begin [MQTT-3.3.4-9]. What an earlier connection left between PUBREC and
   * PUBCOMP takes none of the quota, but its packet identifiers.
   */
  get mayBegin(): boolean {
    if (this.#sendQuota <= 0 || this.count >= PACKET_IDS) return false;
    return this.#memory === null || this.#bytes < this.#memory.allowance;
  }

  /** Whether the exchange of this delivery may begin. */
  mayBeginWith(delivery: Delivery): boolean {
    if (!this.mayBegin) return false;
    // Its identifier is the same in every process, so that the client knows a duplicate for one.
    return delivery.qos < 2 || delivery.sequence === 0 || !this.#deliveries.has(idOf(delivery));
  }

  /** The packet identifier that a delivery is to be sent with, while one more may begin. */
  packetIdFor(delivery: Delivery): number {
    if (delivery.sequence === 0) return this.#nextPacketId();
    const packetId = idOf(delivery);
    if (!this.#deliveries.has(packetId)) return packetId;
    this.#otherIdsCount++;
    return this.#nextPacketId();
  }

  /** A delivery has been sent for the first time, with the packet identifier that it has. */
  begin(delivery: Delivery): void {
    delivery.state = DeliveryState.Published;
    delivery.sentOn = this.#connection;
    this.#deliveries.set(delivery.packetId, delivery);
    this.#sendQuota--;
    forgetMessage(delivery);
    this.#count(heldBytes(delivery));
  }

  /** A delivery of an earlier connection has been sent again. */
  beginAgain(delivery: Delivery): void {
    delivery.sentOn = this.#connection;
    this.#sendQuota--;
    forgetMessage(delivery);
  }

  /** Begins the exchange of a frame, while one more may begin; returns its packet identifier. */
  beginFrame(qos: 1 | 2): number {
    let packetId = this.#nextPacketId();
    for (let tries = this.#frames.spareSlots; tries > 0; tries--) {
      if (this.#frames.hasSlotFor(packetId)) break;
      packetId = this.#nextPacketId();
    }
    this.#frames.add(packetId, qos === 1 ? SentFrameState.Published1 : SentFrameState.Published2);
    this.#sendQuota--;
    return packetId;
  }

  /** Ends the exchange of a frame: it is complete, or could not be sent. */
  endFrame(packetId: number): void {
    this.#frames.delete(packetId);
    this.#sendQuota++;
  }

  /** A packet identifier that is not in use [MQTT-2.2.1-4], of which there is one while one more may begin. */
  #nextPacketId(): number {
    let packetId = this.#lastPacketId;
    do {
      packetId = packetId === 0xffff ? 1 : packetId + 1;
    } while (this.#isUsed(packetId));
    this.#lastPacketId = packetId;
    return packetId;
  }

  #isUsed(packetId: number): boolean {
    return (
      this.#frames.get(packetId) !== SentFrameState.None ||
      (this.#deliveries.size > 0 && this.#deliveries.has(packetId))
    );
  }

  // ---------------------------------------------------------- acknowledgements

  /** PUBACK: `ok` when a QoS 1 message is complete, whatever the reason code [MQTT-4.4.0-2]. */
  onPuback(packetId: number): AckResult {
    const state = this.#frames.get(packetId);
    if (state !== SentFrameState.None) {
      if (state !== SentFrameState.Published1) return 'protocol-error';
      this.endFrame(packetId);
      return 'ok';
    }
    const delivery = this.#deliveries.get(packetId);
    if (delivery === undefined) return 'unknown';
    if (delivery.qos !== 1) return 'protocol-error';
    this.#complete(delivery);
    return 'ok';
  }

  /**
   * PUBREC: `ok` when an error code has completed a QoS 2 message, or when PUBREL is due without one
   * [MQTT-4.3.3-4]. It is due after `unknown`, too.
   */
  onPubrec(packetId: number, reasonCode: number): AckResult {
    const state = this.#frames.get(packetId);
    if (state !== SentFrameState.None) return this.#onFramePubrec(packetId, state, reasonCode);
    const delivery = this.#deliveries.get(packetId);
    if (delivery === undefined) return 'unknown';
    if (delivery.qos !== 2) return 'protocol-error';
    if (reasonCode >= 0x80) {
      if (delivery.state === DeliveryState.Released) return 'protocol-error';
      this.#complete(delivery);
      return 'ok';
    }
    if (delivery.sequence === 0 || delivery.state === DeliveryState.Released) {
      delivery.state = DeliveryState.Released;
      this.#count(-messageSize(delivery.message));
      delivery.message = STORED_MESSAGE;
      return this.#isSafe(delivery) ? 'ok' : 'deferred';
    }
    delivery.state = DeliveryState.Released;
    this.#store?.release(delivery);
    return 'deferred';
  }

  #isSafe({ sequence, position, isReference }: Delivery): boolean {
    return sequence === 0 || this.#store === null || this.#store.isSafe(position, isReference);
  }

  #onFramePubrec(packetId: number, state: SentFrameState, reasonCode: number): AckResult {
    if (state === SentFrameState.Published1) return 'protocol-error';
    if (reasonCode < 0x80) {
      this.#frames.release(packetId);
      return 'ok';
    }
    if (state === SentFrameState.Released) return 'protocol-error';
    this.endFrame(packetId);
    return 'ok';
  }

  /** PUBCOMP: `ok` when a QoS 2 message is complete. */
  onPubcomp(packetId: number): AckResult {
    const state = this.#frames.get(packetId);
    if (state !== SentFrameState.None) {
      if (state !== SentFrameState.Released) return 'protocol-error';
      this.endFrame(packetId);
      return 'ok';
    }
    const delivery = this.#deliveries.get(packetId);
    if (delivery === undefined) return 'unknown';
    if (delivery.state !== DeliveryState.Released) return 'protocol-error';
    this.#complete(delivery);
    return 'ok';
  }

  /** Ends the exchange of a delivery at once, whatever is left of it; frames are acknowledged step by step. */
  settle(packetId: number): AckResult {
    const delivery = this.#deliveries.get(packetId);
    if (delivery === undefined) return 'unknown';
    this.#complete(delivery);
    return 'ok';
  }

  #complete(delivery: Delivery): void {
    this.#end(delivery);
    if (delivery.sequence > 0) this.#store?.settle(delivery);
  }

  #end(delivery: Delivery): void {
    this.delete(delivery);
    // What was only sent on an earlier connection has taken nothing of this one's quota [MQTT-3.3.4-9].
    if (delivery.sentOn === this.#connection) this.#sendQuota++;
  }

  /**
   * Ends the exchanges of stored deliveries up to a sequence; all were sent in the order of their sequences.
   *
   * @returns them, in that order; the store is not notified
   */
  takeUpTo(sequence: number): Delivery[] {
    const taken: Delivery[] = [];
    for (const delivery of this.#deliveries.values()) {
      if (delivery.sequence > sequence) break;
      this.#end(delivery);
      taken.push(delivery);
    }
    return taken;
  }

  // -------------------------------------------------------------- stored state

  has(delivery: Delivery): boolean {
    return this.#deliveries.get(delivery.packetId) === delivery;
  }

  /** Forgets a delivery that is over, or that could not be sent again; false when it isn't here. */
  delete(delivery: Delivery): boolean {
    const wasThere = this.#deliveries.delete(delivery.packetId);
    if (!wasThere) return false;
    // One that was read back and could not be sent again has a message that was never counted.
    forgetMessage(delivery);
    this.#count(-heldBytes(delivery));
    return true;
  }

  /**
   * @param isConnected - whether the session has a connection
   * @throws {Error} when something isn't as it has to be; for tests
   */
  checkInvariants(isConnected: boolean): void {
    this.#frames.checkInvariants();
    for (const packetId of this.#frames.packetIds()) {
      invariant(!this.#deliveries.has(packetId), `${packetId} is in use twice`);
    }
    let bytes = 0;
    let takenQuota = this.#frames.size;
    for (const [packetId, delivery] of this.#deliveries) {
      const { qos, state, sequence, sentOn } = delivery;
      invariant(delivery.packetId === packetId, `${packetId} is found as ${delivery.packetId}`);
      invariant(packetId >= 1 && packetId <= PACKET_IDS, `packet identifier ${packetId}`);
      invariant(state !== DeliveryState.Queued && qos > 0, `${packetId} in state ${state}`);
      invariant(state !== DeliveryState.Released || qos === 2, `${packetId} is released`);
      invariant(sequence === 0 || this.find(sequence) === delivery, `${sequence} is not found`);
      bytes += heldBytes(delivery);
      if (sentOn === this.#connection) takenQuota++;
    }
    invariant(bytes === this.#bytes, `${this.#bytes} bytes under way counted of ${bytes}`);
    if (this.#memory !== null) invariant(bytes <= this.#memory.bytes, `${bytes} bytes under way`);
    if (!isConnected) return;
    const quota = this.#sendQuotaMax - takenQuota;
    invariant(this.#sendQuota === quota, `send quota ${this.#sendQuota} instead of ${quota}`);
    invariant(quota >= 0, `send quota ${quota}`); // [MQTT-3.3.4-9]
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#memory !== null) this.#memory.bytes += bytes;
  }

  /** The stored delivery with this sequence; null when there is none. */
  find(sequence: number): Delivery | null {
    const expected = this.#deliveries.get(idOf({ sequence }));
    if (expected?.sequence === sequence) return expected;
    if (this.#otherIdsCount === 0) return null;
    for (const delivery of this.#deliveries.values()) {
      if (delivery.sequence === sequence) return delivery;
    }
    return null;
  }

  /** Takes up the QoS 2 delivery of a process that has ended, whose PUBREC it had received. */
  restoreReleased(sequence: number, packetId: number, position: number): void {
    const delivery = new Delivery(STORED_MESSAGE, 2, false);
    delivery.sequence = sequence;
    delivery.packetId = packetId;
    delivery.position = position;
    delivery.state = DeliveryState.Released;
    if (packetId !== idOf(delivery)) this.#otherIdsCount++;
    this.#deliveries.set(packetId, delivery);
    this.#count(heldBytes(delivery));
  }
}

/**
 * A stored message that was sent leaves memory: it is rarely sent again, may wait long for that, and may be
 * a small part of a buffer that would stay with it.
 */
function forgetMessage(delivery: Delivery): void {
  if (delivery.sequence > 0) delivery.message = STORED_MESSAGE;
}

function heldBytes({ message }: Delivery): number {
  return DELIVERY_BYTES + messageSize(message);
}

/** The packet identifier of a stored delivery, 1 to 65,535, unless it is in use. */
export function idOf({ sequence }: { readonly sequence: number }): number {
  return ((sequence - 1) % 0xffff) + 1;
}
