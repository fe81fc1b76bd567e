import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.ts';
import { otherProgram } from '../support/other-programs.ts';
import { Program } from './program.ts';
import { NatsServers } from './systems/nats-servers.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-servers-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a program that ends by itself has failed; one that is told to end has not', async () => {
  const log = join(folder, 'log');
  const failing = new Program(
    [process.execPath, '-e', 'console.log("no port"); process.exit(3)'],
    log,
  );
  failing.start();
  while (failing.isRunning) await new Promise((resolve) => setImmediate(resolve));
  expect([failing.hasFailed, failing.tail(1)]).toEqual([true, 'no port']);
  const lasting = new Program([process.execPath, '-e', 'setInterval(() => {}, 1000)'], log);
  lasting.start();
  await lasting.kill();
  expect(lasting.hasFailed).toBe(false);
});

const program = otherProgram('nats-server 2.15.1');
const withServers = program.missing === null ? describe : describe.skip;

withServers('servers of NATS', () => {
  test('whose port is taken are not waited for: one line says which and why', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const addresses = await Promise.all(
      [0, 1, 2].map(async (index) => ({
        client: index === 1 ? port : await freePort(),
        route: await freePort(),
        monitor: await freePort(),
      })),
    );
    const servers = await NatsServers.make(
      folder,
      addresses,
      () => addresses.map(({ route }) => route),
      () => '',
    );
    try {
      await servers.start();
      await expect(servers.untilWell()).rejects.toThrow(
        /^nats-server 2\.15\.1: server e2 has ended: .*address already in use"$/,
      );
    } finally {
      await Promise.all(servers.nodes.map((node) => node.kill()));
      taken.close();
    }
  });
});
