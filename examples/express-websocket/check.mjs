/** Two clients on the server's port: one as the page is, and one by HTTP. */
import { once } from 'node:events';
import mqtt from 'mqtt';

process.env.PORT = '0';
const { server, stop } = await import('./server.mjs');
const { port } = server.address();
const site = `http://localhost:${port}`;

const page = await (await fetch(site)).text();
console.log('page:', /<title>.*<\/title>/.exec(page)[0]);
const script = await fetch(`${site}/mqtt.js`);
console.log('MQTT.js:', script.status);

const client = await mqtt.connectAsync(`ws://localhost:${port}/mqtt`, { protocolVersion: 5 });
await client.subscribeAsync('lamps/+', { qos: 1 });
const received = once(client, 'message');
await put('/lamps/hall', 'on');
const [topic, payload] = await received;
console.log(`${topic}: ${payload}`);

await client.publishAsync('lamps/kitchen', 'off', { qos: 1, retain: true });
console.log('kitchen:', await (await fetch(`${site}/lamps/kitchen`)).text());
console.log('a topic with a wildcard:', (await put('/lamps/+', 'on')).status);

await client.endAsync();
await stop();

function put(path, body) {
  return fetch(site + path, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body });
}
