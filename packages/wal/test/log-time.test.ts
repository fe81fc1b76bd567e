import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Clock, type Log, LogTime, nodeClock } from '../src/index.ts';
import { FaultyFiles, MemoryIndex, Random, systemError } from '../src/testing/index.ts';
import { repairLog } from '../src/tools/index.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

const HOUR = 3_600_000;
const YEAR = 365.25 * 24 * HOUR;
const NOW = Date.UTC(2030, 0, 1);

/** What is in the machine's hands: both clocks, and the disk. */
const machine = { monotonicMs: 0, wallMs: NOW };
let files: FaultyFiles;
let index: MemoryIndex;

beforeEach(() => {
  machine.monotonicMs = 70_000;
  machine.wallMs = NOW;
  files = new FaultyFiles();
  index = new MemoryIndex();
});

const clock: Clock = {
  now: () => machine.monotonicMs,
  wallNow: () => machine.wallMs,
  defer: nodeClock.defer,
  setTimer: () => () => {},
};

function pass(ms: number): void {
  machine.monotonicMs += ms;
  machine.wallMs += ms;
}

async function append(log: Log, size = 20): Promise<void> {
  await new Promise((done) => log.append(Buffer.alloc(size, 'x'), done));
}

/** The next process: its monotonic clock is another. */
async function reopen(options: { withIndex?: boolean; monotonicMs?: number } = {}): Promise<Log> {
  files = files.crash('everything', new Random(1));
  index = index.crash();
  machine.monotonicMs = options.monotonicMs ?? 3;
  return openLog(files, { clock, index: options.withIndex === false ? new MemoryIndex() : index });
}

const open = () => openLog(files, { clock, index });

describe('a time of its own', () => {
  test('begins as the wall clock, and goes as the monotonic clock does', async () => {
    const log = await open();
    expect(log.time.now()).toBe(NOW);
    machine.wallMs -= 30 * YEAR;
    machine.monotonicMs += 1234.75;
    expect(log.time.now()).toBe(NOW + 1234);
    await log.close();
  });

  test.each([true, false])(
    'continues from one process to the next, with index: %s',
    async (withIndex) => {
      let log = await open();
      pass(1000);
      await append(log);
      pass(HOUR);
      log = await reopen({ withIndex });
      expect(log.time.now()).toBe(NOW + 1000 + HOUR);
      expect(log.time.resumption).toEqual({ gapMs: HOUR, countedMs: HOUR, why: null });
      await log.close();
      pass(HOUR);
      log = await reopen();
      expect(log.time.now()).toBe(NOW + 1000 + 2 * HOUR);
      await log.close();
    },
  );

  test('never goes back before what is in the log, whatever the clocks say', async () => {
    let log = await open();
    const random = new Random(7);
    let last = 0;
    for (let step = 0; step < 300; step++) {
      expect(log.time.now()).toBeGreaterThanOrEqual(last);
      pass(random.below(2000));
      if (random.chance(0.3)) machine.wallMs = random.pick([0, NOW, NOW + 50 * YEAR]);
      if (random.chance(0.2)) log.noteTime();
      if (random.chance(0.6)) {
        last = log.time.now();
        await append(log, 300);
      }
      if (random.chance(0.2)) {
        if (random.chance(0.5)) await log.close();
        log = await reopen({
          withIndex: random.chance(0.7),
          monotonicMs: random.below(1_000_000),
        });
      }
    }
    await log.close();
  });

  test('of a log that begins before 1970 was over is never 0', async () => {
    machine.wallMs = -5;
    const log = await open();
    expect(log.time.now()).toBe(1);
    await log.close();
  });
});

describe('a wall clock that is set', () => {
  test.each([-30 * YEAR, -HOUR, -101, 101, HOUR, 30 * YEAR])(
    'by %d ms is noted with what is appended next',
    async (byMs) => {
      let log = await open();
      await append(log);
      machine.wallMs += byMs;
      await append(log);
      log = await reopen();
      expect(log.time.now()).toBe(NOW);
      expect(log.time.resumption.why).toBeNull();
      await log.close();
    },
  );

  test('is noted even in a batch that had begun before', async () => {
    let log = await open();
    await append(log);
    log.appendLazily(Buffer.from('begins a batch'));
    machine.wallMs += HOUR;
    await append(log);
    log = await reopen();
    expect(log.time.now()).toBe(NOW);
    await log.close();
  });

  test('is noted while nothing is appended', async () => {
    let log = await open();
    await append(log);
    machine.wallMs += HOUR;
    log.noteTime();
    await settle();
    log = await reopen();
    expect(log.time.now()).toBe(NOW);
    await log.close();
  });

  test('is noted by an orderly stop that comes at once', async () => {
    let log = await open();
    await append(log);
    machine.wallMs += HOUR;
    await log.close();
    log = await reopen();
    expect(log.time.now()).toBe(NOW);
    await log.close();
  });

  test('is noted again when the disk had no room for it', async () => {
    let log = await open();
    await append(log);
    machine.wallMs += HOUR;
    files.beforeOperation = (name) => {
      if (name === 'write') throw systemError('ENOSPC', name);
    };
    await append(log);
    expect(log.isFull).toBe(true);
    // The next process has room.
    files.beforeOperation = () => {};
    await log.close().catch(() => {});
    log = await reopen();
    await append(log);
    expect(log.time.isMarkDue).toBe(false);
    await log.close();
  });

  test('is in each segment, as those before it may be removed', async () => {
    let log = await open();
    await append(log);
    machine.wallMs += HOUR;
    while (log.segments.length < 4) await append(log, 1000);
    await log.trim(log.segments.at(-1)?.first as number);
    await append(log);
    expect(log.tail).toBeGreaterThan(0);
    log = await reopen({ withIndex: false });
    expect(log.time.now()).toBe(NOW);
    await log.close();
  });

  test('before what was refused is still to be noted', async () => {
    const log = await open();
    await append(log);
    machine.wallMs += HOUR;
    files.beforeOperation = (name) => {
      if (name === 'write') throw systemError('ENOSPC', name);
    };
    await append(log);
    expect(log.time.isMarkDue).toBe(true);
    files.beforeOperation = () => {};
    await log.close().catch(() => {});
  });
});

test('a log that is left alone gets the time every ten minutes', async () => {
  let log = await open();
  await append(log);
  const { batches } = log.stats;
  for (let second = 0; second <= 1200; second++) {
    log.noteTime();
    await settle(2);
    pass(1000);
  }
  expect(log.stats.batches).toBe(batches + 1);
  // A clock that is wrong after the crash costs no more than that.
  machine.wallMs = 0;
  log = await reopen();
  expect(log.time.now()).toBeGreaterThanOrEqual(NOW + 600_000);
  expect(log.time.resumption.why).toBe('the wall clock went back');
  await log.close();
}, 30_000);

describe('time without a process', () => {
  async function countedAfter(wallBefore: number, wallAfter: number): Promise<number | string> {
    machine.wallMs = wallBefore;
    let log = await open();
    await append(log);
    const before = log.time.now();
    machine.wallMs = wallAfter;
    log = await reopen();
    const { why } = log.time.resumption;
    const counted = log.time.now() - before;
    await log.close();
    return why === null ? counted : `${counted}: ${why}`;
  }

  test.each<[string, number, number, number | string]>([
    ['passes as the wall clock does', NOW, NOW + HOUR, HOUR],
    ['passes up to ten years', NOW, NOW + 10 * YEAR, 10 * YEAR],
    ['isn’t longer', NOW, NOW + 10 * YEAR + 1, '0: it is more than ten years'],
    ['isn’t negative', NOW, NOW - HOUR, '0: the wall clock went back'],
    [
      'isn’t known from a clock that was set first',
      5000,
      NOW,
      '0: the wall clock had not been set before',
    ],
    ['is known from one that wasn’t set then or now', 5000, 9000, 4000],
    ['isn’t worth a word when the clock is steered', NOW, NOW - 100, 0],
  ])('%s', async (_, before, after, expected) => {
    expect(await countedAfter(before, after)).toBe(expected);
  });
});

test('a timer that is longer than setTimeout takes goes off when it is due, and not at once', () => {
  jest.useFakeTimers();
  try {
    let calls = 0;
    const long = 3 * 0x7fff_ffff + 1000;
    nodeClock.setTimer(long, () => calls++);
    const cancel = nodeClock.setTimer(long, () => calls++);
    jest.advanceTimersByTime(long - 1);
    expect(calls).toBe(0);
    cancel();
    jest.advanceTimersByTime(1);
    expect([calls, jest.getTimerCount()]).toEqual([1, 0]);
  } finally {
    jest.useRealTimers();
  }
});

test('a batch that a repair has put in the place of damage has no time', async () => {
  let log = await open();
  machine.wallMs += HOUR;
  await append(log);
  await append(log);
  const [path] = files.paths.filter((name) => name.endsWith('.log')) as [string];
  const second = (log.segments[0]?.end as number) - 80;
  await log.close();
  files = files.crash('everything', new Random(1));
  files.contentOf(path).fill(0xee, second + 50, second + 60);
  await repairLog(DIRECTORY, { files });
  index = new MemoryIndex();
  log = await reopen({ withIndex: false });
  expect(log.time.now()).toBe(NOW);
  await log.close();
});

test('a log of an older package has the wall clock as its time', async () => {
  /** Writes no clock records. */
  class FormerTime extends LogTime {
    override get isMarkDue(): boolean {
      return false;
    }
  }
  const former = await openLog(files, { clock, time: new FormerTime(clock) });
  pass(1000);
  await append(former);
  pass(HOUR);
  const log = await reopen({ withIndex: false });
  expect(log.time.now()).toBe(NOW + 1000 + HOUR);
  await log.close();
});
