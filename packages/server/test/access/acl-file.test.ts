import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Identity, Permissions } from '@promptmq/auth';
import { readAclFile } from '../../src/access/acl-file.ts';
import { ConfigError } from '../../src/index.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-acl-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function write(text: string): string {
  const path = join(folder, 'acl');
  writeFileSync(path, text);
  return path;
}

function permissions(text: string, identity: Partial<Identity>): Permissions {
  return new Permissions([readAclFile(write(text))], {
    clientId: 'c',
    userName: null,
    ...identity,
  });
}

function problemsOf(text: string): string[] {
  const path = write(text);
  try {
    readAclFile(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.replaceAll(path, 'FILE'));
  }
  throw new Error('it was accepted');
}

const FILE = `groups:
  ops: [alice, bo*]
roles:
  sensor:
    users: sensor-*
    groups: [devices]
    rules:
      - publish: sensors/%u/#
      - { permission: deny, action: publish, topic: sensors/+/config, rank: 1 }
rules:
  - group: ops
    subscribe: "#"
  - address: [10.0.0.0/8, "fd00::/8"]
    subscribe: inside/#
  - { action: all, topic: ["eq exact/#", "plain/\${clientid}"] }
  - { subscribe: literal/#, eq: true }
  - { role: auditor, subscribe: $SYS/#, receive: audit/# }
  - { action: publish, topic: slow, qos: 0, retain: false }
`;

describe('a file of rules', () => {
  test('has groups of users, and roles with rules', () => {
    expect(permissions(FILE, { userName: 'bob' }).maySubscribe('#')).toBe(true);
    expect(permissions(FILE, { userName: 'carol' }).maySubscribe('#')).toBe(false);
    expect(permissions(FILE, { userName: 'carol', groups: ['ops'] }).maySubscribe('#')).toBe(true);
    const sensor = permissions(FILE, { userName: 'sensor-1' });
    expect(sensor.mayPublish('sensors/sensor-1/x')).toBe(true);
    expect(sensor.mayPublish('sensors/sensor-2/x')).toBe(false);
    expect(sensor.decide('publish', 'sensors/sensor-1/config')).toEqual({
      isAllowed: false,
      rule: 'acl:9',
    });
    const device = permissions(FILE, { userName: 'x', groups: ['devices'] });
    expect(device.mayPublish('sensors/x/y')).toBe(true);
    expect(permissions(FILE, { userName: 'x', roles: ['auditor'] }).mayReceive('audit/1')).toBe(
      true,
    );
  });

  test('has addresses, filters as they stand, placeholders, QoS and RETAIN', () => {
    expect(permissions(FILE, { address: '10.1.1.1' }).maySubscribe('inside/x')).toBe(true);
    expect(permissions(FILE, { address: '11.1.1.1' }).maySubscribe('inside/x')).toBe(false);
    const anybody = permissions(FILE, {});
    expect(anybody.maySubscribe('exact/#')).toBe(true);
    expect(anybody.maySubscribe('exact/a')).toBe(false);
    expect(anybody.maySubscribe('literal/#')).toBe(true);
    expect(anybody.maySubscribe('literal/a')).toBe(false);
    expect(anybody.mayPublish('plain/c')).toBe(true);
    expect(anybody.mayPublish('slow', 0, false)).toBe(true);
    expect(anybody.mayPublish('slow', 1, false)).toBe(false);
    expect(anybody.mayPublish('slow', 0, true)).toBe(false);
  });

  test('is taken as it was without what is new', () => {
    const asked = permissions(
      'rules:\n  - { publish: "eq a", user: [] }\n  - publish: "eq a"\n',
      {},
    );
    expect(asked.mayPublish('eq a')).toBe(true);
    expect(asked.mayPublish('a')).toBe(false);
  });

  test.each<[string, string]>([
    ['rules:\n  - permission: maybe\n', 'rules.0.permission (FILE:2:17): it takes allow or deny'],
    ['rules:\n  - action: publish\n', 'rules.0 (FILE:2:5): it takes action and topic together'],
    [
      'rules:\n  - { action: pub, topic: a }\n',
      'rules.0.action (FILE:2:15): it takes publish, sub',
    ],
    ['rules:\n  - { publish: a, qos: 3 }\n', 'rules.0.qos (FILE:2:24): it takes 0, 1, 2 or a list'],
    ['rules:\n  - { subscribe: a, retain: true }\n', 'rules.0 (FILE:2:5): it takes retain where'],
    ['rules:\n  - { receive: a, qos: 1 }\n', 'rules.0 (FILE:2:5): it takes qos where'],
    [
      'rules:\n  - { publish: a, rank: 1.5 }\n',
      'rules.0.rank (FILE:2:25): it takes a whole number',
    ],
    [
      'rules:\n  - { publish: a, address: here }\n',
      'rules.0.address (FILE:2:28): it takes addresses',
    ],
    [
      'rules:\n  - { publish: "a/${who}" }\n',
      'rules.0.publish (FILE:2:16): it takes other filters: ${who}',
    ],
    ['rules:\n  - { publish: a, group: "a*" }\n', 'rules.0.group (FILE:2:26): it takes names'],
    [
      'roles: { a: { rules: [{ role: b }] } }\n',
      'roles.a.rules.0 (FILE:1:23): it takes rules without',
    ],
    ['roles: { a: { user: b } }\n', 'roles.a (FILE:1:13): unknown key user; a role has users'],
    ['rules: []\ngroup: {}\n', 'auth.acl-file (FILE:1:1): unknown key group; a file has rules'],
    ['user a\ntopic reed b/#/c\nwhat\n', 'auth.acl-file (FILE:2:7): it takes a topic filter'],
    ['user a\ntopic read b\n  what\n', 'auth.acl-file (FILE:3:3): a line begins with user, topic'],
  ])('%j is refused with line and column', (text, message) => {
    expect(problemsOf(text).join('\n')).toContain(message);
  });

  test('of mosquitto is read as it is', () => {
    const text = '# mosquitto\r\ntopic read open/#\r\nuser alice\r\ntopic own/#\r\n';
    const anonymous = permissions(text, {});
    expect(anonymous.maySubscribe('#')).toBe(true);
    expect(anonymous.mayReceive('open/1')).toBe(true);
    expect(anonymous.mayReceive('own/1')).toBe(false);
    const alice = permissions(text, { userName: 'alice' });
    expect(alice.mayPublish('own/1')).toBe(true);
    expect(alice.decide('publish', 'own/1').rule).toBe('acl:4');
  });
});
