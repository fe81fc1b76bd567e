import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBroker } from '../../src/index.ts';
import { Command } from '../support/command.ts';
import { PacketClient } from '../support/packet-client.ts';
import { PlantedBroker } from './planted-broker.ts';

let planted: PlantedBroker;

beforeAll(async () => {
  planted = await PlantedBroker.start();
  await planted.subscriber('x', 'a/#');
  const mute = await planted.client('mute');
  for (let count = 1; count <= 3; count++) mute.publish('denied/1', '', 1, count);
  await mute.sentSoFar();
});

afterAll(() => planted.stop());

const get = (path: string) => planted.get(path);

test('GET /history lists what happened, newest first, by client, type and page', async () => {
  expect(await get('/history?clientid=x')).toMatchObject({
    data: [
      { type: 'subscribe', topic: 'a/#', qos: 1, text: '"x" subscribed to "a/#" at QoS 1' },
      { type: 'connect', cause: 'MQTT 5.0', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
    ],
    meta: { page: 1, limit: 100, hasnext: false },
  });
  expect(await get('/history?type=deny')).toMatchObject({
    data: [{ clientid: 'mute', topic: 'denied/1', count: 3, cause: 'publish' }],
  });
  expect(await get('/history?limit=1&page=2')).toMatchObject({
    data: [{ type: 'connect', clientid: 'mute' }],
    meta: { page: 2, limit: 1, hasnext: true },
  });
  expect(await get('/history?topic=a/%23')).toMatchObject({ data: [{ type: 'subscribe' }] });
});

test.each([
  ['/why?topic=a', /clientid/],
  ['/why?clientid=x', /topic/],
  ['/why?clientid=x&topic=a/%23', /topic takes a topic name/],
  ['/why?clientid=x&topic=a&at=never', /at takes a time such as/],
  ['/why?clientid=x&topic=a&since=soon', /since takes a duration/],
  ['/history?type=none', /type/],
  ['/history?limit=0', /limit/],
])('%s is refused with what is allowed', async (path, why) => {
  await expect(get(path)).rejects.toThrow(why);
});

test('without a history, what there is now is known, and that nothing else is', async () => {
  const broker = await createBroker({ history: { enabled: false } });
  const client = await PacketClient.open(`${broker.url}`);
  client.connect('x');
  client.subscribe('a/#', 1, 1);
  await client.sentSoFar();
  expect(broker.history().entries).toEqual([]);
  expect(broker.explainDelivery({ clientId: 'x', topic: 'b' })).toMatchObject({
    cause: {
      code: 'not-subscribed',
      text: expect.stringContaining('It has 1 subscription: "a/#"'),
    },
    unknown: ['what was before now: history.enabled is false'],
  });
  expect(broker.explainDelivery({ clientId: 'x', topic: 'a/1' }).cause.code).toBe('sent');
  await client.cut();
  await broker.stop();
});

test('promptmq why says it in a sentence, with what it knows it from', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-why-'));
  writeFileSync(
    join(folder, 'promptmq.yaml'),
    `server: { admin-socket: ${JSON.stringify(planted.socketPath)} }\n`,
  );
  const run = async (...args: string[]) => {
    const command = new Command(['why', ...args], folder);
    return { status: await command.exitCode(), out: command.output, errors: command.errors };
  };
  const about = ['--client', 'x', '--topic', 'denied/1'];
  const subscriber = await planted.client('x');
  subscriber.subscribe('denied/#', 1, 1);
  await subscriber.sentSoFar();
  const [said, json, refused] = await Promise.all([
    run(...about, '--since', '5m'),
    run(...about, '--since', '5m', '--json'),
    run(...about, '--at', 'never'),
  ]);
  expect(said.out).toMatch(
    /^Nobody got it: "mute" may not publish to this topic: denied by .*\(3 messages, .*\)\.\n {2}\d\d:\d\d:\d\d {2}"mute" was not allowed to publish "denied\/1", 3 times/,
  );
  expect(said.status).toBe(0);
  expect(JSON.parse(json.out)).toMatchObject({ clientid: 'x', cause: { code: 'publish-denied' } });
  expect(refused).toMatchObject({ status: 1, errors: expect.stringContaining('at takes a time') });
  rmSync(folder, { recursive: true });
});
