import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createBroker } from '../../src/embed/create-broker.ts';
import type { RunningBroker } from '../../src/embed/running-broker.ts';
import { noopLogger } from '../../src/log/index.ts';
import { PacketClient } from '../support/packet-client.ts';

let folder: string;
let broker: RunningBroker;
let lines: object[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-refusals-'));
  const aclFile = join(folder, 'acl.yaml');
  writeFileSync(aclFile, 'rules: [{ publish: open/#, subscribe: open/# }]\n');
  lines = [];
  const warn = (event: string, fields = {}) => lines.push({ event, ...fields });
  broker = await createBroker(
    { auth: { aclFile }, log: { clientLinesPerSecond: 1 } },
    { logger: { ...noopLogger, warn } },
  );
});

afterEach(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

const LINE = {
  event: 'access-refused',
  clientId: 'c',
  user: null,
  reason: 'default',
  rule: null,
};

test.each([4, 5] as const)(
  'what the rules refuse is warned about (version %d)',
  async (version) => {
    const client = await PacketClient.open(`${broker.url}`, version);
    client.connect('c', { clean: true });
    await client.next();
    client.publish('closed/0', 'x', 0, 0);
    client.publish('closed/1', 'x', 1, 1);
    client.publish('closed/2', 'x', 2, 2);
    client.subscribe('closed/#', 3);
    client.publish('open/1', 'x', 1, 4);
    await client.sentSoFar();
    expect(lines).toEqual([
      { ...LINE, action: 'publish', topic: 'closed/0' },
      { ...LINE, action: 'publish', topic: 'closed/1' },
      { ...LINE, action: 'publish', topic: 'closed/2' },
      { ...LINE, action: 'subscribe', topic: 'closed/#' },
    ]);
    await client.cut();
  },
);

test('a will that the rules refuse is warned about with its topic', async () => {
  const client = await PacketClient.open(`${broker.url}`);
  client.connect('c', {
    clean: true,
    will: { topic: 'closed/will', payload: Buffer.from('secret'), qos: 0, retain: false },
  });
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x87 });
  expect(lines[0]).toEqual({ ...LINE, action: 'will', topic: 'closed/will' });
  expect(JSON.stringify(lines)).not.toContain('secret');
  await client.cut();
});

test('a client that continues is counted, not logged each time, and long topics are cut', async () => {
  const client = await PacketClient.open(`${broker.url}`, 4);
  client.connect('c', { clean: true });
  await client.next();
  for (let index = 1; index <= 200; index++) client.publish('x'.repeat(1000), '', 1, index);
  await client.sentSoFar();
  // Five seconds' lines at once; a slow machine may allow a few more.
  expect(lines.length).toBeLessThan(100);
  expect(lines[0]).toEqual({ ...LINE, action: 'publish', topic: `${'x'.repeat(256)}…` });
  expect(broker.stats.refused['not-authorized']).toBe(200);
  await client.cut();
});
