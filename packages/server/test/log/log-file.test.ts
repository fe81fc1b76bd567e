import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LogFile, type Rotation } from '../../src/log/log-file.ts';
import { LogOutput, type LogPlace } from '../../src/log/log-output.ts';

let folder: string;
let path: string;
let now: number;
const rotation: Rotation = { size: 2000, age: '1d', count: 2, gzip: true };
const never: Rotation = { size: Number.POSITIVE_INFINITY, age: 'none', count: 1, gzip: false };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-log-'));
  path = join(folder, 'logs/broker.log');
  now = 0;
});

afterEach(() => rmSync(folder, { recursive: true }));

function open(rotation: Rotation): LogFile {
  return new LogFile(path, rotation, () => now);
}

/** Resolves with the error of a line, or null. */
function write(file: LogFile, text: string): Promise<Error | null> {
  return new Promise((resolve) => {
    file.write(Buffer.from(`${text}\n`), (error) => resolve(error ?? null));
  });
}

test('a full file is followed by another; older ones are compressed, and the oldest removed', async () => {
  const file = open(rotation);
  for (let round = 0; round < 5; round++) {
    const lines = Array.from({ length: 30 }, (_, line) =>
      write(file, `${round} ${line} ${'x'.repeat(60)}`),
    );
    expect(await Promise.all(lines)).toEqual(lines.map(() => null));
  }
  expect(readdirSync(join(folder, 'logs')).sort()).toEqual([
    'broker.log',
    'broker.log.1.gz',
    'broker.log.2.gz',
  ]);
  const older = gunzipSync(readFileSync(`${path}.2.gz`)).toString();
  expect(older).toMatch(/^(\d+ \d+ x+\n)+$/);
  file.close();
});

test('a file that is there is continued, and left as it is without compression', async () => {
  mkdirSync(join(folder, 'logs'));
  writeFileSync(path, 'before\n');
  const file = open({ ...rotation, size: 100, gzip: false });
  await write(file, 'x'.repeat(200));
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(`before\n${'x'.repeat(200)}\n`);
  file.close();
});

test('a file that cannot be opened is reported at once, and so is a pipe, for which it would wait', () => {
  writeFileSync(join(folder, 'logs'), '');
  expect(() => open(never)).toThrow('EEXIST');
  rmSync(join(folder, 'logs'));
  mkdirSync(join(folder, 'logs'));
  spawnSync('mkfifo', [path]);
  expect(() => open(never)).toThrow(`${path} is no regular file`);
});

test('a file that was renamed is opened again when it is asked to, and lines of meanwhile are in one of both', async () => {
  const file = open(never);
  await write(file, 'first');
  renameSync(path, `${path}.old`);
  const late = write(file, 'second');
  file.reopen();
  const next = write(file, 'third');
  expect(await Promise.all([late, next])).toEqual([null, null]);
  expect(readFileSync(`${path}.old`, 'utf8')).toBe('first\nsecond\n');
  expect(readFileSync(path, 'utf8')).toBe('third\n');
  file.close();
});

test('a file that is opened again while it is being compressed is opened after that', async () => {
  const file = open({ ...rotation, size: 1000 });
  const full = write(file, 'x'.repeat(100_000));
  file.reopen();
  expect(await Promise.all([full, write(file, 'next')])).toEqual([null, null]);
  expect(gunzipSync(readFileSync(`${path}.1.gz`)).toString()).toBe(`${'x'.repeat(100_000)}\n`);
  expect(readFileSync(path, 'utf8')).toBe('next\n');
  file.close();
});

test('a file that was removed with its folder is made again within a second', async () => {
  const file = open(never);
  await write(file, 'first');
  rmSync(join(folder, 'logs'), { recursive: true });
  // The first line a second later finds it out, and may still go with the former file.
  for (let line = 0; !existsSync(path); line++) {
    now += 1000;
    expect(await write(file, `${line}`)).toBeNull();
  }
  expect(await write(file, 'last')).toBeNull();
  expect(readFileSync(path, 'utf8')).toMatch(/last\n$/);
  file.close();
});

test('a file that cannot be written refuses lines, and is opened again after a second, then after two', async () => {
  const file = open(never);
  await write(file, 'first');
  rmSync(join(folder, 'logs'), { recursive: true });
  writeFileSync(join(folder, 'logs'), 'in the way');
  file.reopen();
  expect((await write(file, 'lost'))?.message).toContain('EEXIST');
  now += 1000;
  expect((await write(file, 'lost'))?.message).toContain('EEXIST');
  rmSync(join(folder, 'logs'));
  now += 1000;
  expect(await write(file, 'too early')).not.toBeNull();
  now += 1000;
  expect(await write(file, 'again')).toBeNull();
  expect(readFileSync(path, 'utf8')).toBe('again\n');
  file.close();
});

test('a line that a full disk has cut is ended before the next', async () => {
  mkdirSync(join(folder, 'logs'));
  writeFileSync(path, 'whole\nhal');
  const file = open(never);
  await write(file, 'next');
  expect(readFileSync(path, 'utf8')).toBe('whole\nhal\nnext\n');
  file.close();
});

test('lines for which those before leave no room are dropped, counted, and told of', async () => {
  const told: string[] = [];
  const place: LogPlace = { file: path, rotation: never, maxWaitingBytes: 1000 };
  const output = new LogOutput(place, {
    onFailed: (why) => told.push(why),
    onRecovered: (count, why) => {
      told.push(`${count} ${why}`);
      output.write('recovered\n');
    },
  });
  // All at once: nothing can be written in between.
  for (let line = 0; line < 30; line++) output.write(`${'x'.repeat(99)}\n`);
  expect(output.droppedCount).toBe(20);
  expect(await output.finish(10_000)).toBe(true);
  const why = 'over 1000 bytes wait to be written';
  expect(told).toEqual([why]);
  expect(readFileSync(path, 'utf8')).toBe(`${'x'.repeat(99)}\n`.repeat(10));
});

test('what was dropped is reported with the first line that is written again', async () => {
  const place: LogPlace = { file: path, rotation: never, maxWaitingBytes: 1000 };
  const recovered = new Promise<string>((resolve) => {
    const output = new LogOutput(place, {
      onFailed: () => {},
      onRecovered: (count) => {
        output.write(`dropped ${count}\n`, () => {
          void output.finish(10_000).then(() => resolve(readFileSync(path, 'utf8')));
        });
      },
    });
    for (let line = 0; line < 30; line++) output.write(`${'x'.repeat(99)}\n`);
  });
  expect(await recovered).toMatch(/^(x+\n){10}dropped 20\n$/);
});
