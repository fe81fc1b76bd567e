import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createLogger, openLogFile, type Rotation } from '../../src/log/index.ts';

let folder: string;
const rotation: Rotation = { size: 2000, age: '1d', count: 2, gzip: true };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-log-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

function unexpected(error: Error): never {
  throw error;
}

test('a full file is followed by another; older ones are compressed, and the oldest removed', async () => {
  const stream = openLogFile(join(folder, 'logs/broker.log'), rotation, unexpected);
  const logger = createLogger({ level: 'info', format: 'json', stream });
  for (let round = 0; round < 5; round++) {
    const rotated = once(stream, 'rotated');
    for (let line = 0; line < 30; line++) logger.info('event', { round, line });
    await rotated;
  }
  const finished = once(stream, 'finish');
  stream.end();
  await finished;
  expect(readdirSync(join(folder, 'logs')).sort()).toEqual([
    'broker.log',
    'broker.log.1.gz',
    'broker.log.2.gz',
  ]);
  const lines = ['broker.log.2.gz', 'broker.log.1.gz'].flatMap((name) =>
    gunzipSync(readFileSync(join(folder, 'logs', name)))
      .toString()
      .trim()
      .split('\n'),
  );
  for (const line of lines) expect(JSON.parse(line).event).toBe('event');
});

test('a file that is there is continued, and left as it is without compression', async () => {
  const path = join(folder, 'broker.log');
  writeFileSync(path, 'before\n');
  const stream = openLogFile(path, { ...rotation, size: 100, gzip: false }, unexpected);
  const rotated = once(stream, 'rotated');
  stream.write(`${'x'.repeat(200)}\n`);
  await rotated;
  const finished = once(stream, 'finish');
  stream.end();
  await finished;
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(`before\n${'x'.repeat(200)}\n`);
});

test('a file that cannot be opened is told at once', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => openLogFile(join(folder, 'file/broker.log'), rotation, unexpected)).toThrow();
  expect(existsSync(join(folder, 'file/broker.log'))).toBe(false);
});
