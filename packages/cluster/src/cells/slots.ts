import { crc32 } from 'node:zlib';

/** Clients and topics are divided into so many slots, which are given to cells. */
export const SLOT_COUNT = 4096;

/** @returns the slot of a client identifier or of a topic, 0 to 4,095: the CRC-32 of its UTF-8 bytes decides */
export function slotOf(name: string | Uint8Array): number {
  return crc32(typeof name === 'string' ? Buffer.from(name) : name) % SLOT_COUNT;
}

/**
 * The cells that slots were given to when there were so many cells from the beginning.
 *
 * @param cellCount - 1 to 64
 * @returns 0 to `cellCount` - 1
 */
export function cellOfSlot(slot: number, cellCount: number): number {
  return slot % cellCount;
}

/** @returns the cell in which a client with this identifier has its session, whatever process it connects to */
export function cellOf(name: string | Uint8Array, cellCount: number): number {
  return cellCount === 1 ? 0 : cellOfSlot(slotOf(name), cellCount);
}
