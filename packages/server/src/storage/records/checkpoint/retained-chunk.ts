import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';

/*
 * Where the retained messages of up to 256 topics lie, whose numbers follow one another. Chunk 3 has those from 768 to 1,023:
 *
 *   varint    count, and as often:
 *     u8      number of the topic within the chunk
 *     varint  position of the Message
 *     varint  share: bytes of the Message's record that are released with it
 *     string  topic
 */

/** Topics of a chunk: one entry of the checkpoint for each would take most of its time for keys. */
export const CHUNK_SIZE = 256;

/** Begins a chunk; `count` topics follow. */
export function writeChunkHead(writer: ByteWriter, count: number): void {
  writer.reset().varint(count);
}

/** @param slot - number within the chunk */
export function addToChunk(
  writer: ByteWriter,
  slot: number,
  { position, share }: { readonly position: number; readonly share: number },
  topic: string,
): void {
  writer.u8(slot).varint(position).varint(share).string(topic);
}

/** @returns how many there were */
export function readChunk(
  reader: ByteReader,
  onTopic: (slot: number, position: number, share: number, topic: string) => void,
): number {
  const count = reader.varint();
  for (let index = 0; index < count; index++) {
    const slot = reader.u8();
    const position = reader.varint();
    const share = reader.varint();
    onTopic(slot, position, share, reader.string());
  }
  return count;
}
