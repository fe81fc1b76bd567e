import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { IClientOptions } from 'mqtt';
import {
  ConfigError,
  type ConfigInput,
  createBroker,
  type RunningBroker,
} from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { TestClient } from '../support/mqtt-client.ts';

const authority = new CertificateAuthority();
const stranger = new CertificateAuthority('Stranger');
const server = authority.issue('localhost');
const alice = authority.issue('alice');
const mallory = stranger.issue('alice');

let folder: string;
const logged: { event: string; why?: string; address?: string }[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-tls-'));
  writeFileSync(join(folder, 'cert.pem'), server.cert);
  writeFileSync(join(folder, 'key.pem'), server.key);
  writeFileSync(join(folder, 'ca.pem'), authority.cert);
  writeFileSync(join(folder, 'other-key.pem'), alice.key);
});

afterAll(() => rmSync(folder, { recursive: true }));

type Tls = NonNullable<NonNullable<ConfigInput['server']>['tls']>;

function start(tls: Tls = {}, more: ConfigInput['server'] = {}): Promise<RunningBroker> {
  const options: ConfigInput = {
    server: {
      tlsBind: '127.0.0.1:0',
      wssBind: '127.0.0.1:0',
      tls: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ...tls },
      ...more,
    },
  };
  const warn = (event: string, fields: object = {}) => logged.push({ event, ...fields });
  return createBroker(options, { logger: { ...noopLogger, warn } });
}

const trusting: IClientOptions = { ca: [authority.cert], protocolVersion: 5 };

test.each(['tlsUrl', 'wssUrl'] as const)('clients are served at %s', async (name) => {
  const broker = await start();
  expect(broker[name]).toMatch(name === 'tlsUrl' ? /^mqtts:\/\// : /^wss:\/\//);
  const client = await TestClient.connect(`${broker[name]}`, trusting);
  const plain = await TestClient.connect(`${broker.url}`);
  await client.mqtt.subscribeAsync('a/#');
  const payload = 'x'.repeat(100_000);
  await plain.mqtt.publishAsync('a/b', payload, { qos: 1 });
  expect((await client.messages(1))[0]?.payload).toBe(payload);
  await Promise.all([client.end(), plain.end()]);
  await broker.stop();
});

describe('certificates of clients', () => {
  const ca = () => ({ ca: join(folder, 'ca.pem') });

  test('one that is required has to be there, and from the right authority', async () => {
    const broker = await start({ ...ca(), clientCertificates: 'require' });
    const client = await TestClient.connect(`${broker.tlsUrl}`, { ...trusting, ...alice });
    await client.end();
    await expect(TestClient.connect(`${broker.tlsUrl}`, trusting)).rejects.toThrow();
    await expect(
      TestClient.connect(`${broker.tlsUrl}`, { ...trusting, ...mallory }),
    ).rejects.toThrow();
    await expect(TestClient.connect(`${broker.wssUrl}`, trusting)).rejects.toThrow();
    await broker.stop();
  });

  test('an optional one may be left out', async () => {
    const broker = await start({ ...ca(), clientCertificates: 'optional' });
    await (await TestClient.connect(`${broker.tlsUrl}`, trusting)).end();
    await broker.stop();
  });
});

test('a TLS version that is too old is refused, and the log says so', async () => {
  const broker = await start({ minVersion: 'TLSv1.3' });
  const { port } = new URL(`${broker.tlsUrl}`);
  const socket = connectTls({ port: Number(port), ca: authority.cert, maxVersion: 'TLSv1.2' });
  await once(socket, 'error');
  await (await TestClient.connect(`${broker.tlsUrl}`, trusting)).end();
  expect(logged.at(-1)).toMatchObject({ event: 'connection-refused' });
  expect(logged.at(-1)?.why).toContain('TLS:');
  expect(broker.stats.connectionsRefused).toBe(1);
  await broker.stop();
});

test('a connection that stays silent in the handshake does not hold up a stop', async () => {
  const broker = await start();
  const sockets = [broker.tlsUrl, broker.wssUrl].map((url) =>
    connectSocket(Number(new URL(`${url}`).port)),
  );
  const closed = sockets.map((socket) => once(socket, 'close'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  // A client that is served shows that the broker has taken those before it.
  await (await TestClient.connect(`${broker.tlsUrl}`, trusting)).end();
  await (await TestClient.connect(`${broker.wssUrl}`, trusting)).end();
  await broker.stop();
  await Promise.all(closed);
});

test.each<[string, Tls, string]>([
  ['a missing file', { cert: '/no/such.pem' }, 'server.tls.cert (/no/such.pem): can’t be read'],
  ['a key of another certificate', { key: 'other-key.pem' }, 'server.tls ('],
  ['something that is no certificate', { cert: 'key.pem' }, 'server.tls ('],
])('%s is refused before anything is opened', async (_name, tls, message) => {
  const inFolder = Object.fromEntries(
    Object.entries(tls).map(([key, name]) => [
      key,
      `${name}`.startsWith('/') ? name : join(folder, `${name}`),
    ]),
  );
  const refusal = await start(inFolder).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ConfigError);
  expect((refusal as Error).message).toContain(message.replace('’', "'"));
});
