import { QueueBlock } from '@promptmq/session';
import type { ByteReader } from '../byte-reader.ts';
import { readEntry } from './under-way.ts';

/*
 * What former versions wrote to checkpoints, and none writes any more:
 *
 *   block of a queue      u32 count, and as many entries, as in under-way.ts
 *   retained message      f64 position of its record, u32 share, string topic
 */

export function readFormerBlock(reader: ByteReader, number: number): QueueBlock {
  const count = reader.u32();
  const block = new QueueBlock(number, Math.max(count, 8));
  for (let index = 0; index < count; index++) {
    const { entry, details } = readEntry(reader);
    block.add(entry, details, null);
  }
  return block;
}

export function readFormerRetained(reader: ByteReader) {
  const position = reader.f64();
  const share = reader.u32();
  return { position, share, topic: reader.string() };
}
