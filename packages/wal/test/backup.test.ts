import { describe, expect, jest, test } from '@jest/globals';
import type { OpenFile } from '../src/index.ts';
import { FaultyFiles } from '../src/testing/index.ts';
import { backupLog, verifyLog } from '../src/tools/index.ts';
import { LiveSet } from './support/live-set.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const TARGET = '/backup';

async function records(files: FaultyFiles): Promise<string[]> {
  const found: string[] = [];
  const log = await openLog(files, { directory: TARGET });
  for await (const { data } of log.records()) found.push(data.toString());
  await log.close();
  return found;
}

/** Runs something before each operation of a kind on a file. */
class WatchedFiles extends FaultyFiles {
  beforeOpen: (path: string) => Promise<void> = async () => {};
  beforeRead: (path: string) => Promise<void> = async () => {};

  override async open(path: string, mode: 'create' | 'write' | 'read'): Promise<OpenFile> {
    await this.beforeOpen(path);
    const file = await super.open(path, mode);
    const read = file.read.bind(file);
    file.read = async (target, offset) => {
      await this.beforeRead(path);
      return read(target, offset);
    };
    return file;
  }
}

test('a log that is closed is copied whole', async () => {
  const files = new FaultyFiles();
  const log = await openLog(files, { segmentSize: 600 });
  for (let index = 0; index < 30; index++) log.append(Buffer.from(`${index}`.padEnd(60, '.')));
  await log.close();
  const report = await backupLog(DIRECTORY, TARGET, { files });
  expect(report).toMatchObject({ segments: log.segments.length, head: log.head });
  expect((await verifyLog(TARGET, { files })).problems).toEqual([]);
  expect((await records(files)).map(Number.parseFloat)).toEqual([...Array(30).keys()]);
});

describe('while records are appended', () => {
  test('a copy has all that was acknowledged before, and nothing with a gap before it', async () => {
    const files = new WatchedFiles();
    const log = await openLog(files, { segmentSize: 2000 });
    let count = 0;
    const append = () => {
      log.append(Buffer.from(`${count++}`.padEnd(60, '.')));
      return settle(6);
    };
    for (let index = 0; index < 20; index++) await append();
    await log.flush();
    const before = count;
    files.beforeRead = append;
    await backupLog(DIRECTORY, TARGET, { files });
    files.beforeRead = async () => {};
    await log.close();
    expect(count).toBeGreaterThan(before);
    expect((await verifyLog(TARGET, { files })).problems).toEqual([]);
    const found = (await records(files)).map(Number.parseFloat);
    expect(found.length).toBeGreaterThanOrEqual(before);
    expect(found).toEqual([...found.keys()]);
  });

  test('a reading that misses a batch before one that it sees is not what is copied', async () => {
    const files = new WatchedFiles();
    const log = await openLog(files);
    log.append(Buffer.from('a'));
    await log.flush();
    const first = log.head;
    log.append(Buffer.from('b'));
    await log.flush();
    const second = log.head;
    log.append(Buffer.from('c'));
    await log.close();
    // As if `b` was written after its place was read, and `c` before its own was.
    let reads = 0;
    const open = files.open.bind(files);
    files.open = async (path, mode) => {
      const file = await open(path, mode);
      const read = file.read.bind(file);
      file.read = async (target, offset) => {
        const length = await read(target, offset);
        if (length > 100 && reads++ === 0) target.fill(0, first, second);
        return length;
      };
      return file;
    };
    await backupLog(DIRECTORY, TARGET, { files });
    expect(reads).toBe(2);
    files.open = open;
    expect(await records(files)).toEqual(['a', 'b', 'c']);
  });
});

test('a segment that compaction removes while they are opened: they are opened again', async () => {
  const files = new WatchedFiles();
  const owner = new LiveSet();
  const compaction = { maxSize: 1000, checkInterval: 0 };
  const log = await openLog(files, { owner, segmentSize: 600, compaction });
  for (let count = 0; count < 60; count++) {
    owner.add(log, `${count}`);
    await settle(4);
    if (count % 10 !== 0) owner.remove(log, `${count}`);
  }
  await log.flush();
  let compactions = 0;
  files.beforeOpen = async (path) => {
    if (!path.endsWith('.log') || compactions++ > 0) return;
    files.beforeOpen = async () => {};
    expect((await log.compact()).removedSegments).toBeGreaterThan(0);
  };
  await backupLog(DIRECTORY, TARGET, { files });
  await log.close();
  expect(compactions).toBe(1);
  const copy = new LiveSet();
  const restored = await openLog(files, { directory: TARGET, owner: copy });
  await restored.close();
  expect([...copy.items.keys()].sort()).toEqual([...owner.items.keys()].sort());
});

test('what is not there, or a folder that is not empty, is refused', async () => {
  const files = new FaultyFiles();
  await expect(backupLog('/none', TARGET, { files })).rejects.toMatchObject({ code: 'not-found' });
  const log = await openLog(files);
  log.append(Buffer.from('a'));
  await log.close();
  await expect(backupLog(DIRECTORY, DIRECTORY, { files })).rejects.toThrow('is not empty');
});
