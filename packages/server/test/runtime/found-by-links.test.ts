import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

// A machine that is busy with other work is no failure.
jest.setTimeout(60_000);

let folder = '';

/** As pnpm lays modules out: what `linked` needs lies beside what it is a link to. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-links-'));
  const store = join(folder, 'store/node_modules');
  for (const name of ['linked', 'needed']) mkdirSync(join(store, name), { recursive: true });
  writeFileSync(join(store, 'needed/package.json'), '{ "exports": "./index.mjs" }');
  writeFileSync(join(store, 'needed/index.mjs'), '');
  writeFileSync(join(store, 'linked/index.mjs'), "import 'needed';");
  for (const name of ['app', 'exposed']) mkdirSync(join(folder, name));
  symlinkSync(join(store, 'linked'), join(folder, 'app/linked'));
  writeFileSync(join(folder, 'app/first.mjs'), '');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Makes a socket on which nobody listens, as a process that was killed leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer();
  server.listen(join(folder, 'made.sock'));
  await once(server, 'listening');
  // Under its other name it isn't removed with the server.
  renameSync(join(folder, 'made.sock'), path);
  server.close();
  await once(server, 'close');
}

const makePipe = (path: string) => void execFileSync('mkfifo', ['-m', '600', path]);

const onSystemsWithPipes = process.platform === 'win32' ? test.skip : test;

onSystemsWithPipes.each([
  ['stale socket', 'left.sock', leaveSocket],
  [
    'exposed folder',
    'exposed',
    async (path: string) => {
      await leaveSocket(join(path, 'lock.sock'));
      chmodSync(path, 0o755);
    },
  ],
  ['key file', 'pipe', makePipe],
  ['text file', 'pipe', makePipe],
  ['watched file', 'pipe', makePipe],
  ['log file', 'pipe', makePipe],
] as const)(
  'modules are found by links after the broker has looked at: %s',
  async (what, name, make) => {
    const path = join(folder, name);
    await make(path);
    const script = join(import.meta.dirname, '../support/import-after.mjs');
    const modules = [join(folder, 'app/first.mjs'), join(folder, 'app/linked/index.mjs')];
    const done = promisify(execFile)(process.execPath, [script, what, path, ...modules]);
    await expect(done).resolves.toBeDefined();
  },
);
