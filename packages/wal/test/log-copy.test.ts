import { expect, test } from '@jest/globals';
import type { Log } from '../src/index.ts';
import { FaultyFiles, Ledger, MemoryReplica, Random } from '../src/testing/index.ts';
import { LogCopy, type LogCopyReport } from '../src/tools/index.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

/** A log of some segments, with the disk that it is on and its replica. */
interface Original {
  readonly files: FaultyFiles;
  readonly replica: MemoryReplica;
  readonly log: Log;
  readonly ledger: Ledger;
}

async function createOriginal(count = 12): Promise<Original> {
  const files = new FaultyFiles();
  const replica = new MemoryReplica();
  const ledger = new Ledger();
  const log = await openLog(files, { replica, segmentSize: 600 });
  for (let index = 0; index < count; index++) {
    ledger.append(log, 60);
    await settle(5);
  }
  return { files, replica, log, ledger };
}

/** Gives a folder what another disk has, segment by segment, in pieces. */
async function copyTo(
  files: FaultyFiles,
  from: FaultyFiles,
  end: number,
  pieceSize = Number.POSITIVE_INFINITY,
): Promise<LogCopyReport> {
  const copy = await LogCopy.open(DIRECTORY, files);
  for (const path of from.paths) {
    const first = Number.parseInt(path.slice(-20, -4), 16);
    const bytes = from.contentOf(path);
    for (let offset = 0; offset < bytes.length; offset += pieceSize) {
      await copy.take(first + offset, first, bytes.subarray(offset, offset + pieceSize));
    }
  }
  return await copy.finish(end);
}

test('an empty folder becomes the log', async () => {
  const { replica, ledger, log } = await createOriginal();
  const files = new FaultyFiles();
  const { position } = replica;
  const report = await copyTo(files, replica.files(DIRECTORY), position);
  expect(report).toMatchObject({ sameBytes: 0, droppedBytes: 0 });
  const copied = await openLog(files.crash('nothing', new Random(1)));
  await ledger.check(copied);
  expect(copied.head).toBe(position);
  expect(copied.id).toBe(log.id);
});

test('what is there stays, what is missing comes, and what the replica lacks goes', async () => {
  const { files, replica, ledger } = await createOriginal();
  const disk = files.crash('everything', new Random(1));
  const from = replica.files(DIRECTORY);
  expect(await copyTo(disk, from, replica.position)).toMatchObject({
    writtenBytes: 0,
    droppedBytes: 0,
  });
  const longer = new Ledger();
  const log = await openLog(disk);
  longer.append(log, 500);
  await log.flush();
  const report = await copyTo(disk.crash('everything', new Random(1)), from, replica.position);
  expect(report.writtenBytes).toBe(0);
  expect(report.droppedBytes).toBeGreaterThan(500);
  const shorter = files.crash('everything', new Random(1));
  const last = shorter.paths.filter((path) => path.endsWith('.log')).at(-1) as string;
  await shorter.remove(last);
  const { writtenBytes } = await copyTo(shorter, from, replica.position);
  expect(writtenBytes).toBe(from.contentOf(last).length);
  await ledger.check(await openLog(shorter));
});

test('a damaged byte comes again from the replica, and so does a lost segment', async () => {
  const { files, replica, ledger } = await createOriginal();
  const from = replica.files(DIRECTORY);
  for (const how of ['damaged', 'lost'] as const) {
    const disk = files.crash('everything', new Random(1));
    const path = disk.paths[1] as string;
    if (how === 'lost') await disk.remove(path);
    else disk.contentOf(path)[200] = 0xaa;
    await copyTo(disk, from, replica.position);
    await ledger.check(await openLog(disk, { onCorruption: 'refuse' }));
  }
});

test('where the replica ends within a batch, the log continues in a new segment', async () => {
  const { replica } = await createOriginal();
  const from = replica.files(DIRECTORY);
  const last = from.paths.at(-1) as string;
  const end = replica.position - 24;
  from.replace(last, from.contentOf(last).subarray(0, -24));
  const files = new FaultyFiles();
  for (let again = 0; again < 2; again++) {
    await copyTo(files, from, end);
    const ledger = new Ledger();
    const copied = await openLog(files.copy(), { onCorruption: 'refuse' });
    expect(copied.segments.at(-1)?.first).toBe(end);
    ledger.append(copied);
    await copied.flush();
    await copied.close();
  }
});

test('the folder of another log is left as it is', async () => {
  const { replica } = await createOriginal();
  const { files: others } = await createOriginal();
  const disk = others.crash('everything', new Random(1));
  const before = disk.copy();
  const copying = copyTo(disk, replica.files(DIRECTORY), replica.position);
  await expect(copying).rejects.toMatchObject({ code: 'foreign' });
  for (const path of before.paths) {
    expect(disk.contentOf(path).equals(before.contentOf(path))).toBe(true);
  }
});

test('a copy that is cut off at any operation is finished by the next', async () => {
  const { files, replica, ledger } = await createOriginal();
  const from = replica.files(DIRECTORY);
  let cuts = 0;
  for (let isCut = true, at = 1; isCut; at++) {
    const random = new Random(at);
    // A machine that wrote something else from the middle on.
    const disk = files.crash('everything', random);
    disk.contentOf(disk.paths[2] as string).fill(0xaa, 100, 140);
    let left: FaultyFiles | null = null;
    const cut = new Promise<void>((done) => {
      disk.beforeOperation = (_, count) => {
        if (count !== at) return;
        left = disk.crash('anything', random);
        done();
      };
    });
    await Promise.race([copyTo(disk, from, replica.position, 88), cut]);
    isCut = left !== null;
    if (isCut) cuts++;
    disk.beforeOperation = () => {};
    const next = left ?? disk;
    await copyTo(next, from, replica.position);
    await ledger.check(await openLog(next, { onCorruption: 'refuse' }));
  }
  expect(cuts).toBeGreaterThan(15);
});
