/** With Node's own runner: `node --test`. */
import assert from 'node:assert';
import { afterEach, beforeEach, test } from 'node:test';
import { assertReceived, createTestBroker } from '@promptmq/server/testing';
import { Thermostat } from '../thermostat.mjs';

let t;
let thermostat;

beforeEach(async () => {
  t = await createTestBroker();
  thermostat = new Thermostat(t.url, 'kitchen', 20);
  await thermostat.start();
});

afterEach(async () => {
  await thermostat.stop();
  await t.stop();
});

test('below the target the heating is on, above it off', async () => {
  await t.broker.publish({ topic: 'rooms/kitchen/temperature', payload: '19.5' });
  await t.waitFor('rooms/kitchen/heating', { where: (m) => m.json().on });
  await t.broker.publish({ topic: 'rooms/kitchen/temperature', payload: '20.5' });
  await t.waitFor('rooms/kitchen/heating', { where: (m) => !m.json().on });

  assertReceived(t, 'rooms/+/heating', { qos: 1, retain: true, count: 2 });
});

test('the heating is told once', async () => {
  for (const payload of ['19', '18', '17', '21']) {
    await t.broker.publish({ topic: 'rooms/kitchen/temperature', payload });
  }
  const messages = await t.waitFor('rooms/kitchen/heating', { count: 2 });
  assert.deepEqual(
    messages.map((message) => message.json()),
    [
      { on: true, at: 19 },
      { on: false, at: 21 },
    ],
  );
});

test('when it is cut off, others learn that', async () => {
  await t.broker.clients.disconnect('thermostat-kitchen');
  const { payload } = t.broker.retained.get('rooms/kitchen/thermostat');
  assert.equal(payload.toString(), 'gone');
});
