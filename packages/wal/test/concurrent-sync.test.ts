import { expect, test } from '@jest/globals';
import { FaultyFiles, Ledger, MemoryIndex, Random } from '../src/testing/index.ts';
import { openLog, settle } from './support/open-log.ts';

test('a write that ends while a sync is under way is synced by the next one', async () => {
  const files = new FaultyFiles();
  let runTimer = () => {};
  const clock = {
    now: () => 0,
    wallNow: () => 0,
    defer: (callback: () => void) => void setImmediate(callback),
    setTimer: (_: number, callback: () => void) => {
      runTimer = callback;
      return () => {
        runTimer = () => {};
      };
    },
  };
  const log = await openLog(files, { syncMode: 'periodic', segmentSize: 65_536, clock });
  log.append(Buffer.from('first'));
  await settle();
  const syncFirst = runTimer;

  // Each operation of the disk waits until the test lets it continue.
  const waiting: (() => void)[] = [];
  files.delay = () => new Promise((resolve) => void waiting.push(resolve));
  log.append(Buffer.from('second'));
  await settle();
  syncFirst();
  await settle();
  expect(waiting).toHaveLength(2);
  const [write, sync] = waiting.splice(0) as [() => void, () => void];
  sync();
  await settle();
  write();
  await settle();
  files.delay = async () => {};
  runTimer();
  await settle();
  expect(log.durablePosition).toBe(log.head);

  const found: string[] = [];
  const next = await openLog(files.crash('nothing', new Random(1)));
  for await (const { data } of next.records()) found.push(data.toString());
  await next.close();
  expect(found).toEqual(['first', 'second']);
});

test('a sync leaves out no segment when one before it is removed meanwhile', async () => {
  const files = new FaultyFiles();
  const index = new MemoryIndex();
  const ledger = new Ledger();
  const options = { syncMode: 'periodic', syncInterval: 1e6, segmentSize: 800 } as const;
  const log = await openLog(files, { ...options, index });
  const appendUntil = async (segments: number) => {
    while (log.segments.length < segments) {
      ledger.append(log, 200);
      await settle();
    }
  };
  await appendUntil(2);
  const trimmed = log.head;

  let removeSegment = () => {};
  index.delay = () =>
    new Promise((resolve) => {
      removeSegment = resolve;
    });
  const trimming = log.trim(trimmed);
  await settle();
  // The checkpoint that comes before the removal has been synced, and has still to be taken.
  await appendUntil(6);
  const waiting: (() => void)[] = [];
  files.delay = () => new Promise((resolve) => void waiting.push(resolve));
  const flushed = log.flush();
  await settle();
  expect(waiting).toHaveLength(1);
  removeSegment();
  await settle();
  expect(log.segments).toHaveLength(5);
  files.delay = async () => {};
  for (const proceed of waiting.splice(0)) proceed();
  await Promise.all([flushed, trimming]);

  const { tail } = log;
  const left = await openLog(files.crash('nothing', new Random(1)), { index: index.crash() });
  await ledger.check(left, (position) => position < tail);
});
