import { expect, test } from '@jest/globals';
import { History } from '../../src/history/history.ts';
import { windowOf } from '../../src/history/why/window.ts';

const SIZE = 100_000;

/** A wall clock: the turn ends when it is set. */
class TurnClock {
  looks = 0;
  #now = 1_000_000;
  readonly #deferred: (() => void)[] = [];

  get now(): number {
    return this.#now;
  }

  set now(ms: number) {
    this.#now = ms;
    for (const callback of this.#deferred.splice(0)) callback();
  }

  wallNow(): number {
    this.looks++;
    return this.#now;
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }
}

function historyOf(history: { size?: number; keep?: number } = {}) {
  const clock = new TurnClock();
  const limits = { enabled: true, size: SIZE, keep: 3_600_000, ...history };
  const one = new History({ config: { history: limits }, runtime: clock });
  return { history: one, clock, limits };
}

test('a turn takes one look at the clock, however much there is to note', () => {
  const { history, clock } = historyOf();
  clock.looks = 0;
  for (let count = 0; count < 1000; count++) {
    history.noteRepeated('drop', 'c', `topic/${count % 3}`, 'output-full');
  }
  expect(clock.looks).toBe(1);
  clock.now += 5;
  history.noteRepeated('drop', 'c', 'topic/0', 'output-full');
  expect(clock.looks).toBe(2);
  expect(history.of('c')).toMatchObject([
    { topic: 'topic/2', count: 333, lastAt: 1_000_000 },
    { topic: 'topic/1', count: 333, lastAt: 1_000_000 },
    { topic: 'topic/0', count: 335, at: 1_000_000, lastAt: 1_000_005 },
  ]);
  history.checkInvariants();
});

test('what was given up in the same turn is noted anew', () => {
  const { history } = historyOf();
  history.noteRepeated('drop', 'c', 't', 'output-full');
  for (let count = 0; count < 1000; count++) history.note('connect', `${count}`, { cause: 'MQTT' });
  expect(history.of('c')).toEqual([]);
  history.noteRepeated('drop', 'c', 't', 'output-full');
  expect(history.of('c')).toMatchObject([{ topic: 't', count: 1 }]);
  history.checkInvariants();
});

test('a flood of drops is no larger than history.size, whoever causes it', () => {
  const { history } = historyOf();
  for (let count = 0; count < 20_000; count++) {
    history.noteRepeated('drop', `client-${count % 50}`, `topic/${count}`, 'queue-full');
    if (count % 1000 === 0) history.checkInvariants();
  }
  expect(history.bytes).toBeLessThanOrEqual(SIZE);
  expect(history.bytes).toBeGreaterThan(SIZE / 2);
  expect(history.length + history.forgotten).toBe(20_000);
  history.checkInvariants();
});

test('what one client causes leaves what there is of the others', () => {
  const { history, clock } = historyOf();
  history.note('connect', 'quiet', { cause: 'MQTT 5.0' });
  for (let count = 0; count < 10_000; count++) {
    clock.now++;
    history.noteRepeated('drop', 'loud', `topic/${count}`, 'queue-full');
    history.noteRefusedConnect(`guess-${count}`, '10.0.0.1:1', 'who is it', 0x86);
  }
  history.checkInvariants();
  expect(history.bytes).toBeLessThan(SIZE / 4);
  expect(history.of('quiet')).toHaveLength(1);
  expect(history.completeSince('quiet')).toBe(1_000_000);
  expect(history.completeSince('loud')).toBeGreaterThan(1_000_000);
  expect(history.of('guess-9999')).toMatchObject([{ cause: 'connect', detail: 'who is it' }]);
});

test('an entry that is larger than the share of a client is not kept', () => {
  const { history } = historyOf();
  history.note('subscribe', 'c', { topic: 'x'.repeat(60_000), cause: 'client' });
  history.checkInvariants();
  expect(history.length).toBe(0);
  expect(history.bytes).toBe(0);
});

test('what happens again is one entry, for as long as it is the same and goes on', () => {
  const { history, clock } = historyOf();
  const drop = (topic = 't', detail = '') =>
    history.noteRepeated('drop', 'c', topic, 'expired', detail);
  drop();
  clock.now += 50_000;
  drop();
  drop('other');
  expect(history.of('c')).toMatchObject([
    { topic: 'other', count: 1 },
    { topic: 't', count: 2, at: 1_000_000, lastAt: 1_050_000 },
  ]);
  drop('t', 'another rule');
  clock.now += 60_001;
  drop('t', 'another rule');
  expect(history.of('c')).toHaveLength(4);
  for (let count = 0; count < 15; count++) {
    clock.now += 50_000;
    drop('t', 'another rule');
  }
  expect(history.of('c').filter(({ topic }) => topic === 't')).toHaveLength(4);
  history.checkInvariants();
});

test('what is older than history.keep is gone, and less is kept once history.size is smaller', () => {
  const { history, clock, limits } = historyOf();
  history.note('connect', 'c', { cause: 'MQTT 5.0' });
  clock.now += 3_600_000;
  expect(history.of('c')).toHaveLength(0);
  expect(history.bytes).toBe(0);
  for (let count = 0; count < 1000; count++) {
    history.note('connect', `c${count}`, { cause: 'MQTT 5.0' });
  }
  limits.size = 65_536;
  history.note('connect', 'c', { cause: 'MQTT 5.0' });
  expect(history.bytes).toBeLessThanOrEqual(65_536);
  history.checkInvariants();
});

test.each([1_000_000, 16_000_000])('%s bytes are about what is used', (size) => {
  const { history } = historyOf({ size });
  global.gc?.();
  const before = process.memoryUsage().heapUsed;
  const perClient = 20;
  for (let count = 0; history.forgotten < 1000; count++) {
    const clientId = `client-${Math.floor(count / perClient)}`;
    history.noteRepeated('drop', clientId, `some/topic/${count}`, 'queue-full');
  }
  global.gc?.();
  const used = process.memoryUsage().heapUsed - before;
  if (global.gc !== undefined) expect(used).toBeLessThan(1.3 * size + 500_000);
  expect(history.bytes).toBeLessThanOrEqual(size);
});

const at = (...parts: [number, number, number?]) => new Date(2026, 10, 30, ...parts).getTime();

test.each<[string | null, string | null, [number, number]]>([
  [null, null, [at(9, 30, 15), at(10, 30, 15)]],
  ['10:12', null, [at(10, 12), at(10, 12) + 59_999]],
  ['10:30', null, [at(10, 30), at(10, 30, 15)]],
  ['10:31', null, [at(10, 31) - 86_400_000, at(10, 31) + 59_999 - 86_400_000]],
  ['9:05:10', null, [at(9, 5, 5), at(9, 5, 15)]],
  [new Date(at(8, 0)).toISOString(), null, [at(8, 0) - 5000, at(8, 0) + 5000]],
  [`${at(8, 0)}`, null, [at(8, 0) - 5000, at(8, 0) + 5000]],
  [null, '5m', [at(10, 25, 15), at(10, 30, 15)]],
])('at %s, since %s', (when, since, [from, to]) => {
  expect(windowOf(when, since, at(10, 30, 15))).toEqual({ from, to });
});

test.each([
  ['25:00', null, /at takes a time such as 10:42/],
  ['yesterday', null, /at takes a time/],
  ['2126-01-01T00:00:00Z', null, /at lies in the future/],
  [null, 'long', /since takes a duration/],
  ['10:00', '5m', /only one of them/],
])('at %s, since %s: it is said what is taken', (when, since, why) => {
  expect(windowOf(when, since, Date.now())).toMatch(why);
});
