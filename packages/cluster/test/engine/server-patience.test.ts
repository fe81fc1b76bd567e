import { beforeEach, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { NatsAppends } from '../../src/engine/nats/nats-appends.ts';
import { loadNats } from '../../src/engine/nats/nats-modules.ts';
import { ServerPatience } from '../../src/engine/nats/server-patience.ts';

let nowMs: number;
let reconnects: number;
let patience: ServerPatience;

beforeEach(() => {
  nowMs = 0;
  reconnects = 0;
  const reconnect = async () => void reconnects++;
  patience = new ServerPatience(reconnect, () => nowMs);
});

/** Nobody answers, ten times a second. */
function silent(forMs: number): void {
  for (const until = nowMs + forMs; nowMs < until; nowMs += 100) patience.onNoAnswer();
}

test('after three seconds without an answer another server is asked, and another one after three more', () => {
  silent(3_000);
  expect(reconnects).toBe(0);
  silent(100);
  expect(reconnects).toBe(1);
  silent(2_900);
  expect(reconnects).toBe(1);
  silent(100);
  expect(reconnects).toBe(2);
});

test('not while there is an answer now and then', () => {
  for (let count = 0; count < 10; count++) {
    silent(2_000);
    patience.onAnswer();
  }
  expect(reconnects).toBe(0);
});

test('appends that a server answers with nothing have the connection come to another one', async () => {
  let lastMs = 0;
  const connection: Pick<NatsConnection, 'subscribe' | 'publish' | 'reconnect'> = {
    subscribe: () => ({ unsubscribe: () => {} }) as ReturnType<NatsConnection['subscribe']>,
    publish: () => {
      lastMs += 1_500;
      throw new Error('not now');
    },
    reconnect: async () => void reconnects++,
  };
  const names = { stream: 's', subject: 's' };
  const now = performance.now;
  performance.now = () => lastMs;
  try {
    const appends = new NatsAppends(await loadNats(), connection as NatsConnection, names, 1_000);
    for (let count = 0; count < 3; count++) {
      expect(reconnects).toBe(0);
      expect((await appends.append(0, [new Uint8Array(1)])).kind).toBe('unknown');
    }
    expect(reconnects).toBe(1);
  } finally {
    performance.now = now;
  }
});
