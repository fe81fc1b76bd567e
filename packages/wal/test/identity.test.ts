import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { LmdbIndex, Log, type LogEvent, type LogOptions } from '../src/index.ts';
import { FaultyFiles, MemoryIndex, Random, type Survival } from '../src/testing/index.ts';
import { backupLog, repairLog, statLog, verifyLog, whyIndexIsForeign } from '../src/tools/index.ts';
import { checkItems, LiveSet } from './support/live-set.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const ID_OFFSET = 40;

const text = (value: string) => Buffer.from(value);

/** Items of a log, so named that no two logs have one in common; most of them are removed again. */
async function work(log: Log, owner: LiveSet, name: string, count = 60): Promise<void> {
  for (let number = 0; number < count; number++) {
    owner.add(log, `${name}${number}`);
    if (number % 5 !== 0) owner.remove(log, `${name}${number}`);
    if (number % 4 === 0) await log.flush();
  }
}

/** Makes the header of a segment what an older package would have written. */
function withoutIdentity(bytes: Buffer): Buffer {
  bytes.fill(0, ID_OFFSET, ID_OFFSET + 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(16, 64)), 12);
  return bytes;
}

describe('on real files', () => {
  let root = '';
  let a = '';
  let b = '';
  const logs: Log[] = [];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'promptmq-identity-test-'));
    a = join(root, 'a');
    b = join(root, 'b');
  });

  afterEach(async () => {
    for (const log of logs.splice(0)) await log.close();
    await rm(root, { recursive: true });
  });

  async function open(
    directory: string,
    options: Partial<LogOptions> = {},
    events: LogEvent[] = [],
  ): Promise<Log> {
    const onEvent = (event: LogEvent) => void events.push(event);
    const index = new LmdbIndex(directory, onEvent);
    const compaction = { maxSize: 3000, checkInterval: 0 };
    const log = await Log.open({
      ...{ directory, segmentSize: 1024, index, onEvent, compaction },
      ...options,
    });
    logs.push(log);
    return log;
  }

  /** A closed log with an index. */
  async function fill(directory: string, name: string, isCompacted = false): Promise<LiveSet> {
    const owner = new LiveSet();
    const log = await open(directory, { owner });
    await work(log, owner, name);
    if (isCompacted) {
      const { removedSegments } = await log.compact();
      expect(removedSegments).toBeGreaterThan(0);
      expect(log.tail).toBeGreaterThan(0);
    }
    await log.close();
    return owner;
  }

  /** A log whose first segments are gone, with nothing in the others that stands for them. */
  async function fillTrimmed(directory: string): Promise<void> {
    const log = await open(directory);
    for (let count = 0; count < 60; count++) {
      log.append(text(`${count}`.padEnd(60)));
      await log.flush();
    }
    await log.trim(log.head);
    expect(log.tail).toBeGreaterThan(0);
    await log.close();
  }

  async function giveIndex(from: string, to: string): Promise<void> {
    for (const name of ['index.mdb', 'index.mdb.sum']) await cp(join(from, name), join(to, name));
  }

  async function segmentFiles(directory: string): Promise<string[]> {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.log')).sort();
    return names.map((name) => join(directory, name));
  }

  const idOf = async (directory: string) => (await statLog(directory)).logId;

  const rebuilt = (events: readonly LogEvent[]) =>
    events.flatMap((event) => (event.type === 'index-rebuilt' ? [event.why] : []));

  test('each log has one of its own, in all its segments and its index', async () => {
    await fill(a, 'a');
    await fill(b, 'b');
    const id = await idOf(a);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(await idOf(b)).not.toBe(id);
    const paths = await segmentFiles(a);
    expect(paths.length).toBeGreaterThan(2);
    for (const path of paths) {
      const header = await readFile(path);
      expect(header.toString('hex', ID_OFFSET, ID_OFFSET + 16)).toBe(id);
      expect(header.readBigUInt64LE(56)).toBe(0n);
    }
    expect(await LmdbIndex.peek(a)).toMatchObject({ logId: id, file: join(a, 'index.mdb') });
    const log = await open(a, { owner: new LiveSet() });
    expect(log.id).toBe(id);
    expect(log.stats.recoveredRecords).toBe(0);
  });

  test.each([
    ['from position 0 on', false],
    ['from a snapshot on', true],
  ])(
    'an index of another log is set aside, and the state made of the segments %s',
    async (_, isCompacted) => {
      await fill(a, 'a');
      const former = await fill(b, 'b', isCompacted);
      await giveIndex(a, b);
      const events: LogEvent[] = [];
      const owner = new LiveSet();
      const log = await open(b, { owner }, events);
      await checkItems(log, owner, former.steps, former.steps.length);
      const [idOfA, idOfB] = [await idOf(a), await idOf(b)];
      expect(rebuilt(events)).toHaveLength(1);
      const [why] = rebuilt(events);
      expect(why).toContain(`the index is of log ${idOfA}, not of log ${idOfB} in ${b}`);
      expect(why).toContain(`index.mdb.of-${idOfA}`);
      await log.close();
      // It is all there, should it be missed where it belongs.
      const aside = join(b, `index.mdb.of-${idOfA}`);
      expect(await readFile(aside)).toEqual(await readFile(join(a, 'index.mdb')));
      const later: LogEvent[] = [];
      const again = await open(b, { owner: new LiveSet() }, later);
      expect(rebuilt(later)).toEqual([]);
      expect(again.stats.recoveredRecords).toBe(0);
    },
  );

  test('an index of another log is refused where the segments need their own', async () => {
    await fill(a, 'a');
    await fillTrimmed(b);
    const own = join(root, 'own');
    await rename(join(b, 'index.mdb'), own);
    await giveIndex(a, b);
    const before = await Promise.all((await segmentFiles(b)).map((path) => readFile(path)));
    const refused = open(b);
    await expect(refused).rejects.toMatchObject({ code: 'foreign' });
    await expect(refused).rejects.toThrow(`the index is of log ${await idOf(a)}, not of log`);
    const after = await Promise.all((await segmentFiles(b)).map((path) => readFile(path)));
    expect(after).toEqual(before);
    expect((await LmdbIndex.peek(b))?.logId).toBe(await idOf(a));
    await rename(own, join(b, 'index.mdb'));
    await (await open(b)).close();
  });

  test('an index without identity is of an older log, not of one that has one', async () => {
    const former = await fill(b, 'b');
    await fill(a, 'a');
    for (const path of await segmentFiles(a)) {
      await writeFile(path, withoutIdentity(await readFile(path)));
    }
    await rm(join(a, 'index.mdb'));
    // Its index has none as long as it has none.
    await (await open(a, { owner: new LiveSet() })).close();
    expect((await LmdbIndex.peek(a))?.logId).toBe(null);
    await giveIndex(a, b);
    const events: LogEvent[] = [];
    const owner = new LiveSet();
    await checkItems(await open(b, { owner }, events), owner, former.steps, former.steps.length);
    expect(rebuilt(events)).toHaveLength(1);
  });

  test('an older log gets one with its next segment, and keeps its index, also after a crash', async () => {
    await fill(a, 'a');
    for (const path of await segmentFiles(a)) {
      await writeFile(path, withoutIdentity(await readFile(path)));
    }
    await rm(join(a, 'index.mdb'));
    await (await open(a, { owner: new LiveSet() })).close();
    expect(await idOf(a)).toBe(null);
    const owner = new LiveSet();
    const log = await open(a, { owner });
    expect(log.stats.recoveredRecords).toBe(0);
    owner.add(log, 'new');
    await log.flush();
    expect(await idOf(a)).toBe(log.id);
    // As a process leaves it that is killed before the next checkpoint.
    await cp(a, b, { recursive: true, filter: (path) => !/lock/.test(path) });
    await log.close();
    for (const directory of [a, b]) {
      const events: LogEvent[] = [];
      const next = new LiveSet();
      const reopened = await open(directory, { owner: next }, events);
      expect(reopened.id).toBe(log.id);
      expect(next.items.has('new')).toBe(true);
      expect(reopened.stats.recoveredRecords).toBe(directory === a ? 0 : 1);
      expect(rebuilt(events)).toEqual([]);
      await reopened.close();
    }
  });

  test('an index with identity is not taken for that of an older log', async () => {
    const former = await fill(a, 'a');
    await fill(b, 'b');
    for (const path of await segmentFiles(a)) {
      await writeFile(path, withoutIdentity(await readFile(path)));
    }
    await giveIndex(b, a);
    const events: LogEvent[] = [];
    const owner = new LiveSet();
    await checkItems(await open(a, { owner }, events), owner, former.steps, former.steps.length);
    expect(rebuilt(events)).toHaveLength(1);
  });

  test('a log of one segment whose header is damaged keeps its index', async () => {
    let log = await open(a, { segmentSize: 1_048_576 });
    const position = log.append(text('one'), null, text('s'));
    const { id } = log;
    await log.close();
    const [path] = (await segmentFiles(a)) as [string];
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0xa5, 0, 64));
    const events: LogEvent[] = [];
    log = await open(a, {}, events);
    expect(log.id).toBe(id);
    expect(rebuilt(events)).toEqual([]);
    expect(log.streamPositions(text('s'))).toEqual([position]);
    await log.close();
    const index = await LmdbIndex.peek(a);
    expect((await repairLog(a, { index })).headers).toEqual([path]);
    expect(await idOf(a)).toBe(id);
  });

  test('segments of two logs in one folder are refused, and named', async () => {
    await fill(a, 'a');
    await fill(b, 'b');
    const foreign = (await segmentFiles(b)).at(-1) as string;
    const name = join(a, `${'f'.repeat(12).padStart(16, '0')}.log`);
    await cp(foreign, name);
    const [first] = await segmentFiles(a);
    const copy = join(root, 'copy');
    for (const use of [() => open(a), () => repairLog(a), () => backupLog(a, copy)]) {
      const refused = use();
      await expect(refused).rejects.toMatchObject({ code: 'foreign' });
      await expect(refused).rejects.toThrow(`${first} is of log `);
    }
    const { problems, isSound } = await verifyLog(a);
    expect(isSound).toBe(false);
    expect(problems).toContainEqual({ kind: 'foreign', file: first, offset: 0, bytes: 0 });
    expect(await readdir(copy)).toEqual([]);
  });

  test('the tools name an index of another log, and do without it', async () => {
    await fill(a, 'a');
    await fill(b, 'b');
    const own = await LmdbIndex.peek(b);
    const index = await LmdbIndex.peek(a);
    const file = join(a, 'index.mdb');
    const why = `${file} is of log ${await idOf(a)}, not of log ${await idOf(b)} in ${b}`;
    expect(await whyIndexIsForeign(b, { index })).toBe(why);
    expect(await whyIndexIsForeign(b, { index: own })).toBe(null);
    expect(await verifyLog(b, { index: own })).toMatchObject({ isSound: true, problems: [] });
    const verified = await verifyLog(b, { index });
    expect(verified).toMatchObject({
      isSound: false,
      logId: await idOf(b),
      problems: [{ kind: 'foreign', file }],
    });
    expect(await statLog(b, { index })).toMatchObject({ isIndexForeign: true });
    expect(await statLog(b, { index: own })).toMatchObject({ isIndexForeign: false });
    const refused = repairLog(b, { index });
    await expect(refused).rejects.toMatchObject({ code: 'foreign' });
    await expect(refused).rejects.toThrow(why);
    await repairLog(b, { index: own });
  });

  test('a backup has another one: the index of the original is not taken for its own', async () => {
    const owner = new LiveSet();
    const log = await open(a, { owner });
    await work(log, owner, 'before');
    const stepsBefore = [...owner.steps];
    const { logId } = await backupLog(a, b);
    expect(logId).not.toBe(log.id);
    expect(await idOf(b)).toBe(logId);
    await work(log, owner, 'after');
    await log.close();
    await giveIndex(a, b);
    const events: LogEvent[] = [];
    const restored = new LiveSet();
    const copy = await open(b, { owner: restored }, events);
    expect(copy.id).toBe(logId);
    expect(rebuilt(events)).toHaveLength(1);
    await checkItems(copy, restored, stepsBefore, stepsBefore.length);
  });
});

describe('cut at every operation', () => {
  const survivals: readonly Survival[] = ['everything', 'nothing', 'anything'];

  async function fill(name: string) {
    const files = new FaultyFiles();
    const index = new MemoryIndex();
    const owner = new LiveSet();
    const log = await openLog(files, { index, owner, segmentSize: 600 });
    await work(log, owner, name, 30);
    await log.close();
    return { files, index, owner };
  }

  test.each(survivals)(
    'of a start with the index of another log, with %s of the unsynced left: its own state is there',
    async (survival) => {
      const former = await fill('b');
      const other = await fill('a');
      let cuts = 0;
      for (let at = 1, isCut = true; isCut; at++) {
        const files = former.files.copy();
        const index = other.index.copy();
        const random = new Random(at);
        let next: { files: FaultyFiles; index: MemoryIndex } | null = null;
        const cut = new Promise<void>((done) => {
          files.beforeOperation = (_, count) => {
            if (count !== at) return;
            next = { files: files.crash(survival, random), index: index.crash() };
            done();
          };
        });
        const begin = async () => {
          const owner = new LiveSet();
          const log = await openLog(files, { index, owner, segmentSize: 600 });
          owner.add(log, 'new');
          await settle();
          await log.checkpoint();
        };
        await Promise.race([begin(), cut]);
        isCut = next !== null;
        if (isCut) cuts++;
        const left = next ?? { files: files.crash(survival, random), index: index.crash() };
        const owner = new LiveSet();
        const log = await openLog(left.files, { index: left.index, owner });
        const steps = [...former.owner.steps, { type: 'add', id: 'new' } as const];
        await checkItems(log, owner, steps, former.owner.steps.length);
      }
      expect(cuts).toBeGreaterThan(5);
    },
  );

  test.each(survivals)(
    'of the first start of an older log, with %s of the unsynced left: it never loses its index',
    async (survival) => {
      const former = await fill('b');
      for (const path of former.files.paths) {
        if (path.endsWith('.log')) withoutIdentity(former.files.contentOf(path));
      }
      const older = new MemoryIndex();
      const files = former.files.copy();
      await (await openLog(files, { index: older, owner: new LiveSet() })).close();
      let cuts = 0;
      for (let at = 1, isCut = true; isCut; at++) {
        const disk = files.copy();
        const index = older.copy();
        let next: { files: FaultyFiles; index: MemoryIndex } | null = null;
        const cut = new Promise<void>((done) => {
          disk.beforeOperation = (_, count) => {
            if (count !== at) return;
            next = { files: disk.crash(survival, new Random(at)), index: index.crash() };
            done();
          };
        });
        const begin = async () => {
          const owner = new LiveSet();
          const log = await openLog(disk, { index, owner });
          owner.add(log, 'new');
          // Its checkpoint is under way when the batch is written.
          await log.checkpoint();
          owner.add(log, 'newer');
          await log.close();
        };
        await Promise.race([begin(), cut]);
        isCut = next !== null;
        if (isCut) cuts++;
        const left = next ?? { files: disk.crash(survival, new Random(at)), index: index.crash() };
        const log = await openLog(left.files, { index: left.index, owner: new LiveSet() });
        expect(left.index.timesSetAside).toBe(0);
        expect(log.stats.recoveredRecords).toBeLessThanOrEqual(2);
      }
      expect(cuts).toBeGreaterThan(5);
    },
  );

  test('an index that is not needed is distinguished from one that is: nothing is changed before', async () => {
    const files = new FaultyFiles();
    const other = await fill('a');
    const log = await openLog(files, { index: new MemoryIndex(), segmentSize: 600 });
    for (let count = 0; count < 30; count++) {
      log.append(text(`${count}`.padEnd(60)));
      await settle(6);
    }
    await log.trim(log.head);
    await log.close();
    const { operations } = files;
    const opening = openLog(files, { index: other.index });
    await expect(opening).rejects.toMatchObject({ code: 'foreign' });
    await expect(opening).rejects.toThrow(DIRECTORY);
    expect(other.index.timesSetAside).toBe(0);
    expect(files.operations - operations).toBe((await segmentsOf(files)).length);
  });

  // Each is opened, and nothing else.
  const segmentsOf = async (files: FaultyFiles) =>
    files.paths.filter((path) => path.endsWith('.log'));
});
