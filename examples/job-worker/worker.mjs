/**
 * Does jobs that come by MQTT, each at least once, whatever ends the process.
 *
 *   BIND=127.0.0.1:1883 DATA=./data node worker.mjs
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createBroker } from '@promptmq/server';

const { BIND: bind = '127.0.0.1:1883', DATA: data = './data' } = process.env;
const broker = await createBroker({
  server: { bind, wsBind: 'none' },
  storage: { dataDir: join(data, 'index'), walDir: join(data, 'log') },
});
process.once('SIGINT', () => void broker.stop());
process.once('SIGTERM', () => void broker.stop());

// With a name it is a durable session: jobs that come while there is no worker wait for the next one.
const jobs = broker.subscribe('jobs/+', { name: 'worker', receiveMaximum: 10 });
await jobs.ready;
console.log(`MQTT at ${broker.url}`);

// The loop is over when the broker stops.
for await (const job of jobs) {
  const payload = createHash('sha256').update(job.payload).digest('hex');
  const topic = job.topic.replace(/^jobs/, 'results');
  await broker.publish({ topic, payload, qos: 1, retain: true });
  job.ack(); // only now that the result is on disk; without it, the job comes again
}
