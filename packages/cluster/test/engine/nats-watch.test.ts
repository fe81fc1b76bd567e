import { beforeEach, expect, test } from '@jest/globals';
import type { KV, KvEntry } from '@nats-io/kv';
import { NatsWatch } from '../../src/engine/nats/nats-watch.ts';
import { TestClock } from '../support/test-clock.ts';

/** What a watch of the client library gives, entry by entry. */
class Entries {
  #waiting: KvEntry[] = [];
  #wake = () => {};
  isStopped = false;

  push(key: string, revision: number): void {
    const value = Buffer.from(`${revision}`);
    this.#waiting.push({ key, value, revision, operation: 'PUT' } as unknown as KvEntry);
    this.#wake();
  }

  stop(): void {
    this.isStopped = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<KvEntry> {
    while (!this.isStopped) {
      const entry = this.#waiting.shift();
      if (entry !== undefined) yield entry;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

let clock: TestClock;
/** As often as it has begun. */
let begun: Entries[];
let seen: string[];
let watch: NatsWatch;

beforeEach(async () => {
  clock = new TestClock();
  begun = [];
  seen = [];
  const bucket: Pick<KV, 'watch'> = {
    watch: async () => {
      const entries = new Entries();
      begun.push(entries);
      return entries as unknown as Awaited<ReturnType<KV['watch']>>;
    },
  };
  watch = new NatsWatch(
    { bucket, setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback) },
    '',
    (key, _value, revision) => void seen.push(`${key} ${revision}`),
  );
  void watch.run();
  await clock.run(1);
});

test('a watch begins again when what was put does not come back, and has all then', async () => {
  begun[0]?.push('node.a', 1);
  await clock.run(1);
  watch.expect(2);
  await clock.run(900);
  expect(begun.length).toBe(1);
  await clock.run(200);
  expect([begun.length, begun[0]?.isStopped]).toEqual([2, true]);
  begun[1]?.push('node.a', 1);
  begun[1]?.push('node.b', 2);
  await clock.run(60_000);
  expect(seen).toEqual(['node.a 1', 'node.b 2']);
  expect(begun.length).toBe(2);
});

test('but not while all comes, of whatever key', async () => {
  for (let revision = 1; revision < 20; revision++) {
    watch.expect(revision);
    await clock.run(800);
    begun[0]?.push('node.a', revision);
    await clock.run(300);
  }
  expect(begun.length).toBe(1);
});

test('ever more seldom while nothing comes, and not at all once it has ended', async () => {
  watch.expect(1);
  await clock.run(60_000);
  // After 1, 3, 7, 15 s, and every 8 s from there on.
  expect(begun.length).toBe(10);
  watch.end();
  await clock.run(60_000);
  expect(begun.length).toBe(10);
});
