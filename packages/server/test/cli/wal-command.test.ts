import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { LmdbIndex, Log } from '@promptmq/wal';
import mqtt from 'mqtt';
import { createBroker } from '../../src/index.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(60_000);

const bin = join(import.meta.dirname, '../../bin/promptmq.js');

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'promptmq-wal-command-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Runs `promptmq wal` to its end. */
async function wal(...args: string[]) {
  const child = spawn(process.execPath, [bin, 'wal', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [exitCode] = await once(child, 'close');
  return { exitCode, output, errors, lines: output.trimEnd().split('\n') };
}

/** Three records in two streams, in three batches. */
async function fill(): Promise<number[]> {
  const log = await Log.open({ directory, index: new LmdbIndex(directory) });
  const positions: number[] = [];
  for (const [stream, data] of [
    ['a', 'first\n'],
    ['b', 'second'],
    ['a', 'third'],
  ] as const) {
    positions.push(log.append(Buffer.from(data), null, Buffer.from(stream)));
    await log.flush();
  }
  await log.close();
  return positions;
}

async function damage(position: number): Promise<string> {
  const [name] = (await readdir(directory)).filter((one) => one.endsWith('.log')) as [string];
  const path = join(directory, name);
  const bytes = await readFile(path);
  bytes[position + 13] = (bytes[position + 13] as number) ^ 1;
  await writeFile(path, bytes);
  return path;
}

/** Of a dump: without the record that says what the wall clock showed. */
function dataLines({ lines }: { readonly lines: readonly string[] }): string[] {
  return lines.filter((line) => line.includes(' data '));
}

test('verify: a sound log has exit code 0, a damaged one 3 and its place', async () => {
  const positions = await fill();
  const sound = await wal('verify', directory);
  expect(sound).toMatchObject({ exitCode: 0, errors: '' });
  expect(sound.lines.at(-1)).toBe('sound');
  const path = await damage(positions[1] as number);
  const damaged = await wal('verify', directory);
  expect(damaged.exitCode).toBe(3);
  expect(damaged.lines[0]).toContain(`${path}: damaged, `);
  const json = await wal('verify', directory, '--json');
  expect(json.exitCode).toBe(3);
  expect(JSON.parse(json.output)).toMatchObject({
    isSound: false,
    records: 3, // two of ours, and that of the clock
    problems: [{ kind: 'damaged', file: path, offset: (positions[1] as number) - 40 }],
  });
});

test('repair: what is lost has exit code 3, then the log is sound', async () => {
  const positions = await fill();
  expect(await wal('repair', directory)).toMatchObject({
    exitCode: 0,
    output: 'nothing to repair\n',
  });
  await damage(positions[1] as number);
  const repaired = await wal('repair', directory, '--json');
  expect(repaired.exitCode).toBe(3);
  expect(JSON.parse(repaired.output)).toMatchObject({ isLossy: true });
  expect((await wal('verify', directory)).exitCode).toBe(0);
  expect(dataLines(await wal('dump', directory))).toHaveLength(2);
  const stat = JSON.parse((await wal('stat', directory, '--json')).output);
  expect(stat).toMatchObject({ records: 2, quarantinedFiles: 1, streams: 1 });
});

test('dump: a line or a JSON document a record, as much as is asked for', async () => {
  const positions = await fill();
  const { lines, exitCode } = await wal('dump', directory);
  expect(exitCode).toBe(0);
  expect(dataLines({ lines })).toHaveLength(3);
  expect(lines[1]).toMatch(/ clock /);
  expect(lines[0]).toMatch(new RegExp(`^${positions[0]} data \\S+Z "a" 6 first\\.$`));
  const json = await wal('dump', directory, '--json', '--data', 'text', '--stream', 'a');
  expect(json.lines.map((line) => JSON.parse(line))).toMatchObject([
    { position: positions[0], kind: 'data', stream: 'a', length: 6, data: 'first\n' },
    { position: positions[2], data: 'third' },
  ]);
  const one = await wal('dump', directory, '--from', `${positions[1]}`, '--limit', '1');
  expect(one.lines).toHaveLength(1);
  expect(one.lines[0]).toMatch(/second$/);
  const hex = await wal('dump', directory, '--limit', '1', '--data', 'hex');
  expect(hex.lines[0]).toMatch(/ 66697273740a$/);
});

test('stat: text for people', async () => {
  await fill();
  const { output, exitCode } = await wal('stat', directory);
  expect(exitCode).toBe(0);
  expect(output).toMatch(/3 records in 3 batches, 17 bytes of data/);
  expect(output).toMatch(/last checkpoint at \d+/);
});

test('a log that is in use: repair has exit code 4, looking is allowed', async () => {
  await fill();
  const log = await Log.open({ directory });
  const refused = await wal('repair', directory);
  expect(refused.exitCode).toBe(4);
  expect(refused.errors).toContain(`in use by process ${process.pid}`);
  const json = await wal('repair', directory, '--json');
  expect(JSON.parse(json.output)).toMatchObject({ error: 'locked' });
  expect((await wal('verify', directory)).exitCode).toBe(0);
  await log.close();
});

test('an index of another log: each command tells it, and none uses it', async () => {
  await fill();
  const other = join(directory, 'other');
  const log = await Log.open({ directory: other, index: new LmdbIndex(join(other, 'index')) });
  log.append(Buffer.from('of another log'));
  const otherId = log.id;
  await log.close();
  const foreign = ['--index-dir', join(other, 'index')];
  const told = `index.mdb is of log ${otherId}, not of log `;
  const verify = await wal('verify', directory, ...foreign);
  expect(verify.exitCode).toBe(3);
  expect(verify.lines[0]).toMatch(
    /index\.mdb: foreign, the index of another log than [0-9a-f]{32}$/,
  );
  expect(verify.lines.at(-1)).toBe('undamaged, but not of one log');
  const stat = await wal('stat', directory, ...foreign);
  expect(stat.output).toContain(`index.mdb is of another log, ${otherId}\n`);
  expect(stat.output).not.toContain('last checkpoint');
  const dump = await wal('dump', directory, ...foreign);
  expect(dump).toMatchObject({ exitCode: 0, errors: expect.stringContaining(told) });
  expect(dataLines(dump)).toHaveLength(3);
  const backup = await wal('backup', directory, join(directory, 'copy'), ...foreign);
  expect(backup).toMatchObject({ exitCode: 0, errors: expect.stringContaining(told) });
  for (const refused of [
    await wal('repair', directory, ...foreign, '--json'),
    await wal('compact', directory, '--data-dir', other, '--json'),
  ]) {
    expect(refused.exitCode).toBe(1);
    expect(JSON.parse(refused.output)).toMatchObject({
      error: 'foreign',
      message: expect.stringContaining(told),
    });
  }
  expect(await readdir(join(other, 'index'))).toEqual([
    'index.mdb',
    'index.mdb-lock',
    'index.mdb.sum',
  ]);
  const own = await wal('stat', directory);
  expect(own.output).toMatch(/^log [0-9a-f]{32}$/m);
});

test('compact: what sessions were sent goes, what they wait for stays', async () => {
  const walDir = join(directory, 'wal');
  const dataDir = join(directory, 'data');
  const storage = { enabled: true, walDir, dataDir, wal: { segmentSize: 1_048_576 } };
  const session = { clientId: 'durable', clean: false, protocolVersion: 4 } as const;
  let broker = await createBroker({ storage });
  let subscriber = await mqtt.connectAsync(broker.url as string, session);
  await subscriber.subscribeAsync('a', { qos: 1 });
  const publisher = await mqtt.connectAsync(broker.url as string);
  for (let count = 0; count < 40; count++) {
    const received = new Promise((done) => subscriber.once('message', done));
    await publisher.publishAsync('a', Buffer.alloc(100_000, `${count} `), { qos: 1 });
    await received;
  }
  await subscriber.endAsync();
  await publisher.publishAsync('a', 'waits', { qos: 1 });
  await publisher.endAsync();
  const inUse = await wal('compact', walDir, '--data-dir', dataDir);
  expect(inUse.exitCode).toBe(4);
  await broker.stop();
  const before = JSON.parse((await wal('stat', walDir, '--json')).output);
  expect(before.bytes).toBeGreaterThan(4_000_000);
  const { exitCode, output, errors } = await wal(
    'compact',
    walDir,
    '--data-dir',
    dataDir,
    '--json',
  );
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
  expect(JSON.parse(output).removedBytes).toBeGreaterThan(2_000_000);
  expect((await wal('verify', walDir)).exitCode).toBe(0);
  broker = await createBroker({ storage });
  subscriber = mqtt.connect(broker.url as string, session);
  const waited = await new Promise((done) => {
    subscriber.once('message', (_, payload) => done(payload.toString()));
  });
  expect(waited).toBe('waits');
  await subscriber.endAsync();
  await broker.stop();
});

test('a folder that is not there has exit code 1, a wrong call 2', async () => {
  const missing = await wal('verify', join(directory, 'missing'));
  expect(missing).toMatchObject({ exitCode: 1, output: '' });
  expect(missing.errors).toContain('missing: no such directory');
  expect((await wal('stat')).exitCode).toBe(2);
  expect((await wal('stat', directory, '--no-such-option')).exitCode).toBe(2);
});
