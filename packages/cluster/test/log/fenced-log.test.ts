import { beforeEach, describe, expect, test } from '@jest/globals';
import type { AppendOutcome, EngineLog } from '../../src/engine/engine.ts';
import { EngineError } from '../../src/engine/engine.ts';
import { MemoryServers } from '../../src/engine/memory-engine.ts';
import type { FencedError } from '../../src/log/fenced-error.ts';
import { claimCell, type FencedLog, FencedReader } from '../../src/log/fenced-log.ts';
import { TestClock } from '../support/test-clock.ts';

let clock: TestClock;
let servers: MemoryServers;

beforeEach(() => {
  clock = new TestClock();
  servers = new MemoryServers({ clock, random: { next: () => 0.5 }, logBytesMax: 2000 });
});

/** A node that has claimed cell 0. */
class Owner {
  readonly log: FencedLog;
  readonly done: number[] = [];
  readonly failures: FencedError[];
  #position: number;

  private constructor(log: FencedLog, failures: FencedError[]) {
    this.log = log;
    this.failures = failures;
    this.#position = log.state.head;
  }

  static async claim(epoch: number, engineLog?: EngineLog): Promise<Owner> {
    const log = engineLog ?? (await servers.client().openLog(0));
    const reader = new FencedReader(log, () => {});
    const failures: FencedError[] = [];
    const owner = {
      node: `n${epoch}`,
      incarnation: `${epoch}`,
      identity: 'ab',
      level: 1,
      timeMs: 0,
    };
    const options = { clock, onFailed: (error: FencedError) => void failures.push(error) };
    const claim = await claimCell(log, reader, epoch, owner, options);
    if (claim.kind === 'taken') throw new Error(`taken by epoch ${claim.epoch}`);
    return new Owner(claim.log, failures);
  }

  append(size: number): void {
    const position = this.#position;
    this.#position += size;
    const bytes = { position, segment: 0, isSealed: false, parts: [Buffer.alloc(size)] };
    this.log.append(bytes, () => this.done.push(position));
  }
}

test('an engine that has less than it acknowledged: the owner ends, and acknowledges nothing more', async () => {
  const owner = await Owner.claim(1);
  owner.append(10);
  owner.append(10);
  await clock.settle();
  expect(owner.done).toEqual([0, 10]);
  servers.loseTail(0, 1);
  owner.append(10);
  await clock.run(60_000);
  expect(owner.done).toEqual([0, 10]);
  expect(owner.failures).toMatchObject([
    {
      code: 'lost',
      message: expect.stringContaining('ends at entry 2, and entry 3 had been there'),
    },
  ]);
});

test('another owner continues where the engine has lost entries: the one before finds that the two don’t fit', async () => {
  const former = await Owner.claim(1);
  for (let count = 0; count < 3; count++) former.append(10);
  await clock.settle();
  servers.loseTail(0, 2);
  const next = await Owner.claim(2);
  for (let count = 0; count < 3; count++) next.append(10);
  await clock.settle();
  expect(next.done).toEqual([10, 20, 30]);
  former.append(10);
  await clock.run(60_000);
  expect(former.done).toEqual([0, 10, 20]);
  expect(former.failures).toMatchObject([{ code: 'diverged' }]);
});

test('a log without room waits, and goes on when it is trimmed', async () => {
  const owner = await Owner.claim(1);
  owner.append(900);
  owner.append(1200);
  await clock.run(60_000);
  expect(owner.done).toEqual([0]);
  expect(owner.log.stats.full).toBeGreaterThan(10);
  expect(owner.failures).toEqual([]);
  // As its owner would, if it needed nothing of the first one.
  servers.log(0).trim(3);
  await clock.run(2000);
  expect(owner.done).toEqual([0, 900]);
});

/** A log that refuses all from some moment on. */
interface RefusingLog extends EngineLog {
  refuses: boolean;
  appends: number;
}

describe('an engine that refuses for good is not asked again', () => {
  async function refusing(): Promise<RefusingLog> {
    const log = await servers.client().openLog(0);
    const self: RefusingLog = {
      refuses: false,
      appends: 0,
      async append(after, parts): Promise<AppendOutcome> {
        self.appends++;
        return self.refuses ? { kind: 'refused', why: 'no permission' } : log.append(after, parts);
      },
      read(from, bytesMax) {
        if (self.refuses) throw new EngineError('unsuitable', 'no permission');
        return log.read(from, bytesMax);
      },
      bounds: () => log.bounds(),
      trim: (before) => log.trim(before),
      close: () => log.close(),
    };
    return self;
  }

  test('by its owner', async () => {
    const log = await refusing();
    const owner = await Owner.claim(1, log);
    log.refuses = true;
    owner.append(10);
    const { appends } = log;
    await clock.run(60_000);
    expect(owner.done).toEqual([]);
    expect(owner.failures).toMatchObject([{ code: 'refused' }]);
    expect(owner.failures[0]?.message).toContain('no permission');
    expect(log.appends).toBe(appends);
  });

  test('by who claims the cell', async () => {
    const log = await refusing();
    log.refuses = true;
    await expect(Owner.claim(1, log)).rejects.toMatchObject({ code: 'unsuitable' });
  });
});
