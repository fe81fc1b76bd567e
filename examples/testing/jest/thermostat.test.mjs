/** With Jest, and nearly the same with Vitest. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createTestBroker, matchers } from '@promptmq/server/testing';
import { Thermostat } from '../thermostat.mjs';

expect.extend(matchers);

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

test('below the target the heating is on', async () => {
  await t.broker.publish({ topic: 'rooms/kitchen/temperature', payload: '19.5' });
  await t.waitFor('rooms/kitchen/heating');

  expect(t).toHaveReceived('rooms/kitchen/heating', {
    qos: 1,
    retain: true,
    payload: expect.objectContaining({ on: true }),
  });
  expect(t).not.toHaveReceived('rooms/hall/heating');
});

test('what it says, packet by packet', async () => {
  await t.broker.publish({ topic: 'rooms/kitchen/temperature', payload: '21', qos: 1 });
  await t.settle();

  expect(t.log).toMatchInlineSnapshot(`
"thermostat-kitchen > CONNECT v5 clean keepAlive=60 will=(rooms/kitchen/thermostat qos=1 retain "gone")
thermostat-kitchen < CONNACK 0x00 receiveMaximum=1000 topicAliasMaximum=10
thermostat-kitchen > SUBSCRIBE id=1 rooms/kitchen/temperature qos=1
thermostat-kitchen < SUBACK id=1 0x01
thermostat-kitchen < PUBLISH rooms/kitchen/temperature qos=1 id=1 "21"
thermostat-kitchen > PUBLISH rooms/kitchen/heating qos=1 retain id=2 "{\\"on\\":false,\\"at\\":21}"
thermostat-kitchen > PUBACK id=1
thermostat-kitchen < PUBACK id=2 0x10
"
`);
});
