import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hashPassword } from '@promptmq/auth';
import { Access } from '../../src/access/access.ts';
import { type AuthenticationMethod, parseConfig } from '../../src/index.ts';
import { Simulation } from '../support/simulation.ts';

let folder: string;
let passwordFile: string;
let aclFile: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-transport-user-'));
  passwordFile = join(folder, 'passwords');
  aclFile = join(folder, 'rules.yaml');
  writeFileSync(passwordFile, `alice:${await hashPassword('open sesame')}\n`);
  writeFileSync(aclFile, 'rules:\n  - { user: alice, publish: "%u/#", subscribe: "%u/#" }\n');
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('the user that a transport names', () => {
  test('goes before user name and password, and nobody is asked about it', () => {
    const simulation = new Simulation({ auth: { passwordFile, allowAnonymous: false } });
    const client = simulation.open(5, 'dave');
    client.connect('c', { username: 'alice', password: Buffer.from('wrong') });
    expect(client.brief()).toEqual(['connack 0']);
    expect(simulation.broker.sessions.connectionOf('c')).toMatchObject({
      userName: 'dave',
      admission: { provider: 'transport' },
    });
  });

  test.each([5, 4, 3] as const)(
    'counts as proved, and its rules apply (MQTT level %d)',
    (version) => {
      const simulation = new Simulation({ auth: { passwordFile, aclFile, allowAnonymous: false } });
      const client = simulation.open(version, 'alice');
      client.connect('c', { username: 'mallory', password: Buffer.from('x') });
      expect(client.brief()).toEqual([version === 5 ? 'connack 0' : 'connack']);
      client.subscribe('#');
      client.subscribe('alice/#');
      client.publish('alice/a', '1');
      client.publish('bob/a', '2');
      expect(client.brief().filter((line) => line.startsWith('publish'))).toEqual([
        'publish alice/a 1',
      ]);
    },
  );

  test('stays when a reload changes users and passwords, under the new rules', () => {
    const simulation = new Simulation({ auth: { passwordFile, aclFile, allowAnonymous: false } });
    const client = simulation.open(5, 'dave');
    client.connect('c');
    client.subscribe('dave/#');
    expect(client.brief()).toEqual(['connack 0', 'suback 135']);
    const rules = join(folder, 'other-rules.yaml');
    writeFileSync(rules, 'rules:\n  - { user: dave, publish: "%u/#", subscribe: "%u/#" }\n');
    simulation.broker.reconfigure(
      Access.load(parseConfig({ auth: { passwordFile, aclFile: rules, allowAnonymous: false } })),
    );
    client.subscribe('dave/#');
    expect(client.brief()).toEqual(['suback 2']);
  });

  test('is who the client is with an authentication method, too; without one, the method says', () => {
    const method: AuthenticationMethod = {
      name: 'M',
      begin: () => ({ next: () => ({ result: 'success', userName: 'bob' }) }),
    };
    for (const [named, topic] of [
      ['alice', 'alice/a'],
      [null, 'bob/a'],
    ] as const) {
      const rules = join(folder, 'everybody.yaml');
      writeFileSync(rules, 'rules:\n  - { publish: "%u/#" }\n');
      const simulation = new Simulation({ auth: { aclFile: rules } }, [method]);
      const client = simulation.open(5, named);
      client.connect('c', { properties: { authenticationMethod: 'M' } });
      expect(client.brief()).toEqual(['connack 0']);
      client.publish(topic, '1', { qos: 1, messageId: 1 });
      client.publish('carol/a', '1', { qos: 1, messageId: 2 });
      expect(client.brief()).toEqual(['puback 16', 'puback 135']);
    }
  });

  test('a transport that names nobody leaves it to CONNECT', () => {
    const simulation = new Simulation({ auth: { passwordFile, allowAnonymous: false } });
    const client = simulation.open(5);
    client.connect('c');
    expect(client.brief()).toEqual(['connack 135']);
  });
});
