import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, jest, test } from '@jest/globals';
import { WebListener } from '../../src/admin/web/web-listener.ts';
import { parseConfig } from '../../src/config/index.ts';
import type { Logger } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';

afterEach(() => void jest.useRealTimers());

/** Somebody who has an address. */
async function taken(): Promise<{ taker: Server; port: number }> {
  const taker = createServer().listen(0, '127.0.0.1');
  await once(taker, 'listening');
  return { taker, port: (taker.address() as AddressInfo).port };
}

function listenerAt(bind: string) {
  const lines: string[] = [];
  let wake = () => {};
  const note = (event: string, fields: object = {}) => {
    lines.push(`${event} ${Object.values(fields).join(' ')}`);
    wake();
  };
  const log: Logger = { ...noopLogger, info: note, warn: note, error: note };
  const { admin } = parseConfig({ admin: { bind } });
  const listener = new WebListener(
    admin,
    null,
    async (_request, response) => void response.end('here'),
    log,
  );
  const next = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return { listener, lines, next };
}

test('an address that is taken is tried again, less and less often, and the log has it once', async () => {
  const { taker, port } = await taken();
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  const { listener, lines, next } = listenerAt(`127.0.0.1:${port}`);
  await listener.want(true);
  expect(listener.problem?.message).toMatch(/EADDRINUSE/);
  const waits: number[] = [];
  for (let count = 0; count < 8; count++) {
    const before = Date.now();
    jest.advanceTimersToNextTimer();
    waits.push(Date.now() - before);
    // Another wish waits for what the timer has begun, and tries once more.
    while (jest.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000));
  expect(lines).toEqual([expect.stringMatching(/^admin-failed admin\.bind: .*EADDRINUSE/)]);
  taker.close();
  await once(taker, 'close');
  const listening = next();
  jest.advanceTimersToNextTimer();
  await listening;
  expect(lines.at(-1)).toBe(`listening admin http://127.0.0.1:${port}`);
  await listener.want(true);
  expect([listener.problem, jest.getTimerCount()]).toEqual([null, 0]);
  await listener.close();
});

test('of several addresses, those that are free are open meanwhile', async () => {
  const { taker, port } = await taken();
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  const { listener, lines, next } = listenerAt(`127.0.0.1:${port},127.0.0.1:0`);
  await listener.want(true);
  const { url } = listener;
  expect(await (await fetch(`${url}`)).text()).toBe('here');
  taker.close();
  await once(taker, 'close');
  const listening = next();
  jest.advanceTimersToNextTimer();
  await listening;
  await listener.want(true);
  expect(listener.url).toBe(`http://127.0.0.1:${port}`);
  expect(await (await fetch(`${url}`)).text()).toBe('here');
  expect(lines.filter((line) => line.startsWith('listening'))).toHaveLength(2);
  await listener.close();
});

test('who closes it tries nothing again', async () => {
  const { taker, port } = await taken();
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  const { listener } = listenerAt(`127.0.0.1:${port}`);
  await listener.want(true);
  await listener.close();
  expect([listener.problem, jest.getTimerCount()]).toEqual([null, 0]);
  taker.close();
  await once(taker, 'close');
});
