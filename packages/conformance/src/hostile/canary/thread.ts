/**
 * A client that does what everybody wants of a broker, while others attack it: a message at QoS 1 to itself, again and
 * again. In a thread of its own, so that what the attackers do doesn't count as the broker's time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { RawClient } from '../../client/raw-client.ts';
import { ack, connect, publish, subscribe } from '../../wire/client-packets.ts';
import { residentBytes } from '../resident-bytes.ts';
import type { CanaryMessage, CanaryOptions, CanaryRequest } from './messages.ts';

/** Between two round trips: a load that no broker notices. */
const PAUSE_MS = 5;
const SAMPLE_MS = 20;

/** After this time without an answer the broker doesn't serve any more. */
const GIVE_UP_MS = 20_000;

const { target, pid, topic } = workerData as CanaryOptions;
const memory = pid === null ? null : { before: 0, peak: 0 };
let startedAt: number | null = null;
let markedAt = 0;
let worstMs = 0;
let lostCount = 0;
let isEnded = false;
let isReady = false;
/** Since when a report waits for a round trip. */
let askedAt: number | null = null;

function now(): number {
  return performance.now();
}

function post(message: CanaryMessage): void {
  parentPort?.postMessage(message);
}

function sample(): void {
  if (memory === null || pid === null) return;
  memory.peak = Math.max(memory.peak, residentBytes(pid) ?? 0);
}

function waitedMs(): number {
  return startedAt === null ? 0 : now() - Math.max(startedAt, markedAt);
}

function report(isServed: boolean): void {
  askedAt = null;
  const after = pid === null ? 0 : (residentBytes(pid) ?? 0);
  post({
    isServed,
    lostCount,
    worstMs: Math.max(worstMs, waitedMs()),
    memory: memory === null ? null : { ...memory, peak: Math.max(memory.peak, after), after },
  });
}

parentPort?.on('message', (request: CanaryRequest) => {
  if (request === 'mark') {
    markedAt = now();
    worstMs = 0;
    lostCount = 0;
    if (memory !== null && pid !== null) memory.before = memory.peak = residentBytes(pid) ?? 0;
  } else if (request === 'report') {
    askedAt = now();
  } else {
    isEnded = true;
    process.exit();
  }
});

const sampling = setInterval(() => {
  sample();
  if (askedAt !== null && now() - askedAt > GIVE_UP_MS) report(false);
}, SAMPLE_MS);
sampling.unref();

/** Round trips until something goes wrong. */
async function serve(): Promise<void> {
  const client = await RawClient.open(target, 4);
  try {
    client.send(connect({ version: 4, clientId: topic, keepAlive: 0 }));
    await client.expect('connack', { reasonCode: 0 });
    client.send(subscribe([[topic, 1]], { version: 4 }));
    await client.expect('suback');
    if (!isReady) post('ready');
    isReady = true;
    for (let id = 1; !isEnded; id = (id % 60_000) + 1) {
      startedAt = now();
      client.send(publish(topic, 'canary', { version: 4, qos: 1, id }));
      for (let missing = 2; missing > 0; missing--) {
        const received = await client.next(GIVE_UP_MS);
        if (received === null) throw new Error('closed');
        if (received.type === 'publish') client.send(ack('puback', received.id));
      }
      worstMs = Math.max(worstMs, waitedMs());
      if (askedAt !== null && startedAt >= askedAt) report(true);
      startedAt = null;
      await delay(PAUSE_MS);
    }
  } finally {
    client.destroy();
  }
}

while (!isEnded) {
  try {
    await serve();
  } catch {
    lostCount++;
    await delay(100);
  }
}
