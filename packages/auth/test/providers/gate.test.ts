import { expect, test } from '@jest/globals';
import { BusyError, Gate } from '../../src/providers/gate.ts';

/** Something that is done when it is ended. */
function task() {
  let end: (value: string) => void = () => {};
  const done = new Promise<string>((resolve) => {
    end = resolve;
  });
  let hasBegun = false;
  return {
    run: () => {
      hasBegun = true;
      return done;
    },
    end: (value = 'done') => end(value),
    get hasBegun() {
      return hasBegun;
    },
  };
}

const NEVER = new AbortController().signal;

test('so many are inside, and the others come in by turns', async () => {
  const gate = new Gate(1, 2);
  const [a, b, c, d] = [task(), task(), task(), task()];
  const results = [a, b, c].map(({ run }) => gate.run(NEVER, run));
  expect([a.hasBegun, b.hasBegun, c.hasBegun]).toEqual([true, false, false]);
  await expect(gate.run(NEVER, d.run)).rejects.toThrow(BusyError);
  a.end('a');
  expect(await results[0]).toBe('a');
  expect([b.hasBegun, c.hasBegun]).toEqual([true, false]);
  b.end('b');
  c.end('c');
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c']);
  d.end('d');
  expect(await gate.run(NEVER, d.run)).toBe('d');
});

test('what fails gives its place to the next', async () => {
  const gate = new Gate(1, 1);
  const failing = gate.run(NEVER, () => Promise.reject(new Error('broken')));
  const next = gate.run(NEVER, () => Promise.resolve('next'));
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('next');
});

test('what is aborted while it waits makes room, and never begins', async () => {
  const gate = new Gate(1, 1);
  const [a, b, c] = [task(), task(), task()];
  const first = gate.run(NEVER, a.run);
  const controller = new AbortController();
  const aborted = gate.run(controller.signal, b.run);
  controller.abort(new Error('gone'));
  await expect(aborted).rejects.toThrow('gone');
  expect(gate.waitingCount).toBe(0);
  const third = gate.run(NEVER, c.run);
  a.end();
  c.end('c');
  expect([await first, await third, b.hasBegun]).toEqual(['done', 'c', false]);
  await expect(gate.run(controller.signal, b.run)).rejects.toThrow('gone');
});
