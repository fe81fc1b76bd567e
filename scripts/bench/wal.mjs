// Measures the log alone:
//   node scripts bench/wal [--records N] [--size BYTES] [--streams N] [--dir DIRECTORY] [--json]
//
// For each sync mode, records of one size are appended as fast as the log takes them, with a bound on what
// is outstanding, in a directory that is removed afterwards; then they are read back in order.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArguments } from '../lib/arguments.ts';
import { buildIfNeeded } from '../lib/prepare.js';

const { values } = readArguments(import.meta.url, {
  options: {
    records: { type: 'string', default: '1000000' },
    size: { type: 'string', default: '100' },
    dir: { type: 'string', default: tmpdir() },
    streams: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});
buildIfNeeded();
const { Log, LmdbIndex } = await import('../../packages/wal/dist/index.js');

const count = Number(values.records);
const data = Buffer.alloc(Number(values.size), 'x');

const streams = Array.from({ length: Number(values.streams) }, (_, index) =>
  Buffer.from(`building/${index}/temperature`),
);
const streamOf = (index) => (streams.length === 0 ? undefined : streams[index % streams.length]);

/** Appended in one turn by the modes that don't wait: a socket hands over about as many. */
const BURST = 1000;

/** Bytes that may be pending before the writer waits. */
const PENDING_MAX = 8 * 1_048_576;

const turn = () => new Promise((done) => setImmediate(done));

/** Keeps `outstanding` records unacknowledged: each acknowledgement lets the next one in. */
async function window(log, outstanding) {
  let appended = 0;
  let acknowledged = 0;
  await new Promise((done) => {
    const onCommitted = () => {
      acknowledged++;
      if (acknowledged === count) done();
      else if (appended < count) append();
    };
    const append = () => {
      appended++;
      log.append(data, onCommitted, streamOf(appended));
    };
    while (appended < Math.min(outstanding, count)) append();
  });
}

/** Appends in bursts, a turn each, and waits when too much is pending. */
async function bursts(log) {
  let acknowledged = 0;
  let wake = null;
  const onCommitted = () => {
    acknowledged++;
    if (wake !== null && log.pendingBytes < PENDING_MAX / 2) {
      wake();
      wake = null;
    }
  };
  for (let appended = 0; appended < count; ) {
    for (let index = 0; index < BURST && appended < count; index++, appended++) {
      log.append(data, onCommitted, streamOf(appended));
    }
    await turn();
    if (log.pendingBytes > PENDING_MAX) {
      await new Promise((done) => {
        wake = done;
      });
    }
  }
  while (acknowledged < count) await turn();
}

async function readBack(log) {
  const positions = [];
  for await (const { position } of log.records()) positions.push(position);
  const startedAt = performance.now();
  let bytes = 0;
  for (let index = 0; index < positions.length; index++) {
    const position = positions[index];
    const record = log.readNow(position) ?? (await log.read(position));
    bytes += record.data.length;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  if (bytes !== count * data.length) throw new Error(`read ${bytes} bytes`);
  return count / seconds;
}

async function measure(name, options, write) {
  const directory = await mkdtemp(join(values.dir, 'promptmq-wal-'));
  try {
    let log = await Log.open({ directory, index: new LmdbIndex(directory), ...options });
    // The first segments and the compiler are warm before the clock starts.
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    await write(log);
    const seconds = (performance.now() - startedAt) / 1000;
    const used = process.cpuUsage(cpu);
    const { syncs, batches } = log.stats;
    await log.flush();
    const reads = await readBack(log);
    await log.close();
    const reopenedAt = performance.now();
    log = await Log.open({ directory });
    const recovered = count / ((performance.now() - reopenedAt) / 1000);
    await log.close();
    return {
      name,
      appendsPerSecond: Math.round(count / seconds),
      cpuPerSecond: Number(((used.user + used.system) / 1e6 / seconds).toFixed(2)),
      batches,
      syncs,
      readsPerSecond: Math.round(reads),
      recoveredPerSecond: Math.round(recovered),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const results = [];
for (const [name, options, write] of [
  ['warm-up', { syncMode: 'periodic' }, bursts],
  ['periodic', { syncMode: 'periodic', syncInterval: 100 }, bursts],
  ['batch', { syncMode: 'batch', batchSyncSize: 100, syncInterval: 100 }, bursts],
  ['immediate, 1,024 outstanding', { syncMode: 'immediate' }, (log) => window(log, 1024)],
]) {
  const result = await measure(name, options, write);
  if (name !== 'warm-up') results.push(result);
}
if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
else {
  for (const { name, ...figures } of results) {
    const parts = Object.entries(figures).map(([key, value]) => `${key} ${value.toLocaleString()}`);
    process.stdout.write(`${name}: ${parts.join(', ')}\n`);
  }
}
