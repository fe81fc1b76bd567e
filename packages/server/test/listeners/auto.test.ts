import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { plainResponse } from '../../src/listeners/websocket/plain-page.ts';
import { noopLogger } from '../../src/log/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { connectBytes } from '../support/packet-client.ts';

const authority = new CertificateAuthority();
const folder = mkdtempSync(join(tmpdir(), 'promptmq-auto-'));
const logged: { event: string; [name: string]: unknown }[] = [];
const CONNACK = Buffer.of(0x20, 2, 0, 0);
const PROXY = Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\r\n');
let broker: RunningBroker;

beforeAll(async () => {
  const { cert, key } = authority.issue('localhost');
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const auto = { kind: 'auto' as const, bind: '127.0.0.1:0' };
  broker = await createBroker(
    {
      listeners: [
        { ...auto, name: 'all', ...tls, proxyProtocol: 'any', alpn: ['mqtt'] },
        { ...auto, name: 'plain', proxyProtocol: 'any', proxyTrusted: ['10.0.0.1'] },
      ],
    },
    {
      logger: {
        ...noopLogger,
        warn: (event, fields = {}) => logged.push({ event, ...fields }),
        info: (event, fields = {}) => logged.push({ event, ...fields }),
      },
    },
  );
});

afterAll(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

const refusal = () => `${logged.find(({ event }) => event === 'connection-refused')?.['why']}`;

const portOf = (name: string) =>
  Number(new URL(`${broker.listeners.find((one) => one.name === name)?.url}`).port);

test('one port serves MQTT and WebSocket, with TLS and without', async () => {
  const { url, wsUrl, tlsUrl, wssUrl } = broker;
  const port = `${portOf('all')}`;
  for (const where of [url, wsUrl, tlsUrl, wssUrl]) expect(new URL(`${where}`).port).toBe(port);
  const clients = await Promise.all(
    [url, wsUrl, tlsUrl, wssUrl].map((where, index) =>
      TestClient.connect(`${where}`, { ca: [authority.cert], clientId: `client-${index}` }),
    ),
  );
  const protocols = clients.map((_, index) => broker.clients.get(`client-${index}`)?.protocol);
  expect(protocols).toEqual(['tcp', 'websocket', 'tls', 'websocket-tls']);
  const [first] = clients as [TestClient];
  await first.mqtt.subscribeAsync('t/#');
  for (const [index, client] of clients.entries()) {
    await client.mqtt.publishAsync(`t/${index}`, 'x'.repeat(20_000), { qos: 1 });
  }
  expect((await first.messages(4)).map(({ topic }) => topic)).toEqual(['t/0', 't/1', 't/2', 't/3']);
  await Promise.all(clients.map((client) => client.end()));
});

describe('by bytes', () => {
  /** Sends bytes, in one piece or each by itself; what comes first. */
  async function answerTo(name: string, bytes: Buffer, isSplit: boolean): Promise<Buffer | null> {
    const socket = connectSocket({ port: portOf(name), host: '127.0.0.1', noDelay: true });
    socket.on('error', () => {});
    const answer = new Promise<Buffer | null>((resolve) => {
      socket.once('data', resolve);
      socket.once('close', () => resolve(null));
    });
    if (isSplit) {
      for (const byte of bytes) {
        await new Promise<void>((resolve) => socket.write(Buffer.of(byte), () => resolve()));
      }
    } else socket.write(bytes);
    const received = await answer;
    socket.destroy();
    return received;
  }

  const text = async (name: string, bytes: Buffer, isSplit: boolean) =>
    `${await answerTo(name, bytes, isSplit)}`;

  test.each([false, true])('what comes is told by how it begins; split: %j', async (isSplit) => {
    for (const name of ['all', 'plain']) {
      expect(await answerTo(name, connectBytes, isSplit)).toEqual(CONNACK);
    }
    const headed = Buffer.concat([PROXY, connectBytes]);
    expect(await answerTo('all', headed, isSplit)).toEqual(CONNACK);
    // Nobody there is trusted to say who somebody is.
    logged.length = 0;
    expect(await answerTo('plain', headed, isSplit)).toBeNull();
    expect(refusal()).toMatch(/PROXY protocol header: the listener takes none from this/);
    for (const method of ['GET', 'POST', 'PUT', 'PRI']) {
      const request = Buffer.from(`${method} / HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect(await text('all', request, isSplit)).toMatch(/^HTTP\/1\.1 4/);
      const behind = Buffer.concat([PROXY, request]);
      expect(await text('all', behind, isSplit)).toMatch(/^HTTP\/1\.1 4/);
    }
  });

  test('the address is that of the header', async () => {
    const socket = connectSocket({ port: portOf('all'), host: '127.0.0.1' });
    socket.write(Buffer.concat([PROXY, connectBytes]));
    await once(socket, 'data');
    expect(broker.clients.get('c')?.remoteAddress).toBe('192.0.2.1:50000');
    socket.destroy();
  });

  test('what is nothing of all this is refused', async () => {
    expect(await answerTo('all', Buffer.of(0xc0, 0), false)).toBeNull();
    logged.length = 0;
    // TLS, where there is no certificate.
    expect(await answerTo('plain', Buffer.of(0x16, 3, 1, 0, 1), false)).toBeNull();
    expect(refusal()).toMatch(/looks like TLS: listeners\[1\]\.cert/);
  });

  test('TLS within TLS is refused', async () => {
    const socket = connectTls({ port: portOf('all'), host: '127.0.0.1', ca: authority.cert });
    await once(socket, 'secureConnect');
    logged.length = 0;
    socket.write(Buffer.of(0x16, 3, 1));
    socket.on('error', () => {});
    await once(socket, 'close');
    expect(refusal()).toBe('looks like TLS within TLS');
  });
});

describe('a plain HTTP request gets a page', () => {
  async function get(url: string, accept: string) {
    const send = url.startsWith('https') ? requestHttps : requestHttp;
    const request = send(url, { headers: { accept }, ca: authority.cert });
    request.end();
    const [response] = await once(request, 'response');
    let body = '';
    for await (const chunk of response) body += chunk;
    return { status: response.statusCode, type: response.headers['content-type'], body };
  }

  test.each(['http', 'https'])('by %s', async (scheme) => {
    const url = `${scheme}://127.0.0.1:${portOf('all')}/<script>?x=<b>`;
    const page = await get(url, 'text/html,*/*');
    expect(page).toMatchObject({ status: 426, type: 'text/html; charset=utf-8' });
    expect(page.body).toContain('<h1>PromptMQ</h1>');
    expect(page.body).toContain('Connect by WebSocket with the subprotocol &quot;mqtt&quot;');
    expect(page.body).toContain(
      'MQTT clients without WebSocket connect to the same host and port.',
    );
    expect(page.body).not.toMatch(/script|<b>|\d+\.\d+/);
    const text = await get(url, '*/*');
    expect(text.type).toBe('text/plain; charset=utf-8');
    expect(text.body).toContain('This is PromptMQ, an MQTT broker');
  });

  test('the paths of the configuration are text in it', () => {
    const request = { headers: { accept: 'text/html' }, method: 'GET' } as never;
    const facts = { webSocket: { paths: ['/<i>&'] }, takesMqtt: false };
    expect(plainResponse(request, facts)).toContain('at the path /&lt;i&gt;&amp; of this address');
    expect(plainResponse({ headers: {}, method: 'HEAD' } as never, facts)).toMatch(/\r\n\r\n$/);
  });
});
