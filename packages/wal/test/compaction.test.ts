import { describe, expect, jest, test } from '@jest/globals';
import type { Log, LogEvent, LogOptions } from '../src/index.ts';
import {
  FaultyFiles,
  MemoryIndex,
  Random,
  type Survival,
  systemError,
} from '../src/testing/index.ts';
import { checkItems, ITEMS, LiveSet, type Step } from './support/live-set.ts';
import { openLog, settle } from './support/open-log.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const SEGMENT_SIZE = 700;

const COMPACTION = { maxSize: 1200, checkInterval: 0, batchSize: 3 };

async function openSet(
  files: FaultyFiles,
  index: MemoryIndex,
  owner: LiveSet,
  options: Partial<LogOptions> = {},
  events: LogEvent[] = [],
): Promise<Log> {
  const log = await openLog(
    files,
    {
      index,
      owner,
      onRefused: owner.onRefused,
      segmentSize: SEGMENT_SIZE,
      compaction: COMPACTION,
      ...options,
    },
    events,
  );
  owner.log = log;
  return log;
}

/** Adds and removes items, compacts while it does, and takes checkpoints of its own. */
async function work(
  log: Log,
  owner: LiveSet,
  random: Random,
  rounds: number,
  isAlive: () => boolean = () => true,
): Promise<void> {
  let compacting: Promise<unknown> = Promise.resolve();
  for (let round = 0; round < rounds && isAlive(); round++) {
    for (let count = random.below(4); count >= 0; count--) {
      owner.add(log, `${owner.steps.length}-${round}`);
    }
    for (const id of [...owner.items.keys()]) {
      // Some stay for long.
      if (random.chance(id.charCodeAt(0) % 4 === 0 ? 0.05 : 0.5)) owner.remove(log, id);
    }
    if (round % 5 === 4) compacting = log.compact();
    compacting.catch(() => {});
    if (round % 7 === 3) await log.checkpoint();
    await settle(3);
  }
  await compacting;
}

/** A run of the seed that ends with an error, with the cut, or by itself. */
async function run(
  files: FaultyFiles,
  index: MemoryIndex,
  owner: LiveSet,
  seed: number,
  isAlive: () => boolean = () => true,
): Promise<void> {
  try {
    const log = await openSet(files, index, owner);
    await work(log, owner, new Random(seed), 40, isAlive);
  } catch {}
}

async function countOperations(seed: number): Promise<number> {
  const files = new FaultyFiles();
  const owner = new LiveSet();
  const events: LogEvent[] = [];
  const log = await openSet(files, new MemoryIndex(), owner, {}, events);
  await work(log, owner, new Random(seed), 40);
  // It is worth its name.
  expect(log.stats.compactions).toBeGreaterThan(2);
  expect(log.stats.movedRecords).toBeGreaterThan(5);
  expect(log.stats.removedSegments).toBeGreaterThan(5);
  expect(events.filter(({ type }) => type === 'compaction-failed')).toEqual([]);
  return files.operations;
}

/** Opens what a crash has left, and checks it; then works on, and does so again. */
async function reopen(
  files: FaultyFiles,
  index: MemoryIndex,
  steps: readonly Step[],
  acknowledged: number,
  seed: number,
): Promise<void> {
  const owner = new LiveSet();
  const log = await openSet(files, index, owner);
  await checkItems(log, owner, steps, acknowledged);
  owner.steps.push(...steps.slice(0, owner.count));
  await work(log, owner, new Random(-seed), 6);
  await log.compact();
  await log.flush();
  for (const next of [index.crash(), new MemoryIndex()]) {
    const last = new LiveSet();
    const crashed = files.copy();
    const reopened = await openSet(crashed, next, last);
    await checkItems(reopened, last, owner.steps, owner.steps.length);
  }
}

const survivals: readonly Survival[] = ['everything', 'nothing', 'anything'];

describe('a crash during compaction and checkpoints', () => {
  test.each(survivals)(
    'cut at every operation, with %s of the unsynced left',
    async (survival) => {
      const seed = 5;
      const total = await countOperations(seed);
      for (let at = 1; at <= total; at++) {
        const files = new FaultyFiles();
        const index = new MemoryIndex();
        const owner = new LiveSet();
        let crashed: FaultyFiles | null = null;
        let lastIndex = index;
        let staleIndex = new MemoryIndex();
        const cut = new Promise<void>((done) => {
          files.beforeOperation = (_, count) => {
            // An index that was put back from a copy.
            if (count === Math.floor(at / 2)) staleIndex = index.copy();
            if (count !== at) return;
            crashed = files.crash(survival, new Random(at));
            lastIndex = index.crash();
            done();
          };
        });
        const running = run(files, index, owner, seed, () => crashed === null);
        await Promise.race([running, cut]);
        const disk = crashed ?? files.crash(survival, new Random(at));
        const { steps, acknowledged } = owner;
        for (const next of [lastIndex, staleIndex, new MemoryIndex()]) {
          await reopen(disk.copy(), next, steps, acknowledged, at);
        }
      }
    },
    120_000,
  );

  test('an error at every operation', async () => {
    const seed = 9;
    const total = await countOperations(seed);
    for (let at = 1; at <= total; at++) {
      const files = new FaultyFiles();
      const index = new MemoryIndex();
      const owner = new LiveSet();
      files.beforeOperation = (name, count) => {
        if (count === at) throw systemError('EIO', name);
      };
      const steps: readonly Step[] = owner.steps;
      await run(files, index, owner, seed);
      const disk = files.crash('nothing', new Random(at));
      // What was refused may be there or not: the steps that are left are those that were not.
      for (const next of [index.crash(), new MemoryIndex()]) {
        const found = new LiveSet();
        const log = await openSet(disk.copy(), next, found);
        await checkItems(log, found, steps, owner.acknowledged);
      }
    }
  });

  test.each([
    ['later', false],
    // So soon that a pass that is under way could continue as if nothing had happened.
    ['at once', true],
  ])('a disk that fills up at any operation and has room again %s', async (_, isAtOnce) => {
    const seed = 7;
    const total = await countOperations(seed);
    let refusals = 0;
    for (let at = 3; at <= total; at++) {
      const files = new FaultyFiles();
      const index = new MemoryIndex();
      const owner = new LiveSet();
      const timers: (() => void)[] = [];
      const clock = {
        now: () => performance.now(),
        wallNow: () => Date.now(),
        defer: (callback: () => void) => void setImmediate(callback),
        setTimer: (_: number, callback: () => void) => {
          if (isAtOnce) setImmediate(callback);
          else timers.push(callback);
          return () => {};
        },
      };
      files.beforeOperation = (name, count) => {
        if (count >= at && count < at + 5 && name === 'write') throw systemError('ENOSPC', name);
      };
      const log = await openSet(files, index, owner, { clock });
      const random = new Random(seed);
      for (let part = 0; part < 4; part++) {
        await work(log, owner, random, 6).catch(() => refusals++);
        await settle();
        for (let attempt = 0; log.isFull && attempt < 10; attempt++) {
          for (const timer of timers.splice(0)) timer();
          await settle();
        }
      }
      await settle();
      expect(log.isFull).toBe(false);
      await log.flush();
      await checkItems(log, owner, owner.steps, owner.steps.length);
      for (const next of [index.crash(), new MemoryIndex()]) {
        const found = new LiveSet();
        const reopened = await openSet(files.copy(), next, found);
        await checkItems(reopened, found, owner.steps, owner.steps.length);
      }
    }
    expect(refusals).toBeGreaterThan(isAtOnce ? 5 : 50);
  });
});

describe('what compaction removes', () => {
  test('the log is kept below its size while little of it is live', async () => {
    const owner = new LiveSet();
    const log = await openSet(new FaultyFiles(), new MemoryIndex(), owner);
    owner.add(log, 'kept');
    for (let round = 0; round < 60; round++) {
      owner.add(log, `${round}`);
      await settle(3);
      owner.remove(log, `${round}`);
      if (round % 4 === 0) await log.compact();
    }
    await log.compact();
    expect(log.size).toBeLessThan(COMPACTION.maxSize + SEGMENT_SIZE);
    expect([...owner.items.keys()]).toEqual(['kept']);
    const { data } = await log.read(owner.items.get('kept') as number);
    expect(data.toString()).toMatch(/^\+kept:/);
    await log.close();
  });

  test('live records alone may exceed the size: nothing is moved for nothing', async () => {
    const owner = new LiveSet();
    const log = await openSet(new FaultyFiles(), new MemoryIndex(), owner);
    for (let group = 0; group < 10; group++) {
      for (let item = 0; item < 10; item++) owner.add(log, `${group}.${item}`, 80);
      await settle();
    }
    expect(log.size).toBeGreaterThan(4 * COMPACTION.maxSize);
    const { written } = { written: log.stats.writtenBytes };
    for (let pass = 0; pass < 5; pass++) await log.compact();
    expect(log.stats.movedRecords).toBe(0);
    expect(log.stats.writtenBytes).toBe(written);
    await log.close();
  });

  test('by age: what nobody needs is dropped, what is needed stays', async () => {
    let nowMs = 1000;
    const clock = {
      now: () => nowMs,
      wallNow: () => nowMs,
      defer: (callback: () => void) => void setImmediate(callback),
      setTimer: () => () => {},
    };
    const files = new FaultyFiles();
    const index = new MemoryIndex();
    const owner = new LiveSet();
    const compaction = { ...COMPACTION, maxSize: 1e9, maxAge: 5000 };
    const log = await openSet(files, index, owner, { clock, compaction });
    for (let id = 0; id < 40; id++) {
      owner.add(log, `${id}`);
      if (id % 2 === 0) owner.remove(log, `${id}`);
      await settle(6);
    }
    const { length } = log.segments;
    expect(length).toBeGreaterThan(4);
    nowMs = 6000;
    expect((await log.compact()).removedSegments).toBe(0);
    await log.close();
    // The age survives a restart.
    const next = new LiveSet();
    const reopened = await openSet(files, index, next, { clock, compaction });
    nowMs = 6002;
    expect((await reopened.compact()).removedSegments).toBe(length - 1);
    expect(next.items.size).toBe(20);
    await checkItems(reopened, next, owner.steps, owner.steps.length);
    await reopened.close();
  });

  test('dead segments go without being moved, even when the disk is full', async () => {
    const files = new FaultyFiles();
    const owner = new LiveSet();
    const events: LogEvent[] = [];
    const log = await openSet(files, new MemoryIndex(), owner, {}, events);
    const addSome = async (prefix: string) => {
      for (let id = 0; id < 30; id++) {
        owner.add(log, `${prefix}${id}`);
        if (id % 6 === 0) await settle(6);
      }
    };
    await addSome('a');
    for (const id of [...owner.items.keys()].slice(0, 10)) owner.remove(log, id);
    await settle();
    await log.compact();
    expect(log.stats.snapshots).toBe(1);
    for (const id of [...owner.items.keys()]) owner.remove(log, id);
    await settle();
    // Those that lie before the snapshot are dead now.
    files.beforeOperation = (name) => {
      if (name === 'write') throw systemError('ENOSPC', name);
    };
    owner.add(log, 'refused');
    await settle();
    expect(log.isFull).toBe(true);
    const before = log.stats.movedRecords;
    const result = await log.compact();
    expect(result.removedSegments).toBeGreaterThan(0);
    expect(result.movedRecords).toBe(0);
    expect(log.stats.movedRecords).toBe(before);
    const found = new LiveSet();
    const crashed = files.crash('nothing', new Random(1));
    const reopened = await openSet(crashed, new MemoryIndex(), found);
    await checkItems(reopened, found, owner.steps, owner.acknowledged);
    await reopened.close();
  });

  test('records that could not be moved count for no segment', async () => {
    const files = new FaultyFiles();
    const owner = new LiveSet();
    const log = await openSet(files, new MemoryIndex(), owner);
    for (let id = 0; id < 30; id++) {
      owner.add(log, `${id}`);
      if (id % 6 === 0) await settle(6);
    }
    for (const id of [...owner.items.keys()].slice(0, 10)) owner.remove(log, id);
    await settle();
    await log.flush();
    const bytesOf = () => log.segments.map(({ first, recordBytes }) => [first, recordBytes]);
    const before = bytesOf();
    files.beforeOperation = (name) => {
      if (name === 'write') throw systemError('ENOSPC', name);
    };
    await expect(log.compact()).rejects.toThrow('what was moved could not be written');
    await settle();
    expect(log.isFull).toBe(true);
    expect(bytesOf()).toEqual(before);
  });

  test('a segment goes when it is durable that nobody needs it', async () => {
    // Nothing that is appended lazily is written by itself.
    const clock = {
      now: () => 1,
      wallNow: () => 1,
      defer: (callback: () => void) => void setImmediate(callback),
      setTimer: () => () => {},
    };
    const files = new FaultyFiles();
    const owner = new LiveSet();
    const log = await openSet(files, new MemoryIndex(), owner, { clock });
    for (let id = 0; id < 300; id++) {
      owner.add(log, `${id}`);
      if (id % 6 === 0) await settle(6);
    }
    for (const id of [...owner.items.keys()].slice(0, 20)) owner.remove(log, id);
    await settle();
    log.setCompaction({ ...COMPACTION, maxSize: log.size - 1 });
    await log.compact();
    expect(log.stats.snapshots).toBe(1);
    // Some of what lies before the snapshot is dead now, but the log doesn't say so durably.
    for (const id of [...owner.items.keys()].slice(0, 40)) owner.removeLazily(log, id);
    // Too little for another snapshot: only what needs none may go.
    log.setCompaction({ ...COMPACTION, maxSize: log.size - 2 * SEGMENT_SIZE });
    const cuts: FaultyFiles[] = [];
    files.beforeOperation = (name) => {
      if (name === 'remove' || name === 'sync directory') cuts.push(files.afterPowerCut());
    };
    expect((await log.compact()).removedSegments).toBeGreaterThan(0);
    expect(log.stats.snapshots).toBe(1);
    cuts.push(files.afterPowerCut());
    for (const cut of cuts) {
      const found = new LiveSet();
      const reopened = await openSet(cut, new MemoryIndex(), found);
      await checkItems(reopened, found, owner.steps, owner.acknowledged);
      await reopened.close();
    }
    await log.close();
  });

  test('in the background, by the timer, with progress, and appends do not wait for it', async () => {
    const files = new FaultyFiles();
    const owner = new LiveSet();
    const events: LogEvent[] = [];
    const timers = new Map<number, () => void>();
    const clock = {
      now: () => performance.now(),
      wallNow: () => Date.now(),
      defer: (callback: () => void) => void setImmediate(callback),
      setTimer: (delayMs: number, callback: () => void) => {
        timers.set(delayMs, callback);
        return () => {};
      },
    };
    const compaction = { ...COMPACTION, maxSize: 1e9, checkInterval: 4321 };
    const log = await openSet(files, new MemoryIndex(), owner, { clock, compaction }, events);
    for (let id = 0; id < 40; id++) {
      owner.add(log, `${id}`);
      if (id % 2 === 0) owner.remove(log, `${id}`);
      await settle(6);
    }
    timers.get(4321)?.();
    await settle();
    expect(log.stats.compactions).toBe(0);
    log.setCompaction({ ...COMPACTION, checkInterval: 4321, batchSize: 1 });
    timers.get(4321)?.();
    let appended = 0;
    while (log.stats.compactions === 0) {
      const { acknowledged } = owner;
      owner.add(log, `more${appended++}`);
      await settle(4);
      expect(owner.acknowledged).toBe(acknowledged + 1);
    }
    expect(appended).toBeGreaterThan(2);
    const progress = events.filter((event) => event.type === 'compacting');
    expect(progress.length).toBeGreaterThan(1);
    const { doneBytes, totalBytes } = progress.at(-1) as (typeof progress)[0];
    expect(doneBytes).toBe(totalBytes);
    expect(events.at(-1)).toMatchObject({
      type: 'compacted',
      removedSegments: log.stats.removedSegments,
      movedRecords: log.stats.movedRecords,
    });
    await log.close();
  });

  test('a read that is under way ends before its segment goes', async () => {
    const files = new FaultyFiles();
    const owner = new LiveSet();
    const compaction = { ...COMPACTION, maxSize: 1 };
    const log = await openSet(files, new MemoryIndex(), owner, { compaction });
    for (let id = 0; id < 40; id++) {
      owner.add(log, `${id}`);
      if (id > 0) owner.remove(log, `${id}`);
      await settle(6);
    }
    let release = () => {};
    // The file is opened, and then read.
    files.delay = async () => {
      files.delay = () => {
        files.delay = async () => {};
        return new Promise((done) => {
          release = done;
        });
      };
    };
    const former = owner.items.get('0') as number;
    const reading = log.read(former);
    await settle(3);
    let isCompacted = false;
    const compacting = log.compact().then(() => {
      isCompacted = true;
    });
    await settle(100);
    expect(owner.items.get('0')).toBeGreaterThan(former);
    expect(isCompacted).toBe(false);
    release();
    expect((await reading).data.toString()).toMatch(/^\+0:/);
    await compacting;
    await expect(log.read(former)).rejects.toMatchObject({ code: 'not-found' });
    expect((await log.read(owner.items.get('0') as number)).data.toString()).toBe('+0:');
    await log.close();
  });

  test('a stretch that became unreadable leaves a copy', async () => {
    const files = new FaultyFiles();
    const owner = new LiveSet();
    const events: LogEvent[] = [];
    const log = await openSet(files, new MemoryIndex(), owner, {}, events);
    for (let id = 0; id < 40; id++) {
      owner.add(log, `${id}`);
      await settle(4);
      if (id > 0) owner.remove(log, `${id}`);
    }
    await settle();
    const [first] = files.paths.filter((path) => path.endsWith('.log')) as [string];
    const second = log.segments[0]?.first === 0 ? 64 + 120 : 0;
    files.contentOf(first).fill(0xee, second + 50, second + 60);
    await log.compact();
    const quarantined = events.filter((event) => event.type === 'quarantined');
    expect(quarantined).toHaveLength(1);
    expect(quarantined[0]).toMatchObject({ file: first, offset: second });
    expect(files.paths).toContain((quarantined[0] as { copy: string }).copy);
    expect(files.paths).not.toContain(first);
    await log.close();
  });

  test('an owner that keeps must be able to make a snapshot', async () => {
    const owner = { restore() {}, replay() {}, changes: () => [], keep: () => null };
    await expect(openLog(new FaultyFiles(), { owner })).rejects.toThrow('snapshot');
  });

  test('without an owner that keeps, nothing is removed', async () => {
    const log = await openLog(new FaultyFiles(), { segmentSize: 300, compaction: COMPACTION });
    for (let count = 0; count < 50; count++) {
      log.release(log.append(Buffer.alloc(100)), 112);
      await settle(4);
    }
    expect((await log.compact()).removedSegments).toBe(0);
    await log.close();
  });
});

describe('trim and snapshots', () => {
  test('trim keeps the state that compaction left', async () => {
    const files = new FaultyFiles();
    const owner = new LiveSet();
    const log = await openSet(files, new MemoryIndex(), owner);
    await work(log, owner, new Random(3), 22);
    for (const id of [...owner.items.keys()]) owner.remove(log, id);
    await log.flush();
    owner.add(log, 'last');
    await log.flush();
    expect(log.stats.snapshots).toBeGreaterThan(0);
    await log.trim(log.head);
    const found = new LiveSet();
    const reopened = await openSet(files.copy(), new MemoryIndex(), found);
    expect(found.items.size).toBe(1);
    await checkItems(reopened, found, owner.steps, owner.steps.length);
    expect(reopened.streamPositions(ITEMS)).toHaveLength(1);
    await reopened.close();
    await log.close();
  });
});
