import { describe, expect, jest, test } from '@jest/globals';
import type { LogOptions } from '../src/index.ts';
import { FaultyFiles, MemoryIndex } from '../src/testing/index.ts';
import { type DumpedRecord, dumpLog, repairLog, statLog, verifyLog } from '../src/tools/index.ts';
import { ITEMS, LiveSet } from './support/live-set.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const text = (value: string) => Buffer.from(value);

/** A log of several segments, one record a batch; returns the positions. */
async function fill(files: FaultyFiles, options: Partial<LogOptions> = {}, count = 30) {
  const log = await openLog(files, { segmentSize: 600, ...options });
  const positions: number[] = [];
  for (let index = 0; index < count; index++) {
    positions.push(log.append(text(`${index}`.padEnd(60, '.')), null, text(`s${index % 2}`)));
    await settle(6);
  }
  return { log, positions };
}

/** A log that compaction has been at. */
async function fillCompacted(files: FaultyFiles): Promise<LiveSet> {
  const owner = new LiveSet();
  const compaction = { maxSize: 1000, checkInterval: 0 };
  const index = new MemoryIndex();
  const log = await openLog(files, { owner, index, segmentSize: 600, compaction });
  for (let count = 0; count < 60; count++) {
    owner.add(log, `${count}`);
    await settle(4);
    if (count % 10 !== 0) owner.remove(log, `${count}`);
    if (count % 15 === 14) await log.compact();
  }
  expect(log.stats.movedRecords).toBeGreaterThan(0);
  await log.close();
  return owner;
}

async function records(files: FaultyFiles): Promise<string[]> {
  const found: string[] = [];
  const log = await openLog(files.copy());
  for await (const { data } of log.records()) found.push(data.toString());
  await log.close();
  return found;
}

describe('verify', () => {
  test('finds a log sound, in use or closed, and counts what is in it', async () => {
    const files = new FaultyFiles();
    const { log } = await fill(files);
    const progress: [number, number][] = [];
    const onProgress = (done: number, total: number) => void progress.push([done, total]);
    const inUse = await verifyLog(DIRECTORY, { files, onProgress });
    // Each segment has a clock record.
    const records = 30 + log.segments.length;
    expect(inUse).toMatchObject({ records, batches: 30, problems: [], isSound: true });
    expect(inUse.segments).toBe(log.segments.length);
    expect(inUse.bytes).toBe(log.size);
    expect(progress).toHaveLength(inUse.segments);
    const [done, total] = progress.at(-1) as [number, number];
    expect(done).toBe(total);
    await log.close();
    expect((await verifyLog(DIRECTORY, { files })).isSound).toBe(true);
  });

  test('every bit flipped: it is a problem at its place, unless nothing was there', async () => {
    const files = new FaultyFiles();
    const { log } = await fill(files, {}, 6);
    await log.close();
    const end = log.head;
    const paths = files.paths.filter((one) => one.endsWith('.log'));
    for (const [number, path] of paths.entries()) {
      const used = log.segments[number]?.size as number;
      for (let bit = 0; bit < files.contentOf(path).length * 8; bit += 3) {
        const damaged = files.copy();
        const content = damaged.contentOf(path);
        content[bit >> 3] = (content[bit >> 3] as number) ^ (1 << (bit & 7));
        const report = await verifyLog(DIRECTORY, {
          files: damaged,
          index: { file: 'index', logId: log.id, position: end },
        }).catch((error) => error);
        if (report instanceof Error) {
          expect(report).toMatchObject({ code: 'newer-version' });
          continue;
        }
        expect(report.problems).toHaveLength(1);
        expect(report.isSound).toBe(bit >> 3 >= used);
        const { file, offset, bytes } = report.problems[0];
        expect(file).toBe(path);
        expect(offset <= bit >> 3 && bit >> 3 < offset + bytes).toBe(true);
      }
    }
  });

  test('distinguishes a torn tail, which is no damage, and a missing segment, which is', async () => {
    const files = new FaultyFiles();
    const { log, positions } = await fill(files);
    await log.close();
    const paths = files.paths.filter((path) => path.endsWith('.log'));
    const torn = files.copy();
    const last = paths.at(-1) as string;
    const lastStart = log.segments.at(-1)?.first as number;
    torn.contentOf(last).fill(0x77, (positions.at(-1) as number) - lastStart + 20);
    const report = await verifyLog(DIRECTORY, { files: torn });
    expect(report).toMatchObject({ isSound: true, problems: [{ kind: 'torn-tail', file: last }] });
    const missing = files.copy();
    await missing.remove(paths[2] as string);
    expect(await verifyLog(DIRECTORY, { files: missing })).toMatchObject({
      isSound: false,
      problems: [{ kind: 'missing', file: paths[1] }],
    });
  });

  test('segments that compaction has removed are not missing', async () => {
    const files = new FaultyFiles();
    await fillCompacted(files);
    const report = await verifyLog(DIRECTORY, { files });
    expect(report).toMatchObject({ isSound: true, problems: [] });
  });

  test('a folder that is not there is named', async () => {
    const files = new FaultyFiles();
    files.list = async () => {
      throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    };
    await expect(verifyLog('/missing', { files })).rejects.toThrow('/missing: no such directory');
  });
});

describe('stat', () => {
  test('says what there is', async () => {
    const files = new FaultyFiles();
    const owner = await fillCompacted(files);
    const stat = await statLog(DIRECTORY, { files });
    const verified = await verifyLog(DIRECTORY, { files });
    expect(stat).toMatchObject({ streams: 1, bytes: verified.bytes, batches: verified.batches });
    expect(stat.movedRecords).toBeGreaterThan(0);
    expect(stat.snapshot?.start).toBeGreaterThan(0);
    expect(stat.tail).toBe(stat.segments[0]?.first);
    expect(stat.head).toBe(stat.segments.at(-1)?.end);
    expect(stat.records).toBeGreaterThanOrEqual(owner.items.size);
    expect(stat.segments.every(({ version }) => version === 2)).toBe(true);
    expect(stat.segments.at(-1)?.lastWriteMs).toBeGreaterThan(0);
    expect(stat.quarantinedFiles).toBe(0);
  });
});

describe('dump', () => {
  test('gives every record with its kind, and only those that are asked for', async () => {
    const files = new FaultyFiles();
    const { log, positions } = await fill(files);
    await log.close();
    const all: DumpedRecord[] = [];
    await dumpLog(DIRECTORY, (record) => all.push(record) > 0, { files });
    const own = all.filter(({ kind }) => kind !== 'clock');
    expect(own.map(({ position }) => position)).toEqual(positions);
    expect(own.every(({ kind, from }) => kind === 'data' && from === null)).toBe(true);
    const some: number[] = [];
    const from = positions[10] as number;
    const visit = ({ position }: DumpedRecord) => some.push(position) < 5;
    await dumpLog(DIRECTORY, visit, { files, from, stream: text('s1') });
    expect(some).toEqual([11, 13, 15, 17, 19].map((index) => positions[index]));
  });

  test('shows moved records and snapshots as what they are', async () => {
    const files = new FaultyFiles();
    const owner = await fillCompacted(files);
    const all: DumpedRecord[] = [];
    await dumpLog(DIRECTORY, (record) => all.push(record) > 0, { files });
    const of = (kind: DumpedRecord['kind']) => all.filter((record) => record.kind === kind);
    expect(of('snapshot-begin').length).toBeGreaterThan(0);
    expect(of('snapshot-end')).toHaveLength(of('snapshot-begin').length);
    const keys = of('snapshot-entry').map(({ stream }) => stream.toString());
    expect(keys).toContain('count');
    const moved = of('moved');
    expect(moved.length).toBeGreaterThan(0);
    for (const { from, origin, position, stream, data } of moved) {
      expect(from).toBeGreaterThanOrEqual(origin);
      expect(position).toBeGreaterThan(from as number);
      expect(stream.equals(ITEMS)).toBe(true);
      expect(data.toString()).toMatch(/^\+\d+:$/);
    }
    const places = new Set(all.map(({ position }) => position));
    expect([...owner.items.values()].every((position) => places.has(position))).toBe(true);
  });
});

describe('repair', () => {
  test('changes nothing in a sound log', async () => {
    const files = new FaultyFiles();
    const { log } = await fill(files);
    await log.close();
    const before = files.copy();
    const report = await repairLog(DIRECTORY, { files });
    expect(report).toMatchObject({ events: [], headers: [], isLossy: false });
    for (const path of before.paths) {
      const length = before.contentOf(path).length;
      expect(files.contentOf(path).equals(before.contentOf(path).subarray(0, length))).toBe(true);
    }
  });

  test('makes a damaged log sound: what was readable is, and the rest is set aside', async () => {
    const files = new FaultyFiles();
    const { log, positions } = await fill(files);
    await log.close();
    const before = await records(files);
    const place = (index: number) => {
      const position = positions[index] as number;
      const segment = log.segments.find(({ end }) => end > position);
      return { path: segment?.path as string, offset: position - (segment?.first as number) };
    };
    for (const index of [3, 12, 13]) {
      const { path, offset } = place(index);
      files.contentOf(path).fill(0xbb, offset + 20, offset + 30);
    }
    files.contentOf(place(20).path).fill(0, 0, 64);
    const progress: number[] = [];
    const onProgress = (done: number) => void progress.push(done);
    expect((await verifyLog(DIRECTORY, { files })).isSound).toBe(false);
    const report = await repairLog(DIRECTORY, { files, onProgress });
    expect(report.isLossy).toBe(true);
    expect(report.headers).toEqual([place(20).path]);
    expect(report.events.every(({ type }) => type === 'quarantined')).toBe(true);
    expect(progress.length).toBeGreaterThan(3);
    expect(await verifyLog(DIRECTORY, { files })).toMatchObject({ isSound: true, problems: [] });
    expect(await records(files)).toEqual(before.filter((_, index) => ![3, 12, 13].includes(index)));
    const copies = files.paths.filter((path) => path.includes('quarantine'));
    expect(copies.length).toBe(report.events.length);
    const { offset } = place(3);
    const header = 40;
    expect(files.contentOf(copies[0] as string).subarray(header + 20, header + 30)).toEqual(
      Buffer.alloc(10, 0xbb),
    );
    expect(offset).toBeGreaterThan(0);
    expect((await repairLog(DIRECTORY, { files })).events).toEqual([]);
  });

  test('cuts a torn tail off', async () => {
    const files = new FaultyFiles();
    const { log, positions } = await fill(files);
    await log.close();
    const segment = log.segments.at(-1);
    const offset = (positions.at(-1) as number) - (segment?.first as number);
    files.contentOf(segment?.path as string).fill(0x77, offset + 20);
    const report = await repairLog(DIRECTORY, { files });
    expect(report).toMatchObject({ isLossy: false, events: [{ type: 'torn-tail' }] });
    expect((await verifyLog(DIRECTORY, { files })).problems).toEqual([]);
    expect(await records(files)).toHaveLength(29);
  });

  test('is refused while the log is in use', async () => {
    const files = new FaultyFiles();
    const { log } = await fill(files, {}, 3);
    await expect(repairLog(DIRECTORY, { files })).rejects.toMatchObject({ code: 'locked' });
    await log.close();
    await repairLog(DIRECTORY, { files });
  });
});
