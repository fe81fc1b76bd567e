import { expect, test } from '@jest/globals';
import { nodeClock } from '@promptmq/wal';
import { Random } from '@promptmq/wal/testing';
import type { EngineLog } from '../../src/engine/engine.ts';
import { MemoryServers } from '../../src/engine/memory-engine.ts';
import { EntryKind, encodeHeader, encodeOwner } from '../../src/log/entry.ts';
import { StreamJudge } from './stream-judge.ts';

const OWNER = encodeOwner({ node: 'a', incarnation: '1', identity: 'x', level: 1, timeMs: 0 });

/** A log to which entries are appended as they are given. */
class Log {
  readonly engine: EngineLog;
  #last = 0;
  #head = 0;
  #chain = 0;
  #epoch = 0;

  constructor(engine: EngineLog) {
    this.engine = engine;
  }

  static async open(): Promise<Log> {
    const servers = new MemoryServers({ clock: nodeClock, random: new Random(1) });
    return new Log(await servers.client().openLog(0));
  }

  async owner(epoch: number): Promise<void> {
    const { head } = await this.#append(EntryKind.owner, epoch, this.#head, OWNER);
    this.#chain = head.sum;
    this.#epoch = epoch;
  }

  async bytes(epoch: number, size: number, position = this.#head): Promise<void> {
    const body = Buffer.alloc(size);
    const { head } = await this.#append(EntryKind.bytes, epoch, position, body);
    if (position !== this.#head || epoch !== this.#epoch) return;
    this.#chain = head.sum;
    this.#head += size;
  }

  async #append(kind: EntryKind, epoch: number, position: number, body: Buffer) {
    const encoded = encodeHeader(
      { kind, flags: 0, epoch, previous: position, position, segment: 0, chain: this.#chain },
      [body],
    );
    await this.engine.append(this.#last++, [encoded.header, body]);
    return encoded;
  }
}

test('what was told and counts is right, whichever comes first', async () => {
  const log = await Log.open();
  const judge = new StreamJudge(0);
  await log.owner(1);
  await log.bytes(1, 10);
  await log.bytes(1, 20);
  judge.onTold(1, 0, 10);
  await judge.judge(log.engine);
  judge.onTold(1, 10, 20);
  judge.finish();
  expect(judge).toMatchObject({ entries: 2, voidEntries: 0, owners: 1 });
});

test('an entry of a former owner was told to count, and does not', async () => {
  const log = await Log.open();
  const judge = new StreamJudge(0);
  await log.owner(1);
  await log.owner(2);
  await log.bytes(1, 10);
  await log.bytes(2, 30);
  judge.onTold(1, 0, 10);
  await expect(judge.judge(log.engine)).rejects.toThrow('at 0 counts epoch 2, 30 bytes');
});

test('an entry that was told to count is in no log', async () => {
  const log = await Log.open();
  const judge = new StreamJudge(0);
  await log.owner(1);
  await log.bytes(1, 10);
  judge.onTold(1, 10, 5);
  await judge.judge(log.engine);
  expect(() => judge.finish()).toThrow('epoch 1, 5 bytes at 10 was to count');
});

test('an entry that was told to count was jumped over', async () => {
  const log = await Log.open();
  const judge = new StreamJudge(0);
  await log.owner(1);
  await log.bytes(1, 10);
  await log.bytes(1, 7, 12);
  judge.onTold(1, 3, 7);
  await expect(judge.judge(log.engine)).rejects.toThrow('nothing counts at 3');
  expect(judge.voidEntries).toBe(1);
});

test('two entries are told to count at one place', () => {
  const judge = new StreamJudge(0);
  judge.onTold(1, 0, 10);
  expect(() => judge.onTold(2, 0, 11)).toThrow('two entries were said to count at 0');
});
