import { describe, expect, test } from '@jest/globals';
import type { Clock, LogOptions } from '../src/index.ts';
import { FaultyFiles, Ledger } from '../src/testing/index.ts';
import { openLog, settle } from './support/open-log.ts';

// The table of the README: what each sync mode may lose.

/** A clock whose time passes when the test says so. */
class ManualClock implements Clock {
  #nowMs = 1000;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return this.#nowMs;
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  async advance(durationMs: number): Promise<void> {
    this.#nowMs += durationMs;
    const due = this.#timers.filter(({ at }) => at <= this.#nowMs);
    this.#timers = this.#timers.filter(({ at }) => at > this.#nowMs);
    for (const { callback } of due) callback();
    await settle(6);
  }
}

async function begin(options: Partial<LogOptions>) {
  const files = new FaultyFiles();
  const clock = new ManualClock();
  const ledger = new Ledger();
  const log = await openLog(files, { clock, ...options });
  const append = async () => {
    expect(ledger.append(log)).toBe(true);
    await settle(6);
  };
  /** Positions that a power cut takes, the worst one that there is. */
  const lostToPowerCut = async () => {
    const survived = await openLog(files.afterPowerCut());
    const found = new Set<number>();
    for await (const { position } of survived.records()) found.add(position);
    await survived.close();
    return [...ledger.acknowledged].filter((position) => !found.has(position));
  };
  return { files, clock, ledger, log, append, lostToPowerCut };
}

describe('immediate', () => {
  test('a power cut at any time loses nothing that was acknowledged', async () => {
    const { append, lostToPowerCut, ledger } = await begin({ syncMode: 'immediate' });
    for (let count = 1; count <= 10; count++) {
      await append();
      expect(ledger.acknowledged.size).toBe(count);
      expect(await lostToPowerCut()).toEqual([]);
    }
  });
});

describe('batch', () => {
  const options = { syncMode: 'batch', batchSyncSize: 5, syncInterval: 100 } as const;

  test('a power cut loses fewer than batchSyncSize records', async () => {
    const { append, lostToPowerCut, ledger } = await begin(options);
    const lost: number[] = [];
    for (let count = 1; count <= 12; count++) {
      await append();
      expect(ledger.acknowledged.size).toBe(count);
      lost.push((await lostToPowerCut()).length);
    }
    expect(lost).toEqual([1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2]);
  });

  test('and nothing that is older than syncInterval', async () => {
    const { append, lostToPowerCut, clock } = await begin(options);
    await append();
    await append();
    await clock.advance(99);
    expect(await lostToPowerCut()).toHaveLength(2);
    await clock.advance(1);
    expect(await lostToPowerCut()).toEqual([]);
  });
});

describe('periodic', () => {
  const options = { syncMode: 'periodic', syncInterval: 100 } as const;

  test('a power cut loses nothing that is older than syncInterval', async () => {
    const { append, lostToPowerCut, ledger, clock } = await begin(options);
    for (let count = 1; count <= 200; count++) await append();
    expect(ledger.acknowledged.size).toBe(200);
    expect(await lostToPowerCut()).toHaveLength(200);
    await clock.advance(99);
    await append();
    expect(await lostToPowerCut()).toHaveLength(201);
    await clock.advance(1);
    expect(await lostToPowerCut()).toEqual([]);
    await append();
    await clock.advance(100);
    expect(await lostToPowerCut()).toEqual([]);
  });
});

test.each(['batch', 'periodic'] as const)(
  '%s with forceSync: what is acknowledged is never lost',
  async (syncMode) => {
    const { append, lostToPowerCut, ledger, clock } = await begin({
      syncMode,
      batchSyncSize: 3,
      syncInterval: 100,
      forceSync: true,
    });
    for (let count = 1; count <= 8; count++) {
      await append();
      expect(await lostToPowerCut()).toEqual([]);
    }
    expect(ledger.acknowledged.size).toBe(syncMode === 'batch' ? 6 : 0);
    await clock.advance(100);
    expect(ledger.acknowledged.size).toBe(8);
    expect(await lostToPowerCut()).toEqual([]);
  },
);

test.each(['immediate', 'batch', 'periodic'] as const)(
  '%s: a killed process loses nothing that was acknowledged',
  async (syncMode) => {
    const { append, files, ledger } = await begin({ syncMode, syncInterval: 1000 });
    for (let count = 1; count <= 20; count++) {
      await append();
      const reopened = await openLog(files.copy());
      await ledger.check(reopened);
      await reopened.close();
    }
    expect(ledger.acknowledged.size).toBe(20);
  },
);

describe('a record that nobody waits for', () => {
  test('is written with the next one that is waited for, in one batch', async () => {
    const { log, append } = await begin({ syncMode: 'immediate' });
    log.appendLazily(Buffer.from('lazy'));
    await settle(6);
    expect(log.stats.batches).toBe(0);
    await append();
    expect(log.stats).toMatchObject({ batches: 1, syncs: 1, syncedRecords: 2 });
  });

  test('is written within 20 ms when no other comes, also when it was appended during a write', async () => {
    const { log, clock, lostToPowerCut } = await begin({ syncMode: 'immediate' });
    let lazy = -1;
    log.append(Buffer.from('first'), () => {
      lazy = log.appendLazily(Buffer.from('lazy'));
    });
    await settle(12);
    // It doesn't delay what comes next by a sync of its own.
    expect(log.stats).toMatchObject({ batches: 1, syncs: 1 });
    await clock.advance(20);
    await settle(6);
    expect(log.stats).toMatchObject({ batches: 2, syncs: 2 });
    expect(log.durablePosition).toBeGreaterThan(lazy);
    expect(await lostToPowerCut()).toEqual([]);
  });

  test('is not forgotten when a batch is closed because it is full', async () => {
    const { log, clock } = await begin({ syncMode: 'immediate' });
    log.append(Buffer.alloc(1_048_000));
    // It finds no room in the batch that is written at the end of the turn.
    const lazy = log.appendLazily(Buffer.alloc(1000));
    await settle(12);
    expect(log.durablePosition).toBeLessThanOrEqual(lazy);
    await clock.advance(20);
    await settle(12);
    expect(log.durablePosition).toBeGreaterThan(lazy);
  });
});
