import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { hashPassword, PasswordChecker, PasswordUsers, Permissions } from '@promptmq/auth';
import { encode, type Packet, PacketDecoder } from '@promptmq/codec';
import type { IClientOptions } from 'mqtt';
import { Access } from '../../src/access/access.ts';
import { readAclFile } from '../../src/access/acl-file.ts';
import { readPasswordFile } from '../../src/access/password-file.ts';
import {
  ConfigError,
  type ConfigInput,
  createBroker,
  parseConfig,
  type RunningBroker,
} from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { TestClient } from '../support/mqtt-client.ts';

let folder: string;
let passwordFile: string;
let aliceHash: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-access-'));
  aliceHash = await hashPassword('open sesame');
  passwordFile = write('passwords', `# users\nalice:${aliceHash}\n`);
});

afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function problemsOf(action: () => unknown): string[] {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  throw new Error('it was accepted');
}

describe('password files', () => {
  test('what is wrong is reported by line, without what is in it', () => {
    const path = write('bad', `alice:${aliceHash}\nsecret\n\nbob:plain-text\nalice:${aliceHash}\n`);
    const problems = problemsOf(() => readPasswordFile(path));
    expect(problems.map((problem) => problem.replace(/: (it|user).*/, ''))).toEqual([
      `auth.password-file (${path}:2)`,
      `auth.password-file (${path}:4)`,
      `auth.password-file (${path}:5)`,
    ]);
    expect(problems.join()).not.toMatch(/secret|plain-text/);
    expect(problemsOf(() => readPasswordFile('/no/such'))[0]).toContain('/no/such');
  });

  test('checks beyond those that may wait are refused, and what was right is remembered', async () => {
    const checker = new PasswordChecker(new PasswordUsers(readPasswordFile(passwordFile)), {
      concurrentMax: 1,
      waitingMax: 1,
    });
    const check = (password: string) => checker.check('::1', 'alice', Buffer.from(password));
    expect(await Promise.all([check('open sesame'), check('wrong'), check('wrong')])).toEqual([
      'right',
      'wrong',
      'busy',
    ]);
    // With one running and one waiting, only what needs no check gets an answer other than busy.
    const [first, second, third] = [check('a'), check('b'), check('open sesame')];
    expect(await third).toBe('right');
    expect(await Promise.all([first, second])).toEqual(['wrong', 'wrong']);
    expect(await checker.check('::1', 'bob', Buffer.from('open sesame'))).toBe('wrong');
  });
});

describe('rules', () => {
  const rules = () =>
    readAclFile(
      write(
        'acl.yaml',
        `rules:
  - publish: [public/#]
    subscribe: public/#
  - user: [alice, admin-*]
    publish: users/%u/#
    subscribe: [users/%u/#, $SYS/#]
  - client: sensor-*
    publish: sensors/%c/data
`,
      ),
    );

  test('apply by user and client, and only allow', () => {
    const alice = new Permissions([rules()], { clientId: 'c', userName: 'alice' });
    expect(alice.mayPublish('users/alice/x')).toBe(true);
    expect(alice.mayPublish('users/bob/x')).toBe(false);
    expect(alice.mayPublish('public/x')).toBe(true);
    expect(alice.maySubscribe('$share/g/users/alice/#')).toBe(true);
    expect(alice.maySubscribe('$share/g/users/#')).toBe(false);
    expect(alice.maySubscribe('#')).toBe(false);
    const nobody = new Permissions([rules()], { clientId: 'sensor-1', userName: null });
    expect(nobody.mayPublish('sensors/sensor-1/data')).toBe(true);
    expect(nobody.mayPublish('sensors/sensor-2/data')).toBe(false);
    expect(nobody.mayPublish('users/alice/x')).toBe(false);
    const admin = new Permissions([rules()], { clientId: 'c', userName: 'admin-7' });
    expect(admin.mayPublish('users/admin-7/x')).toBe(true);
  });

  test('a name with wildcards or levels in it opens nothing', () => {
    for (const clientId of ['sensor-#', 'sensor-+', 'sensor-1/data']) {
      const permissions = new Permissions([rules()], { clientId, userName: 'admin-#' });
      expect(permissions.mayPublish('sensors/sensor-1/data')).toBe(false);
      expect(permissions.mayPublish(`sensors/${clientId}/data`)).toBe(false);
      expect(permissions.maySubscribe('users/admin-#/#')).toBe(false);
    }
  });

  test('an answer stays the same however often it is asked', () => {
    const permissions = new Permissions([rules()], { clientId: 'c', userName: null });
    for (let index = 0; index < 1000; index++) {
      expect(permissions.mayPublish(`public/${index % 300}`)).toBe(true);
      expect(permissions.mayPublish(`private/${index % 300}`)).toBe(false);
    }
  });

  test('what is wrong with the file is reported with line and column', () => {
    const KEYS =
      'a rule has user, client, group, role, address, permission, publish, subscribe, receive, action, topic, eq, qos, retain, rank';
    const path = write('bad.yaml', 'rules:\n  - usr: a\n  - publish: [a/#/b]\n  - client: a*b\n');
    expect(problemsOf(() => readAclFile(path))).toEqual([
      `auth.acl-file: rules.0 (${path}:2:5): unknown key usr; ${KEYS}`,
      `auth.acl-file: rules.1.publish (${path}:3:14): it takes topic filters`,
      `auth.acl-file: rules.2.client (${path}:4:13): it takes names, with * at the end only`,
    ]);
    const broken = write('broken.yaml', 'rules: [');
    expect(problemsOf(() => readAclFile(broken))[0]).toContain(`${broken}:1:9`);
    expect(problemsOf(() => readAclFile(write('empty.yaml', '')))[0]).toContain('a list of rules');
  });
});

describe('clients', () => {
  let broker: RunningBroker | null = null;
  const logged: string[] = [];

  afterEach(async () => {
    await broker?.stop();
    broker = null;
  });

  async function start(auth: ConfigInput['auth'], more: ConfigInput = {}): Promise<RunningBroker> {
    const log = (event: string, fields: object = {}) =>
      logged.push(JSON.stringify({ event, ...fields }));
    const logger = { ...noopLogger, debug: log, info: log, warn: log, error: log };
    broker = await createBroker({ ...more, auth }, { logger });
    return broker;
  }

  const alice: IClientOptions = { username: 'alice', password: 'open sesame' };

  async function codeOf(url: string | null, options: IClientOptions): Promise<unknown> {
    try {
      await (await TestClient.connect(`${url}`, options)).end();
      return 0;
    } catch (error) {
      return (error as { code: unknown }).code;
    }
  }

  test.each([
    [5, [0, 0x86, 0x86, 0x86, 0x87]],
    [4, [0, 4, 4, 4, 5]],
  ] as const)('version %p: only the right password is let in', async (protocolVersion, codes) => {
    const { url } = await start({ passwordFile, allowAnonymous: false });
    const attempts: IClientOptions[] = [
      alice,
      { ...alice, password: 'wrong' },
      { username: 'bob', password: 'open sesame' },
      { username: 'alice' },
      {},
    ];
    const answers = await Promise.all(
      attempts.map((options) => codeOf(url, { ...options, protocolVersion })),
    );
    expect(answers).toEqual(codes);
    expect(logged.join()).not.toMatch(/sesame|wrong"/);
  });

  test('password files of mosquitto and htpasswd are taken as they are', async () => {
    const foreign = write(
      'foreign',
      `# made by mosquitto_passwd, htpasswd -B and argon2
old:$6$iqZ8BlKkwdkOxlQ9$fAahkqRNE9eVu0ydDe0xIO/NpiO7MZWimwt7cp7NN0w6V2t2aJVqt4o0a24L8fCQQe5kzX7ETOokh4R8C091vw==
newer:$7$101$kX00MDGfU2c/Pg7h$KDKinasTkZ4IF5qvJqmF/ez5a3gWxEqctax6DWMtyZNIy3Fx+qHjItYcuGFz5L6zonKIey4sUV0WTNtYsyieWw==
web:$2y$05$vJkcHFxk1ogWB3BP9CzmuuPrUJ/GocxtqAWNO32a8t4I1KRceqisa
newest:$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0MTZieQ$2riU9+XhNnCjGrJ/5nN39QX9Vr4KnCIVD7K8xoiQovA
`,
    );
    const { url } = await start({ passwordFile: foreign, allowAnonymous: false });
    for (const username of ['old', 'newer', 'web', 'newest']) {
      expect([username, await codeOf(url, { username, password: 'open sesame' })]).toEqual([
        username,
        0,
      ]);
      expect([username, await codeOf(url, { username, password: 'open sesam' })]).toEqual([
        username,
        4,
      ]);
    }
    expect(await codeOf(url, { username: 'nobody', password: 'open sesame' })).toBe(4);
  });

  test('anonymous clients may be let in beside users', async () => {
    const { url } = await start({ passwordFile, allowAnonymous: true });
    expect(await codeOf(url, {})).toBe(0);
    expect(await codeOf(url, { username: 'alice', password: 'x' })).toBe(4);
  });

  test('packets that follow CONNECT in the same chunk wait for the check', async () => {
    const { url } = await start({ passwordFile });
    const socket = connect(Number(new URL(`${url}`).port));
    const connectPacket: Packet = {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: 'c',
      keepalive: 0,
      username: 'alice',
      password: Buffer.from('open sesame'),
    };
    const packets: Packet[] = [
      connectPacket,
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 0 }] },
      { cmd: 'publish', topic: 't', payload: Buffer.from('x'), qos: 0, dup: false, retain: false },
      { cmd: 'disconnect' },
    ];
    socket.write(Buffer.concat(packets.map((packet) => encode(packet) as Uint8Array)));
    const decoder = new PacketDecoder({ protocolVersion: 4, receiver: 'client' });
    const received: string[] = [];
    socket.on('data', (chunk: Buffer) => {
      received.push(...decoder.push(chunk).map(({ cmd }) => cmd));
    });
    await once(socket, 'close');
    expect(received).toEqual(['connack', 'suback', 'publish']);
  });

  test('rules refuse PUBLISH, SUBSCRIBE and wills with Not Authorized', async () => {
    const aclFile = write('clients.yaml', 'rules:\n  - publish: ok/#\n    subscribe: ok/#\n');
    const { url, stats } = await start({ aclFile });
    const client = await TestClient.connect(`${url}`, { protocolVersion: 5 });
    await expect(client.mqtt.subscribeAsync(['ok/1', 'no/1'])).rejects.toThrow('Not authorized');
    await expect(client.mqtt.publishAsync('no/1', 'x', { qos: 1 })).rejects.toMatchObject({
      code: 0x87,
    });
    await client.mqtt.publishAsync('no/1', 'x');
    await client.mqtt.publishAsync('ok/1', 'x', { qos: 1 });
    expect(await client.messages(1)).toMatchObject([{ topic: 'ok/1' }]);
    expect(stats.refused['not-authorized']).toBe(2);
    const will = { topic: 'no/1', payload: Buffer.from('x'), qos: 0 as const, retain: false };
    expect(await codeOf(url, { protocolVersion: 5, will })).toBe(0x87);
    await client.end();
  });

  test('the common name of a certificate can be the user name', async () => {
    const authority = new CertificateAuthority();
    const server = authority.issue('localhost');
    const { url, tlsUrl } = await start(
      {
        allowAnonymous: false,
        aclFile: write('named.yaml', 'rules:\n  - user: dora\n    publish: doors/%u\n'),
      },
      {
        server: {
          tlsBind: '127.0.0.1:0',
          tls: {
            cert: write('cert.pem', server.cert),
            key: write('key.pem', server.key),
            ca: write('ca.pem', authority.cert),
            clientCertificates: 'optional',
            useSubjectAsUserName: true,
          },
        },
      },
    );
    expect(await codeOf(url, {})).toBe(5);
    expect(await codeOf(tlsUrl, { ca: [authority.cert] })).toBe(5);
    const client = await TestClient.connect(`${tlsUrl}`, {
      ca: [authority.cert],
      ...authority.issue('dora'),
      protocolVersion: 5,
    });
    await client.mqtt.publishAsync('doors/dora', '', { qos: 1 });
    await expect(client.mqtt.publishAsync('doors/x', '', { qos: 1 })).rejects.toMatchObject({
      code: 0x87,
    });
    await client.end();
  });

  test('files that are wrong are reported before anything is opened, all at once', async () => {
    const refusal = await start({ passwordFile: '/no/passwords', aclFile: '/no/acl' }).catch(
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(ConfigError);
    expect((refusal as ConfigError).problems.map(({ key }) => key)).toEqual([
      'auth.password-file',
      'auth.acl-file',
    ]);
  });
});

describe('auth.client-ids', () => {
  const identity = (clientId: string, userName: string | null) => ({ clientId, userName });

  test.each([
    [['%u'], 'alice', 'alice', true],
    [['%u'], 'alice', 'alice2', false],
    [['%u-*'], 'alice-phone', 'alice', true],
    [['%u-*'], 'alice-', 'alice', true],
    [['%u-*'], 'alice', 'alice', false],
    [['%u-*'], 'bob-phone', 'alice', false],
    [['%u-*'], 'null-phone', null, false],
    [['%u-*', 'public-*'], 'public-1', null, true],
    [['a-%u-%u'], 'a-$&-$&', '$&', true],
    [['*'], 'anything', null, true],
    [[], 'anything', null, true],
  ])('%j: %s by user %s is allowed: %s', (clientIds, clientId, userName, isAllowed) => {
    const access = Access.load(parseConfig({ auth: { clientIds } }));
    expect(access.mayUseClientId(identity(clientId, userName))).toBe(isAllowed);
  });

  test('a user can not take over the session of another, and one is assigned to whom names none', async () => {
    const mallory = await hashPassword('mallory');
    const both = write('both', `alice:${aliceHash}\nmallory:${mallory}\n`);
    const running = await createBroker({ auth: { passwordFile: both, clientIds: ['%u-*'] } });
    const alice = { username: 'alice', password: 'open sesame', clientId: 'alice-1' };
    const victim = await TestClient.connect(running.url as string, alice);
    const thief = { username: 'mallory', password: 'mallory', clientId: 'alice-1' };
    await expect(TestClient.connect(running.url as string, thief)).rejects.toMatchObject({
      code: 2,
    });
    const v5 = { ...thief, protocolVersion: 5 } as const;
    await expect(TestClient.connect(running.url as string, v5)).rejects.toMatchObject({
      code: 0x85,
    });
    await victim.mqtt.publishAsync('still', 'there', { qos: 1 });
    const nameless = await TestClient.connect(running.url as string, { ...v5, clientId: '' });
    await nameless.end();
    await victim.end();
    await running.stop();
  });
});
