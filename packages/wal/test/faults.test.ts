import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import type { Log, LogError, LogEvent } from '../src/index.ts';
import {
  FaultyFiles,
  Ledger,
  MemoryIndex,
  Random,
  type Survival,
  systemError,
} from '../src/testing/index.ts';
import { repairLog } from '../src/tools/index.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const NO_CHANGE = {
  isWhole: false,
  segments: new Map(),
  snapshot: null,
  entries: [],
  streams: new Map(),
  removedSegments: [],
};

/** Appends in groups, over several segments, with a checkpoint on the way. */
async function work(
  log: Log,
  ledger: Ledger,
  groups = 12,
  isAlive: () => boolean = () => true,
): Promise<void> {
  for (let group = 0; group < groups; group++) {
    if (!isAlive()) return;
    for (let count = 0; count <= group % 5; count++) {
      if (!ledger.append(log, 50 + 100 * count)) return;
    }
    await settle(4);
    if (group === 6) await log.checkpoint().catch(() => {});
  }
}

/** Opens a new log and works on it, until an operation fails or the disk is cut. */
async function begin(
  files: FaultyFiles,
  ledger: Ledger,
  index: MemoryIndex,
  isAlive: () => boolean = () => true,
): Promise<Log | null> {
  try {
    const log = await openLog(files, { index, segmentSize: 800 });
    await work(log, ledger, 12, isAlive);
    return log;
  } catch {
    return null;
  }
}

async function countOperations(): Promise<number> {
  const files = new FaultyFiles();
  await begin(files, new Ledger(), new MemoryIndex());
  return files.operations;
}

/** Opens a log and cuts that off at an operation, if there are that many; says what is left. */
async function cutOpening(files: FaultyFiles, at: number, random: Random) {
  let left: FaultyFiles | null = null;
  const cut = new Promise<void>((done) => {
    files.beforeOperation = (_, count) => {
      if (count !== at) return;
      left = files.crash('anything', random);
      done();
    };
  });
  await Promise.race([openLog(files), cut]);
  return { isCut: left !== null, disk: left ?? files.crash('anything', random) };
}

const survivals: readonly Survival[] = ['everything', 'nothing', 'anything'];

describe('durability: nothing acknowledged in mode immediate is missing, and nothing is wrong', () => {
  test.each(survivals)('cut at every operation, with %s of the unsynced left', async (survival) => {
    const total = await countOperations();
    expect(total).toBeGreaterThan(60);
    for (let at = 1; at <= total; at++) {
      const random = new Random(at);
      const files = new FaultyFiles();
      const index = new MemoryIndex();
      const ledger = new Ledger();
      let next: FaultyFiles | null = null;
      let nextIndex = index;
      const cut = new Promise<void>((done) => {
        files.beforeOperation = (_, count) => {
          if (count !== at) return;
          next = files.crash(survival, random);
          nextIndex = index.crash();
          done();
        };
      });
      const working = begin(files, ledger, index, () => next === null);
      await Promise.race([working, cut]);
      const log = await openLog(next ?? files.crash(survival, random), { index: nextIndex });
      await ledger.check(log);
      // It continues where it ended, and holds both after another cut.
      await work(log, ledger, 3);
      await ledger.check(log);
    }
  });

  test('cut again at every operation of the recovery', async () => {
    const total = await countOperations();
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      const files = new FaultyFiles();
      const ledger = new Ledger();
      let crashed: FaultyFiles | null = null;
      const at = total - random.below(40);
      const end = new Promise<void>((done) => {
        files.beforeOperation = (_, count) => {
          if (count !== at) return;
          crashed = files.crash('anything', random);
          done();
        };
      });
      await Promise.race([begin(files, ledger, new MemoryIndex(), () => crashed === null), end]);
      const disk = crashed ?? files.crash('anything', random);
      // Damage at the beginning, besides the torn tail: the first record is a batch of its own.
      const [first] = [...ledger.appended.keys()] as [number];
      disk.contentOf(join(DIRECTORY, `${'0'.repeat(16)}.log`)).fill(0xaa, first, first + 8);
      let cuts = 0;
      for (let isCut = true; isCut; cuts++) {
        const next = await cutOpening(disk.copy(), cuts + 1, random);
        isCut = next.isCut;
        const events: LogEvent[] = [];
        const log = await openLog(next.disk, {}, events);
        await ledger.check(log, (position) => position === first);
        expect(events).toContainEqual(expect.objectContaining({ type: 'quarantined' }));
      }
      expect(cuts).toBeGreaterThan(5);
    }
  });

  test('an error at every operation', async () => {
    const total = await countOperations();
    for (let at = 1; at <= total; at++) {
      const files = new FaultyFiles();
      const ledger = new Ledger();
      files.beforeOperation = (name, count) => {
        if (count === at) throw systemError('EIO', name);
      };
      const index = new MemoryIndex();
      await begin(files, ledger, index);
      const log = await openLog(files.crash('nothing', new Random(at)), { index: index.crash() });
      await ledger.check(log);
    }
  });

  test('a sync that fails ends the log: no later sync is trusted', async () => {
    const files = new FaultyFiles();
    const ledger = new Ledger();
    const events: LogEvent[] = [];
    const log = await openLog(files, {}, events);
    ledger.append(log);
    await settle();
    expect(ledger.acknowledged.size).toBe(1);
    files.beforeOperation = (name) => {
      if (name === 'sync') throw systemError('EIO', name);
    };
    ledger.append(log);
    await settle();
    files.beforeOperation = () => {};
    expect(ledger.append(log)).toBe(false);
    expect(() => log.append(Buffer.from('x'))).toThrow('EIO');
    expect(events).toMatchObject([{ type: 'failed' }]);
    expect(ledger.refused.size).toBe(1);
    await expect(log.flush()).rejects.toMatchObject({ code: 'failed' });
    await log.close();
    await ledger.check(await openLog(files.crash('nothing', new Random(1))));
  });
});

describe('durability by mode', () => {
  test('what a killed process has left is durable when the log is open again', async () => {
    const files = new FaultyFiles();
    const ledger = new Ledger();
    const late = { syncMode: 'periodic', syncInterval: 1e6, segmentSize: 800 } as const;
    const log = await openLog(files, late);
    while (log.segments.length < 3) {
      ledger.append(log, 200);
      await settle();
    }
    expect(log.durablePosition).toBe(0);
    const killed = files.crash('everything', new Random(1));
    const reopened = await openLog(killed, late);
    expect(reopened.durablePosition).toBe(log.head);
    const events: LogEvent[] = [];
    await ledger.check(await openLog(killed.afterPowerCut(), {}, events));
    expect(events).toEqual([]);
  });

  for (const syncMode of ['batch', 'periodic'] as const) {
    test(`${syncMode}: a kill loses nothing that was acknowledged`, async () => {
      const total = await countOperations();
      for (let at = 1; at <= total; at += 3) {
        const files = new FaultyFiles();
        const ledger = new Ledger();
        let next: FaultyFiles | null = null;
        const cut = new Promise<void>((done) => {
          files.beforeOperation = (_, count) => {
            if (count !== at) return;
            next = files.crash('everything', new Random(at));
            done();
          };
        });
        const working = openLog(files, { syncMode }).then((log) =>
          work(log, ledger, 12, () => next === null),
        );
        await Promise.race([working, cut]);
        const log = await openLog(next ?? files.crash('everything', new Random(at)));
        await ledger.check(log);
      }
    });

    test(`${syncMode}: a power cut loses at most what was not synced, and leaves a beginning`, async () => {
      for (let seed = 1; seed <= 100; seed++) {
        const random = new Random(seed);
        const files = new FaultyFiles();
        const ledger = new Ledger();
        const log = await openLog(files, { syncMode, syncInterval: 1e6, batchSyncSize: 5 });
        await work(log, ledger, 3 + random.below(9));
        const durable = log.durablePosition;
        const reopened = await openLog(files.crash('anything', random));
        await ledger.check(reopened, (position) => position >= durable);
        const found: number[] = [];
        for await (const { position } of reopened.records()) found.push(position);
        const all = [...ledger.appended.keys()];
        expect(found).toEqual(all.slice(0, found.length));
      }
    });
  }

  test('forceSync: periodic acknowledges after the sync, too', async () => {
    const files = new FaultyFiles();
    const ledger = new Ledger();
    const log = await openLog(files, { syncMode: 'periodic', syncInterval: 1e6, forceSync: true });
    ledger.append(log);
    await settle();
    expect(ledger.acknowledged.size).toBe(0);
    await log.flush();
    expect(ledger.acknowledged.size).toBe(1);
    await log.close();
  });
});

describe('atomicity: a batch is there whole or not at all', () => {
  test('the last batch torn at every byte, with zeros or other bytes after it', async () => {
    const files = new FaultyFiles();
    const ledger = new Ledger();
    const log = await openLog(files);
    ledger.append(log, 30);
    await settle();
    const start = log.head;
    for (let count = 0; count < 3; count++) ledger.append(log, 40);
    await settle();
    const end = log.head;
    const path = files.paths.find((one) => one.endsWith('.log')) as string;
    for (const filler of [0, 0xff]) {
      for (let cut = start; cut < end; cut++) {
        const torn = files.copy();
        const content = torn.contentOf(path);
        content.fill(filler, cut, end);
        if (content.equals(files.contentOf(path))) continue;
        const reopened = await openLog(torn);
        const found: string[] = [];
        for await (const { data } of reopened.records()) found.push(data.toString());
        expect(found).toEqual([...ledger.appended.values()].slice(0, 1));
        await reopened.close();
      }
    }
  });
});

describe('consistency: no wrong bytes are ever returned', () => {
  test('every bit of a small log flipped: what is read was written, and damage is reported', async () => {
    const files = new FaultyFiles();
    const ledger = new Ledger();
    const log = await openLog(files, { segmentSize: 600 });
    for (let count = 0; count < 8; count++) {
      ledger.append(log, 60);
      await settle();
    }
    const lastBatch = [...ledger.appended.keys()].at(-1) as number;
    const { segments } = log;
    expect(segments.length).toBeGreaterThan(1);
    const paths = files.paths.filter((path) => path.endsWith('.log'));
    for (const [number, path] of paths.entries()) {
      const used = segments[number]?.size as number;
      for (let bit = 0; bit < used * 8; bit++) {
        const damaged = files.copy();
        const byte = bit >> 3;
        const content = damaged.contentOf(path);
        content[byte] = (content[byte] as number) ^ (1 << (bit & 7));
        const events: LogEvent[] = [];
        const reopened = await openLog(damaged, {}, events).catch((error) => {
          // A version that is not known yet is refused: it can't be distinguished from a newer one.
          expect(error).toMatchObject({ code: 'newer-version' });
          return null;
        });
        if (reopened === null) continue;
        const lost: number[] = [];
        await ledger.check(reopened, (position) => lost.push(position) > 0);
        // One batch at most, and only the last can't be distinguished from one that was being written.
        expect(lost.length).toBeLessThanOrEqual(1);
        if (lost.length === 1) {
          const type = lost[0] === lastBatch ? 'torn-tail' : 'quarantined';
          expect(events).toMatchObject([{ type }]);
        }
        await checkReads(reopened, ledger, lost);
        await reopened.close();
      }
    }
  });

  test('a damaged stretch is copied aside, and refused where that is asked for', async () => {
    const files = new FaultyFiles();
    const ledger = new Ledger();
    const log = await openLog(files);
    for (let count = 0; count < 5; count++) {
      ledger.append(log, 100);
      await settle();
    }
    const [, second] = [...ledger.appended.keys()];
    const path = files.paths.find((one) => one.endsWith('.log')) as string;
    files.contentOf(path).fill(0xaa, second, (second as number) + 50);
    const refused = openLog(files.copy(), { onCorruption: 'refuse' });
    await expect(refused).rejects.toMatchObject({ code: 'corrupt' });
    await expect(refused).rejects.toThrow(path);
    const events: LogEvent[] = [];
    const damaged = files.copy();
    await ledger.check(await openLog(damaged, {}, events), (position) => position === second);
    const [event] = events;
    expect(event).toMatchObject({ type: 'quarantined', file: path, bytes: 152 });
    const copy = (event as LogEvent & { type: 'quarantined' }).copy as string;
    expect(copy.startsWith(join(DIRECTORY, 'quarantine'))).toBe(true);
    expect(damaged.contentOf(copy).includes(Buffer.alloc(50, 0xaa))).toBe(true);
  });
});

test('a log that ends before its checkpoint is refused, also where the index names no segments', async () => {
  const files = new FaultyFiles();
  const index = new MemoryIndex();
  const log = await openLog(files, { index });
  log.append(Buffer.from('before'));
  await log.flush();
  await log.close();
  const { logId, position } = index.load();
  await index.commit({
    ...NO_CHANGE,
    logId,
    position: position + 8,
    time: { logMs: 1, wallAheadMs: 0 },
  });
  const reopened = openLog(files, { index });
  await expect(reopened).rejects.toMatchObject({ code: 'missing' });
  // Of a repair, the log continues after it: no position is given twice.
  const summary = { file: 'index', logId, position: position + 8 };
  expect((await repairLog(DIRECTORY, { files, index: summary })).isLossy).toBe(true);
  const repaired = await openLog(files, { index });
  expect(repaired.append(Buffer.from('new'))).toBeGreaterThan(position + 8);
  await repaired.flush();
  await repaired.close();
  const replayed: string[] = [];
  const owner = {
    restore() {},
    replay: ({ data }: { data: Buffer }) => void replayed.push(data.toString()),
    changes: () => [],
  };
  await openLog(files.crash('nothing', new Random(1)), { owner });
  expect(replayed).toEqual(['before', 'new']);
});

describe('a full disk', () => {
  test('refuses nothing that has been written: it would be back after a crash', async () => {
    const files = new FaultyFiles();
    const log = await openLog(files);
    // Its segment is made, and the next one prepared.
    log.append(Buffer.from('before'));
    await log.flush();
    await settle(50);
    const outcomes: (string | undefined)[] = [];
    const append = (text: string) =>
      log.append(Buffer.from(text), (error) =>
        outcomes.push(error === null ? undefined : (error as LogError).code),
      );
    append('first');
    const writing = log.flush();
    // Two batches wait for the write that is under way, and are written together.
    const second = append('second');
    const read = log.read(second).catch(() => {});
    append('third');
    let writes = 0;
    files.beforeOperation = (name) => {
      if (name === 'write' && ++writes > 2) throw systemError('ENOSPC', name);
    };
    await writing;
    await read;
    await log.flush().catch(() => {});
    expect(log.isFull).toBe(true);
    expect(outcomes).toEqual([undefined, undefined, 'full']);
    const left = await openLog(files.crash('everything', new Random(1)));
    const found: string[] = [];
    for await (const { data } of left.records()) found.push(Buffer.from(data).toString());
    expect(found).toEqual(['before', 'first', 'second']);
    await left.close();
  });

  test('a process without file descriptors refuses what needs one, and continues when there are some', async () => {
    const counted = new FaultyFiles();
    await work(await openLog(counted, { segmentSize: 800 }), new Ledger());
    let refusals = 0;
    for (let at = 8; at < counted.operations; at += 3) {
      const files = new FaultyFiles();
      const ledger = new Ledger();
      const events: LogEvent[] = [];
      const timers: (() => void)[] = [];
      const clock = {
        now: () => 1,
        wallNow: () => 1,
        defer: (callback: () => void) => void setImmediate(callback),
        setTimer: (_: number, callback: () => void) => {
          timers.push(callback);
          return () => {};
        },
      };
      const log = await openLog(files, { clock, segmentSize: 800 }, events);
      let isShort = true;
      files.beforeOperation = (name, count) => {
        const takesOne = name.startsWith('open') || name === 'sync directory';
        if (isShort && count >= at && takesOne) throw systemError('EMFILE', name);
      };
      await work(log, ledger);
      isShort = false;
      while (log.isFull) {
        refusals++;
        for (const timer of timers.splice(0)) timer();
        await settle();
      }
      expect(log.failure).toBeNull();
      expect(ledger.append(log, 200)).toBe(true);
      await settle();
      await ledger.check(log);
      await ledger.check(await openLog(files.crash('nothing', new Random(1))));
    }
    expect(refusals).toBeGreaterThan(3);
  });

  for (const syncMode of ['batch', 'periodic'] as const) {
    test.each([false, true])(
      `${syncMode}, forceSync %s: what was written before it is durable when there is room again`,
      async (forceSync) => {
        const files = new FaultyFiles();
        const ledger = new Ledger();
        const timers: { readonly delayMs: number; readonly callback: () => void }[] = [];
        const clock = {
          now: () => 1,
          wallNow: () => 1,
          defer: (callback: () => void) => void setImmediate(callback),
          setTimer: (delayMs: number, callback: () => void) => {
            timers.push({ delayMs, callback });
            return () => {};
          },
        };
        const late = { syncMode, forceSync, syncInterval: 1e6, batchSyncSize: 1e6 };
        const log = await openLog(files, { ...late, clock, segmentSize: 800 });
        while (log.segments.length < 3) {
          ledger.append(log, 200);
          await settle();
        }
        expect(log.durablePosition).toBe(0);
        const written = ledger.appended.size;
        files.capacity = 0;
        ledger.append(log, 200);
        await settle();
        expect(log.isFull).toBe(true);
        files.capacity = Number.POSITIVE_INFINITY;
        // Only the retry: it is not yet time for a sync.
        for (const { delayMs, callback } of timers.splice(0)) if (delayMs < 1e6) callback();
        await settle();
        expect(log.isFull).toBe(false);
        expect(ledger.acknowledged.size).toBe(written);

        const durable = log.durablePosition;
        expect(durable).toBe(log.head);
        const events: LogEvent[] = [];
        const left = await openLog(files.afterPowerCut(), {}, events);
        await ledger.check(left, (position) => position >= durable);
        expect(events).toEqual([]);
      },
    );
  }

  test('a sync that fails when there is room again ends the log: what it left is unknown', async () => {
    const files = new FaultyFiles();
    const ledger = new Ledger();
    const timers: { readonly delayMs: number; readonly callback: () => void }[] = [];
    const clock = {
      now: () => 1,
      wallNow: () => 1,
      defer: (callback: () => void) => void setImmediate(callback),
      setTimer: (delayMs: number, callback: () => void) => {
        timers.push({ delayMs, callback });
        return () => {};
      },
    };
    const log = await openLog(files, { clock, syncMode: 'periodic', syncInterval: 1e6 });
    ledger.append(log);
    await settle();
    files.beforeOperation = (name) => {
      if (name === 'write' || name === 'sync') throw systemError('ENOSPC', name);
    };
    ledger.append(log);
    await settle();
    expect(log.isFull).toBe(true);
    const runRetry = () => {
      for (const { delayMs, callback } of timers.splice(0)) if (delayMs < 1e6) callback();
    };
    runRetry();
    await settle();
    files.beforeOperation = () => {};
    runRetry();
    await settle();
    expect(log.failure).toMatchObject({ code: 'failed' });
    expect(log.durablePosition).toBe(0);
  });

  test('refuses appends, and takes them again when there is room', async () => {
    for (let capacity = 200; capacity < 20_000; capacity += 617) {
      const files = new FaultyFiles();
      files.capacity = capacity;
      const ledger = new Ledger();
      const events: LogEvent[] = [];
      const timers: (() => void)[] = [];
      const clock = {
        now: () => 1,
        wallNow: () => 1,
        defer: (callback: () => void) => void setImmediate(callback),
        setTimer: (_: number, callback: () => void) => {
          timers.push(callback);
          return () => {};
        },
      };
      const log = await openLog(files, { clock }, events);
      for (let round = 0; round < 100 && !log.isFull; round++) {
        ledger.append(log, 200);
        await settle(6);
      }
      expect(events.map(({ type }) => type)).toEqual(['full']);
      expect(log.isFull).toBe(true);
      expect(() => log.append(Buffer.from('x'))).toThrow('no room');
      // Still none: nothing changes.
      files.capacity = 0;
      for (const timer of timers.splice(0)) timer();
      await settle();
      expect(log.isFull).toBe(true);
      files.capacity = Number.POSITIVE_INFINITY;
      for (const timer of timers.splice(0)) timer();
      await settle();
      expect(log.isFull).toBe(false);
      expect(events.at(-1)).toEqual({ type: 'has-room' });
      const before = ledger.acknowledged.size;
      expect(ledger.append(log, 200)).toBe(true);
      await settle();
      expect(ledger.acknowledged.size).toBe(before + 1);
      await ledger.check(log);
      await ledger.check(await openLog(files.crash('nothing', new Random(1))));
    }
  });
});

/** Every record can be read at its position, unchanged, but for those that are lost. */
async function checkReads(log: Log, ledger: Ledger, lost: readonly number[]): Promise<void> {
  for (const [position, content] of ledger.appended) {
    const read = await log.read(position).catch(() => null);
    expect(read?.data.toString()).toBe(lost.includes(position) ? undefined : content);
  }
}
