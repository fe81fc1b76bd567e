import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type AdminClient, AdminError, createAdminClient, dataOf } from '../src/index.ts';

/** What a request was. */
interface Asked {
  readonly line: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

const PAGE = { data: [], meta: { page: 1, limit: 10, count: 0, hasnext: false } };

let folder: string;
let servers: Server[];
let asked: Asked[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-admin-'));
  servers = [];
  asked = [];
  answer = (_, response) => json(response, 200, PAGE);
});

afterEach(async () => {
  await Promise.all(
    servers.map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
  rmSync(folder, { recursive: true });
});

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function serve(where: { readonly port: number; readonly host: string } | { path: string }) {
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    const body = await text(request);
    asked.push({ line: `${method} ${url}`, authorization: headers.authorization, body });
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(where, resolve));
  return server;
}

const HTTP = { name: 'HTTP', secret: true };
const SOCKET = { name: 'the Unix domain socket', secret: false };

describe.each([HTTP, SOCKET])('over $name', ({ secret }) => {
  let admin: AdminClient;

  beforeEach(async () => {
    if (secret) {
      const server = await serve({ port: 0, host: '127.0.0.1' });
      const { port } = server.address() as AddressInfo;
      admin = createAdminClient({
        url: `http://127.0.0.1:${port}/`,
        key: 'ops',
        secret: 'sé:cret',
      });
    } else {
      const socketPath = join(folder, 'admin.sock');
      await serve({ path: socketPath });
      admin = createAdminClient({ socketPath });
    }
  });

  test('operations are asked for below /api/v5, with the key where there is one', async () => {
    const params = { query: { limit: 10, like_clientid: 'a b&c' } };
    expect(await dataOf(admin.GET('/clients', { params }))).toEqual(PAGE);
    const credentials = Buffer.from('ops:sé:cret').toString('base64');
    expect(asked).toEqual([
      {
        line: 'GET /api/v5/clients?limit=10&like_clientid=a%20b%26c',
        authorization: secret ? `Basic ${credentials}` : undefined,
        body: '',
      },
    ]);
  });

  test('identifiers of any kind are one part of a path', async () => {
    answer = (_, response) => response.writeHead(204).end();
    for (const clientid of ['a/b', '../../x', '?#', 'ü', '%2F']) {
      const { data, response } = await admin.DELETE('/clients/{clientid}', {
        params: { path: { clientid } },
      });
      expect([data, response.status]).toEqual([undefined, 204]);
    }
    expect(asked.map(({ line }) => line.slice('DELETE /api/v5/clients/'.length))).toEqual([
      'a%2Fb',
      '..%2F..%2Fx',
      '%3F%23',
      '%C3%BC',
      '%252F',
    ]);
  });

  test.each(['.', '..'])('%s would be another path, and is named by a parameter', async (who) => {
    answer = (_, response) => response.writeHead(204).end();
    const params = { path: { as: 'clientid' as const, who } };
    await admin.DELETE('/banned/{as}/{who}', { params });
    const query = { cleanSession: 'true' as const };
    await admin.DELETE('/clients/{clientid}', { params: { path: { clientid: who }, query } });
    const body = { topic: 'ü' };
    await admin.POST('/clients/{clientid}/unsubscribe', {
      params: { path: { clientid: who } },
      body,
    });
    expect(asked).toMatchObject([
      { line: `DELETE /api/v5/banned/clientid/~?who=${who}` },
      { line: `DELETE /api/v5/clients/~?cleanSession=true&clientid=${who}` },
      {
        line: `POST /api/v5/clients/~/unsubscribe?clientid=${who}`,
        body: '{"topic":"ü"}',
        authorization: secret ? expect.any(String) : undefined,
      },
    ]);
  });

  test('a body is sent as JSON', async () => {
    answer = (_, response) => response.writeHead(204).end();
    await admin.POST('/clients/kickout/bulk', { body: ['a', 'ü'] });
    expect(asked).toMatchObject([{ line: 'POST /api/v5/clients/kickout/bulk', body: '["a","ü"]' }]);
  });

  test('an error of the broker is thrown with its code', async () => {
    answer = (_, response) => json(response, 404, { code: 'CLIENTID_NOT_FOUND', message: 'gone' });
    const error = await admin
      .GET('/clients/{clientid}', { params: { path: { clientid: 'a' } } })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AdminError);
    expect(error).toMatchObject({ status: 404, code: 'CLIENTID_NOT_FOUND', message: 'gone' });
  });

  test('so is what is no error of the API, and a connection that breaks', async () => {
    answer = (_, response) => response.writeHead(502, 'Bad Gateway').end('<html>');
    await expect(admin.GET('/clients')).rejects.toMatchObject({
      status: 502,
      code: 'UNKNOWN',
      message: '502 Bad Gateway',
    });
    answer = (request) => request.socket.destroy();
    await expect(admin.GET('/clients')).rejects.not.toBeInstanceOf(AdminError);
  });

  test('an answer that continues is read as it comes, until the caller has enough', async () => {
    let onClosed = () => {};
    const closed = new Promise<void>((resolve) => {
      onClosed = resolve;
    });
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      response.on('close', onClosed);
    };
    const abort = new AbortController();
    const { response } = await admin.GET('/status', { parseAs: 'stream', signal: abort.signal });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    expect(Buffer.from(value as Uint8Array).toString()).toBe('data: 1\n\n');
    abort.abort();
    await expect(reader.read()).rejects.toThrow();
    await closed;
  });
});

test('where nobody listens, the error is that of the system', async () => {
  const admin = createAdminClient({ socketPath: join(folder, 'none.sock') });
  await expect(admin.GET('/status')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('what answers nothing has no data', async () => {
  await expect(dataOf(Promise.resolve({}))).rejects.toThrow('this operation answers nothing');
});
