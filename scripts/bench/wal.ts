/**
 * Measures the log alone.
 *
 *   node scripts bench/wal [--records N] [--size BYTES] [--streams N] [--dir DIRECTORY] [--json]
 *
 * For each sync mode, records of one size are appended as fast as the log takes them, with a bound on what
 * is outstanding, in a directory that is removed afterwards; then they are read back in order.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogOptions, Log as OpenLog } from '../../packages/wal/dist/index.js';
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

/** A way to make records durable. */
interface Mode {
  readonly name: string;
  readonly options: Omit<LogOptions, 'directory'>;
  /** Appends all records, as fast as they are taken. */
  readonly write: (log: OpenLog) => Promise<void>;
}

const count = Number(values.records);
const data = Buffer.alloc(Number(values.size), 'x');

const streams = Array.from({ length: Number(values.streams) }, (_, index) =>
  Buffer.from(`building/${index}/temperature`),
);
const streamOf = (index: number) =>
  streams.length === 0 ? undefined : streams[index % streams.length];

/** Appended in one turn by the modes that don't wait: a socket hands over about as many. */
const BURST = 1000;

/** Bytes that may be pending before the writer waits. */
const PENDING_MAX = 8 * 1_048_576;

const turn = () => new Promise<void>((done) => setImmediate(done));

/** Keeps `outstanding` records unacknowledged: each acknowledgement lets the next one in. */
async function window(log: OpenLog, outstanding: number): Promise<void> {
  let appended = 0;
  let acknowledged = 0;
  await new Promise<void>((done) => {
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
async function bursts(log: OpenLog): Promise<void> {
  let acknowledged = 0;
  let wake = () => {};
  const onCommitted = () => {
    acknowledged++;
    if (log.pendingBytes < PENDING_MAX / 2) wake();
  };
  for (let appended = 0; appended < count; ) {
    for (let index = 0; index < BURST && appended < count; index++, appended++) {
      log.append(data, onCommitted, streamOf(appended));
    }
    await turn();
    if (log.pendingBytes > PENDING_MAX) {
      await new Promise<void>((done) => {
        wake = done;
      });
    }
  }
  while (acknowledged < count) await turn();
}

async function readBack(log: OpenLog): Promise<number> {
  const positions: number[] = [];
  for await (const { position } of log.records()) positions.push(position);
  const startedAt = performance.now();
  let bytes = 0;
  for (const position of positions) {
    const record = log.readNow(position) ?? (await log.read(position));
    bytes += record.data.length;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  if (bytes !== count * data.length) throw new Error(`read ${bytes} bytes`);
  return count / seconds;
}

async function measure({ name, options, write }: Mode) {
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

const MODES: readonly Mode[] = [
  { name: 'warm-up', options: { syncMode: 'periodic' }, write: bursts },
  { name: 'periodic', options: { syncMode: 'periodic', syncInterval: 100 }, write: bursts },
  {
    name: 'batch',
    options: { syncMode: 'batch', batchSyncSize: 100, syncInterval: 100 },
    write: bursts,
  },
  {
    name: 'immediate, 1,024 outstanding',
    options: { syncMode: 'immediate' },
    write: (log) => window(log, 1024),
  },
];
const results = [];
for (const mode of MODES) {
  const result = await measure(mode);
  if (mode.name !== 'warm-up') results.push(result);
}
if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
else {
  for (const { name, ...figures } of results) {
    const parts = Object.entries(figures).map(([key, value]) => `${key} ${value.toLocaleString()}`);
    process.stdout.write(`${name}: ${parts.join(', ')}\n`);
  }
}
