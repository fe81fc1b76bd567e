import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  type CheckpointEntry,
  LmdbIndex,
  Log,
  type LogEvent,
  type LogOwner,
} from '../src/index.ts';
import { Random } from '../src/testing/index.ts';

/** Real processes that end while they write to the index. */

const script = join(import.meta.dirname, 'support/checkpointer.mjs');
const source = `file://${join(import.meta.dirname, '../dist/index.js')}`;
const onUnix = process.platform === 'win32' ? test.skip : test;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'promptmq-kill-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** The state of support/checkpointer.mjs. */
class Counter implements LogOwner {
  readonly entries = new Map<string, string>();
  count = 0;

  restore(entries: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of entries) this.entries.set(key, Buffer.from(value).toString('hex'));
    this.count = Number(Buffer.from(this.entries.get('count') ?? '', 'hex').toString());
  }

  replay(): void {
    this.count++;
    for (let at = 0; at < 40; at++) {
      const value = Buffer.alloc(20 + ((this.count * at) % 300), this.count % 256);
      this.entries.set(`key ${(this.count * 37 + at * 11) % 1000}`, value.toString('hex'));
    }
    this.entries.set('count', Buffer.from(String(this.count)).toString('hex'));
  }

  changes(): CheckpointEntry[] {
    return [...this.entries].map(([key, value]) => [key, Buffer.from(value, 'hex')]);
  }
}

interface Outcome {
  /** Records of which the process said that they are durable. */
  readonly durable: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

/** Runs the process to its end; `watch` may bring it about. */
async function run(
  fault: readonly string[],
  watch: (child: ChildProcess, output: () => string) => Promise<void> = async () => {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [script, source, directory, ...fault], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const ended = once(child, 'close');
  await watch(child, () => output);
  const [code, signal] = (await ended) as [number | null, string | null];
  const durable = Number([...output.matchAll(/^count (\d+)$/gm)].at(-1)?.[1] ?? 0);
  return { durable, code, signal, output };
}

/** What the next process finds: nothing that was durable is missing, and the state is that of the records. */
async function open(durable: number): Promise<{ log: Log; events: LogEvent[] }> {
  const events: LogEvent[] = [];
  const onEvent = (event: LogEvent) => {
    if (event.type !== 'checking' && event.type !== 'recovering') events.push(event);
  };
  const owner = new Counter();
  const log = await Log.open({
    directory,
    index: new LmdbIndex(directory, onEvent),
    owner,
    onEvent,
  });
  expect(owner.count).toBeGreaterThanOrEqual(durable);
  const expected = new Counter();
  while (expected.count < owner.count) expected.replay();
  expect(owner.entries).toEqual(expected.entries);
  return { log, events };
}

onUnix.each(['kill-at-begin', 'kill-at-end'])(
  'a process that is killed during a checkpoint (%s) leaves the one before: the log is not read again',
  async (fault) => {
    const { durable, signal } = await run([fault]);
    expect(signal).toBe('SIGKILL');
    expect(durable).toBe(40);
    expect(existsSync(join(directory, 'index.mdb.changing'))).toBe(true);
    const { log, events } = await open(durable);
    expect(events).toEqual([]);
    expect(log.stats.recoveredRecords).toBe(20);
    await log.close();
    const again = await open(durable);
    expect(again.log.stats.recoveredRecords).toBe(0);
    await again.log.close();
  },
);

onUnix(
  'a process that is killed during a checkpoint, wherever it is, leaves one that is whole',
  async () => {
    const random = new Random(1);
    const changing = join(directory, 'index.mdb.changing');
    for (let round = 0; round < 6; round++) {
      const checkpointsMin = 2 + random.below(4);
      const turns = random.below(40);
      const { durable, signal } = await run(['none'], async (child, output) => {
        const taken = () => output().split('count ').length - 1;
        while (taken() < checkpointsMin || !existsSync(changing)) {
          await new Promise((done) => setImmediate(done));
        }
        for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done));
        child.kill('SIGKILL');
      });
      expect(signal).toBe('SIGKILL');
      const { log, events } = await open(durable);
      expect(events).toEqual([]);
      // Those after the last checkpoint or the one before, not those before.
      expect(log.stats.recoveredRecords).toBeLessThanOrEqual(40);
      await log.close();
      rmSync(directory, { recursive: true });
    }
    directory = mkdtempSync(join(tmpdir(), 'promptmq-kill-'));
  },
);

onUnix(
  'an index that is damaged just when it is written to costs nothing but the time to make it again',
  async () => {
    let survivors = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const { durable, code, signal, output } = await run(['damage', String(seed)]);
      if (code === 0) {
        survivors++;
        // It has begun again with an index of its own, and said so.
        expect(output).toMatch(/index-rebuilt.*was damaged while it was in use/);
        expect(durable).toBe(80);
      } else {
        // LMDB has ended the process.
        expect(signal ?? code).not.toBe(1);
        expect(durable).toBe(40);
      }
      const { log, events } = await open(durable);
      expect(events).toEqual([{ type: 'index-unfinished', file: join(directory, 'index.mdb') }]);
      await log.close();
      const again = await open(durable);
      expect(again.events).toEqual([]);
      expect(again.log.stats.recoveredRecords).toBe(0);
      await again.log.close();
      rmSync(directory, { recursive: true });
    }
    directory = mkdtempSync(join(tmpdir(), 'promptmq-kill-'));
    expect(survivors).toBeGreaterThan(0);
  },
);

onUnix(
  'the checksums of a checkpoint are on disk before a segment goes: those of the one before would have it undone',
  async () => {
    const order = join(import.meta.dirname, 'support/checkpoint-order.mjs');
    const { stdout } = spawnSync(process.execPath, [order, source, directory], {
      encoding: 'utf8',
    });
    const steps = stdout.split('\n');
    const removed = steps.findIndex((step) => /^remove .*\.log$/.test(step));
    expect(removed).toBeGreaterThan(0);
    const sums = steps
      .slice(0, removed)
      .filter((step) => /index\.mdb\.sum|^sync index$/.test(step));
    expect(sums.slice(-3)).toEqual([
      'sync index.mdb.sum.new',
      'rename index.mdb.sum',
      'sync index',
    ]);
  },
);
