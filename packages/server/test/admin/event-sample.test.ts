import { afterEach, expect, jest, test } from '@jest/globals';
import { EventSample } from '../../src/admin/streams/event-sample.ts';

afterEach(() => void jest.useRealTimers());

test('who listens may end it, also with the last event that he may have for now', () => {
  jest.useFakeTimers();
  const listening: ((event: object) => unknown)[] = [];
  const broker = {
    on: (_name: string, listener: (event: object) => unknown) => void listening.push(listener),
    off: () => void listening.splice(0),
  };
  const paused: number[] = [];
  // One in each tenth of a second.
  const options = { filter: undefined, rate: 10, onPause: (ms: number) => paused.push(ms) };
  const taken: unknown[] = [];
  const sample = new EventSample(broker as never, 'connect', options, (event) => {
    taken.push(event);
    if (taken.length === 2) sample.end();
  });
  const happen = () => {
    for (const listener of [...listening]) listener({});
  };
  happen();
  expect([taken.length, paused.length, listening.length]).toEqual([1, 1, 0]);
  jest.advanceTimersByTime(100);
  expect(listening).toHaveLength(1);
  happen();
  jest.advanceTimersByTime(1000);
  expect([taken.length, paused.length, listening.length, jest.getTimerCount()]).toEqual([
    2, 1, 0, 0,
  ]);
});
