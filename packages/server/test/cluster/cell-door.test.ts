import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CELL_HEADER, CellDoor } from '../../src/cluster/node/cell-door.ts';
import { clientTls } from '../../src/cluster/node/peer-tls.ts';
import { noopLogger } from '../../src/log/index.ts';
import { freePort } from '../support/free-port.ts';

const SECRET = 'what only the nodes of the test know';

let folder: string;
let port: number;
let cell: Server;
let door: CellDoor;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-door-'));
  const socketPath = join(folder, 'cell.sock');
  // Answers with what it was asked.
  cell = createServer(async (asked, answer) => {
    answer.end(
      `${asked.method} ${asked.url} ${asked.headers['x-promptmq-caller']} ${await text(asked)}`,
    );
  }).listen(socketPath);
  await once(cell, 'listening');
  port = await freePort();
  door = await CellDoor.open({
    host: '127.0.0.1',
    port,
    secret: SECRET,
    socketOf: (asked) => (asked === 2 ? socketPath : null),
    log: noopLogger,
  });
});

afterEach(async () => {
  await door.close();
  cell.close();
  rmSync(folder, { recursive: true });
});

function ask(of: number, tls: ConnectionOptions): Promise<{ status: number; body: string }> {
  const headers = { [CELL_HEADER]: `${of}`, 'x-promptmq-caller': 'ops' };
  const options = { ...tls, host: '127.0.0.1', port, method: 'POST', path: '/a?b', headers };
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, agent: false }, async (answer) =>
      resolve({ status: answer.statusCode as number, body: await text(answer) }),
    );
    asked.on('error', reject);
    asked.end('body');
  });
}

test('who knows the secret is passed on to the process of the cell', async () => {
  expect(await ask(2, clientTls(SECRET))).toEqual({ status: 200, body: 'POST /a?b ops body' });
});

test('a cell that is not here is answered 503', async () => {
  const { status, body } = await ask(3, clientTls(SECRET));
  expect(status).toBe(503);
  expect(JSON.parse(body)).toEqual({
    code: 'PROCESS_AWAY',
    message: "cell 3 isn't here just now; ask again",
  });
});

test('whoever has another secret, or none, is not let in', async () => {
  await expect(ask(2, clientTls(`${SECRET}!`))).rejects.toThrow();
  await expect(ask(2, { rejectUnauthorized: false })).rejects.toThrow();
});
