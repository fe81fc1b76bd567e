import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type DocumentChange, DynamicSecurity } from '../../src/index.ts';

/** As `mosquitto_ctrl dynsec init` of mosquitto 2.0.11 makes it, with a group and a client more. */
const FILE = JSON.stringify({
  clients: [
    {
      username: 'admin',
      textName: 'Dynsec admin user',
      password:
        'jaHhXuPVPXgrNe++ic+DCYZ7OvkQj8Fb2Ssnn6Erw00OYwsCIlZiMgEn/1wSRvfVfEJJo6QFlAW/Bfati/2UCA==',
      salt: 'WKh4JTNn6SUArh3g',
      iterations: 101,
      roles: [{ rolename: 'admin' }],
    },
    { username: 'new', encoded_password: '$argon2id$v=19$m=1', disabled: true, clientid: 'c' },
    { username: 'without' },
  ],
  groups: [
    {
      groupname: 'g',
      roles: [{ rolename: 'admin', priority: 5 }, { rolename: 'unknown' }],
      clients: [{ username: 'new', priority: 3 }, { username: 'without' }, { username: 'unknown' }],
    },
  ],
  roles: [
    {
      rolename: 'admin',
      acls: [
        { acltype: 'publishClientSend', topic: '$CONTROL/dynamic-security/#', allow: true },
        { acltype: 'subscribePattern', topic: '$SYS/#', allow: true },
      ],
    },
  ],
  defaultACLAccess: {
    publishClientSend: true,
    publishClientReceive: true,
    subscribe: false,
    unsubscribe: true,
  },
  anonymousGroup: 'g',
});

describe('dynamic-security.json of mosquitto', () => {
  test('is taken over, and given back', () => {
    const security = new DynamicSecurity();
    const { changes, affected } = security.import(FILE);
    expect(affected).toBeNull();
    expect(changes.map(([key]) => key).sort()).toEqual([
      'client/admin',
      'client/new',
      'client/without',
      'group/g',
      'role/admin',
      'settings',
    ]);
    security.state.checkInvariants();
    expect(security.client('admin')).toMatchObject({
      textName: 'Dynsec admin user',
      password: expect.stringMatching(/^\$7\$101\$WKh4JTNn6SUArh3g\$jaHh/),
    });
    expect(security.client('new')).toMatchObject({ isDisabled: true, clientId: 'c' });
    expect(security.client('new')?.groups.get('g')).toBe(3);
    expect(security.client('without')?.password).toBeNull();
    expect(security.state.anonymousGroup).toBe('g');
    expect(security.state.defaults.get('publishClientSend')).toBe(true);
    const again = new DynamicSecurity();
    again.import(security.export());
    expect(JSON.parse(again.export())).toEqual({
      ...JSON.parse(security.export()),
      changeIndex: expect.any(Number),
    });
  });

  test.each([
    ['{', 'it is no JSON'],
    ['[]', 'it is no JSON object'],
    ['{"roles":5}', 'roles is no list'],
    ['{"roles":[5]}', 'roles[0] is no JSON object'],
    ['{"roles":[{}]}', 'roles[0]: rolename takes a name'],
    ['{"clients":[{"username":"a\\u0000"}]}', 'clients[0]: username takes a name'],
    [
      '{"roles":[{"rolename":"r","acls":[{"acltype":"subscribePattern","topic":"a#"}]}]}',
      'roles[0]: Invalid ACL topic',
    ],
  ])('%s is refused, and changes nothing', (text, message) => {
    const security = new DynamicSecurity();
    expect(() => security.import(text)).toThrow(message);
    expect(security.isEmpty).toBe(true);
  });

  test('is not mixed with what is there', () => {
    const security = new DynamicSecurity();
    security.import(FILE);
    expect(() => security.import(FILE)).toThrow('there are users, groups or roles already');
  });
});

describe('documents', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const listOf = (field: string) =>
    fc.array(fc.record({ [field]: name, priority: fc.integer({ min: -2, max: 2 }) }));
  const topic = fc.constantFrom('a', 'a/#', '%u/b');
  const acltype = fc.constantFrom('publishClientSend', 'subscribeLiteral', 'subscribePattern');
  const acls = fc.array(
    fc.record({ acltype, topic, priority: fc.integer({ min: -2, max: 2 }), allow: fc.boolean() }),
  );
  const command = fc.record({
    command: fc.constantFrom(
      ...['createClient', 'deleteClient', 'modifyClient', 'disableClient', 'setClientId'],
      ...['createGroup', 'deleteGroup', 'modifyGroup', 'addGroupClient', 'removeGroupClient'],
      ...['createRole', 'deleteRole', 'modifyRole', 'addRoleACL', 'removeRoleACL'],
      ...['addClientRole', 'removeClientRole', 'addGroupRole', 'removeGroupRole'],
      ...['setAnonymousGroup', 'setDefaultACLAccess'],
    ),
    username: name,
    groupname: name,
    rolename: name,
    clientid: name,
    textname: name,
    roles: fc.option(listOf('rolename'), { nil: undefined }),
    groups: fc.option(listOf('groupname'), { nil: undefined }),
    clients: fc.option(listOf('username'), { nil: undefined }),
    acls: fc.option(acls, { nil: undefined }),
    acltype,
    topic,
    allow: fc.boolean(),
    priority: fc.integer({ min: -2, max: 2 }),
    allowwildcardsubs: fc.boolean(),
  });

  test('what changes hold what there is, whatever the commands were', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const security = new DynamicSecurity();
        const kept = new Map<string, unknown>();
        for (const one of commands) {
          const request = security.read(Buffer.from(JSON.stringify({ commands: [one] })));
          keep(kept, security.carryOut(request, new Map()).changes);
          security.state.checkInvariants();
        }
        const restored = new DynamicSecurity();
        restored.restore(kept);
        restored.state.checkInvariants();
        expect(sorted(restored.export())).toEqual(sorted(security.export()));
      }),
      { numRuns: 200 },
    );
  });

  function keep(kept: Map<string, unknown>, changes: readonly DocumentChange[]): void {
    for (const [key, document] of changes) {
      if (document === null) kept.delete(key);
      else kept.set(key, JSON.parse(JSON.stringify(document)));
    }
  }

  /** The order in which objects were made isn't kept. */
  function sorted(text: string): unknown {
    return JSON.parse(text, (_key, value: unknown) =>
      Array.isArray(value) ? value.map((item) => JSON.stringify(item)).sort() : value,
    );
  }

  test('one that is damaged is found when it is restored', () => {
    for (const [key, document] of [
      ['client/a', 5],
      ['client/a', {}],
      ['unknown/a', {}],
    ] as const) {
      expect(() => new DynamicSecurity().restore([[key, document]])).toThrow();
    }
  });
});
