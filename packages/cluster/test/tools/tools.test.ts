import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Log, nodeClock } from '@promptmq/wal';
import { FaultyFiles, Random } from '@promptmq/wal/testing';
import { verifyLog } from '@promptmq/wal/tools';
import type { EngineEntry, EngineLog } from '../../src/engine/engine.ts';
import { type MemoryLog, MemoryServers } from '../../src/engine/memory-engine.ts';
import { takeCell } from '../../src/log/restore.ts';
import { Shipper } from '../../src/log/shipper.ts';
import { exportCell } from '../../src/tools/export-cell.ts';
import { repairCell } from '../../src/tools/repair-cell.ts';
import { verifyCell } from '../../src/tools/verify-cell.ts';

let servers: MemoryServers;
let epoch: number;
let owners: (() => Promise<void>)[];

beforeEach(() => {
  servers = new MemoryServers({ clock: nodeClock, random: new Random(1) });
  epoch = 0;
  owners = [];
});

afterEach(async () => {
  for (const end of owners) await end();
});

/** A machine that has taken the cell over, with its log open. */
async function take(node: string, files = new FaultyFiles()): Promise<Log> {
  const engineLog = await servers.client().openLog(0);
  let log: Log | null = null;
  epoch++;
  const taken = await takeCell({
    ...{ log: engineLog, directory: '/cell-0', files, clock: nodeClock, epoch },
    owner: {
      node,
      incarnation: `${epoch}`,
      identity: 'ab'.repeat(16),
      level: 1,
      timeMs: 1000 * epoch,
    },
    onFailed: (error) => log?.fence(error.message),
  });
  if (taken.kind !== 'claimed') throw new Error('taken');
  const replica = new Shipper(taken.log);
  const opened = await Log.open({
    ...{ directory: '/cell-0', id: taken.identity, files, replica, segmentSize: 1_500 },
  });
  log = opened;
  owners.push(async () => {
    await opened.close().catch(() => {});
    taken.log.close();
  });
  return opened;
}

async function write(log: Log, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    log.append(Buffer.from(`record ${index} `.repeat(10)));
    await log.flush();
  }
}

const engineLog = () => servers.client().openLog(0);

/** The same log, of which an entry is read as something else. */
function changed(log: EngineLog, change: (entry: EngineEntry) => EngineEntry | null): EngineLog {
  return {
    append: (after, parts) => log.append(after, parts),
    bounds: () => log.bounds(),
    trim: (before) => log.trim(before),
    close: () => log.close(),
    async *read(from, bytesMax) {
      for await (const entry of log.read(from, bytesMax)) {
        const read = change(entry);
        if (read !== null) yield read;
      }
    },
  };
}

test('verify: an engine that has nothing of a cell', async () => {
  expect(await verifyCell(await engineLog())).toMatchObject({
    ...{ first: 1, last: 0, entries: 0, bytes: 0, epoch: 0, head: 0 },
    ...{ owners: [], problem: null },
  });
});

test('verify: says who has owned a cell, and where its log ends', async () => {
  await write(await take('a'), 3);
  const second = await take('b');
  await write(second, 20);
  const report = await verifyCell(await engineLog());
  expect(report).toMatchObject({
    // The first owner's entry goes when the second one opens the log: nobody needs it.
    ...{ first: 2, epoch: 2, head: second.head, problem: null },
    owners: [{ epoch: 2, node: 'b', incarnation: '2', timeMs: 2000 }],
  });
  expect(report.entries).toBe(report.last - 1);
  expect(report.voidEntries).toBe(0);
});

test('verify: an entry of an owner that had lost the cell is counted, and does not count', async () => {
  const first = await take('a');
  await write(first, 1);
  const log = servers.log(0) as MemoryLog;
  const old = [];
  for await (const entry of (await engineLog()).read(1, 1_000_000)) old.push(entry.data);
  const second = await take('b');
  const { last } = log.bounds;
  await (await engineLog()).append(last, [old.at(-1) as Uint8Array]);
  expect(await verifyCell(await engineLog())).toMatchObject({
    ...{ voidEntries: 1, epoch: 2, head: second.head, problem: null },
  });
});

test('verify: an entry that is damaged, and one that is missing, are problems, and what comes before them is reported', async () => {
  await write(await take('a'), 5);
  const log = await engineLog();
  const damaged = changed(log, ({ sequence, data }) => {
    if (sequence === 4) data[data.length - 1] = (data.at(-1) as number) ^ 1;
    return { sequence, data };
  });
  expect(await verifyCell(damaged)).toMatchObject({
    ...{ first: 1, last: 3, entries: 3, problem: { code: 'corrupt', message: /entry 4/ } },
  });
  const missing = changed(await engineLog(), (entry) => (entry.sequence === 3 ? null : entry));
  expect(await verifyCell(missing)).toMatchObject({ last: 2, problem: { code: 'trimmed' } });
});

test('verify: entries of an owner that never took the cell over are a problem', async () => {
  const first = await take('a');
  await write(first, 1);
  const { last } = (servers.log(0) as MemoryLog).bounds;
  await write(await take('b'), 1);
  const log = changed(await engineLog(), ({ sequence, data }) => {
    if (sequence === last + 1) return null;
    return { sequence: sequence > last ? sequence - 1 : sequence, data };
  });
  expect(await verifyCell(log)).toMatchObject({
    ...{ last, epoch: 1, head: first.head, problem: { code: 'diverged' } },
  });
});

test('verify and export: what the owner trims meanwhile does not disturb them', async () => {
  const first = await take('a');
  await write(first, 30);
  const log = servers.log(0) as MemoryLog;
  let isTrimmed = false;
  const trimming = changed(await engineLog(), (entry) => {
    if (isTrimmed && entry.sequence < log.bounds.first) return null;
    if (entry.sequence === 2 && !isTrimmed) {
      isTrimmed = true;
      log.trim(10);
    }
    return entry;
  });
  expect(await verifyCell(trimming)).toMatchObject({ first: 10, problem: null });
});

test('export: the folder is a sound log of the same bytes, whoever serves the cell meanwhile', async () => {
  const owner = await take('a');
  await write(owner, 30);
  const files = new FaultyFiles();
  const seen: number[][] = [];
  const report = await exportCell(await engineLog(), '/out', {
    files,
    onProgress: (...progress) => seen.push(progress),
  });
  expect(report).toMatchObject({ directory: '/out', head: owner.head, epoch: 1 });
  expect(seen.at(-1)).toEqual([expect.any(Number), seen.at(-1)?.[0]]);
  expect(await verifyLog('/out', { files })).toMatchObject({
    ...{ isSound: true, problems: [], logId: 'ab'.repeat(16) },
  });
  // It still owns the cell.
  await write(owner, 1);
  await expect(exportCell(await engineLog(), '/out', { files })).rejects.toThrow('not empty');
});

/** An engine that has forgotten what came after some entries. */
async function losing(kept: number): Promise<void> {
  const entries: Uint8Array[] = [];
  for await (const { data } of (await engineLog()).read(1, 1_000_000)) entries.push(data);
  servers = new MemoryServers({ clock: nodeClock, random: new Random(1) });
  const log = await engineLog();
  for (const [index, data] of entries.slice(0, kept).entries()) await log.append(index, [data]);
}

test.each([0, 1, 4])(
  'repair: what the engine has lost after %i entries comes back from the log of the node that served the cell',
  async (kept) => {
    const files = new FaultyFiles();
    const owner = await take('a', files);
    await write(owner, 12);
    const { head } = owner;
    await owner.close();
    await losing(kept);
    const before = await verifyCell(await engineLog());
    const repair = { log: await engineLog(), directory: '/cell-0', files, clock: nodeClock };
    expect(await repairCell(repair)).toEqual({
      ...{ bytes: head - before.head, head, epoch: before.epoch + 1 },
    });
    expect(await verifyCell(await engineLog())).toMatchObject({ head, problem: null });
    // Nothing is missing any more.
    expect(await repairCell(repair)).toEqual({ bytes: 0, head, epoch: before.epoch + 1 });
    epoch = before.epoch + 1;
    const other = new FaultyFiles();
    const next = await take('b', other);
    const { records } = await verifyLog('/cell-0', { files: other });
    expect(records).toBeGreaterThanOrEqual(12);
    expect(next.head).toBeGreaterThanOrEqual(head);
  },
);

test('repair: a log that is another one than the engine has is refused, and so is one that has less', async () => {
  const files = new FaultyFiles();
  const owner = await take('a', files);
  await write(owner, 3);
  const early = new FaultyFiles();
  await exportCell(await engineLog(), '/cell-0', { files: early });
  await write(owner, 3);
  await owner.close();
  const log = await engineLog();
  const repair = { log, directory: '/cell-0', clock: nodeClock };
  await expect(repairCell({ ...repair, files: early })).rejects.toThrow('other bytes at');
  const name = files.paths.find((path) => path.endsWith('.log')) as string;
  const file = await files.open(name, 'write');
  await file.write(Buffer.from('other'), 100);
  await expect(repairCell({ ...repair, files })).rejects.toThrow('other bytes at');
  expect(await verifyCell(await engineLog())).toMatchObject({ epoch: 1, head: owner.head });
});
