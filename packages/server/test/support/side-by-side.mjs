/**
 * Three brokers in one process, which are stopped one after the other: `node side-by-side.mjs FOLDER`, with the file
 * `passwords` in the folder. Prints, as JSON, what each had, and what kept the process running after each stop. It ends
 * by itself, as nothing does any more.
 */
import { once } from 'node:events';
import { get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createBroker } from '@promptmq/server';
import mqtt from 'mqtt';

const [folder] = process.argv.slice(2);
const SECTIONS = [
  { metrics: { sysInterval: '1h' } },
  { storage: { dataDir: join(folder, 'data'), walDir: join(folder, 'wal') } },
  { metrics: { sysInterval: 0 }, auth: { passwordFile: join(folder, 'passwords') } },
];
const CREDENTIALS = { username: 'user', password: 'secret' };

const before = handles();
const brokers = await Promise.all(SECTIONS.map((options) => createBroker(options)));
const clients = [];
const received = [];
for (const [index, { url }] of brokers.entries()) {
  // The same identifier everywhere: no broker knows the sessions of another.
  const session = { clientId: 'same', clean: false, reconnectPeriod: 0 };
  const client = await mqtt.connectAsync(url, { ...session, ...CREDENTIALS });
  clients.push(client);
  await client.subscribeAsync('who', { qos: 1 });
  for (let count = 0; count <= index; count++) {
    client.publish('who', `${index}`, { qos: 1, retain: true });
    const [topic, payload] = await once(client, 'message');
    received.push(`${topic} ${payload}`);
  }
}
const counted = [await messagesCounted(brokers[0]), await messagesCounted(brokers[2])];
const connected = brokers.map(({ stats }) => stats.connectionsTotal);

const left = [];
for (const [index, broker] of brokers.entries()) {
  const closed = once(clients[index], 'close');
  await broker.stop();
  await closed;
  for (const other of clients.slice(index + 1)) await other.publishAsync('still', 'x', { qos: 1 });
  // Node forgets what was closed at the end of a turn of its event loop.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  left.push(handles());
}
process.stdout.write(JSON.stringify({ received, counted, connected, before, left }));

/** What keeps the process running, with counts. */
function handles() {
  const counts = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function messagesCounted({ metricsUrl }) {
  const [response] = await once(get(`${metricsUrl}/metrics`, { agent: false }), 'response');
  return Number(/^promptmq_messages_received_total (\d+)$/m.exec(await text(response))[1]);
}
