import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { IClientOptions } from 'mqtt';
import { parseConfig } from '../../src/config/index.ts';
import {
  ConfigError,
  type ConfigInput,
  createBroker,
  type RunningBroker,
} from '../../src/index.ts';
import { loadListeners, refusedByClients } from '../../src/listeners/loaded-listener.ts';
import { handshakeFailure } from '../../src/listeners/tls/tls-reasons.ts';
import { noopLogger } from '../../src/log/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { openSocketCount, untilOpenSockets } from '../support/descriptors.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { connectBytes } from '../support/packet-client.ts';

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

describe('a handshake that fails', () => {
  const expired = authority.issue('expired', ['200101000000Z', '200102000000Z']);
  const future = authority.issue('future', ['490101000000Z', '491231235959Z']);
  const selfSigned = new CertificateAuthority('Self');
  const intermediate = new CertificateAuthority('Between', authority);
  const behind = intermediate.issue('behind');

  /** Connects, and returns the error code of the client with what was logged. */
  async function fail(
    options: ConnectionOptions,
    tls: Tls = {},
    at: 'tlsUrl' | 'wssUrl' = 'tlsUrl',
  ) {
    logged.length = 0;
    const broker = await start(tls);
    const { port } = new URL(`${broker[at]}`);
    const socket = connectTls({
      port: Number(port),
      host: '127.0.0.1',
      ca: authority.cert,
      ...options,
    });
    // Only who reads hears of what comes after the handshake, as the refusal of a certificate does in TLS 1.3.
    socket.resume();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    if (!socket.closed) await once(socket, 'close');
    await (await TestClient.connect(`${broker.url}`)).end();
    expect(broker.stats.socketsRefused.tls).toBe(1);
    const { address } = logged[0] as { address: string };
    await broker.stop();
    expect(logged).toHaveLength(1);
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    return { code: `${error.code}`, why: `${logged[0]?.why}` };
  }

  const required = () => ({ ca: join(folder, 'ca.pem'), clientCertificates: 'require' as const });

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
    test.each<[string, ConnectionOptions, RegExp]>([
      ['an expired certificate', expired, /certificate of "expired" has expired/],
      ['one that is not yet valid', future, /"future" is not yet valid/],
      ['one of an unknown CA', mallory, /signed by a CA that is not in server\.tls\.ca/],
      ['one that signed itself', selfSigned.issue('x'), /signed by a CA that is not in/],
      ['one without the one between', behind, /signed by a CA that is not in/],
      ['none', {}, /no client certificate came/],
    ])('%s: the log says why, and the client gets an alert', async (_name, certificate, why) => {
      for (const at of ['tlsUrl', 'wssUrl'] as const) {
        const options = { ...certificate, minVersion: version, maxVersion: version };
        const failure = await fail(options, required(), at);
        expect(failure.why).toMatch(why);
        expect(failure.code).toMatch(/ALERT/);
      }
    });
  });

  test('the whole chain of a certificate is accepted', async () => {
    const broker = await start(required());
    const cert = `${behind.cert}${intermediate.cert}`;
    await (
      await TestClient.connect(`${broker.tlsUrl}`, { ...trusting, key: behind.key, cert })
    ).end();
    await broker.stop();
  });

  test('a TLS version that is too old', async () => {
    const { why, code } = await fail({ maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' });
    expect(why).toContain('no TLS version that server.tls.min-version allows');
    expect(code).toMatch(/ALERT/);
  });
});

test.each([
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', "doesn't know the CA"],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', "the broker's certificate has expired"],
  ['ERR_SSL_NO_SHARED_CIPHER', 'no cipher in common'],
  ['ECONNRESET', 'the client closed in the handshake'],
  ['ERR_OTHER', 'TLS: other'],
])('the reason %s is said in plain words', (code, text) => {
  expect(handshakeFailure(Object.assign(new Error('other'), { code }))).toContain(text);
});

test('the reason that no application protocol fits is said in plain words, though Node has no code for it', () => {
  const error = new Error('80:error:0A0000EB:SSL routines:tls_handle_alpn:no application protocol');
  expect(handshakeFailure(error, 'listeners[1]')).toBe(
    'TLS: none of the application protocols that the client offers is in listeners[1].alpn',
  );
});

test.each(['tlsUrl', 'wssUrl', 'url', 'wsUrl'] as const)(
  'a probe of %s that sends nothing makes no line, whether it closes or resets',
  async (name) => {
    const broker = await start();
    logged.length = 0;
    const { port } = new URL(`${broker[name]}`);
    for (const how of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const before = openSocketCount();
      const socket = connectSocket(Number(port), '127.0.0.1');
      await once(socket, 'connect');
      socket.resume();
      socket[how]();
      await untilOpenSockets(before);
    }
    expect(logged).toEqual([]);
    await broker.stop();
  },
);

describe('another protocol than that of the listener', () => {
  test.each<['url' | 'tlsUrl' | 'wsUrl' | 'wssUrl', string, Buffer | string, string]>([
    ['url', 'TLS', Buffer.from('160301020001', 'hex'), 'looks like TLS'],
    ['url', 'HTTP', 'GET / HTTP/1.1\r\n', 'looks like HTTP'],
    [
      'url',
      'a PROXY header',
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
      'looks like a PROXY protocol',
    ],
    ['tlsUrl', 'MQTT', connectBytes, 'looks like MQTT without TLS'],
    ['tlsUrl', 'HTTP', 'GET / HTTP/1.1\r\n', 'looks like HTTP'],
    ['tlsUrl', 'a PROXY header', Buffer.from('0d0a0d0a', 'hex'), 'looks like a PROXY protocol'],
    ['tlsUrl', 'something else', 'SSH-2.0-x\r\n', 'not TLS'],
    ['wssUrl', 'HTTP', 'GET / HTTP/1.1\r\n', 'looks like HTTP'],
    ['wsUrl', 'TLS', Buffer.from('160301020001', 'hex'), 'looks like TLS'],
    ['wsUrl', 'MQTT', connectBytes, 'looks like MQTT without TLS or WebSocket'],
    [
      'wsUrl',
      'a PROXY header',
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
      'looks like a PROXY protocol',
    ],
  ])('%s: %s is refused, and the log says what it looks like', async (name, _what, bytes, why) => {
    const broker = await start();
    logged.length = 0;
    const socket = connectSocket(Number(new URL(`${broker[name]}`).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(bytes);
    socket.resume();
    await once(socket, 'close');
    expect(logged).toEqual([
      expect.objectContaining({ event: 'connection-refused', reason: 'protocol' }),
    ]);
    expect(logged[0]?.why).toContain(why);
    expect(broker.stats.socketsRefused.protocol).toBe(1);
    await broker.stop();
  });
});

test('a client may not ask for another handshake', async () => {
  const broker = await start();
  const { port } = new URL(`${broker.tlsUrl}`);
  const socket = connectTls({ port: Number(port), ca: authority.cert, maxVersion: 'TLSv1.2' });
  await once(socket, 'secureConnect');
  const failure = await new Promise((resolve) => {
    socket.on('error', resolve);
    socket.renegotiate({}, resolve);
  });
  expect(failure).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
  socket.destroy();
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

describe('files', () => {
  const intermediate = new CertificateAuthority('Between', authority);
  const own = intermediate.issue('own');
  const old = authority.issue('old', ['200101000000Z', '200102000000Z']);
  const future = authority.issue('future', ['490101000000Z', '491231235959Z']);
  const encrypted = createPrivateKey(server.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'secret',
  }) as string;

  beforeAll(() => {
    const files: Record<string, string> = {
      'own-key.pem': own.key,
      'chain.pem': `${own.cert}${intermediate.cert}${authority.cert}`,
      'reversed.pem': `${authority.cert}${intermediate.cert}${own.cert}`,
      'shuffled.pem': `${own.cert}${authority.cert}${intermediate.cert}`,
      'old.pem': old.cert,
      'old-key.pem': old.key,
      'future.pem': future.cert,
      'future-key.pem': future.key,
      'encrypted.pem': encrypted,
      'nonsense.pem': 'nonsense\n',
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  });

  const inFolder = (tls: Tls): Tls =>
    Object.fromEntries(
      Object.entries(tls).map(([key, value]) => [
        key,
        `${value}`.endsWith('.pem') && !`${value}`.startsWith('/')
          ? join(folder, `${value}`)
          : value,
      ]),
    );

  test.each<[string, Tls, RegExp]>([
    [
      'a missing file',
      { cert: '/no/such.pem' },
      /server\.tls\.cert \(\/no\/such\.pem\): can't be read/,
    ],
    [
      'a key of another certificate',
      { key: 'other-key.pem' },
      /cert\.pem\): the key in .*other-key\.pem is not that of .*"localhost"/,
    ],
    [
      'key and certificate interchanged',
      { cert: 'key.pem', key: 'cert.pem' },
      /interchanged\?[\s\S]*interchanged\?/,
    ],
    [
      'something that is no certificate',
      { cert: 'nonsense.pem' },
      /server\.tls\.cert .*no certificate that can be read: PEM/,
    ],
    ['something that is no key', { key: 'nonsense.pem' }, /server\.tls\.key .*no private key: PEM/],
    [
      'something that is no CA',
      { ca: 'nonsense.pem' },
      /server\.tls\.ca .*no certificate that can be read/,
    ],
    [
      'an encrypted key',
      { key: 'encrypted.pem' },
      /the key is encrypted: set server\.tls\.key-passphrase/,
    ],
    ['a wrong passphrase', { key: 'encrypted.pem', keyPassphrase: 'x' }, /key-passphrase is wrong/],
    [
      'a chain in reverse',
      { cert: 'reversed.pem', key: 'own-key.pem' },
      /reversed\.pem\): the certificates are in the wrong order: .*"own", is number 3; put it first/,
    ],
  ])('%s is refused before anything is opened', async (_name, tls, message) => {
    const refusal = await start(inFolder(tls)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConfigError);
    expect((refusal as Error).message).toMatch(message);
    expect((refusal as Error).message).not.toContain('error:');
  });

  test.each<[string, Tls, RegExp | null]>([
    ['a good chain', { cert: 'chain.pem', key: 'own-key.pem' }, null],
    ['a key with its passphrase', { key: 'encrypted.pem', keyPassphrase: 'secret' }, null],
    ['an expired one', { cert: 'old.pem', key: 'old-key.pem' }, /"old" has expired, on 2020-01-02/],
    [
      'one from the future',
      { cert: 'future.pem', key: 'future-key.pem' },
      /"future" is not yet valid, until 2049-01-01/,
    ],
    [
      'a shuffled chain',
      { cert: 'shuffled.pem', key: 'own-key.pem' },
      /number 2, "Test CA", did not sign the one before it, "own"/,
    ],
  ])('%s: the broker starts, and warns of what clients refuse', async (_name, tls, why) => {
    logged.length = 0;
    const broker = await start(inFolder(tls));
    await broker.stop();
    const warnings = logged.filter(({ event }) => event === 'certificate-unfit');
    if (why === null) expect(warnings).toEqual([]);
    else expect(warnings[0]?.why).toMatch(why);
    // `config check` has it as a problem.
    const loaded = loadListeners(
      parseConfig({ server: { tls: inFolder({ cert: 'cert.pem', key: 'key.pem', ...tls }) } }),
    );
    expect(refusedByClients(loaded).length).toBe(warnings.length);
  });
});
