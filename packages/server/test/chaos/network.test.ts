import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Network } from './network.ts';
import { Program } from './program.ts';

const testOnLinux = process.platform === 'linux' ? test : test.skip;

/** Connects, says its name each 10 ms, and writes what it gets, or that the connection is over. */
const DIALER = `
const [port, name] = process.argv.slice(1);
const socket = require('node:net').connect(Number(port), '127.0.0.1');
socket.on('data', (chunk) => process.stdout.write(String(chunk)));
socket.on('error', () => {});
socket.on('close', () => process.stdout.write('closed'));
setInterval(() => socket.writable && socket.write(name), 10);
`;

let folder: string;
let server: Server;
let accepted: Socket[];
let network: Network;
let programs: Program[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-network-'));
  accepted = [];
  programs = [];
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  network.close();
  server.close();
  for (const socket of accepted) socket.destroy();
  await Promise.all(programs.map((program) => program.kill()));
  rmSync(folder, { recursive: true, force: true });
});

const log = (name: string) => join(folder, name);
const target = () => (server.address() as AddressInfo).port;

/** Two parties, `a` and `b`, that dial a third one, `c`, of this process. */
async function dial(): Promise<void> {
  network = new Network([
    { name: 'a', group: () => programs[0]?.group ?? 0 },
    { name: 'b', group: () => programs[1]?.group ?? 0 },
  ]);
  const port = await network.open(0, 'c', target());
  for (const name of ['a', 'b']) {
    programs.push(new Program([process.execPath, '-e', DIALER, `${port}`, name], log(name)));
  }
}

async function nextOf(socket: Socket): Promise<string> {
  const [chunk] = await once(socket, 'data');
  return String(chunk)[0] as string;
}

async function untilWritten(name: string, text: string): Promise<void> {
  while (!readFileSync(log(name), 'utf8').includes(text)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

testOnLinux('who dials is known by its process, and is cut off alone', async () => {
  await dial();
  for (const program of programs) program.start();
  while (accepted.length < 2) await once(server, 'connection');
  const names = await Promise.all(accepted.map(nextOf));
  expect(names.toSorted()).toEqual(['a', 'b']);
  network.set('a', 'c', 'refused');
  await untilWritten('a', 'closed');
  expect(await nextOf(accepted[names.indexOf('b')] as Socket)).toBe('b');
  expect(readFileSync(log('b'), 'utf8')).not.toContain('closed');
});

testOnLinux(
  'in a silent direction nothing passes; when it is open again, all comes that was sent',
  async () => {
    await dial();
    programs[0]?.start();
    const [socket] = (await once(server, 'connection')) as [Socket];
    await nextOf(socket);
    network.set('a', 'c', 'silent');
    // The other direction is open.
    socket.write('hello');
    await untilWritten('a', 'hello');
    let got = 0;
    socket.on('data', (chunk) => {
      got += chunk.length;
    });
    socket.write('again');
    await untilWritten('a', 'again');
    const before = got;
    socket.write('more');
    await untilWritten('a', 'more');
    expect(got).toBe(before);
    network.heal();
    await nextOf(socket);
    network.set('c', 'a', 'silent');
    socket.write('late');
    await nextOf(socket);
    await nextOf(socket);
    expect(readFileSync(log('a'), 'utf8')).not.toContain('late');
    network.heal();
    await untilWritten('a', 'late');
  },
);

testOnLinux('who dials while all is silent waits, and is connected afterwards', async () => {
  await dial();
  network.set('a', 'c', 'silent');
  for (const program of programs) program.start();
  const [first] = (await once(server, 'connection')) as [Socket];
  expect(await nextOf(first)).toBe('b');
  const second = once(server, 'connection') as Promise<[Socket]>;
  network.heal();
  expect(await nextOf((await second)[0])).toBe('a');
});
