import { describe, expect, test } from '@jest/globals';
import type { Clock, LogOptions } from '../src/index.ts';
import { FaultyFiles } from './support/faulty-files.ts';
import { Ledger, openLog, settle } from './support/ledger.ts';

// The table of the README: what each sync mode may lose.

/** A clock whose time passes when the test says so. */
class ManualClock implements Clock {
  #nowMs = 1000;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
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
