/**
 * Metrics of a program of one's own: a worker counts in plain objects, Prometheus reads them.
 *
 *   node custom-metrics.mjs [PORT]
 *
 * With a port it serves until it is interrupted; without, it scrapes itself once and ends.
 */
import {
  BucketHistogram,
  exponentialBounds,
  MetricsRegistry,
  ProcessMonitor,
  startMetricsServer,
} from '@promptmq/metrics';

const [port] = process.argv.slice(2);

const worker = {
  done: 0,
  failed: { timeout: 0, refused: 0 },
  waiting: ['a', 'b', 'c'],
  seconds: new BucketHistogram(exponentialBounds(0.001, 10, 4)),
};

const registry = new MetricsRegistry({
  worker_jobs_total: { type: 'counter', help: 'Jobs done.' },
  worker_jobs_failed_total: { type: 'counter', help: 'Jobs that failed.', labels: ['why'] },
  worker_jobs_waiting: { type: 'gauge', help: 'Jobs that wait.' },
  worker_job_duration_seconds: { type: 'histogram', help: 'How long jobs took.' },
  worker_memory_bytes: { type: 'gauge', help: 'Memory of the process.', labels: ['kind'] },
});
const monitor = new ProcessMonitor();
registry.add('worker_jobs_total', () => worker.done);
registry.add('worker_jobs_failed_total', () =>
  Object.entries(worker.failed).map(([why, value]) => ({ labels: { why }, value })),
);
registry.add('worker_jobs_waiting', () => worker.waiting.length);
registry.add('worker_job_duration_seconds', () => worker.seconds);
registry.add('worker_memory_bytes', () => monitor.memory());

const server = await startMetricsServer({
  registry,
  listen: { host: '127.0.0.1', port: Number(port ?? 0) },
  checks: {
    queue: () => ({ isOk: worker.waiting.length < 100, detail: `${worker.waiting.length} wait` }),
  },
});

while (worker.waiting.length > 0) {
  const startedAt = performance.now();
  if (worker.waiting.shift() === 'b') worker.failed.timeout++;
  else worker.done++;
  worker.seconds.observe((performance.now() - startedAt) / 1000);
}

if (port === undefined) {
  console.log(await (await fetch(`${server.url}/metrics`)).text());
  console.log(await (await fetch(`${server.url}/ready`)).text());
  await stop();
} else {
  console.log(`metrics at ${server.url}/metrics`);
  process.once('SIGINT', stop);
}

async function stop() {
  await server.close();
  monitor.close();
}
