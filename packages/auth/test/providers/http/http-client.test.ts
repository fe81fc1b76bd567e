import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { CertificateAuthority } from '../../../../server/test/support/certificates.ts';
import { createHttpProvider, HTTP_DEFAULTS } from '../../../src/index.ts';
import { TestTools } from '../support/provider-tools.ts';
import { TemporaryFiles } from '../support/temporary-files.ts';
import { json, WebServer } from '../support/web-server.ts';
import { asked, authorized, HttpProviders } from './support.ts';

const files = new TemporaryFiles();
const providers = new HttpProviders();
let server: WebServer;
/** Requests that wait for their answers. */
let held: ServerResponse[];
let onHeld: () => void;

beforeEach(async () => {
  held = [];
  onHeld = () => {};
  server = await WebServer.start(json({ result: 'allow' }));
});
afterEach(async () => {
  await providers.close();
  await server.close();
});
afterAll(() => files.remove());

/** From now on requests wait. */
function hold(): void {
  server.answer = (_request, response) => {
    held.push(response);
    onHeld();
  };
}

/** Resolves when so many requests wait. */
function heldCount(count: number): Promise<void> {
  return new Promise((resolve) => {
    onHeld = () => {
      if (held.length >= count) resolve();
    };
    onHeld();
  });
}

function release(): void {
  const allow = json({ result: 'allow' });
  for (const response of held.splice(0)) allow(null as never, response);
}

test('connections are used again', async () => {
  const provider = providers.open({ url: server.url() });
  for (let count = 0; count < 5; count++) await asked(provider);
  expect(server.requests.length).toBe(5);
  expect(server.connectionCount).toBe(1);
});

test('connections and waiting requests are bounded; more are answered that the broker is busy', async () => {
  hold();
  const provider = providers.open({ url: server.url(), connectionsMax: 2, waitingMax: 3 });
  const answers = Array.from({ length: 7 }, () => asked(provider));
  const refused = await Promise.all(answers.slice(5));
  expect(refused).toMatchObject([
    { result: 'deny', reasonCode: 0x89 },
    { result: 'deny', reasonCode: 0x89 },
  ]);
  await heldCount(2);
  expect([held.length, server.connectionCount]).toEqual([2, 2]);
  server.answer = json({ result: 'allow' });
  release();
  for (const answer of await Promise.all(answers.slice(0, 5))) {
    expect(answer).toMatchObject({ result: 'allow' });
  }
  expect(server.connectionCount).toBe(2);
});

test('whether a password may still be shown is asked when its turn comes', async () => {
  hold();
  let may = true;
  const options = { ...HTTP_DEFAULTS, url: server.url(), connectionsMax: 1 };
  const provider = createHttpProvider(options, new TestTools(), (address, userName) => {
    expect([address, userName]).toEqual(['192.0.2.7', 'alice']);
    return may;
  });
  const answers = [asked(provider), asked(provider), asked(provider, { userName: 'alice' })];
  await heldCount(1);
  may = false;
  server.answer = json({ result: 'deny' });
  release();
  expect(await Promise.all(answers)).toMatchObject([
    { result: 'allow' },
    { result: 'deny', reasonCode: 0x97 },
    // It shows none.
    { result: 'deny', why: 'http: the server does not let it in' },
  ]);
  expect(server.requests.length).toBe(2);
  await provider.close?.();
});

test('a client that can’t be asked about, or has too many wait, may do nothing, also where failures pass', async () => {
  hold();
  const url = server.url();
  const options = { authorizeUrl: `${url}/\${topic}`, connectionsMax: 1, waitingMax: 0 };
  const passing = providers.open({ url, ...options, onError: 'pass' });
  const denied = { result: 'deny', holdsMs: 0 };
  expect(await authorized(passing, { topic: '..' })).toEqual(denied);
  const first = authorized(passing);
  await heldCount(1);
  expect(await authorized(passing)).toEqual(denied);
  release();
  expect(await first).toMatchObject({ result: 'allow' });
  const strict = providers.open({ url, ...options });
  expect(await authorized(strict, { topic: '..' })).toEqual(denied);
});

test('who does not answer in time is not waited for', async () => {
  hold();
  const provider = providers.open({ url: server.url(), timeout: 100, connectionsMax: 1 });
  await expect(asked(provider)).rejects.toThrow('has not answered within 100 ms');
  server.answer = json({ result: 'allow' });
  expect(await asked(provider)).toMatchObject({ result: 'allow' });
});

test('neither is one that never ends its answer', async () => {
  server.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"result":');
  };
  const provider = providers.open({ url: server.url(), timeout: 100 });
  await expect(asked(provider)).rejects.toThrow('has not answered within 100 ms');
});

test('when the client has gone, the request ends', async () => {
  hold();
  const provider = providers.open({ url: server.url(), connectionsMax: 1 });
  const controller = new AbortController();
  const answer = asked(provider, {}, controller.signal);
  await heldCount(1);
  controller.abort(new Error('gone'));
  await expect(answer).rejects.toThrow('is no longer asked');
  server.answer = json({ result: 'allow' });
  expect(await asked(provider)).toMatchObject({ result: 'allow' });
});

test('an answer that is too large is not taken', async () => {
  server.answer = json({ result: 'allow', padding: 'x'.repeat(2000) });
  const provider = providers.open({ url: server.url(), answerBytesMax: 1000 });
  await expect(asked(provider)).rejects.toThrow('more than 1000 bytes');
});

test('an answer that breaks off is none', async () => {
  server.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"result":"allow"}', () => response.destroy());
  };
  await expect(asked(providers.open({ url: server.url() }))).rejects.toThrow(/127\.0\.0\.1/);
});

test('a server that is not there, and one that speaks no HTTP', async () => {
  const url = server.url();
  await server.close();
  await expect(asked(providers.open({ url }))).rejects.toThrow('ECONNREFUSED');
  const other = createServer((socket) => {
    socket.on('error', () => {});
    socket.resume().end('SSH-2.0-x\r\n');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  await expect(asked(providers.open({ url: `http://127.0.0.1:${port}/` }))).rejects.toThrow(
    "can't be asked",
  );
  await new Promise((resolve) => other.close(resolve));
});

test('a connection that the server has closed is replaced', async () => {
  const provider = providers.open({ url: server.url(), connectionsMax: 1 });
  await asked(provider);
  server.answer = (_request, response) => {
    // As a server does whose time for idle connections ends when a request is on its way.
    server.answer = json({ result: 'allow' });
    response.socket?.resetAndDestroy();
  };
  expect(await asked(provider)).toMatchObject({ result: 'allow' });
  expect([server.requests.length, server.connectionCount]).toEqual([3, 2]);
});

test('HTTPS with a CA file, and no other', async () => {
  const authority = new CertificateAuthority();
  const secure = await WebServer.start(json({ result: 'allow' }), authority.issue('localhost'));
  const url = `https://localhost:${secure.port}/`;
  const caFile = files.write('ca.pem', authority.cert);
  expect(await asked(providers.open({ url, caFile }))).toMatchObject({ result: 'allow' });
  await expect(asked(providers.open({ url }))).rejects.toThrow("can't be asked");
  const otherCa = files.write('other.pem', new CertificateAuthority('Other').cert);
  await expect(asked(providers.open({ url, caFile: otherCa }))).rejects.toThrow("can't be asked");
  expect(secure.requests.length).toBe(1);
  await secure.close();
});

test('no password is in what is said of a failure', async () => {
  server.answer = json({}, 500);
  const provider = providers.open({ url: server.url('/?p=${password}'), method: 'get' });
  const error = await asked(provider, { userName: 'u', password: 'hunter2' }).catch(String);
  expect(error).toMatch(/status 500/);
  expect(error).not.toContain('hunter2');
  await server.close();
  const refused = await asked(provider, { userName: 'u', password: 'hunter2' }).catch(String);
  expect(refused).not.toContain('hunter2');
});
