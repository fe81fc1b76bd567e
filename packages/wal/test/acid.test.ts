import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import type { Log, LogEvent, LogOptions, SyncMode } from '../src/index.ts';
import { FaultyFiles, Ledger, MemoryIndex, Random, type Survival } from '../src/testing/index.ts';
import { checkItems, LiveSet } from './support/live-set.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

// The four promises of docs/storage.md ("Promises"), each by its name. The other suites look for what breaks
// them in many more places: faults, modes, compaction, and the simulation of the whole broker.

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const survivals: readonly Survival[] = ['everything', 'nothing', 'anything'];

async function contents(log: Log): Promise<string[]> {
  const found: string[] = [];
  for await (const { data } of log.records()) found.push(data.toString());
  return found;
}

describe('Atomicity: what is appended in one turn is there whole or not at all', () => {
  const WHOLE = ['first', 'second', 'third'];

  /** Appends three records in a turn, and ends at an operation; null when there are fewer. */
  async function cutAt(at: number, survival: Survival): Promise<FaultyFiles | null> {
    const files = new FaultyFiles();
    const log = await openLog(files);
    log.append(Buffer.from('before'));
    await log.flush();
    const start = files.operations;
    let left: FaultyFiles | null = null;
    files.beforeOperation = (_, count) => {
      if (count === start + at) left = files.crash(survival, new Random(at));
    };
    for (const text of WHOLE) log.append(Buffer.from(text.padEnd(300, '.')));
    await settle(20);
    if (left !== null) return left;
    files.beforeOperation = () => {};
    await log.close();
    return null;
  }

  test.each(survivals)('cut at each operation, with %s of the unsynced left', async (survival) => {
    const counts = new Set<number>();
    for (let at = 1; ; at++) {
      const left = await cutAt(at, survival);
      if (left === null) break;
      const log = await openLog(left);
      const [before, ...found] = (await contents(log)).map((text) => text.replace(/\.+$/, ''));
      expect(before).toBe('before');
      expect([[], WHOLE]).toContainEqual(found);
      counts.add(found.length);
      await log.close();
    }
    expect(counts.size).toBeGreaterThan(0);
  });

  test('cut at each byte of its write', async () => {
    const files = new FaultyFiles();
    const log = await openLog(files);
    log.append(Buffer.from('before'));
    await log.flush();
    const start = log.head;
    for (const text of WHOLE) log.append(Buffer.from(text));
    await log.flush();
    const { path, first } = log.segments.at(-1) as Log['segments'][number];
    const content = files.contentOf(path);
    for (let end = start - first; end < log.head - first; end++) {
      const torn = files.copy();
      torn.replace(path, Buffer.from(content.subarray(0, end)));
      const reopened = await openLog(torn);
      expect(await contents(reopened)).toEqual(['before']);
      await reopened.close();
    }
    await log.close();
  });
});

describe('Consistency: the state is what the records up to one moment make of it', () => {
  async function begin(files: FaultyFiles, index: MemoryIndex, owner: LiveSet): Promise<Log> {
    return openLog(files, { owner, index, segmentSize: 600, onRefused: owner.onRefused });
  }

  /** Adds and removes items over several segments, with checkpoints and compaction between. */
  async function work(log: Log, owner: LiveSet): Promise<void> {
    for (let turn = 0; turn < 40; turn++) {
      owner.add(log, `item${turn}`);
      if (turn % 3 === 2) owner.remove(log, `item${turn - 1}`);
      await settle(3);
      if (turn === 15) await log.checkpoint();
      if (turn === 30) await log.compact();
    }
    await log.flush();
  }

  test.each(survivals)('after a crash that leaves %s of the unsynced', async (survival) => {
    for (let seed = 1; seed <= 20; seed++) {
      const files = new FaultyFiles();
      const index = new MemoryIndex();
      const owner = new LiveSet();
      const log = await begin(files, index, owner);
      const random = new Random(seed);
      const at = 10 + random.below(250);
      let left: FaultyFiles | null = null;
      let leftIndex = index;
      const cut = new Promise<void>((done) => {
        files.beforeOperation = (_, count) => {
          if (count !== at) return;
          left = files.crash(survival, random);
          leftIndex = index.crash();
          done();
        };
      });
      await Promise.race([work(log, owner), cut]);
      const { steps, acknowledged } = owner;
      if (left === null) {
        files.beforeOperation = () => {};
        await log.close();
      }
      const recovered = new LiveSet();
      const reopened = await begin(left ?? files, leftIndex, recovered);
      await checkItems(reopened, recovered, steps, acknowledged);
      await reopened.close();
      // The index is never the truth: the segments alone make the same state.
      const alone = new LiveSet();
      const rebuilt = await begin((left ?? files).copy(), new MemoryIndex(), alone);
      expect([...alone.items.keys()].sort()).toEqual([...recovered.items.keys()].sort());
      await rebuilt.close();
    }
  });
});

describe('Isolation: what is wrong with some records concerns no others', () => {
  const STREAMS = ['a', 'b', 'c'].map((name) => Buffer.from(name));

  test.each(['a', 'b', 'c'])('damage to any record of stream %s', async (damaged) => {
    const files = new FaultyFiles();
    const log = await openLog(files, { segmentSize: 1000 });
    const positions = new Map<number, string>();
    for (let count = 0; count < 24; count++) {
      const stream = STREAMS[count % 3] as Buffer;
      const position = log.append(Buffer.from(`${stream}${count}`.padEnd(90, '.')), null, stream);
      positions.set(position, `${stream}`);
      await log.flush();
    }
    const segments = log.segments.map(({ path, first, end }) => ({ path, first, end }));
    await log.close();
    for (const [position, stream] of positions) {
      if (stream !== damaged) continue;
      const disk = files.copy();
      const { path, first } = segments.find(({ end }) => position < end) as (typeof segments)[0];
      const content = Buffer.from(disk.contentOf(path));
      const offset = position - first + 40;
      content[offset] = (content[offset] as number) ^ 1;
      disk.replace(path, content);
      const events: LogEvent[] = [];
      const reopened = await openLog(disk, {}, events);
      const isLast = position === Math.max(...positions.keys());
      // What comes last may as well not have been durable: only later batches say that it was.
      expect(events.map(({ type }) => type)).toEqual([isLast ? 'torn-tail' : 'quarantined']);
      for (const [other, name] of positions) {
        if (other === position) {
          await expect(reopened.read(other)).rejects.toMatchObject({ code: 'not-found' });
        } else {
          expect((await reopened.read(other)).stream.toString()).toBe(name);
        }
      }
      for (const name of STREAMS) {
        const expected = [...positions].filter(([at, of]) => of === `${name}` && at !== position);
        expect(reopened.streamPositions(name)).toEqual(expected.map(([at]) => at));
      }
      await reopened.close();
    }
  });

  test('the copy of what was damaged is kept', async () => {
    const files = new FaultyFiles();
    const log = await openLog(files);
    for (const text of ['one', 'two']) {
      log.append(Buffer.from(text));
      await log.flush();
    }
    const [{ path }] = log.segments as [Log['segments'][number]];
    await log.close();
    const content = Buffer.from(files.contentOf(path));
    content.write('eno', content.indexOf('one'));
    files.replace(path, content);
    const reopened = await openLog(files);
    expect(await contents(reopened)).toEqual(['two']);
    const [copy] = files.paths.filter((name) => name.startsWith(join(DIRECTORY, 'quarantine')));
    expect(files.contentOf(copy as string).includes('eno')).toBe(true);
    await reopened.close();
  });
});

describe('Durability: what was acknowledged is there, as far as the mode promises', () => {
  interface Mode {
    readonly syncMode: SyncMode;
    readonly forceSync: boolean;
    /** What a power cut may take: only the end of what was acknowledged. */
    readonly mayLoseEnd: boolean;
  }

  const modes: readonly Mode[] = [
    { syncMode: 'immediate', forceSync: false, mayLoseEnd: false },
    { syncMode: 'batch', forceSync: false, mayLoseEnd: true },
    { syncMode: 'periodic', forceSync: false, mayLoseEnd: true },
    { syncMode: 'batch', forceSync: true, mayLoseEnd: false },
    { syncMode: 'periodic', forceSync: true, mayLoseEnd: false },
  ];

  async function fill(options: Partial<LogOptions>) {
    const files = new FaultyFiles();
    const ledger = new Ledger();
    const log = await openLog(files, { syncInterval: 5, batchSyncSize: 7, ...options });
    for (let count = 0; count < 60; count++) {
      ledger.append(log, 120);
      await settle(2);
    }
    return { files, ledger };
  }

  test.each(modes)('$syncMode, forceSync $forceSync: a killed process', async (mode) => {
    const { files, ledger } = await fill(mode);
    const log = await openLog(files.crash('everything', new Random(1)));
    await ledger.check(log);
    await log.close();
  });

  test.each(modes)('$syncMode, forceSync $forceSync: a power cut', async (mode) => {
    const { files, ledger } = await fill(mode);
    const log = await openLog(files.crash('nothing', new Random(1)));
    const { head } = log;
    await ledger.check(log, (position) => mode.mayLoseEnd && position >= head);
    await log.close();
  });

  test('a power cut does take something where it may', async () => {
    const { files, ledger } = await fill({ syncMode: 'periodic', syncInterval: 3_600_000 });
    expect(ledger.acknowledged.size).toBeGreaterThan(0);
    const log = await openLog(files.crash('nothing', new Random(1)));
    await expect(ledger.check(log)).rejects.toThrow('is lost');
    await log.close();
  });
});
