/**
 * Messages of QoS 2 over TCP, TLS and WebSocket, and what waits for a session that is away over a restart of the broker:
 * `node use-broker.mjs FOLDER`, with key.pem and cert.pem in it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBroker } from '@promptmq/server';
import mqtt from 'mqtt';

const [, , folder] = process.argv;
const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name));
const options = {
  server: {
    bind: '127.0.0.1:0',
    tlsBind: '127.0.0.1:0',
    wsBind: '127.0.0.1:0',
    tls: { cert, key },
  },
  storage: { enabled: true, dataDir: join(folder, 'data'), walDir: join(folder, 'wal') },
};
const durable = {
  clientId: 'durable',
  clean: false,
  protocolVersion: 5,
  properties: { sessionExpiryInterval: 3600 },
};

let broker = await createBroker(options);
const subscriber = await mqtt.connectAsync(broker.url, durable);
await subscriber.subscribeAsync('a/#', { qos: 2 });
const received = messages(subscriber, 3);
for (const url of [broker.url, broker.tlsUrl, `${broker.wsUrl}/mqtt`]) {
  const publisher = await mqtt.connectAsync(url, { ca: readFileSync(cert), protocolVersion: 5 });
  await publisher.publishAsync(`a/${new URL(url).protocol}`, 'here', { qos: 2 });
  await publisher.endAsync();
}
assert.deepEqual(await received, ['a/mqtt:', 'a/mqtts:', 'a/ws:']);
await subscriber.endAsync();
await broker.publish({ topic: 'a/away', payload: 'away', qos: 2, retain: true });
await broker.stop();

broker = await createBroker(options);
const returned = mqtt.connect(broker.url, durable);
assert.deepEqual(await messages(returned, 1), ['a/away']);
await returned.endAsync();
const other = mqtt.connect(broker.url);
const retained = messages(other, 1);
await other.subscribeAsync('a/+');
assert.deepEqual(await retained, ['a/away']);
await other.endAsync();
await broker.stop();

/** The topics of the next messages of a client. */
function messages(client, count) {
  const topics = [];
  return new Promise((resolve, reject) => {
    client.on('error', reject);
    client.on('message', (topic) => {
      topics.push(topic);
      if (topics.length === count) resolve(topics);
    });
  });
}
