import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PageSums } from '../src/index/page-sums.ts';
import { type CheckpointEntry, LmdbIndex, type LogEvent } from '../src/index.ts';
import { Random } from '../src/testing/index.ts';

const PAGE = 4096;

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'promptmq-index-'));
  path = join(directory, 'index.mdb');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

async function openIndex(events: LogEvent[] = []): Promise<LmdbIndex> {
  const index = new LmdbIndex(directory, (event) => events.push(event));
  await index.prepare(async () => true);
  index.open();
  return index;
}

function commit(index: LmdbIndex, position: number, entries: CheckpointEntry[]): Promise<void> {
  return index.commit({
    logId: '00'.repeat(16),
    position,
    isWhole: false,
    segments: new Map(),
    snapshot: null,
    time: { logMs: 1, wallAheadMs: 0 },
    entries,
    streams: new Map(),
    removedSegments: [],
  });
}

/** Short ones and long ones, some of them removed. */
function changes(random: Random, count: number): CheckpointEntry[] {
  return Array.from({ length: count }, (): CheckpointEntry => {
    const key = `key ${random.below(600)}`;
    if (random.chance(0.2)) return [key, null];
    const size = random.chance(0.1) ? 3000 + random.below(12_000) : random.below(200);
    return [key, Buffer.alloc(size, random.below(256))];
  });
}

function contentOf(index: LmdbIndex): { position: number; entries: string } {
  const { position, entries } = index.load();
  const text = [...entries].map(([key, value]) => `${key}=${Buffer.from(value).toString('hex')}`);
  return { position, entries: text.join() };
}

interface Interrupted {
  /** What the index holds before and after the checkpoint, and its file. */
  readonly content: { position: number; entries: string };
  readonly before: Buffer;
  readonly after: Buffer;
  readonly sum: Buffer;
  /** Pages that the checkpoint changed, but for the first two. */
  readonly changed: number[];
}

/** Takes some checkpoints, and keeps what the last of them changed. */
async function interrupted(random: Random): Promise<Interrupted> {
  const index = await openIndex();
  for (let position = 1; position <= 6; position++) {
    await commit(index, position, changes(random, 300));
  }
  const content = contentOf(index);
  const before = readFileSync(path);
  const sum = readFileSync(`${path}.sum`);
  await commit(index, 7, changes(random, 1 + random.below(200)));
  const after = readFileSync(path);
  await index.close();
  const changed: number[] = [];
  for (let page = 2; page < Math.ceil(after.length / PAGE); page++) {
    if (!pageOf(before, page).equals(pageOf(after, page))) changed.push(page);
  }
  return { content, before, after, sum, changed };
}

function pageOf(file: Buffer, page: number): Buffer {
  return file.subarray(page * PAGE, (page + 1) * PAGE);
}

/** The files as a kill leaves them while a checkpoint is written. */
function leave(file: Buffer, sum: Buffer): void {
  for (const name of ['', '-lock', '.sum']) rmSync(`${path}${name}`, { force: true });
  writeFileSync(path, file);
  writeFileSync(`${path}.sum`, sum);
  writeFileSync(`${path}.changing`, '');
}

/** What a kill leaves: the first of the pages that were to be written, and when all have been, maybe those at the beginning. */
function killed({ before, after, changed }: Interrupted, count: number): Buffer {
  const file = Buffer.alloc(after.length);
  before.copy(file);
  for (const page of changed.slice(0, count)) pageOf(after, page).copy(file, page * PAGE);
  if (count > changed.length) pageOf(after, 0).copy(file, 0);
  if (count > changed.length + 1) pageOf(after, 1).copy(file, PAGE);
  return file.subarray(0, Math.max(before.length, lastOf(file)));
}

/** What a power cut leaves: any of them. */
function powerCut({ before, after, changed }: Interrupted, random: Random): Buffer {
  const file = Buffer.alloc(after.length);
  before.copy(file);
  const share = random.next();
  for (const page of [0, 1, ...changed]) {
    if (random.chance(share)) pageOf(after, page).copy(file, page * PAGE);
  }
  return random.chance(0.5) ? file : file.subarray(0, Math.max(before.length, lastOf(file)));
}

function lastOf(file: Buffer): number {
  let page = file.length / PAGE;
  while (page > 0 && pageOf(file, page - 1).every((byte) => byte === 0)) page--;
  return page * PAGE;
}

describe('a checkpoint that was not written to its end', () => {
  test('because of a kill leaves the one before, however much of it was written, and checkpoints continue', async () => {
    const random = new Random(1);
    for (let round = 0; round < 6; round++) {
      const given = await interrupted(random);
      expect(given.changed.length).toBeGreaterThan(3);
      for (let cut = 0; cut < 8; cut++) {
        leave(killed(given, random.below(given.changed.length + 3)), given.sum);
        const events: LogEvent[] = [];
        const index = await openIndex(events);
        expect(events).toEqual([]);
        expect(contentOf(index)).toEqual(given.content);
        expect(existsSync(`${path}.changing`)).toBe(false);
        await commit(index, 8, [['last', Buffer.from('one')]]);
        await index.close();
        const again = await openIndex(events);
        expect(again.load()).toMatchObject({ position: 8 });
        await again.close();
        expect(events).toEqual([]);
      }
      rmSync(directory, { recursive: true });
    }
    mkdirSync(directory);
  });

  test('because of a power cut leaves the one before, or the index begins again', async () => {
    const random = new Random(7);
    const given = await interrupted(random);
    for (let round = 0; round < 30; round++) {
      leave(powerCut(given, random), given.sum);
      const events: LogEvent[] = [];
      const index = await openIndex(events);
      if (events.length === 0) expect(contentOf(index)).toEqual(given.content);
      else expect(events).toEqual([{ type: 'index-unfinished', file: path }]);
      await index.close();
    }
  });

  test('is undone after a second kill, too, in the middle of undoing it', async () => {
    const given = await interrupted(new Random(2));
    leave(given.after, given.sum);
    await (await openIndex()).close();
    // The pages at the beginning were written back, and nothing else was done yet.
    const reverted = readFileSync(path);
    leave(reverted, given.sum);
    const index = await openIndex();
    expect(contentOf(index)).toEqual(given.content);
    await index.close();
  });

  test('does not hide damage to what was there before', async () => {
    const random = new Random(3);
    const given = await interrupted(random);
    const kept = Array.from({ length: given.before.length / PAGE }, (_, page) => page).filter(
      (page) => page > 1 && !given.changed.includes(page),
    );
    for (let round = 0; round < 30; round++) {
      const file = killed(given, random.below(given.changed.length + 3));
      const at = random.pick(kept) * PAGE + random.below(PAGE);
      file[at] = (file[at] as number) ^ (1 << random.below(8));
      leave(file, given.sum);
      const events: LogEvent[] = [];
      await (await openIndex(events)).close();
      expect(events).toEqual([{ type: 'index-unfinished', file: path }]);
    }
  });

  test('may itself be damaged: it is undone, or the index begins again', async () => {
    const random = new Random(4);
    const given = await interrupted(random);
    for (let round = 0; round < 30; round++) {
      const file = Buffer.from(given.after);
      const at = random.pick([0, 1, ...given.changed]) * PAGE + random.below(PAGE);
      file[at] = (file[at] as number) ^ (1 << random.below(8));
      leave(file, given.sum);
      const events: LogEvent[] = [];
      const index = await openIndex(events);
      if (events.length === 0) expect(contentOf(index)).toEqual(given.content);
      else expect(events).toEqual([{ type: 'index-unfinished', file: path }]);
      await index.close();
    }
  });

  test('counts as damage when the checksums of what was there before are damaged', async () => {
    const given = await interrupted(new Random(5));
    const sum = Buffer.from(given.sum);
    sum[30] = (sum[30] as number) ^ 1;
    leave(given.after, sum);
    const events: LogEvent[] = [];
    await (await openIndex(events)).close();
    expect(events).toEqual([{ type: 'index-unfinished', file: path }]);
  });

  test('is not read by what only looks at the index', async () => {
    const given = await interrupted(new Random(6));
    leave(given.after, given.sum);
    expect(await LmdbIndex.peek(directory)).toBeNull();
    expect(readFileSync(path).equals(given.after)).toBe(true);
  });
});

describe('checksums of pages', () => {
  test('are read as they were written, whatever the size of the file', async () => {
    const file = join(directory, 'file');
    for (const size of [0, 1, PAGE - 1, PAGE, 3 * PAGE, 300 * PAGE + 7]) {
      writeFileSync(file, Buffer.alloc(size, size % 251));
      const sums = PageSums.now(file, PAGE);
      expect(sums.size).toBe(size);
      expect(sums.sums.length).toBe(Math.ceil(size / PAGE));
      expect(sums.equals(await PageSums.later(file, PAGE))).toBe(true);
      const decoded = PageSums.decode(sums.encode());
      expect(decoded?.equals(sums)).toBe(true);
      expect(decoded?.head).toEqual(sums.head);
    }
  });

  test('that are damaged anywhere are none', () => {
    const file = join(directory, 'file');
    writeFileSync(file, Buffer.alloc(5 * PAGE, 7));
    const bytes = PageSums.now(file, PAGE).encode();
    for (let bit = 0; bit < 8 * bytes.length; bit += 41) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(PageSums.decode(damaged)).toBeNull();
    }
    for (let size = 0; size < bytes.length; size += 97) {
      expect(PageSums.decode(bytes.subarray(0, size))).toBeNull();
    }
  });
});
