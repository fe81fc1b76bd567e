import { join } from 'node:path';
import { SEGMENT_HEADER_SIZE } from '../format/format.ts';
import type { Files, OpenFile } from '../ports/files.ts';
import type { Segment } from './segment.ts';

/** A new segment's file before it has its name. */
const PREPARED_NAME = 'next.tmp';

const ZEROS = Buffer.alloc(262_144);

/**
 * Makes the files of new segments. The next one is made ahead of time, full of zeros: syncing data into
 * it costs less than growing it.
 */
export class SegmentMaker {
  readonly #files: Files;
  readonly #directory: string;
  readonly #segmentSize: number;
  /** Whether a file that isn't needed yet is still wanted. */
  readonly #isWanted: () => boolean;
  #prepared: OpenFile | null;
  #preparing: Promise<void> | null;

  constructor(files: Files, directory: string, segmentSize: number, isWanted: () => boolean) {
    this.#files = files;
    this.#directory = directory;
    this.#segmentSize = segmentSize;
    this.#isWanted = isWanted;
    this.#prepared = null;
    this.#preparing = null;
  }

  get #path(): string {
    return join(this.#directory, PREPARED_NAME);
  }

  /** Makes a segment's file durable, from the one that has been prepared if there is one. */
  async make(segment: Segment): Promise<OpenFile> {
    await this.#preparing;
    const file = this.#prepared ?? (await this.#files.open(this.#path, 'create'));
    this.#prepared = file;
    await file.write(segment.header, 0);
    await this.#name(segment, file);
    return file;
  }

  /** The same with a new file that has all its bytes: when that succeeds, there is room for them. */
  async makeWhole(segment: Segment): Promise<void> {
    await this.#preparing;
    await this.#prepared?.close();
    this.#prepared = null;
    const file = await this.#files.open(this.#path, 'create');
    this.#prepared = file;
    await file.write(segment.header, 0);
    await this.#fill(file, SEGMENT_HEADER_SIZE, () => true);
    await this.#name(segment, file);
  }

  async #name(segment: Segment, file: OpenFile): Promise<void> {
    await file.sync();
    await this.#files.rename(this.#path, segment.path);
    this.#prepared = null;
    segment.file = file;
    await this.#files.syncDirectory(this.#directory);
  }

  prepareNext(): void {
    this.#preparing = this.#prepare()
      .catch(() => {
        // Not fatal: when the file is needed, it is made without being prepared, or that fails.
      })
      .finally(() => {
        this.#preparing = null;
      });
  }

  async #prepare(): Promise<void> {
    if (this.#prepared !== null || !this.#isWanted()) return;
    const file = await this.#files.open(this.#path, 'create');
    try {
      await this.#fill(file, 0, this.#isWanted);
      await file.sync();
      this.#prepared = file;
    } catch (error) {
      await file.close();
      await this.#files.remove(this.#path);
      throw error;
    }
  }

  async #fill(file: OpenFile, from: number, isWanted: () => boolean): Promise<void> {
    for (let size = from; size < this.#segmentSize && isWanted(); size += ZEROS.length) {
      await file.write(ZEROS.subarray(0, Math.min(ZEROS.length, this.#segmentSize - size)), size);
    }
  }

  /** Removes the file that has been prepared. */
  async discard(): Promise<void> {
    await this.#preparing;
    const file = this.#prepared;
    this.#prepared = null;
    if (file === null) return;
    await file.close().catch(() => {});
    await this.#files.remove(this.#path).catch(() => {});
  }
}
