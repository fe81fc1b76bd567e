import { expect, test } from '@jest/globals';
import { FaultyFiles, Random } from '../src/testing/index.ts';
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
