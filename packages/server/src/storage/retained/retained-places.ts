import { invariant, TextMap } from '@promptmq/topics';
import type { CheckpointEntry } from '@promptmq/wal';
import type { ByteReader } from '../records/byte-reader.ts';
import type { ByteWriter } from '../records/byte-writer.ts';
import { KeyLetter, stateKey } from '../records/checkpoint/keys.ts';
import {
  addToChunk,
  CHUNK_SIZE,
  readChunk,
  writeChunkHead,
} from '../records/checkpoint/retained-chunk.ts';

/** Where a retained message lies. */
export interface RetainedPlace {
  /** What the checkpoint knows the topic by; numbers are not used again. */
  readonly number: number;
  readonly position: number;
  /** Bytes of the record that are given up with it. */
  readonly share: number;
}

/** Topics with neighbouring numbers. */
interface Chunk {
  /** By number within the chunk. */
  readonly topics: (string | undefined)[];
  count: number;
  /** Since the last checkpoint. */
  isChanged: boolean;
  /** As it was written last; null when it has changed since. */
  bytes: Uint8Array | null;
}

/**
 * Where the retained messages of all topics lie, and what of that the next checkpoint has to hold.
 */
export class RetainedPlaces {
  readonly #places: Map<string, RetainedPlace>;
  readonly #chunks: Map<number, Chunk>;
  #removedChunks: number[];
  #nextNumber: number;

  constructor() {
    this.#places = new TextMap();
    this.#chunks = new Map();
    this.#removedChunks = [];
    this.#nextNumber = 1;
  }

  get places(): ReadonlyMap<string, RetainedPlace> {
    return this.#places;
  }

  /** Notes where a topic's message lies; returns where the former one does. */
  set(topic: string, position: number, share: number): RetainedPlace | null {
    const former = this.#places.get(topic) ?? null;
    this.#put(topic, { number: former?.number ?? this.#nextNumber, position, share });
    return former;
  }

  /** The topic has no message any more; returns where it lay. */
  remove(topic: string): RetainedPlace | null {
    const former = this.#places.get(topic) ?? null;
    if (former === null) return null;
    this.#places.delete(topic);
    const number = Math.floor(former.number / CHUNK_SIZE);
    const chunk = this.#chunks.get(number) as Chunk;
    chunk.topics[former.number % CHUNK_SIZE] = undefined;
    chunk.count--;
    markChanged(chunk);
    if (chunk.count === 0) {
      this.#chunks.delete(number);
      this.#removedChunks.push(number);
    }
    return former;
  }

  /** As a checkpoint of a former version has it, with an entry for each topic. */
  restoreFormer(topic: string, place: RetainedPlace): void {
    this.#put(topic, place);
  }

  /** As the last checkpoint has it. */
  restore(chunkNumber: number, reader: ByteReader, bytes: Uint8Array): void {
    const chunk: Chunk = { topics: [], count: 0, isChanged: false, bytes: new Uint8Array(bytes) };
    chunk.count = readChunk(reader, (slot, position, share, topic) => {
      const number = chunkNumber * CHUNK_SIZE + slot;
      this.#places.set(topic, { number, position, share });
      while (chunk.topics.length < slot) chunk.topics.push(undefined);
      chunk.topics.push(topic);
      this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    });
    if (chunk.count > 0) this.#chunks.set(chunkNumber, chunk);
  }

  #put(topic: string, place: RetainedPlace): void {
    const { number } = place;
    this.#places.set(topic, place);
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    const chunkNumber = Math.floor(number / CHUNK_SIZE);
    let chunk = this.#chunks.get(chunkNumber);
    if (chunk === undefined) {
      chunk = { topics: [], count: 0, isChanged: true, bytes: null };
      this.#chunks.set(chunkNumber, chunk);
    }
    const slot = number % CHUNK_SIZE;
    while (chunk.topics.length <= slot) chunk.topics.push(undefined);
    if (chunk.topics[slot] === undefined) chunk.count++;
    chunk.topics[slot] = topic;
    markChanged(chunk);
  }

  /** What has changed since the last call. */
  *changes(writer: ByteWriter): Generator<CheckpointEntry> {
    for (const number of this.#removedChunks.splice(0))
      yield [stateKey(KeyLetter.RetainedChunk, number), null];
    for (const [number, chunk] of this.#chunks) {
      if (!chunk.isChanged) continue;
      chunk.isChanged = false;
      yield [stateKey(KeyLetter.RetainedChunk, number), this.#bytesOf(chunk, writer)];
    }
  }

  /** All there is, without effect on `changes`. */
  *snapshot(writer: ByteWriter): Generator<readonly [key: string, value: Uint8Array]> {
    for (const [number, chunk] of this.#chunks) {
      yield [stateKey(KeyLetter.RetainedChunk, number), this.#bytesOf(chunk, writer)];
    }
  }

  /** The next checkpoint holds everything. */
  forgetChanges(): void {
    this.#removedChunks = [];
    for (const chunk of this.#chunks.values()) chunk.isChanged = false;
  }

  #bytesOf(chunk: Chunk, writer: ByteWriter): Uint8Array {
    if (chunk.bytes !== null) return chunk.bytes;
    writeChunkHead(writer, chunk.count);
    for (let slot = 0; slot < chunk.topics.length; slot++) {
      const topic = chunk.topics[slot];
      if (topic === undefined) continue;
      addToChunk(writer, slot, this.#places.get(topic) as RetainedPlace, topic);
    }
    chunk.bytes = writer.take();
    return chunk.bytes;
  }
  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    let count = 0;
    for (const [number, chunk] of this.#chunks) {
      const topics = chunk.topics.filter((topic) => topic !== undefined);
      invariant(chunk.count === topics.length, `chunk ${number} counts ${chunk.count} topics`);
      invariant(chunk.count > 0, `chunk ${number} is empty`);
      count += chunk.count;
      for (const [slot, topic] of chunk.topics.entries()) {
        if (topic === undefined) continue;
        const its = this.#places.get(topic)?.number;
        invariant(its === number * CHUNK_SIZE + slot, `${topic} is number ${its}`);
        invariant(its < this.#nextNumber, `number ${its} may be given again`);
      }
    }
    invariant(count === this.#places.size, `${this.#places.size} places in chunks of ${count}`);
  }
}

function markChanged(chunk: Chunk): void {
  chunk.isChanged = true;
  chunk.bytes = null;
}
