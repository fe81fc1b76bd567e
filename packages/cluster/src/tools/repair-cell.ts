import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, type Files, Log, nodeFiles, type OpenFile } from '@promptmq/wal';
import { statLog } from '@promptmq/wal/tools';
import type { EngineLog } from '../engine/engine.ts';
import type { FencedError } from '../log/fenced-error.ts';
import { claimCell, FencedReader } from '../log/fenced-log.ts';
import { Shipper } from '../log/shipper.ts';
import { type CellReadOptions, readCell } from './read-cell.ts';

/** The file of a segment. */
const SEGMENT = /^[0-9a-f]{16}\.log$/;

/** Formats that are written. */
const LEVEL = 1;

export interface CellRepair extends CellReadOptions {
  readonly log: EngineLog;
  /** The log of the cell that a node has; nobody uses it meanwhile. */
  readonly directory: string;
  readonly files?: Files;
  readonly clock: Clock;
}

export interface CellRepairReport {
  /** Bytes that the engine lacked, and has now. */
  readonly bytes: number;
  /** Where the cell's log ends. */
  readonly head: number;
  /** With which they were brought; that of the last owner when nothing was missing. */
  readonly epoch: number;
}

/**
 * Brings the engine the end of a cell's log that it has lost, or all of it, from what a node has of it. What both have must be the same. Nobody may
 * serve the cell meanwhile: it would lose it.
 *
 * @throws {EngineError} `unavailable`
 * @throws {FencedError} `corrupt`, `diverged`: what the engine has can't be continued
 * @throws {LogError} as `Log.open`; Error when the two are not one log, or a node has taken the cell meanwhile
 */
export async function repairCell(repair: CellRepair): Promise<CellRepairReport> {
  const { log, directory, clock, files = nodeFiles } = repair;
  const { head, logId } = await statLog(directory, { files });
  const comparison = await Comparison.open(directory, files);
  let state: Awaited<ReturnType<typeof readCell>>;
  try {
    state = await readCell(log, repair, async (_sequence, read) => {
      if (read.kind !== 'bytes') return;
      await comparison.compare(read.entry.position, read.entry.segment, read.entry.body);
    });
  } finally {
    await comparison.close();
  }
  if (state.head > head) {
    throw new Error(`the engine has the log up to ${state.head}, and ${directory} up to ${head}`);
  }
  if (state.head === head) return { bytes: 0, head, epoch: state.epoch };
  const epoch = state.epoch + 1;
  let failure: FencedError | null = null;
  const onFailed = (error: FencedError) => {
    failure = error;
  };
  const owner = {
    node: 'repair',
    incarnation: randomBytes(8).toString('hex'),
    ...{ identity: logId ?? '', level: LEVEL, timeMs: clock.wallNow() },
  };
  const claim = await claimCell(log, new FencedReader(log, () => {}), epoch, owner, {
    clock,
    onFailed,
  });
  if (claim.kind === 'taken') throw new Error('a node has taken the cell meanwhile');
  try {
    // What the replica lacks, it is given when the log is opened.
    const opened = await Log.open({ directory, files, clock, replica: new Shipper(claim.log) });
    await opened.close();
    if (failure !== null) throw failure;
    const { head: reached } = claim.log.state;
    if (reached !== head) throw new Error(`the engine has the log up to ${reached}, not ${head}`);
    return { bytes: head - state.head, head, epoch };
  } finally {
    claim.log.close();
  }
}

/** Compares what the engine has with the segments of a folder. */
class Comparison {
  readonly #directory: string;
  readonly #files: Files;
  /** By first position. */
  readonly #names: ReadonlyMap<number, string>;
  #segment = -1;
  #file: OpenFile | null = null;

  private constructor(directory: string, files: Files, names: ReadonlyMap<number, string>) {
    this.#directory = directory;
    this.#files = files;
    this.#names = names;
  }

  static async open(directory: string, files: Files): Promise<Comparison> {
    const names = (await files.list(directory)).filter((name) => SEGMENT.test(name));
    const firsts = names.map((name): [number, string] => [Number.parseInt(name, 16), name]);
    return new Comparison(directory, files, new Map(firsts));
  }

  /** @throws Error when the folder has other bytes there */
  async compare(position: number, segment: number, bytes: Uint8Array): Promise<void> {
    const name = this.#names.get(segment);
    if (name === undefined) {
      // Compaction removes segments here before the engine's entries go.
      if ([...this.#names.keys()].some((first) => first > segment)) return;
      throw new Error(`${this.#directory} has no segment ${segment}, which the engine has`);
    }
    if (segment !== this.#segment) {
      await this.close();
      this.#file = await this.#files.open(join(this.#directory, name), 'read');
      this.#segment = segment;
    }
    const there = Buffer.alloc(bytes.length);
    const count = await this.#file?.read(there, position - segment);
    if (count === bytes.length && there.equals(bytes)) return;
    throw new Error(
      `${join(this.#directory, name)} has other bytes at ${position} than the engine`,
    );
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }
}
