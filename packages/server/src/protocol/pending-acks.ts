import { PacketType, ReasonCode } from '@promptmq/codec';
import { invariant } from '@promptmq/topics';

/** Of an acknowledgement that depends on no record any more. */
const NOW = -1;

/** Bit of an acknowledgement. */
const DUPLICATE = 1 << 28;

/** How many that were taken may lie before those that wait, when they are not more than these. */
const TAKEN_MAX = 512;

/**
 * Acknowledgements that wait for what they stand for to be safe, in the order in which the packets came
 * [MQTT-4.6.0-2] [MQTT-4.6.0-3]. One that would be ready waits for those before it.
 */
export class PendingAcks {
  /** Of the record that each depends on. */
  #positions: number[] = [];
  /** Packet type, reason code and packet identifier of each, and whether it answers a duplicate, as bits of a number. */
  #acks: number[] = [];
  #head = 0;
  /** PUBACKs among them: they count against our Receive Maximum (§4.9). */
  pubackCount = 0;

  get isEmpty(): boolean {
    return this.#head === this.#acks.length;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const waiting = this.#acks.slice(this.#head);
    invariant(this.#positions.length === this.#acks.length, 'acknowledgements without a position');
    const pubacks = waiting.filter((ack) => ((ack >> 24) & 0xf) === PacketType.PUBACK).length;
    invariant(pubacks === this.pubackCount, `${this.pubackCount} PUBACKs counted of ${pubacks}`);
  }

  /**
   * @param position - of the record it depends on; -1 when it only has to keep the order
   * @param isDuplicate - it answers a message that had come before: what it depends on is at `position` at the latest
   */
  add(
    position: number,
    type: PacketType,
    packetId: number,
    reasonCode: number,
    isDuplicate = false,
  ): void {
    this.#positions.push(position);
    const duplicate = isDuplicate ? DUPLICATE : 0;
    this.#acks.push(duplicate | (type << 24) | (reasonCode << 16) | packetId);
    if (type === PacketType.PUBACK) this.pubackCount++;
  }

  /** Takes those that depend on nothing from a position on. */
  take(
    position: number,
    send: (type: PacketType, packetId: number, reasonCode: number) => void,
  ): void {
    while (this.#head < this.#acks.length) {
      if ((this.#positions[this.#head] as number) >= position) {
        this.#dropTaken();
        return;
      }
      const ack = this.#acks[this.#head++] as number;
      const type = ((ack >> 24) & 0xf) as PacketType;
      if (type === PacketType.PUBACK) this.pubackCount--;
      send(type, ack & 0xffff, (ack >> 16) & 0xff);
    }
    this.#positions = [];
    this.#acks = [];
    this.#head = 0;
  }

  /** A client that always has some on their way never comes to the end of the lists. */
  #dropTaken(): void {
    if (this.#head <= TAKEN_MAX || this.#head * 2 < this.#acks.length) return;
    this.#positions = this.#positions.slice(this.#head);
    this.#acks = this.#acks.slice(this.#head);
    this.#head = 0;
  }

  /**
   * There will be no records from a position on: what depends on them says so instead.
   *
   * @param refuse - the reason code to be sent in place of the one there was, Success when what it depends on lies
   * before the position after all; -1 to send nothing
   */
  refuse(
    position: number,
    refuse: (type: PacketType, packetId: number, isDuplicate: boolean) => number,
  ): void {
    const positions = this.#positions.splice(0).slice(this.#head);
    const acks = this.#acks.splice(0).slice(this.#head);
    this.#head = 0;
    this.pubackCount = 0;
    for (const [index, ack] of acks.entries()) {
      const at = positions[index] as number;
      const type = ((ack >> 24) & 0xf) as PacketType;
      const packetId = ack & 0xffff;
      const isDuplicate = (ack & DUPLICATE) !== 0;
      if (at < position) {
        this.add(at, type, packetId, (ack >> 16) & 0xff, isDuplicate);
        continue;
      }
      const reasonCode = refuse(type, packetId, isDuplicate);
      if (reasonCode === ReasonCode.Success)
        this.add(position - 1, type, packetId, reasonCode, true);
      else if (reasonCode !== -1) this.add(NOW, type, packetId, reasonCode);
    }
  }
}
