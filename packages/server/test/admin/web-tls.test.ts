import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBroker, parseEmbeddedConfig } from '../../src/embed/create-broker.ts';
import { ConfigError, type Logger } from '../../src/index.ts';
import { basic, KEYS, SECRET } from '../support/admin-web.ts';
import { CertificateAuthority } from '../support/certificates.ts';

const authority = new CertificateAuthority();
const [first, second] = [authority.issue('first'), authority.issue('second')];
let folder: string;
let cert: string;
let key: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-admin-tls-'));
  cert = join(folder, 'cert.pem');
  key = join(folder, 'key.pem');
  use(first);
});

afterAll(() => rmSync(folder, { recursive: true }));

function use(certificate: typeof first): void {
  writeFileSync(cert, certificate.cert);
  writeFileSync(key, certificate.key, { mode: 0o600 });
}

const options = () => ({
  server: { wsBind: 'none' },
  admin: { keys: KEYS as never, tlsCert: cert, tlsKey: key },
});

function ask(url: string, path: string, headers: Record<string, string>, body?: object) {
  return new Promise<{ status: number | undefined; cookie: string | undefined; name: string }>(
    (resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const asked = request(
        `${url}${path}`,
        { method, headers, ca: authority.cert, agent: false },
        (answer) => {
          const name = (answer.socket as TLSSocket).getPeerCertificate().subject.CN as string;
          answer.resume().on('end', () =>
            resolve({
              status: answer.statusCode,
              cookie: answer.headers['set-cookie']?.[0],
              name,
            }),
          );
        },
      );
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    },
  );
}

test('with a certificate it is HTTPS, its cookies are sent by that only, and a reload changes it', async () => {
  await using broker = await createBroker(options());
  const url = `${broker.adminUrl}`;
  expect(url).toMatch(/^https:/);
  expect(await ask(url, '/api/v5/status', basic('all'))).toMatchObject({
    status: 200,
    name: 'first',
  });
  const json = { 'content-type': 'application/json' };
  const login = await ask(url, '/api/v5/login', json, { key: 'all', secret: SECRET });
  expect(login).toMatchObject({ status: 200, cookie: expect.stringMatching(/; Secure$/) });
  use(second);
  broker.reconfigure(parseEmbeddedConfig(options()));
  expect(await ask(url, '/api/v5/status', basic('all'))).toMatchObject({
    status: 200,
    name: 'second',
  });
  writeFileSync(key, 'nothing');
  expect(() => broker.reconfigure(parseEmbeddedConfig(options()))).toThrow(/admin\.tls/);
  expect(await ask(url, '/api/v5/status', basic('all'))).toMatchObject({
    status: 200,
    name: 'second',
  });
  use(first);
});

test('who never shakes hands keeps nobody out', async () => {
  const { admin } = options();
  await using broker = await createBroker({ ...options(), admin: { ...admin, maxConnections: 2 } });
  const port = Number(new URL(`${broker.adminUrl}`).port);
  const sockets = Array.from({ length: 10 }, () =>
    connect(port, '127.0.0.1').on('error', () => {}),
  );
  await Promise.all(
    sockets.map(
      (socket) => new Promise((done) => socket.once('connect', done).once('close', done)),
    ),
  );
  expect((await ask(`${broker.adminUrl}`, '/api/v5/status', basic('all'))).status).toBe(200);
  for (const socket of sockets) socket.destroy();
});

test.each<[string, object, RegExp]>([
  ['a certificate alone', { tlsKey: 'none' }, /admin\.tls-key/],
  ['a key alone', { tlsCert: 'none' }, /admin\.tls-cert/],
  ['a file that is not there', { tlsCert: '/nowhere/cert.pem' }, /admin\.tls-cert/],
])('%s is refused at the start', async (_, admin, why) => {
  const started = createBroker({ ...options(), admin: { ...options().admin, ...admin } });
  await expect(started).rejects.toThrow(ConfigError);
  await expect(started).rejects.toThrow(why);
});

test.each([
  ['0.0.0.0:0', false, true],
  ['0.0.0.0:0', true, false],
  ['127.0.0.1:0', false, false],
])('at %s, with TLS: %s, the log warns: %s', async (bind, hasTls, warns) => {
  const events: string[] = [];
  const note = (event: string) => events.push(event);
  const logger = { trace() {}, debug() {}, info() {}, warn: note, error: note, fatal: note };
  const { admin } = options();
  const tls = hasTls ? {} : { tlsCert: 'none', tlsKey: 'none' };
  await using _broker = await createBroker(
    { ...options(), admin: { ...admin, ...tls, bind } },
    { logger: logger as Logger },
  );
  expect(events).toEqual(warns ? ['admin-unencrypted'] : []);
});

test('an address that is taken ends the start of a program, and nothing stays open', async () => {
  await using broker = await createBroker({
    server: { wsBind: 'none' },
    admin: { keys: KEYS as never },
  });
  const bind = new URL(`${broker.adminUrl}`).host;
  await expect(
    createBroker({ server: { wsBind: 'none' }, admin: { keys: KEYS as never, bind } }),
  ).rejects.toThrow(/admin\.bind: .*EADDRINUSE/);
});

test('a certificate that expires soon is warned of, with its option, and is in the metrics', async () => {
  const brief = authority.issue('brief', ['200101000000Z', '200102000000Z']);
  use(brief);
  const warnings: object[] = [];
  const note = (event: string, fields: object = {}) => warnings.push({ event, ...fields });
  const logger = { trace() {}, debug() {}, info() {}, warn: note, error: note, fatal: note };
  const metrics = { enabled: true };
  await using broker = await createBroker({ ...options(), metrics }, { logger: logger as Logger });
  const warning = {
    event: 'certificate-unfit',
    key: 'admin.tls-cert',
    source: cert,
    why: expect.stringContaining('"brief" has expired'),
  };
  expect(warnings).toEqual([warning]);
  const text = await (await fetch(`${broker.metricsUrl}/metrics`)).text();
  expect(text).toMatch(
    /^promptmq_certificate_days_left\{listener="admin API",certificate="brief"\} -\d/m,
  );
  use(first);
  broker.reconfigure(parseEmbeddedConfig({ ...options(), metrics }));
  expect(broker.stats.admin.certificates.map(({ name }) => name)).toEqual(['first']);
  expect(warnings).toHaveLength(1);
});
