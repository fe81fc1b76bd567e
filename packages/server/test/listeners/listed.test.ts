import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { IClientOptions } from 'mqtt';
import { WebSocket } from 'ws';
import { parseEmbeddedConfig } from '../../src/embed/create-broker.ts';
import {
  ConfigError,
  type ConfigInput,
  createBroker,
  parseConfig,
  type RunningBroker,
} from '../../src/index.ts';
import { forwardedAddress } from '../../src/listeners/proxy/forwarded-for.ts';
import { TrustedProxies } from '../../src/listeners/proxy/trusted-proxies.ts';
import { nextUpdateOf } from '../../src/listeners/tls/revocation.ts';
import { noopLogger } from '../../src/log/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { PacketClient } from '../support/packet-client.ts';

const authority = new CertificateAuthority();
const server = authority.issue('localhost');
const first = authority.issue('first', undefined, ['first.example']);
const second = authority.issue('second', undefined, ['*.second.example', 'second.example']);
const alice = authority.issue('alice');
const bob = authority.issue('bob');

const folder = mkdtempSync(join(tmpdir(), 'promptmq-listed-'));
const inFolder = (name: string) => join(folder, name);

function write(name: string, content: string): string {
  writeFileSync(inFolder(name), content);
  return inFolder(name);
}

const own = { cert: write('server.crt', server.cert), key: write('server.key', server.key) };
const loopback = '127.0.0.1:0';
write('ca.crt', authority.cert);
write('revoked.crl', authority.revoke([bob]));
for (const [name, { cert, key }] of Object.entries({ first, second })) {
  write(`${name}.crt`, cert);
  write(`${name}.key`, key);
}

const listeners: NonNullable<ConfigInput['listeners']> = [
  { name: 'plain', kind: 'tcp', bind: loopback },
  { name: 'socket', kind: 'unix', bind: inFolder('mqtt.sock') },
  { name: 'old', kind: 'tcp', bind: loopback, versions: ['3.1', '3.1.1'] },
  { name: 'small', kind: 'tcp', bind: loopback, maxConnections: 1 },
  { name: 'secure', kind: 'tls', bind: loopback, ...own, alpn: ['mqtt', 'x-amzn-mqtt-ca'] },
  {
    name: 'hosts',
    kind: 'tls',
    bind: loopback,
    ...own,
    sni: [
      { cert: inFolder('first.crt'), key: inFolder('first.key') },
      { hosts: ['*.two.example'], cert: inFolder('second.crt'), key: inFolder('second.key') },
    ],
  },
  { name: 'modern', kind: 'tls', bind: loopback, ...own, minVersion: 'TLSv1.3' },
  {
    name: 'mutual',
    kind: 'tls',
    bind: loopback,
    ...own,
    ca: inFolder('ca.crt'),
    clientCertificates: 'require',
    crl: inFolder('revoked.crl'),
    sni: [{ cert: inFolder('first.crt'), key: inFolder('first.key') }],
  },
  {
    name: 'web',
    kind: 'ws',
    bind: loopback,
    path: ['/broker/'],
    allowedOrigins: ['https://good.example'],
    forwardedFor: true,
  },
  { name: 'web-far', kind: 'ws', bind: loopback, forwardedFor: true, proxyTrusted: ['10.0.0.1'] },
  { name: 'web-secure', kind: 'wss', bind: loopback, ...own, alpn: ['mqtt'] },
];

const logged: { event: string; [name: string]: unknown }[] = [];
let broker: RunningBroker;

beforeAll(async () => {
  const note = (event: string, fields: object = {}) => logged.push({ event, ...fields });
  broker = await createBroker({ listeners }, { logger: { ...noopLogger, info: note, warn: note } });
});

afterAll(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

const listenerOf = (name: string) => broker.listeners.find((one) => one.name === name);
const urlOf = (name: string) => `${listenerOf(name)?.url}`;
const portOf = (name: string) => Number(new URL(urlOf(name)).port);
const trusting: IClientOptions = { ca: [authority.cert] };

test('each kind serves clients, and only those of the list are open', async () => {
  expect(broker.listeners.map(({ name }) => name)).toEqual(listeners.map(({ name }) => name));
  const plain = await TestClient.connect(urlOf('plain'));
  await plain.mqtt.subscribeAsync('from/#');
  const clients = await Promise.all([
    TestClient.connect(urlOf('secure'), trusting),
    TestClient.connect(`${urlOf('web')}/broker`),
    TestClient.connect(urlOf('web-secure'), trusting),
  ]);
  for (const client of clients) await client.mqtt.publishAsync('from/client', 'x', { qos: 1 });
  const socket = connectSocket(inFolder('mqtt.sock'));
  socket.write(Buffer.from('100d00044d5154540402000000017530', 'hex').subarray(0, 15));
  expect((await once(socket, 'data'))[0]).toEqual(Buffer.of(0x20, 2, 0, 0));
  expect((await plain.messages(3)).length).toBe(3);
  expect(listenerOf('plain')?.clientCount).toBe(1);
  expect(listenerOf('socket')?.clientCount).toBe(1);
  socket.destroy();
  await Promise.all([plain, ...clients].map((client) => client.end()));
  expect(listenerOf('plain')?.clientCount).toBe(0);
});

describe('TLS', () => {
  /** Shakes hands; what the client knows of it then. */
  async function shake(name: string, options: ConnectionOptions = {}) {
    const socket = connectTls({
      port: portOf(name),
      host: '127.0.0.1',
      ca: authority.cert,
      checkServerIdentity: () => undefined,
      ...options,
    });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate();
    const facts = {
      name: subject.CN,
      alpn: socket.alpnProtocol,
      version: socket.getProtocol(),
    };
    socket.destroy();
    return facts;
  }

  test.each([
    ['first.example', 'first'],
    ['FIRST.example', 'first'],
    ['a.two.example', 'second'],
    // Its own hosts are given, so those of the certificate don't count.
    ['second.example', 'localhost'],
    ['a.b.two.example', 'localhost'],
    ['two.example', 'localhost'],
    ['elsewhere.example', 'localhost'],
    ['', 'localhost'],
  ])('a client that asks for %j gets the certificate of %s', async (servername, name) => {
    expect((await shake('hosts', { servername })).name).toBe(name);
  });

  test('the application protocol is agreed on, and others are refused', async () => {
    expect((await shake('secure', { ALPNProtocols: ['mqtt'] })).alpn).toBe('mqtt');
    const amazon = await shake('secure', { ALPNProtocols: ['other', 'x-amzn-mqtt-ca'] });
    expect(amazon.alpn).toBe('x-amzn-mqtt-ca');
    expect((await shake('secure')).alpn).toBe(false);
    await expect(shake('secure', { ALPNProtocols: ['other'] })).rejects.toThrow();
    expect((await shake('web-secure', { ALPNProtocols: ['h2', 'http/1.1'] })).alpn).toBe(
      'http/1.1',
    );
  });

  test('a listener may have another oldest version', async () => {
    expect((await shake('modern')).version).toBe('TLSv1.3');
    await expect(shake('modern', { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    const failure = logged.findLast(({ event }) => event === 'connection-refused');
    expect(failure?.['why']).toContain('no TLS version that listeners[6].min-version allows');
    expect((await shake('hosts', { maxVersion: 'TLSv1.2' })).version).toBe('TLSv1.2');
  });

  test('a revoked client certificate is refused, and when the list is read again, too', async () => {
    const connect = (certificate: IClientOptions, servername = 'localhost') =>
      TestClient.connect(urlOf('mutual'), { ...trusting, ...certificate, servername });
    await (await connect(alice)).end();
    await (await connect(alice, 'first.example')).end();
    // Whatever certificate the broker shows.
    await expect(connect(bob, 'first.example')).rejects.toThrow();
    await expect(connect(bob)).rejects.toThrow();
    const refusal = logged.findLast(({ event }) => event === 'connection-refused');
    expect(refusal?.['why']).toContain('the client certificate of "bob" is revoked');
    write('revoked.crl', authority.revoke([alice]));
    const { needRestart } = broker.reconfigure(parseEmbeddedConfig({ listeners }));
    expect(needRestart).toEqual([]);
    await (await connect(bob)).end();
    await expect(connect(alice)).rejects.toThrow();
    // Until there is a newer list, nobody is known not to be revoked.
    write('revoked.crl', authority.revoke([], ['200101000000Z', '200201000000Z']));
    logged.length = 0;
    broker.reconfigure(parseEmbeddedConfig({ listeners }));
    expect(logged[0]).toMatchObject({ event: 'certificate-unfit', key: 'listeners[7].crl' });
    await expect(connect(bob)).rejects.toThrow();
  });

  test('a list of revoked certificates says when the next one comes', () => {
    const der = (pem: string) => Buffer.from(pem.split('-----')[2] as string, 'base64');
    const list = der(authority.revoke([bob], ['240101000000Z', '240201000000Z']));
    expect(nextUpdateOf(list)).toBe(Date.UTC(2024, 1, 1));
    for (let size = 0; size < list.length; size += 7) {
      expect(nextUpdateOf(list.subarray(0, size))).toBeUndefined();
    }
    expect(nextUpdateOf(der(server.cert))).toBeUndefined();
  });
});

test('clients of versions that the listener does not take are refused', async () => {
  await (await TestClient.connect(urlOf('old'), { protocolVersion: 4 })).end();
  const client = await PacketClient.open(urlOf('old'));
  client.connect('five');
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x84 });
  await client.cut();
});

test('one client more than the listener takes is refused, unless it takes over its session', async () => {
  const one = await TestClient.connect(urlOf('small'), { clientId: 'one' });
  const two = await PacketClient.open(urlOf('small'));
  two.connect('two');
  expect(await two.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x89 });
  await two.cut();
  const again = await TestClient.connect(urlOf('small'), { clientId: 'one' });
  expect(listenerOf('small')?.clientCount).toBe(1);
  await (await TestClient.connect(urlOf('plain'), { clientId: 'two' })).end();
  await Promise.all([one.end(), again.end()]);
  await (await TestClient.connect(urlOf('small'), { clientId: 'two' })).end();
});

describe('WebSocket', () => {
  /** The answer to an upgrade. */
  async function upgrade(name: string, path: string, headers: Record<string, string> = {}) {
    const url = urlOf(name).replace('ws:', 'ws:');
    const socket = new WebSocket(`${url}${path}`, ['mqtt'], { headers });
    const [response] = (await Promise.race([
      once(socket, 'upgrade'),
      once(socket, 'unexpected-response').then(([, answer]) => [answer]),
    ])) as [{ statusCode: number }];
    socket.on('error', () => {});
    socket.terminate();
    return response.statusCode;
  }

  test('is there at the paths of the listener, for its origins', async () => {
    expect(await upgrade('web', '/broker')).toBe(101);
    expect(await upgrade('web', '/broker/')).toBe(101);
    expect(await upgrade('web', '/mqtt')).toBe(404);
    expect(await upgrade('web', '/broker', { origin: 'https://good.example' })).toBe(101);
    expect(await upgrade('web', '/broker', { origin: 'https://evil.example' })).toBe(403);
    const refusal = logged.findLast(({ event }) => event === 'connection-refused');
    expect(refusal?.['why']).toContain('this Origin is not in listeners[8].allowed-origins');
  });

  test.each([
    ['web', '/broker', '192.0.2.7', '192.0.2.7:0'],
    // Only what the trusted proxy has added is believed.
    ['web', '/broker', '198.51.100.1, 192.0.2.7', '192.0.2.7:0'],
    ['web', '/broker', '198.51.100.1, 127.0.0.5', '198.51.100.1:0'],
    ['web', '/broker', 'nonsense', null],
    // The connection comes from nobody who is trusted.
    ['web-far', '/mqtt', '192.0.2.7', null],
  ])('%s: X-Forwarded-For %j, %s', async (name, path, header, address) => {
    const client = await TestClient.connect(`${urlOf(name)}${path}`, {
      clientId: 'forwarded',
      wsOptions: { headers: { 'x-forwarded-for': header } },
    });
    const seen = broker.clients.get('forwarded')?.remoteAddress;
    if (address === null) expect(seen).toMatch(/^127\.0\.0\.1:\d+$/);
    else expect(seen).toBe(address);
    await client.end();
  });

  test.each([
    ['10.0.0.1:5', '192.0.2.1:77', '192.0.2.1:77'],
    ['10.0.0.1:5', '[2001:db8::1]:77', '[2001:db8::1]:77'],
    ['10.0.0.1:5', '2001:db8::1', '[2001:db8::1]:0'],
    ['[::1]:5', '192.0.2.1', null],
    ['unix', '192.0.2.1', '192.0.2.1:0'],
    ['10.0.0.1:5', '', null],
    ['10.0.0.1:5', '192.0.2.1,', null],
    ['10.0.0.1:5', 'fe80::1%eth0', null],
  ])('from %s, header %j: %s', (address, header, expected) => {
    const trusted = new TrustedProxies();
    trusted.set(['10.0.0.0/8']);
    expect(forwardedAddress(address, header, trusted)).toBe(expected);
  });
});

describe('what is wrong with a listener is said with its place', () => {
  test.each<[string, object, RegExp]>([
    ['no certificate', { kind: 'tls' }, /^listeners\[1\]\.cert .*kind tls needs a certificate/],
    [
      'a file that is not there',
      { kind: 'tls', cert: '/no', key: '/no' },
      /^listeners\[1\]\.cert .*\/no/,
    ],
    ['TLS where there is none', { kind: 'ws', ...own }, /^listeners\[1\]\.cert .*doesn't take TLS/],
    ['an unknown key', { kind: 'ws', paht: '/x' }, /^listeners\[1\]\.paht .*did you mean path/],
    ['no kind', {}, /^listeners\[1\]\.kind .*it is needed/],
    ['no address', { kind: 'tcp', bind: 'none' }, /^listeners\[1\]\.bind .*needs an address/],
    ['a name twice', { kind: 'tcp', name: 'plain' }, /^listeners\[1\]\.name .*another listener/],
    ['a bad name', { kind: 'tcp', name: 'a b' }, /^listeners\[1\]\.name .*letters, digits/],
    ['a version', { kind: 'tcp', versions: ['6'] }, /^listeners\[1\]\.versions .*3\.1\.1/],
    ['a proxy', { kind: 'tcp', proxyTrusted: ['x'] }, /^listeners\[1\]\.proxy-trusted .*networks/],
    ['ciphers', { kind: 'tls', ...own, ciphers: 'NO' }, /^listeners\[1\]\.ciphers .*OpenSSL/],
    [
      'a list of revoked certificates that is none',
      {
        ...{ kind: 'tls', ...own, ca: inFolder('ca.crt'), clientCertificates: 'require' },
        crl: inFolder('ca.crt'),
      },
      /^listeners\[1\]\.crl .*BEGIN X509 CRL/,
    ],
    [
      'a certificate for a host',
      { kind: 'tls', ...own, sni: [{ cert: own.key, key: own.cert }] },
      /^listeners\[1\]\.sni\[0\]\.cert .*interchanged/,
    ],
  ])('%s', async (_name, listener, message) => {
    const wrong = { bind: loopback, ...listener } as never;
    const starting = createBroker({ listeners: [listeners[0] as never, wrong] });
    const error = await starting.catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(message);
  });

  test('an address that is taken', async () => {
    const bind = `127.0.0.1:${portOf('plain')}`;
    await expect(createBroker({ listeners: [{ kind: 'tcp', bind }] })).rejects.toThrow(
      /EADDRINUSE/,
    );
  });
});

test('listeners take the place of the usual addresses, unless those are given, too', () => {
  const listed = [{ kind: 'tcp' as const, bind: ':1' }];
  const { server: usual } = parseConfig({ listeners: listed });
  expect([usual.bind, usual.wsBind]).toEqual([[], []]);
  const { server: given } = parseConfig({ listeners: listed, server: { bind: ':2' } });
  expect(given.bind).toEqual([{ kind: 'tcp', host: '', port: 2 }]);
  expect(parseConfig({ listeners: [] }).server.bind).toHaveLength(1);
});

test('a reload changes what it can, and says what needs a restart', () => {
  const changed = listeners
    .filter(({ name }) => name !== 'web-far')
    .map((listener) => ({
      ...listener,
      ...(listener.name === 'plain' ? { bind: '127.0.0.1:1' } : {}),
      ...(listener.name === 'old' ? { kind: 'ws' as const } : {}),
      ...(listener.name === 'small' ? { maxConnections: 5 } : {}),
    }));
  const added = { name: 'new', kind: 'tcp' as const, bind: loopback };
  const result = broker.reconfigure(parseEmbeddedConfig({ listeners: [...changed, added] }));
  expect(result.changed).toEqual(['listeners']);
  expect(result.needRestart).toEqual([
    'listeners',
    'listeners[0].bind',
    'listeners[2].kind',
    'listeners[10]',
  ]);
  broker.reconfigure(parseEmbeddedConfig({ listeners }));
});
