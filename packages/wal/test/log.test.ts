import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { open as openLmdb } from 'lmdb';
import { decodePairs } from '../src/format/stream-pairs.ts';
import { LmdbIndex, Log, type LogEvent, type LogOptions } from '../src/index.ts';
import { Random } from '../src/testing/index.ts';
import { repairLog, verifyLog } from '../src/tools/index.ts';
import { checkItems, LiveSet } from './support/live-set.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

// On real files, with a real LMDB index.

let directory = '';
const logs: Log[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'promptmq-wal-test-'));
});

afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  await rm(directory, { recursive: true });
});

async function open(options: Partial<LogOptions> = {}, events: LogEvent[] = []): Promise<Log> {
  const log = await Log.open({
    directory,
    segmentSize: 4096,
    index: new LmdbIndex(directory, (event) => events.push(event)),
    onEvent: (event) => events.push(event),
    ...options,
  });
  logs.push(log);
  return log;
}

async function contents(log: Log, from = 0): Promise<string[]> {
  const found: string[] = [];
  for await (const { data } of log.records(from)) found.push(data.toString());
  return found;
}

const text = (value: string) => Buffer.from(value);

async function segmentFiles(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.log')).sort();
}

describe('records', () => {
  test('are read at their positions and in order, before and after a restart', async () => {
    let log = await open();
    const positions: number[] = [];
    for (let count = 0; count < 500; count++) {
      positions.push(log.append([text(`${count}`), text('!'.padEnd(40, '.'))]));
      if (count % 50 === 0) await log.flush();
    }
    const expected = positions.map((_, count) =>
      `${count}!`.padEnd(count < 10 ? 41 : count < 100 ? 42 : 43, '.'),
    );
    expect((await log.read(positions[499] as number)).data.toString()).toBe(expected[499]);
    expect(await contents(log)).toEqual(expected);
    expect(await contents(log, positions[490] as number)).toEqual(expected.slice(490));
    expect([...positions].sort((a, b) => a - b)).toEqual(positions);
    await log.close();
    log = await open();
    expect(log.segments.length).toBeGreaterThan(3);
    expect(await contents(log)).toEqual(expected);
    for (const [count, position] of positions.entries()) {
      expect((await log.read(position)).data.toString()).toBe(expected[count]);
    }
  });

  test('a record larger than a window and than a segment', async () => {
    const log = await open();
    const data = Buffer.alloc(3_000_000, 'large');
    const before = log.append(text('before'));
    const position = log.append(data);
    const after = log.append(text('after'));
    await log.flush();
    expect((await log.read(position)).data.equals(data)).toBe(true);
    expect((await log.read(before)).data.toString()).toBe('before');
    expect((await log.read(after)).data.toString()).toBe('after');
  });

  test('of a stream are listed in order, through checkpoints and restarts', async () => {
    let log = await open();
    const expected: Record<string, number[]> = { a: [], b: [], ['long'.repeat(1000)]: [] };
    const names = Object.keys(expected);
    for (let count = 0; count < 300; count++) {
      const name = names[count % 3] as string;
      expected[name]?.push(log.append(text(`${count}`), null, text(name)));
      if (count % 70 === 0) await log.checkpoint();
      if (count === 200) {
        await log.close();
        log = await open();
      }
    }
    for (const name of names) expect(log.streamPositions(text(name))).toEqual(expected[name]);
    expect(log.streamPositions(text('other'))).toEqual([]);
  });

  test('before a position are removed by trim, in whole segments', async () => {
    let log = await open();
    const positions: number[] = [];
    for (let count = 0; count < 300; count++) {
      positions.push(log.append(text(`${count}`.padEnd(50)), null, text('s')));
      await log.flush();
    }
    const files = await segmentFiles();
    const removed = await log.trim(positions[200] as number);
    expect(removed).toBeGreaterThan(8192);
    const left = await segmentFiles();
    expect(left.length).toBeLessThan(files.length);
    expect(log.tail).toBeLessThanOrEqual(positions[200] as number);
    expect((await log.read(positions[200] as number)).data.toString()).toBe('200'.padEnd(50));
    await expect(log.read(positions[0] as number)).rejects.toMatchObject({ code: 'not-found' });
    const listed = log.streamPositions(text('s'));
    expect(listed).toEqual(positions.slice(-listed.length));
    const { tail, head } = log;
    await log.close();
    log = await open();
    expect([log.tail, log.head]).toEqual([tail, head]);
    expect(log.append(text('next'))).toBeGreaterThanOrEqual(head);
  });
});

describe('the lock', () => {
  const children: ChildProcess[] = [];

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  test('a second process learns who holds it, and gets it when that one is killed', async () => {
    const source = join(import.meta.dirname, '../dist/index.js');
    const script = `import { Log } from ${JSON.stringify(`file://${source}`)};
      await Log.open({ directory: ${JSON.stringify(directory)} });
      console.log('open');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    const refused = Log.open({ directory });
    await expect(refused).rejects.toMatchObject({ code: 'locked' });
    await expect(refused).rejects.toThrow(`process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const log = await open();
    log.append(text('mine'));
    await log.flush();
  });

  test('the same process cannot open a log twice, and can after it was closed', async () => {
    const log = await open();
    await expect(Log.open({ directory })).rejects.toThrow(`process ${process.pid}`);
    await log.close();
    await (await open()).close();
  });
});

describe('versions', () => {
  /** Makes the segments what an older package would have written: without what came later. */
  async function makeFormer(version: 1 | 2): Promise<void> {
    for (const name of await segmentFiles()) {
      const path = join(directory, name);
      const bytes = await readFile(path);
      bytes.writeUInt32LE(version, 8);
      bytes.fill(0, version === 1 ? 32 : 40, 64);
      bytes.writeUInt32LE(crc32(bytes.subarray(16, 64)), 12);
      await writeFile(path, bytes);
    }
  }

  test.each([1, 2] as const)(
    'a log of version %i without an identity is read, and continues in a segment with one',
    async (version) => {
      let log = await open({ index: new LmdbIndex(join(directory, 'unused')) });
      for (let count = 0; count < 100; count++) {
        log.append(text(`${count}`.padEnd(80)));
        await log.flush();
      }
      const expected = await contents(log);
      await log.close();
      const files = await segmentFiles();
      expect(files.length).toBeGreaterThan(2);
      await makeFormer(version);
      const events: LogEvent[] = [];
      log = await open({}, events);
      expect(log.segments.every((one) => one.version === version && one.logId === null)).toBe(true);
      log.append(text('new'));
      await log.flush();
      expect(await contents(log)).toEqual([...expected, 'new']);
      expect(log.segments.at(-1)).toMatchObject({ version: 2, logId: log.id });
      expect(log.segments).toHaveLength(files.length + 1);
      await log.close();
      log = await open({}, events);
      expect(await contents(log)).toEqual([...expected, 'new']);
      const kinds = new Set(events.map(({ type }) => type));
      expect([...kinds].sort()).toEqual(['checking', 'recovering']);
    },
  );

  test.each([1, 2, 3])('an index of version %i is migrated', async (version) => {
    let log = await open();
    const positions: number[] = [];
    for (let count = 0; count < 100; count++) {
      positions.push(log.append(text(`${count}`.padEnd(80)), null, text('s')));
      await log.flush();
    }
    const { checkpointPosition } = log;
    await log.close();
    // They had no checksum.
    await rm(join(directory, 'index.mdb.sum'));
    const root = openLmdb({ path: join(directory, 'index.mdb'), noSubdir: true, maxDbs: 4 });
    const meta = root.openDB({ name: 'meta', encoding: 'json' });
    const streams = root.openDB({ name: 'streams', encoding: 'binary' });
    await makeFormer(version === 1 ? 1 : 2);
    const { position, logId, ...others } = meta.get('meta');
    expect(logId).toBe(log.id);
    expect(position).toBeGreaterThan(checkpointPosition);
    const formerMeta = version === 1 ? { releasedBytes: [[0, 10]] } : others;
    await meta.put('meta', { ...formerMeta, version, position });
    for (const { key, value } of version === 3 ? [] : [...streams.getRange({})]) {
      const pairs = decodePairs('s', value);
      // Version 1 had no origins.
      const numbers = pairs.filter((_, index) => version === 2 || index % 2 === 0);
      const former = Buffer.alloc(3 + 8 * numbers.length);
      value.copy(former, 0, 0, 3);
      for (const [index, number] of numbers.entries()) former.writeDoubleLE(number, 3 + 8 * index);
      await streams.put(key, former);
    }
    await root.close();
    log = await open();
    expect(log.checkpointPosition).toBe(position);
    expect(log.stats.recoveredRecords).toBe(0);
    expect(log.streamPositions(text('s'))).toEqual(positions);
  });

  test('a newer version is refused with the file and both versions', async () => {
    const log = await open();
    log.append(text('a'));
    await log.close();
    const [name] = (await segmentFiles()) as [string];
    const bytes = await readFile(join(directory, name));
    bytes.writeUInt32LE(99, 8);
    await writeFile(join(directory, name), bytes);
    const refused = Log.open({ directory });
    await expect(refused).rejects.toMatchObject({ code: 'newer-version' });
    await expect(refused).rejects.toThrow(`${name} has format version 99, this package reads 2`);
  });

  test('an index of a newer version is refused', async () => {
    await (await open()).close();
    logs.length = 0;
    // They had no checksum.
    await rm(join(directory, 'index.mdb.sum'));
    const root = openLmdb({ path: join(directory, 'index.mdb'), noSubdir: true, maxDbs: 4 });
    await root.openDB({ name: 'meta', encoding: 'json' }).put('meta', { version: 99 });
    await root.close();
    await expect(open()).rejects.toThrow('has version 99, this package reads 4');
    // It let go of what it had opened.
    await rm(join(directory, 'index.mdb'));
    await open();
  });
});

describe('segments that the index knows, and that are gone', () => {
  /** A log of several segments, closed: their names, and all that is in them. */
  async function fill(): Promise<{ readonly names: string[]; readonly all: string[] }> {
    const log = await open();
    for (let count = 0; count < 100; count++) {
      log.append(text(`${count} ${'x'.repeat(200)}`));
      if (count % 10 === 9) await log.flush();
    }
    const all = await contents(log);
    await log.close();
    const names = await segmentFiles();
    expect(names.length).toBeGreaterThan(3);
    return { names, all };
  }

  test.each([
    ['all of them', 0],
    ['the last two', -2],
  ])('%s: opening is refused, changes nothing, and works when they are back', async (_, from) => {
    const { names, all } = await fill();
    const aside = await mkdtemp(join(tmpdir(), 'promptmq-wal-aside-'));
    for (const name of names.slice(from)) await rename(join(directory, name), join(aside, name));
    for (let round = 0; round < 2; round++) {
      const refused = open();
      await expect(refused).rejects.toMatchObject({ code: 'missing' });
      await expect(refused).rejects.toThrow(directory);
    }
    expect(await segmentFiles()).toEqual(names.slice(0, from));
    for (const name of names.slice(from)) await rename(join(aside, name), join(directory, name));
    await rm(aside, { recursive: true });
    const log = await open();
    expect(log.stats.quarantinedStretches).toBe(0);
    expect(await contents(log)).toEqual(all);
  });

  test.each([
    ['all of them', 0],
    ['the last two', -2],
  ])('%s: the log continues without them when that is asked for by a repair', async (_, from) => {
    const { names, all } = await fill();
    for (const name of names.slice(from)) await rm(join(directory, name));
    const index = await LmdbIndex.peek(directory);
    const { isSound, problems } = await verifyLog(directory, { index });
    expect({ isSound, problems }).toMatchObject({
      isSound: false,
      problems: [{ kind: 'missing', file: directory }],
    });
    const report = await repairLog(directory, { index });
    expect(report).toMatchObject({
      isLossy: true,
      events: [{ type: 'quarantined', file: directory, copy: null }],
    });
    expect(await repairLog(directory, { index })).toMatchObject({ isLossy: false, events: [] });
    const events: LogEvent[] = [];
    const log = await open({}, events);
    expect(events.filter(({ type }) => type === 'quarantined')).toEqual([]);
    expect(log.append(text('new'))).toBeGreaterThanOrEqual(index?.position as number);
    await log.flush();
    const found = await contents(log);
    expect(found.pop()).toBe('new');
    expect(found).toEqual(all.slice(0, found.length));
    expect(found.length > 0).toBe(from !== 0);
  });
});

describe('the index', () => {
  /** Items, some of them compacted, and a checkpoint. */
  async function fill(): Promise<LiveSet> {
    const owner = new LiveSet();
    const log = await open({ owner, compaction: { maxSize: 12_000, checkInterval: 0 } });
    for (let count = 0; count < 400; count++) {
      owner.add(log, `${count}`);
      if (count % 10 !== 0) owner.remove(log, `${count}`);
      if (count % 20 === 0) await log.flush();
      if (count % 100 === 50) await log.compact();
    }
    expect(log.stats.compactions).toBeGreaterThan(0);
    expect(log.stats.movedRecords).toBeGreaterThan(0);
    await log.close();
    return owner;
  }

  async function expectItems(former: LiveSet, events: LogEvent[] = []): Promise<Log> {
    const owner = new LiveSet();
    const log = await open({ owner }, events);
    await checkItems(log, owner, former.steps, former.steps.length);
    expect(owner.items.size).toBe(40);
    return log;
  }

  test('holds the checkpoint: nothing is replayed after a clean end', async () => {
    const log = await expectItems(await fill());
    expect(log.stats.recoveredRecords).toBe(0);
  });

  test('is made again from the segments when it is deleted', async () => {
    const former = await fill();
    await rm(join(directory, 'index.mdb'));
    const log = await expectItems(former);
    expect(log.stats.recoveredRecords).toBeGreaterThan(0);
    await log.close();
    const again = await expectItems(former);
    expect(again.stats.recoveredRecords).toBe(0);
  });

  test.each([
    ['overwritten', (bytes: Buffer) => bytes.fill(0xa5)],
    ['cut to its first bytes', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['empty', () => Buffer.alloc(0)],
  ])('is made again when its file is %s', async (_, damage) => {
    const former = await fill();
    const path = join(directory, 'index.mdb');
    await writeFile(path, damage(await readFile(path)));
    const events: LogEvent[] = [];
    const log = await expectItems(former, events);
    expect(log.stats.recoveredRecords).toBeGreaterThan(0);
  });

  test('that is not as it was left is made again, whatever was changed, and nothing else is lost', async () => {
    const former = await fill();
    const path = join(directory, 'index.mdb');
    const whole = await readFile(path);
    const random = new Random(1);
    for (let round = 0; round < 20; round++) {
      const bytes = Buffer.from(whole);
      for (let count = 0; count < 20; count++) {
        const at = random.below(bytes.length);
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      }
      const cut = round % 4 === 3 ? random.below(bytes.length) : bytes.length;
      await writeFile(path, bytes.subarray(0, cut));
      const events: LogEvent[] = [];
      await (await expectItems(former, events)).close();
      expect(events[0]).toMatchObject({ type: 'index-rebuilt' });
      const again = await expectItems(former);
      expect(again.stats.recoveredRecords).toBe(0);
      await again.close();
    }
  });

  test('that was not written to its end is made again, which is no damage', async () => {
    const former = await fill();
    const path = join(directory, 'index.mdb');
    await writeFile(`${path}.changing`, '');
    await (await expectItems(former)).close();
    await writeFile(`${path}.changing`, '');
    const file = await openFile(path, 'r+');
    await file.write('x', 9000);
    await file.close();
    const events: LogEvent[] = [];
    const log = await expectItems(former, events);
    expect(events[0]).toMatchObject({ type: 'index-unfinished', file: path });
    expect(log.stats.recoveredRecords).toBeGreaterThan(0);
  });

  test('that is damaged while it is in use is not written to: it begins again, and holds everything', async () => {
    const former = await fill();
    const events: LogEvent[] = [];
    const owner = new LiveSet();
    const log = await open({ owner }, events);
    const path = join(directory, 'index.mdb');
    const file = await openFile(path, 'r+');
    await file.write(Buffer.alloc(100, 0xa5), 0, 100, 9000);
    await file.close();
    owner.add(log, 'last');
    await expect(log.checkpoint()).rejects.toThrow('was damaged while it was in use');
    expect(events.at(-1)).toMatchObject({ type: 'index-rebuilt' });
    await log.checkpoint();
    await log.close();
    const next = new LiveSet();
    const again = await open({ owner: next });
    expect(next.items.size).toBe(former.items.size + 1);
    await again.close();
  });

  test('is made again when the last process died while it read it', async () => {
    const former = await fill();
    await writeFile(join(directory, 'index.opening'), '');
    const events: LogEvent[] = [];
    await (await expectItems(former, events)).close();
    expect(events[0]).toMatchObject({ type: 'index-rebuilt' });
    const again = await expectItems(former);
    expect(again.stats.recoveredRecords).toBe(0);
  });

  test('a full check at open finds damage before the checkpoint', async () => {
    const former = await fill();
    const [name] = (await segmentFiles()) as [string];
    const path = join(directory, name);
    const bytes = await readFile(path);
    bytes[200] = (bytes[200] as number) ^ 1;
    await writeFile(path, bytes);
    const events: LogEvent[] = [];
    const log = await open({ owner: new LiveSet(), validate: false }, events);
    expect(events.filter(({ type }) => type === 'quarantined')).toEqual([]);
    await log.close();
    const refused = open({ owner: new LiveSet(), validate: true, onCorruption: 'refuse' });
    await expect(refused).rejects.toMatchObject({ code: 'corrupt' });
    const checked = await open({ owner: new LiveSet(), validate: true }, events);
    expect(checked.stats.quarantinedStretches).toBe(1);
    expect(events.filter(({ type }) => type === 'quarantined')).toMatchObject([{ file: path }]);
    expect(former.items.size).toBe(40);
  });
});
