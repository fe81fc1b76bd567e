/** Sends jobs, and kills the worker while it is at work: all of them are done in the end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import mqtt from 'mqtt';

const JOBS = 500;
const folder = mkdtempSync(join(tmpdir(), 'job-worker-'));

async function startWorker() {
  const worker = spawn(process.execPath, [fileURLToPath(new URL('worker.mjs', import.meta.url))], {
    env: { ...process.env, BIND: '127.0.0.1:0', DATA: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(worker.stdout), 'line');
  const client = await mqtt.connectAsync(line.replace('MQTT at ', ''), { reconnectPeriod: 0 });
  return { worker, client };
}

async function end({ worker, client }, signal) {
  client.end(true);
  worker.kill(signal);
  await once(worker, 'exit');
}

const first = await startWorker();
const jobs = Array.from({ length: JOBS }, (_, index) =>
  first.client.publishAsync(`jobs/${index}`, `job ${index}`, { qos: 1 }),
);
await Promise.all(jobs); // each is on disk
await end(first, 'SIGKILL');
console.log('all jobs were sent, and the worker killed');

const second = await startWorker();
const done = new Set();
const isComplete = new Promise((resolve) => {
  second.client.on('message', (topic) => {
    done.add(topic);
    if (done.size === JOBS) resolve();
  });
});
await second.client.subscribeAsync('results/+', { qos: 1 });
await isComplete;
await end(second, 'SIGTERM');
console.log(`the next one has the results of ${done.size}`);
rmSync(folder, { recursive: true });
