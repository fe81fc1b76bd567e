import { afterEach, expect, test } from '@jest/globals';
import { ProcessMonitor } from '../src/index.ts';

let monitor: ProcessMonitor | null = null;

afterEach(() => {
  monitor?.close();
  monitor = null;
});

test('memory and processor time have their kinds, all above zero', () => {
  monitor = new ProcessMonitor();
  const memory = new Map(monitor.memory().map(({ labels, value }) => [labels['kind'], value]));
  expect([...memory.keys()]).toEqual([
    'resident',
    'heap-total',
    'heap-used',
    'external',
    'array-buffers',
  ]);
  expect(memory.get('heap-used')).toBeGreaterThan(0);
  expect(monitor.cpuSeconds().map(({ labels }) => labels['mode'])).toEqual(['user', 'system']);
});

test('a loop that is held up shows as lag, and does so for all who ask', async () => {
  monitor = new ProcessMonitor();
  // The first sample starts the measurement; the next one sees the gap.
  await new Promise((resolve) => setTimeout(resolve, 30));
  const until = performance.now() + 80;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const lag = monitor.eventLoopLag();
  expect(lag.max).toBeGreaterThan(0.04);
  expect(lag.p50).toBeLessThan(lag.max);
  expect(monitor.eventLoopLag()).toBe(lag);
  const { active, idle } = monitor.eventLoopSeconds();
  expect(Math.min(active, idle)).toBeGreaterThanOrEqual(0);
});

test('collections are counted by kind', async () => {
  monitor = new ProcessMonitor();
  const kept: unknown[] = [];
  const count = () => {
    for (let index = 0; index < 100_000; index++) kept[index % 1000] = { index, text: `${index}` };
    return monitor?.collections().reduce((sum, { value }) => sum + value.count, 0) ?? 0;
  };
  // Entries are reported in later turns.
  for (let turn = 0; turn < 500 && count() === 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(count()).toBeGreaterThan(0);
  expect(monitor.collections().map(({ labels }) => labels['kind'])).toContain('minor');
});
