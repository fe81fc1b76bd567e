/** What clients get with right, wrong and expiring tokens. */
import { once } from 'node:events';
import { createBroker } from '@promptmq/server';
import mqtt from 'mqtt';
import { DeviceHooks } from './device-hooks.mjs';
import { directory } from './directory.mjs';
import { Tokens } from './tokens.mjs';

const tokens = new Tokens('only for this check');
const broker = await createBroker(
  { auth: { allowAnonymous: false } },
  { hooks: new DeviceHooks(tokens, directory) },
);

/** @param seconds - for which the token is good */
function connect(device, seconds) {
  const password = tokens.issue({ sub: device, exp: Date.now() / 1000 + seconds });
  return mqtt.connectAsync(broker.url, {
    clientId: `${device}-1`,
    protocolVersion: 5,
    username: device,
    password,
    reconnectPeriod: 0,
  });
}

const lamp = await connect('lamp', 3600);
const { userName, attributes } = broker.clients.get('lamp-1');
console.log(`${userName} is at ${attributes.home}`);
await lamp.subscribeAsync('homes/garden-street-1/#', { qos: 1 });
await lamp.subscribeAsync('homes/+/door', { qos: 1 }).catch(show);
await lamp.publishAsync('homes/garden-street-1/lamp', 'on', { qos: 1 });
await lamp.publishAsync('homes/garden-street-2/lamp', 'on', { qos: 1 }).catch(show);

const door = await connect('door', 1);
const [{ reasonCode }] = await once(door, 'disconnect');
console.log(`door's token has expired: 0x${reasonCode.toString(16)}`);

for (const device of ['door', 'toaster', 'toaster', 'toaster', 'toaster', 'toaster']) {
  await connect(device, device === 'door' ? -1 : 3600).catch(show);
}

await lamp.endAsync();
await broker.stop();

function show({ code, message }) {
  console.log(code === undefined ? message : `0x${code.toString(16)} ${message}`);
}
