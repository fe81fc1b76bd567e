import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fuzzBroker } from './fuzz-run.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 100);
const FIRST = Number(process.env['FUZZ_SEED'] ?? 20_261_130);

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-fuzz-'));
  writeFileSync(
    join(folder, 'acl.yaml'),
    'rules:\n  - { publish: ["a/#", "%c/#"], subscribe: ["a/#", "%u/+", "$SYS/#"] }\n  - { user: x*, publish: "#" }\n',
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

test('clients that send what is not quite MQTT end nothing but their connections, and leave nothing behind', async () => {
  let connected = 0;
  let received = 0;
  let sent = 0;
  for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
    try {
      const stats = await fuzzBroker(seed, join(folder, 'acl.yaml'));
      connected += stats.connectionsTotal;
      received += stats.messagesReceived;
      sent += stats.messagesSent;
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  // Most of what is sent has to be good enough to get anywhere.
  expect(connected).toBeGreaterThan(4 * RUNS);
  expect(received).toBeGreaterThan(3 * RUNS);
  expect(sent).toBeGreaterThan(RUNS);
}, 600_000);
