import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { CertificateAuthority } from '../../../../server/test/support/certificates.ts';
import { otherProgram } from '../../../../server/test/support/other-programs.ts';
import {
  createLdapProvider,
  LDAP_DEFAULTS,
  type LdapOptions,
  type Provider,
  type ProviderAnswer,
} from '../../../src/index.ts';
import { credentialsOf, NEVER, TestTools } from '../support/provider-tools.ts';
import { TemporaryFiles } from '../support/temporary-files.ts';
import { Slapd } from './slapd.ts';

const files = new TemporaryFiles();
const readerPassword = files.write('reader', 'reader-secret\n');
const wrongPassword = files.write('wrong', 'wrong-secret');
const providers: Provider[] = [];
/** Those of one test. */
const others: Slapd[] = [];
afterEach(async () => {
  for (const other of others.splice(0)) await other.stop();
  for (const provider of providers.splice(0)) await provider.close?.();
});
afterAll(() => files.remove());

const BY_SEARCH = {
  kind: 'search',
  bindDn: 'cn=reader,dc=example,dc=org',
  bindPasswordFile: readerPassword,
  baseDn: 'ou=people,dc=example,dc=org',
  scope: 'sub',
  filter: '(&(objectClass=inetOrgPerson)(uid=${username}))',
} as const;
const BY_NAME = { kind: 'dn', userDn: 'uid=${username},ou=people,dc=example,dc=org' } as const;
const GROUPS = {
  baseDn: 'ou=groups,dc=example,dc=org',
  scope: 'sub',
  filter: '(member=${dn})',
  nameAttribute: 'cn',
} as const;

function open(given: Partial<LdapOptions> & { readonly url: string }): Provider {
  const provider = createLdapProvider(
    { ...LDAP_DEFAULTS, user: BY_SEARCH, ...given },
    new TestTools(),
  );
  providers.push(provider);
  return provider;
}

async function asked(
  provider: Provider,
  userName: string | null,
  password: string | Uint8Array | null,
  signal: AbortSignal = NEVER,
): Promise<ProviderAnswer> {
  return (provider.authenticate as NonNullable<Provider['authenticate']>)(
    credentialsOf({ userName, password }),
    signal,
  );
}

function person(uid: string, cn: string, password: string): string {
  return `
dn: ${uid}
objectClass: inetOrgPerson
uid:: ${Buffer.from(cn).toString('base64')}
cn: x
sn: x
userPassword: ${password}
`;
}

const LDIF = `
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: cn=reader,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reader-secret
${person('uid=alice,ou=people,dc=example,dc=org', 'alice', 'alice-secret')}${person('uid=bob,ou=people,dc=example,dc=org', 'bob', 'bob-secret')}${person('uid=M\\2C x\\3Dy,ou=people,dc=example,dc=org', 'M, x=y', 'comma-secret')}${person('uid=ren\\C3\\A9 \\28e\\29\\2A,ou=people,dc=example,dc=org', 'rené (e)*', 'unicode-secret')}${person('cn=twin-1,ou=people,dc=example,dc=org', 'twin', 'twin-secret').replace('cn: x', 'cn: twin-1')}${person('cn=twin-2,ou=people,dc=example,dc=org', 'twin', 'twin-secret').replace('cn: x', 'cn: twin-2')}
dn: cn=admins,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: admins
member: uid=alice,ou=people,dc=example,dc=org

dn: cn=sensors,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: sensors
member: uid=alice,ou=people,dc=example,dc=org
member: uid=bob,ou=people,dc=example,dc=org
member: uid=M\\2C x\\3Dy,ou=people,dc=example,dc=org
`;

const { command, missing } = otherProgram('slapd');
if (missing === null) describe('OpenLDAP', testDirectory);
else test.skip(`OpenLDAP: ${missing}`, () => {});

function testDirectory(): void {
  const authority = new CertificateAuthority();
  let slapd: Slapd;
  let url: string;
  let caFile: string;
  beforeAll(async () => {
    const { cert, key } = authority.issue('localhost');
    caFile = files.write('ca.pem', authority.cert);
    slapd = await Slapd.start(command[0] as string, files, 'main', LDIF, {
      ca: authority.cert,
      cert,
      key,
    });
    url = `ldap://127.0.0.1:${slapd.port}`;
  });
  afterAll(() => slapd.stop());

  describe.each([
    ['a search', BY_SEARCH],
    ['a name', BY_NAME],
  ])('a user that is found by %s', (_, user) => {
    test('is let in with its password, by its name as the directory spells it', async () => {
      const provider = open({ url, user });
      for (const name of ['alice', 'ALICE', ' Alice ']) {
        expect(await asked(provider, name, 'alice-secret')).toMatchObject({
          result: 'allow',
          userName: 'alice',
          groups: [],
          isSuperuser: false,
        });
      }
    });

    test('has its groups, and the roles of these', async () => {
      const given = { url, user, groups: GROUPS, roles: { sensors: 'sensor' } };
      const provider = open({ ...given, superuserGroup: 'admins' });
      const alice = await asked(provider, 'alice', 'alice-secret');
      expect(alice).toMatchObject({ result: 'allow', roles: ['sensor'], isSuperuser: true });
      expect([...(alice as unknown as { groups: string[] }).groups].sort()).toEqual([
        'admins',
        'sensors',
      ]);
      expect(await asked(provider, 'bob', 'bob-secret')).toMatchObject({
        groups: ['sensors'],
        isSuperuser: false,
      });
      expect(await asked(provider, 'M, x=y', 'comma-secret')).toMatchObject({
        userName: 'M, x=y',
        groups: ['sensors'],
      });
    });

    test('is not let in with a wrong password', async () => {
      const provider = open({ url, user });
      expect(await asked(provider, 'alice', 'bob-secret')).toMatchObject({ result: 'deny' });
      expect(await asked(provider, 'alice', ' alice-secret')).toMatchObject({ result: 'deny' });
      expect(await asked(provider, 'alice', '\0')).toMatchObject({ result: 'deny' });
      expect(await asked(provider, 'alice', 'alice-secret')).toMatchObject({ result: 'allow' });
    });

    test('is not let in without one: the directory would say yes (RFC 4513, 5.1.2)', async () => {
      const provider = open({ url, user });
      const lines = await slapd.logOf(async () => {
        expect(await asked(provider, 'alice', '')).toMatchObject({ result: 'deny' });
        expect(await asked(provider, 'alice', null)).toMatchObject({ result: 'pass' });
        expect(await asked(provider, null, 'alice-secret')).toMatchObject({ result: 'pass' });
        expect(await asked(provider, '', 'alice-secret')).toMatchObject({ result: 'pass' });
      });
      expect(lines.filter((line) => line.includes('BIND'))).toEqual([]);
    });

    test.each(['M, x=y', 'rené (e)*'])('may be called %s', async (name) => {
      const password = name.startsWith('M') ? 'comma-secret' : 'unicode-secret';
      expect(await asked(open({ url, user }), name, password)).toMatchObject({
        result: 'allow',
        userName: name,
      });
    });

    test.each([
      '*',
      'al*',
      'alice)(uid=*',
      '*)(|(uid=*',
      'alice)(objectClass=*))(&(uid=x',
      'alice,ou=people,dc=example,dc=org',
      'alice+cn=x',
      'x,uid=alice',
      '\\61lice',
      'alice\0',
      'alice\0)(x=',
      '#616c696365',
    ])('is not %j', async (name) => {
      const provider = open({ url, user });
      expect(await asked(provider, name, 'alice-secret')).not.toMatchObject({ result: 'allow' });
    });

    test('connections are used again', async () => {
      const provider = open({ url, user, concurrentMax: 1 });
      const lines = await slapd.logOf(async () => {
        for (let count = 0; count < 5; count++) {
          expect(await asked(provider, 'alice', 'alice-secret')).toMatchObject({ result: 'allow' });
          expect(await asked(provider, 'bob', 'alice-secret')).toMatchObject({ result: 'deny' });
        }
      });
      const accepted = lines.filter((line) => line.includes('ACCEPT'));
      expect(accepted.length).toBe(user.kind === 'dn' ? 1 : 2);
    });

    test('by TLS and by STARTTLS, with the certificate that it has to have', async () => {
      const secure = `ldaps://127.0.0.1:${slapd.tlsPort}`;
      const otherCa = files.write('other-ca.pem', new CertificateAuthority('Other').cert);
      for (const given of [
        { url: secure },
        { url, usesStartTls: true },
        { url: secure.replace('127.0.0.1', 'localhost') },
        { url: url.replace('127.0.0.1', 'localhost'), usesStartTls: true },
      ]) {
        const provider = open({ user, ...given, caFile, concurrentMax: 1 });
        const lines = await slapd.logOf(async () => {
          for (let count = 0; count < 3; count++) {
            expect(await asked(provider, 'alice', 'alice-secret')).toMatchObject({
              result: 'allow',
            });
          }
        });
        const accepted = lines.filter((line) => line.includes('ACCEPT'));
        expect(accepted.length).toBe(user.kind === 'dn' ? 1 : 2);
        const mistrusting = open({ user, ...given, caFile: otherCa });
        await expect(asked(mistrusting, 'alice', 'alice-secret')).rejects.toThrow();
      }
    });
  });

  test('whom a search does not find is left to the next provider', async () => {
    expect(await asked(open({ url }), 'carol', 'x')).toMatchObject({ result: 'pass' });
    const provider = open({ url, user: BY_NAME });
    expect(await asked(provider, 'carol', 'x')).toMatchObject({ result: 'deny' });
  });

  test('a name that several have lets nobody in', async () => {
    expect(await asked(open({ url }), 'twin', 'twin-secret')).toMatchObject({
      result: 'deny',
      why: 'ldap: several entries of the directory are meant',
    });
  });

  test("the broker's own account has to be right", async () => {
    const user = { ...BY_SEARCH, bindPasswordFile: wrongPassword };
    const failure = asked(open({ url, user }), 'alice', 'alice-secret');
    await expect(failure).rejects.toThrow(/doesn't let cn=reader/);
    await expect(failure).rejects.not.toThrow(/wrong-secret/);
    const anonymous = { ...BY_SEARCH, bindDn: null, bindPasswordFile: null };
    // It may read nothing here.
    const answer = await asked(open({ url, user: anonymous }), 'alice', 'alice-secret').catch(
      () => ({ result: 'failed' }),
    );
    expect(answer).not.toMatchObject({ result: 'allow' });
  });

  test('who has to prove again who it is, after which time', async () => {
    const { time } = new TestTools();
    const answer = await asked(open({ url, validFor: 3_600_000 }), 'alice', 'alice-secret');
    expect(answer).toMatchObject({ result: 'allow', expiresAt: time + 3_600_000 });
    const { ticket } = answer as { ticket?: unknown };
    expect(open({ url, timeout: 100 }).mayStay?.('alice', ticket)).toBe(true);
    expect(open({ url, user: BY_NAME }).mayStay?.('alice', ticket)).toBe(false);
  });

  test('a directory that comes back is asked again', async () => {
    const { cert, key } = authority.issue('localhost');
    const other = await Slapd.start(command[0] as string, files, 'other', LDIF, {
      ca: authority.cert,
      cert,
      key,
    });
    others.push(other);
    const given = { url: `ldap://127.0.0.1:${other.port}`, concurrentMax: 1 };
    for (const provider of [open(given), open({ ...given, usesStartTls: true, caFile })]) {
      expect(await asked(provider, 'alice', 'alice-secret')).toMatchObject({ result: 'allow' });
    }
    const [plain, encrypted] = providers.slice(-2) as [Provider, Provider];
    await others.pop()?.stop();
    await expect(asked(plain, 'alice', 'alice-secret')).rejects.toThrow();
    await expect(asked(encrypted, 'alice', 'alice-secret')).rejects.toThrow();
    const again = await Slapd.start(
      command[0] as string,
      files,
      'again',
      LDIF,
      {
        ca: authority.cert,
        cert,
        key,
      },
      other,
    );
    others.push(again);
    expect(await asked(plain, 'alice', 'alice-secret')).toMatchObject({ result: 'allow' });
    expect(await asked(encrypted, 'alice', 'alice-secret')).toMatchObject({ result: 'allow' });
  });
}

test('who does not answer in time is not waited for', async () => {
  const silent = createServer((socket) => socket.resume().on('error', () => {})).listen(
    0,
    '127.0.0.1',
  );
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as AddressInfo;
  const url = `ldap://127.0.0.1:${port}`;
  await expect(asked(open({ url, timeout: 100 }), 'a', 'b')).rejects.toThrow();
  await expect(asked(open({ url, timeout: 100, usesStartTls: true }), 'a', 'b')).rejects.toThrow();
  const controller = new AbortController();
  const provider = open({ url, concurrentMax: 1, timeout: 50_000 });
  const connected = new Promise((resolve) => silent.once('connection', resolve));
  const answer = asked(provider, 'a', 'b', controller.signal);
  await connected;
  const waiting = asked(provider, 'c', 'd', controller.signal);
  controller.abort(new Error('gone'));
  await expect(answer).rejects.toThrow();
  await expect(waiting).rejects.toThrow('gone');
  await new Promise((resolve) => silent.close(resolve));
});

test('too many at the same time are answered that the broker is busy', async () => {
  const silent = createServer((socket) => socket.resume().on('error', () => {})).listen(
    0,
    '127.0.0.1',
  );
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as AddressInfo;
  const provider = open({
    url: `ldap://127.0.0.1:${port}`,
    concurrentMax: 1,
    waitingMax: 0,
    timeout: 500,
  });
  const first = asked(provider, 'a', 'b');
  expect(await asked(provider, 'c', 'd')).toMatchObject({ result: 'deny', reasonCode: 0x89 });
  await expect(first).rejects.toThrow();
  await new Promise((resolve) => silent.close(resolve));
});

describe('options that can not be used are refused at once', () => {
  const url = 'ldap://127.0.0.1:1';
  const secret = readerPassword;
  const cases: [string, Partial<LdapOptions>, string][] = [
    ['no URL', { url: 'ldap.example' }, 'url'],
    ['a URL of HTTP', { url: 'http://ldap.example' }, 'url'],
    ['a password in it', { url: 'ldap://u:p@ldap.example' }, 'url'],
    ['a path', { url: 'ldap://ldap.example/dc=x' }, 'url'],
    ['an address of IPv6', { url: 'ldap://[::1]:389' }, 'url'],
    ['STARTTLS in TLS', { url: 'ldaps://ldap.example', usesStartTls: true }, 'starttls'],
    ['certificates without TLS', { caFile: secret }, 'ca'],
    ['no file of certificates', { usesStartTls: true, caFile: '/nowhere' }, 'ca'],
    ['a name without the user', { user: { kind: 'dn', userDn: 'uid=x' } }, 'user-dn'],
    ['a name that is a mechanism', { user: { kind: 'dn', userDn: '${username}' } }, 'user-dn'],
    ['an unknown placeholder', { user: { kind: 'dn', userDn: 'uid=${user}' } }, 'user-dn'],
    ['a filter without the user', { user: { ...BY_SEARCH, filter: '(uid=x)' } }, 'filter'],
    ['a filter that is none', { user: { ...BY_SEARCH, filter: 'uid=${username}' } }, 'filter'],
    ['a filter with the password', { user: { ...BY_SEARCH, filter: '(a=${password})' } }, 'filter'],
    [
      'an account without a password',
      { user: { ...BY_SEARCH, bindPasswordFile: null } },
      'bind-dn',
    ],
    ['an account that is a mechanism', { user: { ...BY_SEARCH, bindDn: 'EXTERNAL' } }, 'bind-dn'],
    [
      'no file of the password',
      { user: { ...BY_SEARCH, bindPasswordFile: '/nowhere' } },
      'bind-password-file',
    ],
    [
      'groups by another placeholder',
      { groups: { ...GROUPS, filter: '(a=${clientid})' } },
      'group-filter',
    ],
  ];
  test.each(cases)('%s', (_, given, option) => {
    expect(() => open({ url, ...given })).toThrow(expect.objectContaining({ option }));
  });
});
