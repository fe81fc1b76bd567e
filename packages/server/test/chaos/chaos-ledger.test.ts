import { beforeEach, expect, test } from '@jest/globals';
import { ChaosLedger, WRONGS } from './chaos-ledger.ts';

let ledger: ChaosLedger;
let nowMs: number;

beforeEach(() => {
  nowMs = 0;
  ledger = new ChaosLedger(() => nowMs);
  ledger.addTopic('one', 1);
  ledger.addTopic('two', 2);
  ledger.addSubscriber('s');
});

function wrongs(): Record<string, number> {
  return Object.fromEntries(
    WRONGS.filter((name) => ledger.verdict[name] > 0).map((name) => [name, ledger.verdict[name]]),
  );
}

function sendAll(topic: string, count: number): void {
  for (let number = 0; number < count; number++) ledger.acknowledge(topic, ledger.send(topic));
}

test('what is acknowledged is owed to each subscriber until it comes, and lost when it does not', () => {
  ledger.addSubscriber('other');
  sendAll('one', 2);
  expect(ledger.owedCount()).toBe(4);
  for (const number of [0, 1]) ledger.receive('s', 'one', number);
  ledger.receive('other', 'one', 1);
  expect(ledger.owedCount()).toBe(1);
  ledger.judge();
  expect(wrongs()).toEqual({ lost: 1 });
  expect(ledger.verdict.details).toEqual([expect.stringContaining('other: one 0 was lost')]);
  // What is lost is counted once, and isn't waited for.
  expect(ledger.owedCount()).toBe(0);
  ledger.judge();
  expect(wrongs()).toEqual({ lost: 1 });
});

test('nobody is owed what was not acknowledged, or refused', () => {
  ledger.send('one');
  ledger.refuse('one', ledger.send('one'));
  expect(ledger.owedCount()).toBe(0);
  ledger.judge();
  expect(wrongs()).toEqual({});
});

test('a message may come twice at QoS 1, and not at QoS 2', () => {
  sendAll('one', 1);
  sendAll('two', 1);
  for (const topic of ['one', 'two', 'one', 'two']) ledger.receive('s', topic, 0);
  expect(wrongs()).toEqual({ twice: 1 });
  expect(ledger.verdict).toMatchObject({ delivered: 4, repeated: 2 });
});

test('messages of a topic come in order, however often', () => {
  sendAll('one', 4);
  for (const number of [0, 2, 0, 2, 3]) ledger.receive('s', 'one', number);
  expect(wrongs()).toEqual({});
  ledger.receive('s', 'one', 1);
  expect(wrongs()).toEqual({ outOfOrder: 1 });
});

test('what was never sent is noticed', () => {
  sendAll('one', 1);
  ledger.receive('s', 'one', 1);
  ledger.receive('s', 'three', 0);
  ledger.receive('s', 'one', Number.NaN);
  expect(wrongs()).toEqual({ unknown: 3 });
});

test('what has been acknowledged is known by its highest number, and by how long it took', () => {
  expect(ledger.acknowledgedUpTo('one')).toBe(-1);
  for (let count = 0; count < 3; count++) ledger.send('one');
  nowMs = 7;
  ledger.acknowledge('one', 1);
  ledger.acknowledge('one', 1);
  expect(ledger.acknowledgedUpTo('one')).toBe(1);
  expect(ledger.sentCount('one')).toBe(3);
  expect(ledger.latencies).toEqual([7]);
  expect(ledger.verdict.acknowledged).toBe(1);
});

test('a retained message that is older than what was acknowledged is promised to nobody whose SUBACK took as long as may be waited', () => {
  ledger.noteStale('s: one 1, though 2 was acknowledged', 5_001);
  expect([wrongs(), ledger.verdict.retainedBehind]).toEqual([{}, 1]);
  ledger.noteStale('s: one 1, though 2 was acknowledged', 4_000);
  expect([wrongs(), ledger.verdict.retainedBehind]).toEqual([{ staleRetained: 1 }, 1]);
});
