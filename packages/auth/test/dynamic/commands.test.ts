import { beforeEach, describe, expect, test } from '@jest/globals';
import { DynamicSecurity } from '../../src/index.ts';

type Answer = Record<string, unknown>;

let security: DynamicSecurity;

/** Carries out commands; a password's hash is `hash of` it. */
function ask(...commands: unknown[]): Answer[] {
  return askRaw(JSON.stringify({ commands }));
}

function askRaw(text: string): Answer[] {
  const request = security.read(Buffer.from(text));
  const hashes = new Map(request.passwords.map((password) => [password, `hash of ${password}`]));
  const { response } = security.carryOut(request, hashes);
  security.state.checkInvariants();
  return (JSON.parse(response) as { responses: Answer[] }).responses;
}

/** The errors of the answers; null for those without. */
function errorsOf(...commands: unknown[]): unknown[] {
  return ask(...commands).map(({ error }) => error ?? null);
}

const role = (rolename: string, more: object = {}) => ({
  command: 'createRole',
  rolename,
  ...more,
});
const group = (groupname: string, more: object = {}) => ({
  command: 'createGroup',
  groupname,
  ...more,
});
const client = (username: string, more: object = {}) => ({
  command: 'createClient',
  username,
  ...more,
});

beforeEach(() => {
  security = new DynamicSecurity();
});

// What is expected here is what mosquitto 2.0.11 answers, and 2.1 where that has more.
describe('requests', () => {
  test.each([
    ['nonsense', [{ command: 'Unknown command', error: 'Payload not valid JSON' }]],
    ['{}', [{ command: 'Unknown command', error: 'Invalid/missing commands' }]],
    ['{"commands":5}', [{ command: 'Unknown command', error: 'Invalid/missing commands' }]],
    ['{"commands":[]}', []],
    ['{"commands":[5]}', [{ command: 'Unknown command', error: 'Command not an object' }]],
    ['{"commands":[{}]}', [{ command: 'Unknown command', error: 'Missing command' }]],
    ['{"commands":[{"command":"Foo"}]}', [{ command: 'Foo', error: 'Unknown command' }]],
    [
      '{"commands":[{"command":"getRole","correlationData":5}]}',
      [{ command: 'getRole', error: 'Invalid correlationData data type.' }],
    ],
  ])('%s', (text, responses) => {
    expect(askRaw(text)).toEqual(responses);
  });

  test('names of commands and fields are written in any letters', () => {
    expect(ask({ COMMAND: 'GETdetails', correlationdata: 'x' })).toEqual([
      {
        command: 'getDetails',
        data: { clientCount: 0, groupCount: 0, roleCount: 0, changeIndex: 0 },
        correlationData: 'x',
      },
    ]);
  });

  test('a command that fails does not keep the next from being carried out', () => {
    expect(errorsOf({ command: 'deleteRole', rolename: 'a' }, role('a'))).toEqual([
      'Role not found',
      null,
    ]);
  });

  test('more than 1,000 commands are not carried out', () => {
    const commands = Array.from({ length: 1001 }, (_, index) => role(`r${index}`));
    expect(errorsOf(...commands)).toEqual(['More than 1000 commands']);
    expect(security.isEmpty).toBe(true);
  });

  test('there are no more objects than there may be', () => {
    security = new DynamicSecurity({ objectsMax: 3 });
    const full = 'There are 3 clients, groups and roles already';
    expect(
      errorsOf(role('a'), group('a'), client('a'), client('b'), role('b'), group('b')),
    ).toEqual([null, null, null, full, full, full]);
  });

  test('names that a plain object has are names like any other', () => {
    expect(errorsOf(role('__proto__'), client('constructor'), group('toString'))).toEqual([
      null,
      null,
      null,
    ]);
    expect(errorsOf({ command: 'constructor' }, { command: '__proto__' })).toEqual([
      'Unknown command',
      'Unknown command',
    ]);
    expect(errorsOf({ command: 'getClient', username: '__proto__' })).toEqual(['Client not found']);
  });
});

describe('default access', () => {
  test('deny, allow, deny, allow; each can be set', () => {
    const answer = ask(
      { command: 'getDefaultACLAccess', correlationData: 'x' },
      {
        command: 'setDefaultACLAccess',
        acls: [
          { acltype: 'SUBSCRIBE', allow: true },
          { acltype: 'publishClientReceive', allow: false },
          { acltype: 'unknown', allow: true },
          { acltype: 'unsubscribe' },
          { acltype: 'publishClientSend', access: 'allow' },
        ],
      },
      { command: 'getDefaultACLAccess' },
      { command: 'setDefaultACLAccess', acls: 5 },
    );
    expect(answer[0]).toEqual({
      command: 'getDefaultACLAccess',
      data: {
        acls: [
          { acltype: 'publishClientSend', allow: false },
          { acltype: 'publishClientReceive', allow: true },
          { acltype: 'subscribe', allow: false },
          { acltype: 'unsubscribe', allow: true },
        ],
      },
      correlationData: 'x',
    });
    expect(answer[2]?.['data']).toEqual({
      acls: [
        { acltype: 'publishClientSend', allow: true },
        { acltype: 'publishClientReceive', allow: false },
        { acltype: 'subscribe', allow: true },
        { acltype: 'unsubscribe', allow: true },
      ],
    });
    expect(answer[3]?.['error']).toBe('Missing/invalid actions array');
  });
});

describe('roles', () => {
  test('entries are in the order of types, falling priority, and as they came', () => {
    const acls = [
      { acltype: 'subscribePattern', topic: 'b/#', priority: 1, allow: true },
      { acltype: 'SUBSCRIBEPATTERN', topic: 'a/#', priority: 5, allow: true },
      { acltype: 'subscribePattern', topic: 'c/#', priority: 5 },
      { acltype: 'publishClientSend', topic: 'x', priority: 1e9, allow: true },
      { acltype: 'publishClientSend', topic: 'x', allow: false },
      { acltype: 'unknown', topic: 'y', allow: true },
      { acltype: 'publishClientSend', topic: '' },
      5,
    ];
    expect(ask(role('r', { acls }), { command: 'getRole', rolename: 'r' })[1]).toEqual({
      command: 'getRole',
      data: {
        role: {
          rolename: 'r',
          allowwildcardsubs: true,
          acls: [
            { acltype: 'publishClientSend', topic: 'x', priority: 100_000, allow: true },
            { acltype: 'subscribePattern', topic: 'a/#', priority: 5, allow: true },
            { acltype: 'subscribePattern', topic: 'c/#', priority: 5, allow: false },
            { acltype: 'subscribePattern', topic: 'b/#', priority: 1, allow: true },
          ],
        },
      },
    });
  });

  test('what is wrong', () => {
    const acl = (acltype: unknown, topic: unknown) => ({
      command: 'addRoleACL',
      rolename: 'r1',
      acltype,
      topic,
      allow: true,
    });
    expect(
      errorsOf(
        role('r1'),
        role('r1'),
        { command: 'createRole' },
        role(''),
        role('r2', { textname: 5 }),
        role('r2', { textdescription: 5 }),
        role('r2', { allowwildcardsubs: 5 }),
        role('r2', { acls: [{ acltype: 'publishClientSend', topic: 'a#' }] }),
        role('a\u0001'),
        role('a\ud800'),
        role('x'.repeat(65_536)),
        { command: 'getRole', rolename: 'zz' },
        { command: 'deleteRole', rolename: 'zz' },
        { command: 'modifyRole', rolename: 'zz' },
        acl('x', 'a'),
        acl('publishClientSend', 'a#'),
        acl('publishClientSend', 'a'),
        acl('publishClientSend', 'a'),
        acl('publishClientSend', undefined),
        acl(undefined, 'a'),
        { command: 'removeRoleACL', rolename: 'r1', acltype: 'publishClientSend', topic: 'zz' },
        { command: 'removeRoleACL', rolename: 'r1', acltype: 'publishClientSend' },
        { command: 'removeRoleACL', rolename: 'r1', acltype: 'publishClientSend', topic: 'a' },
      ),
    ).toEqual([
      null,
      'Role already exists',
      'Invalid/missing rolename',
      'Empty rolename',
      'Invalid/missing textname',
      'Invalid/missing textdescription',
      'Invalid allowwildcardsubs',
      'Invalid ACL topic',
      'Role name not valid UTF-8',
      'Role name not valid UTF-8',
      'Role name not valid UTF-8',
      'Role not found',
      'Role not found',
      'Role does not exist',
      'Unknown acltype',
      'Invalid ACL topic',
      null,
      'ACL with this topic already exists',
      'Invalid/missing topic',
      'Invalid/missing acltype',
      'ACL not found',
      'Invalid/missing topic',
      null,
    ]);
  });

  test('modifyRole changes what it names, and nothing else', () => {
    const acls = [{ acltype: 'publishClientSend', topic: 'q', allow: true }];
    ask(role('r', { textname: 'a', textdescription: 'b', acls }));
    ask({ command: 'modifyRole', rolename: 'r', textname: 'c', allowwildcardsubs: false });
    expect(ask({ command: 'listRoles', verbose: true })[0]?.['data']).toEqual({
      totalCount: 1,
      roles: [
        {
          rolename: 'r',
          textname: 'c',
          textdescription: 'b',
          allowwildcardsubs: false,
          acls: [{ acltype: 'publishClientSend', topic: 'q', priority: 0, allow: true }],
        },
      ],
    });
    ask({ command: 'modifyRole', rolename: 'r', acls: [] });
    expect(security.state.roles.get('r')?.entries.size).toBe(0);
  });

  test('a role that is deleted is nobody’s any more', () => {
    const roles = [{ rolename: 'r' }];
    ask(role('r'), client('u', { roles }), group('g', { roles }));
    expect(errorsOf({ command: 'deleteRole', rolename: 'r' })).toEqual([null]);
    expect(security.state.clients.get('u')?.roles.size).toBe(0);
    expect(security.state.groups.get('g')?.roles.size).toBe(0);
  });
});

describe('clients', () => {
  beforeEach(() => {
    ask(role('r1'), role('r2'), group('g1'), group('g2'));
  });

  test('roles and groups are in the order of falling priority, and of names', () => {
    const roles = [{ rolename: 'r2' }, { rolename: 'r1' }, { rolename: 'r1', priority: 7 }];
    const groups = [{ groupname: 'g1' }, { groupname: 'g2', priority: 3 }];
    const more = { password: 'p', clientid: 'c', textname: 'T', roles, groups };
    const answer = ask(client('u', more), { command: 'getClient', username: 'u' });
    expect(answer[1]?.['data']).toEqual({
      client: {
        username: 'u',
        clientid: 'c',
        textname: 'T',
        roles: [{ rolename: 'r1' }, { rolename: 'r2' }],
        groups: [{ groupname: 'g2', priority: 3 }, { groupname: 'g1' }],
        connections: [],
      },
    });
    expect(JSON.stringify(answer)).not.toContain('hash');
    expect(security.client('u')?.password).toBe('hash of p');
  });

  test('where they are connected', () => {
    security = new DynamicSecurity({ addressesOf: (name, id) => [`${name} ${id}`] });
    ask(client('u'), client('v', { clientid: 'c' }));
    const [answer] = ask({ command: 'listClients', verbose: true });
    expect(answer?.['data']).toMatchObject({
      clients: [
        { username: 'u', connections: [{ address: 'u null' }] },
        { username: 'v', connections: [{ address: 'v c' }] },
      ],
    });
  });

  test('pages, of one at least', () => {
    ask(client('c'), client('b'), client('a'));
    const page = (more: object) => ask({ command: 'listClients', ...more })[0]?.['data'];
    expect(page({})).toEqual({ totalCount: 3, clients: ['a', 'b', 'c'] });
    expect(page({ count: 1, offset: 1 })).toEqual({ totalCount: 3, clients: ['b'] });
    expect(page({ count: 0 })).toEqual({ totalCount: 3, clients: ['a'] });
    expect(page({ offset: 5 })).toEqual({ totalCount: 3, clients: [] });
    expect(page({ count: 1, verbose: true })).toMatchObject({ clients: [{ username: 'a' }] });
  });

  test('what is wrong', () => {
    const invalidRoles = "'roles' not an array or missing/invalid rolename";
    expect(
      errorsOf(
        client('u'),
        client('u'),
        { command: 'createClient' },
        client(''),
        client('a\n'),
        client('v', { password: 5 }),
        client('v', { clientid: 5 }),
        client('v', { clientid: 'a\0' }),
        client('v', { roles: [{ rolename: 'zz' }] }),
        client('v', { roles: 5 }),
        client('v', { roles: [{}] }),
        client('v', { groups: [{ groupname: 'zz' }] }),
        { command: 'deleteClient', username: 'zz' },
        { command: 'modifyClient', username: 'zz' },
        { command: 'modifyClient', username: 'u', groups: [{ groupname: 'zz' }] },
        { command: 'modifyClient', username: 'u', groups: [{}] },
        { command: 'modifyClient', username: 'u', roles: [{ rolename: 'zz' }] },
        { command: 'setClientPassword', username: 'u' },
        { command: 'setClientPassword', username: 'u', password: '' },
        { command: 'setClientPassword', username: 'zz', password: 'x' },
        { command: 'setClientId', username: 'u', clientid: 5 },
        { command: 'addClientRole', username: 'u', rolename: 'r1' },
        { command: 'addClientRole', username: 'u', rolename: 'r1' },
        { command: 'addClientRole', username: 'u', rolename: 'zz' },
        { command: 'removeClientRole', username: 'u', rolename: 'zz' },
        { command: 'removeClientRole', username: 'u', rolename: 'r1' },
        { command: 'removeClientRole', username: 'u', rolename: 'r1' },
      ),
    ).toEqual([
      null,
      'Client already exists',
      'Invalid/missing username',
      'Empty username',
      'Username not valid UTF-8',
      'Invalid/missing password',
      'Invalid/missing client id',
      'Client ID not valid UTF-8',
      'Role not found',
      invalidRoles,
      invalidRoles,
      'Group not found',
      'Client not found',
      'Client not found',
      "'groups' contains an object with a 'groupname' that does not exist",
      "'groups' contains an object with an invalid 'groupname'",
      'Role not found',
      'Invalid/missing password',
      'Empty password is not allowed',
      'Client not found',
      'Invalid/missing client ID',
      null,
      'Client is already in this role',
      'Role not found',
      'Role not found',
      null,
      null,
    ]);
    expect([...security.state.clients.keys()]).toEqual(['u']);
  });

  test('disabled, enabled, another password, another identifier', () => {
    ask(client('u', { password: 'p' }), { command: 'disableClient', username: 'u' });
    expect(security.client('u')?.isDisabled).toBe(true);
    ask(
      { command: 'enableClient', username: 'u' },
      { command: 'setClientPassword', username: 'u', password: 'q' },
      { command: 'setClientId', username: 'u', clientid: 'c' },
    );
    expect(security.client('u')).toMatchObject({
      isDisabled: false,
      password: 'hash of q',
      clientId: 'c',
    });
    ask({ command: 'setClientId', username: 'u' });
    expect(security.client('u')?.clientId).toBeNull();
    ask({ command: 'modifyClient', username: 'u', password: '', clientid: 'd' });
    expect(security.client('u')).toMatchObject({ password: 'hash of q', clientId: 'd' });
    ask({ command: 'modifyClient', username: 'u', password: 'r', clientid: '' });
    expect(security.client('u')).toMatchObject({ password: 'hash of r', clientId: null });
  });

  test('nobody gets in with an empty password', () => {
    ask(client('u', { password: '' }));
    expect(security.client('u')?.password).toBeNull();
  });
});

describe('groups', () => {
  beforeEach(() => {
    ask(role('r1'), client('u'), client('v'));
  });

  test('who is in one, and with which priority', () => {
    const answer = ask(
      group('g', { textname: 'G', roles: [{ rolename: 'r1', priority: 4 }] }),
      { command: 'addGroupClient', groupname: 'g', username: 'v', priority: 7 },
      { command: 'addGroupClient', groupname: 'g', username: 'u' },
      { command: 'getGroup', groupname: 'g' },
      { command: 'getClient', username: 'v' },
    );
    expect(answer[3]?.['data']).toEqual({
      group: {
        groupname: 'g',
        textname: 'G',
        clients: [{ username: 'u' }, { username: 'v' }],
        roles: [{ rolename: 'r1', priority: 4 }],
      },
    });
    expect(answer[4]?.['data']).toMatchObject({
      client: { groups: [{ groupname: 'g', priority: 7 }] },
    });
    ask({ command: 'modifyGroup', groupname: 'g', clients: [{ username: 'u', priority: 2 }] });
    expect(security.client('v')?.groups.size).toBe(0);
    expect(security.client('u')?.groups.get('g')).toBe(2);
    ask({ command: 'deleteGroup', groupname: 'g' });
    expect(security.client('u')?.groups.size).toBe(0);
  });

  test('what is wrong', () => {
    expect(
      errorsOf(
        group('g'),
        group('g'),
        group(''),
        { command: 'createGroup' },
        group('h', { roles: 5 }),
        { command: 'addGroupClient', groupname: 'g', username: 'u' },
        { command: 'addGroupClient', groupname: 'g', username: 'u' },
        { command: 'addGroupClient', groupname: 'zz', username: 'u' },
        { command: 'addGroupClient', groupname: 'g', username: 'zz' },
        { command: 'removeGroupClient', groupname: 'zz', username: 'u' },
        { command: 'removeGroupClient', groupname: 'g', username: 'zz' },
        { command: 'removeGroupClient', groupname: 'g', username: 'u' },
        { command: 'getGroup', groupname: 'zz' },
        { command: 'addGroupRole', groupname: 'g', rolename: 'r1' },
        { command: 'addGroupRole', groupname: 'g', rolename: 'r1' },
        { command: 'removeGroupRole', groupname: 'g', rolename: 'zz' },
        { command: 'removeGroupRole', groupname: 'g', rolename: 'r1' },
        { command: 'modifyGroup', groupname: 'zz' },
        { command: 'modifyGroup', groupname: 'g', clients: [{}] },
        { command: 'modifyGroup', groupname: 'g', clients: [{ username: 'zz' }] },
        { command: 'setAnonymousGroup', groupname: 'zz' },
        { command: 'setAnonymousGroup', groupname: 'g' },
        { command: 'deleteGroup', groupname: 'g' },
        { command: 'deleteGroup', groupname: 'zz' },
      ),
    ).toEqual([
      null,
      'Group already exists',
      'Empty groupname',
      'Invalid/missing groupname',
      "'roles' not an array or missing/invalid rolename",
      null,
      'Client is already in this group',
      'Group not found',
      'Client not found',
      'Group not found',
      'Client not found',
      null,
      'Group not found',
      null,
      'Group is already in this role',
      'Role not found',
      null,
      'Group not found',
      "'clients' contains an object with an invalid 'username'",
      "'clients' contains an object with a 'username' that does not exist",
      'Group not found',
      null,
      'Deleting the anonymous group is forbidden',
      'Group not found',
    ]);
    const [answer] = ask({ command: 'getAnonymousGroup' });
    expect(answer?.['data']).toEqual({ group: { groupname: 'g' } });
  });
});

describe('for whom something may be different', () => {
  /** Of commands that are carried out after the others. */
  function affectedBy(...commands: unknown[]): unknown {
    const request = security.read(Buffer.from(JSON.stringify({ commands })));
    const { affected } = security.carryOut(request, new Map([['p', 'hash']]));
    return affected === null ? 'everyone' : [...affected];
  }

  beforeEach(() => {
    const roles = [{ rolename: 'r' }];
    ask(
      role('r'),
      role('lonely'),
      client('u', { roles }),
      client('v'),
      client('w'),
      group('g', { roles }),
      { command: 'addGroupClient', groupname: 'g', username: 'v' },
    );
  });

  const acl = { acltype: 'publishClientSend', topic: 'a' };

  test.each([
    ['a role', { command: 'addRoleACL', rolename: 'r', ...acl }, ['u', 'v']],
    ['a role of nobody', { command: 'addRoleACL', rolename: 'lonely', ...acl }, []],
    ['a role that goes', { command: 'deleteRole', rolename: 'r' }, ['u', 'v']],
    ['a group', { command: 'removeGroupRole', groupname: 'g', rolename: 'r' }, ['v']],
    ['a group that goes', { command: 'deleteGroup', groupname: 'g' }, ['v']],
    [
      'members that come and go',
      { command: 'modifyGroup', groupname: 'g', clients: [{ username: 'w' }] },
      ['v', 'w'],
    ],
    ['a user', { command: 'setClientPassword', username: 'w', password: 'p' }, ['w']],
    ['what clients without a name may', { command: 'setAnonymousGroup', groupname: 'g' }, [null]],
    ['defaults', { command: 'setDefaultACLAccess', acls: [] }, 'everyone'],
    ['nothing', { command: 'listClients' }, []],
    ['what fails', { command: 'deleteClient', username: 'zz' }, []],
  ])('%s', (_name, command, affected) => {
    expect(affectedBy(command)).toEqual(affected);
  });

  test('the anonymous group’s roles are those of clients without a name', () => {
    ask({ command: 'setAnonymousGroup', groupname: 'g' });
    expect(affectedBy({ command: 'modifyRole', rolename: 'r', acls: [] })).toEqual([
      'u',
      null,
      'v',
    ]);
  });
});
