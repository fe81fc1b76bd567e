import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { lockDirectory, reachByDescriptor, reachBySymlink } from '../src/files/directory-lock.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const script = join(import.meta.dirname, 'support/lock-taker.mjs');
const source = `file://${join(import.meta.dirname, '../dist/index.js')}`;

let directory = '';
const children = new Set<ChildProcess>();
const servers: Server[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'promptmq-lock-'));
});

afterEach(async () => {
  await Promise.all([...children].map(kill));
  for (const server of servers.splice(0)) server.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await rm(directory, { recursive: true });
});

async function start(env: Record<string, string> = {}): Promise<ChildProcess> {
  const child = fork(script, [source], { env: { ...process.env, ...env } });
  children.add(child);
  await once(child, 'message');
  return child;
}

/** As a crash: what it held stays. */
async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function tell(child: ChildProcess, message: object) {
  const answered = once(child, 'message');
  child.send(message);
  const [answer] = await answered;
  return answer as { isHeld: boolean; message: string };
}

const socketFiles = async (of = directory) =>
  (await readdir(of)).filter((name) => name.startsWith('lock'));

/** Somebody who listens on a claim, and answers in his way. */
async function listenAt(name: string, answer: (count: number) => string | null): Promise<Server> {
  let count = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    const text = answer(++count);
    if (text !== null) socket.end(text);
  });
  servers.push(server);
  server.listen(join(directory, name));
  await once(server, 'listening');
  return server;
}

describe.each([
  ['with sockets', () => true],
  ['where there can be no sockets', () => false],
  ['some with sockets, others without', (index: number) => index % 2 === 0],
])('processes that race, %s', (_, hasSockets) => {
  test('for what a crash has left: one gets it each time, and the others learn which', async () => {
    const takers = await Promise.all(Array.from({ length: 8 }, () => start()));
    for (let round = 0; round < 12; round++) {
      const answers = await Promise.all(
        takers.map((taker, index) =>
          tell(taker, { lock: directory, hasSockets: hasSockets(index) }),
        ),
      );
      const winners = takers.filter((_, index) => answers[index]?.isHeld);
      expect(winners.map(({ pid }) => pid)).toHaveLength(1);
      const [winner] = winners as [ChildProcess];
      const messages = answers.filter(({ isHeld }) => !isHeld).map(({ message }) => message);
      const expected = `locked: ${directory} is in use by process ${winner.pid}; stop it first`;
      expect(messages).toEqual(messages.map(() => expected));
      expect(await socketFiles()).toHaveLength(1);
      // Dead by turns, and given back: both leave it to whoever comes next.
      if (round % 3 === 2) {
        await tell(winner, { unlock: true });
        expect(await socketFiles()).toEqual([]);
      } else {
        await kill(winner);
        takers[takers.indexOf(winner)] = await start();
      }
    }
  });

  test('within one process, too', async () => {
    for (let round = 0; round < 20; round++) {
      const results = await Promise.allSettled(
        Array.from({ length: 6 }, (_, index) =>
          lockDirectory(directory, undefined, hasSockets(index)),
        ),
      );
      const held = results.filter(({ status }) => status === 'fulfilled');
      expect(held).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'fulfilled') await result.value();
        else expect(result.reason.message).toContain(`in use by process ${process.pid};`);
      }
    }
  });

  test('no file is left by those who lose, nor of those who ended before they listened', async () => {
    for (const ending of ['new', 'tmp']) {
      await writeFile(join(directory, `lock-0123456789abcdef.${ending}`), '');
    }
    const unlock = await lockDirectory(directory, undefined, hasSockets(0));
    for (let count = 0; count < 3; count++) {
      const refused = lockDirectory(directory, undefined, hasSockets(count));
      await expect(refused).rejects.toMatchObject({ code: 'locked' });
    }
    expect(await socketFiles()).toHaveLength(1);
    await unlock();
    expect(await socketFiles()).toEqual([]);
  });
});

describe('a claim that is a file', () => {
  const NAME = 'lock-0000000000000000.pid';

  /** The claim of a process of this machine, and what becomes of it when its fields are changed. */
  async function claimWith(change: (fields: string[]) => void): Promise<void> {
    const child = await start();
    await tell(child, { lock: directory, hasSockets: false });
    const [name] = (await socketFiles()) as [string];
    const fields = (await readFile(join(directory, name), 'utf8')).trim().split(' ');
    await kill(child);
    await rm(join(directory, name));
    fields[0] = `${process.pid}`;
    fields[1] =
      (await readFile(`/proc/${process.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[19] ?? '';
    change(fields);
    await writeFile(join(directory, NAME), `${fields.join(' ')}\n`);
  }

  const onLinux = process.platform === 'linux' ? test : test.skip;

  onLinux('of a process that is there holds the directory', async () => {
    await claimWith(() => {});
    const refusal = `${directory} is in use by process ${process.pid}; stop it first`;
    await expect(lockDirectory(directory)).rejects.toThrow(refusal);
  });

  onLinux('of a process whose identifier another one has now is left over', async () => {
    await claimWith((fields) => {
      fields[1] = '1';
    });
    const unlock = await lockDirectory(directory, undefined, false);
    expect(await socketFiles()).not.toContain(NAME);
    await unlock();
  });

  onLinux('of a process elsewhere holds the directory as long as its number rises', async () => {
    let beat = 0;
    let line = '';
    await claimWith((fields) => {
      fields[0] = '1';
      fields[2] = 'elsewhere/pid:[1]';
      line = fields.slice(0, 4).join(' ');
    });
    const timer = setInterval(() => {
      void writeFile(join(directory, NAME), `${line} ${++beat}\n`, { flag: 'r+' });
    }, 100);
    await expect(lockDirectory(directory)).rejects.toThrow('in use by process 1;');
    clearInterval(timer);
    // It is gone.
    const unlock = await lockDirectory(directory);
    await unlock();
  });
});

test('a folder in which no files can be made is named, and what is missing', async () => {
  const folder = join(directory, 'closed');
  await mkdir(folder);
  const isRoot = process.getuid?.() === 0;
  if (isRoot || process.platform === 'win32') return;
  await chmod(folder, 0o500);
  await expect(lockDirectory(folder)).rejects.toThrow(
    `${folder} has to be a folder in which user ${process.getuid?.()} may make files: `,
  );
});

describe('a claim of another', () => {
  const FIRST = 'lock-0000000000000000.sock';
  const LAST = 'lock-ffffffffffffffff.sock';

  test.each([FIRST, LAST, 'lock.sock'])('%s that says who holds the directory', async (name) => {
    await listenAt(name, () => '4711');
    await expect(lockDirectory(directory)).rejects.toThrow(
      `${directory} is in use by process 4711`,
    );
    expect(await socketFiles()).toEqual([name]);
  });

  test.each([FIRST, LAST])('%s is asked again when it hangs up without an answer', async (name) => {
    await listenAt(name, (count) => (count < 4 ? '' : '4711'));
    await expect(lockDirectory(directory)).rejects.toThrow('in use by process 4711');
  });

  test('that never answers is not taken for gone', async () => {
    await listenAt(LAST, () => '');
    await expect(lockDirectory(directory)).rejects.toThrow("a process that doesn't answer");
    expect(await socketFiles()).toEqual([LAST]);
  });

  test.each([FIRST, LAST])(
    '%s that is withdrawn leaves the directory to this one',
    async (name) => {
      const server = await listenAt(name, () => null);
      const asked = once(server, 'connection');
      const locking = lockDirectory(directory);
      const [socket] = await asked;
      // The first of the two keeps its claim, the other one waits without.
      const expected = name === FIRST ? 1 : 2;
      while ((await socketFiles()).length !== expected) await new Promise(setImmediate);
      server.close();
      await rm(join(directory, name), { force: true });
      socket.destroy();
      await (await locking)();
      expect(await socketFiles()).toEqual([]);
    },
  );

  test('that came in the meantime is not withdrawn for a greater one', async () => {
    const server = await listenAt(LAST, () => null);
    const asked = once(server, 'connection');
    const locking = lockDirectory(directory);
    const [socket] = await asked;
    // It waits for the greater one, with its claim in place: whoever comes now waits for it.
    const own = (await socketFiles()).find((name) => name !== LAST) as string;
    expect(own).toBeDefined();
    socket.end('4711');
    await expect(locking).rejects.toThrow('4711');
    expect(await socketFiles()).toEqual([LAST]);
  });
});

test.each(['nothing', 'refused', 'unlocked'])(
  'modules are found by links when a lock was taken over from a crash, and then %s',
  async (what) => {
    // As pnpm lays them out: what `linked` needs lies beside what it is a link to.
    const store = join(directory, 'store/node_modules');
    const app = join(directory, 'app');
    const locked = join(directory, 'locked');
    for (const folder of [app, locked]) await mkdir(folder);
    for (const name of ['linked', 'needed']) await mkdir(join(store, name), { recursive: true });
    await writeFile(join(store, 'needed/package.json'), '{ "exports": "./index.mjs" }');
    await writeFile(join(store, 'needed/index.mjs'), '');
    await writeFile(join(store, 'linked/index.mjs'), "import 'needed';");
    await symlink(join(store, 'linked'), join(app, 'linked'));
    await writeFile(join(app, 'first.mjs'), '');
    const former = await start();
    await tell(former, { lock: locked });
    await kill(former);
    expect(await socketFiles(locked)).toHaveLength(1);
    const script = join(import.meta.dirname, 'support/import-after.mjs');
    const modules = [join(app, 'first.mjs'), join(app, 'linked/index.mjs')];
    await promisify(execFile)(process.execPath, [script, what, source, locked, ...modules]);
  },
);

describe('a directory with a long path', () => {
  test('is locked by what lies in it: processes with other temporary folders see each other', async () => {
    const long = join(directory, 'é'.repeat(100), 'x'.repeat(100));
    await mkdir(long, { recursive: true });
    const folders = ['tmp-a', 'tmp-b'].map((name) => join(directory, name));
    const [first, second] = await Promise.all(
      folders.map(async (folder) => {
        await mkdir(folder);
        return start({ TMPDIR: folder });
      }),
    );
    expect(await tell(first as ChildProcess, { lock: long })).toMatchObject({ isHeld: true });
    expect(await socketFiles(long)).toHaveLength(1);
    const refused = await tell(second as ChildProcess, { lock: long });
    expect(refused.message).toContain(`in use by process ${first?.pid};`);
    await kill(first as ChildProcess);
    expect(await tell(second as ChildProcess, { lock: long })).toMatchObject({ isHeld: true });
    expect(await socketFiles(long)).toHaveLength(1);
    for (const folder of folders) expect(await readdir(folder)).toEqual([]);
  });

  const reaches = { descriptor: reachByDescriptor, symlink: reachBySymlink };
  const onThisSystem = process.platform === 'linux' ? ['descriptor', 'symlink'] : ['symlink'];

  test.each(onThisSystem as ('descriptor' | 'symlink')[])('reached by a %s', async (name) => {
    const long = join(directory, 'x'.repeat(150));
    await mkdir(long);
    const unlock = await lockDirectory(long, reaches[name]);
    expect(await socketFiles(long)).toHaveLength(1);
    await expect(lockDirectory(long, reaches[name])).rejects.toThrow(`process ${process.pid}`);
    await unlock();
    expect(await socketFiles(long)).toEqual([]);
  });
});
