import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { lockDirectory, reachByDescriptor, reachBySymlink } from '../src/directory-lock.ts';

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

/** As a crash: what it held is left behind. */
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

describe('processes that race', () => {
  test('for what a crash has left: one gets it each time, and the others are told which', async () => {
    const takers = await Promise.all(Array.from({ length: 8 }, () => start()));
    for (let round = 0; round < 12; round++) {
      const answers = await Promise.all(takers.map((taker) => tell(taker, { lock: directory })));
      const winners = takers.filter((_, index) => answers[index]?.isHeld);
      expect(winners.map(({ pid }) => pid)).toHaveLength(1);
      const [winner] = winners as [ChildProcess];
      const told = answers.filter(({ isHeld }) => !isHeld).map(({ message }) => message);
      const expected = `locked: ${directory} is in use by process ${winner.pid}; stop it first`;
      expect(told).toEqual(told.map(() => expected));
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
        Array.from({ length: 6 }, () => lockDirectory(directory)),
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
    const prepared = join(directory, 'lock-0123456789abcdef.new');
    await writeFile(prepared, '');
    const unlock = await lockDirectory(directory);
    for (let count = 0; count < 3; count++) {
      await expect(lockDirectory(directory)).rejects.toMatchObject({ code: 'locked' });
    }
    expect(await socketFiles()).toHaveLength(1);
    await unlock();
    expect(await socketFiles()).toEqual([]);
  });
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
