import { invariant } from '@promptmq/topics';

/** Where a frame stands in the QoS 1 or QoS 2 exchange (§4.3). */
export const SentFrameState = {
  /** Nothing was sent with this packet identifier, or it is done with. */
  None: 0,
  /** QoS 1: PUBACK is owed to us. */
  Published1: 1,
  /** QoS 2: PUBREC is owed to us. */
  Published2: 2,
  /** QoS 2: PUBCOMP is owed to us. */
  Released: 3,
} as const;
export type SentFrameState = (typeof SentFrameState)[keyof typeof SentFrameState];

const CAPACITY_MIN = 32;
const NO_SLOTS = new Uint32Array(0);

/**
 * The packet identifiers of frames that were sent and not acknowledged, with their states: a hash table
 * whose hash is the identifier's low bits. Identifiers are handed out in turn, so there is hardly ever
 * another one in the slot. When there is, the next identifier will do, unless the table is crowded; then it
 * grows. So a client that never acknowledges one of them makes the table no larger than the others need.
 *
 * Invariant: an identifier is in the slot of its low bits; `size` is how many there are.
 */
export class SentFrames {
  /** How many there are. */
  size = 0;
  /** `state << 16 | packetId`; 0 in a free slot. Its length is a power of two. */
  #slots: Uint32Array = NO_SLOTS;

  get(packetId: number): SentFrameState {
    if (this.size === 0) return SentFrameState.None;
    const slot = this.#slots[packetId & (this.#slots.length - 1)] as number;
    return (slot & 0xffff) === packetId ? ((slot >> 16) as SentFrameState) : SentFrameState.None;
  }

  /** How many slots there are to choose from; 0 when the table had better grow. */
  get spareSlots(): number {
    const { length } = this.#slots;
    return this.size * 2 < length ? length : 0;
  }

  /** Whether it can be added without growing. */
  hasSlotFor(packetId: number): boolean {
    return this.#slots[packetId & (this.#slots.length - 1)] === 0;
  }

  /** @param packetId - 1 to 65,535; not yet in the table */
  add(packetId: number, state: SentFrameState): void {
    while (this.#slots.length === 0 || this.#slots[packetId & (this.#slots.length - 1)] !== 0) {
      this.#grow();
    }
    this.#slots[packetId & (this.#slots.length - 1)] = (state << 16) | packetId;
    this.size++;
  }

  /** @param packetId - that is in the table */
  release(packetId: number): void {
    this.#slots[packetId & (this.#slots.length - 1)] = (SentFrameState.Released << 16) | packetId;
  }

  /** @param packetId - that is in the table */
  delete(packetId: number): void {
    this.#slots[packetId & (this.#slots.length - 1)] = 0;
    this.size--;
  }

  clear(): void {
    this.#slots = NO_SLOTS;
    this.size = 0;
  }

  /** Their packet identifiers. */
  *packetIds(): Generator<number> {
    for (const slot of this.#slots) if (slot !== 0) yield slot & 0xffff;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    let size = 0;
    for (const packetId of this.packetIds()) {
      size++;
      invariant(this.get(packetId) !== SentFrameState.None, `${packetId} is in another's slot`);
    }
    invariant(size === this.size, `${this.size} frames counted of ${size}`);
  }

  /** Of 65,536 slots every identifier has its own. */
  #grow(): void {
    const slots = this.#slots;
    const grown = new Uint32Array(Math.max(CAPACITY_MIN, slots.length * 2));
    for (const slot of slots) if (slot !== 0) grown[slot & (grown.length - 1)] = slot;
    this.#slots = grown;
  }
}
