import { beforeEach, describe, expect, test } from '@jest/globals';
import { Acl, ALLOWED_BY_DEFAULT, DynamicSecurity, Permissions } from '../../src/index.ts';

let security: DynamicSecurity;

function ask(...commands: unknown[]): void {
  const request = security.read(Buffer.from(JSON.stringify({ commands })));
  const { response } = security.carryOut(request, new Map());
  expect(response).not.toContain('"error"');
}

const acl = (acltype: string, topic: string, allow: boolean, priority = 0) => ({
  acltype,
  topic,
  allow,
  priority,
});
const role = (rolename: string, ...acls: object[]) => ({ command: 'createRole', rolename, acls });
const user = (username: string, ...names: [string, number][]) => ({
  command: 'createClient',
  username,
  roles: names.map(([rolename, priority]) => ({ rolename, priority })),
});

function permissionsOf(userName: string | null, clientId = 'c'): Permissions {
  return new Permissions([security.aclOf(userName)], { clientId, userName });
}

beforeEach(() => {
  security = new DynamicSecurity();
});

describe('what holds where no role says anything', () => {
  test('deny, allow, deny, allow', () => {
    ask(user('u'));
    const permissions = permissionsOf('u');
    expect(permissions.mayPublish('a')).toBe(false);
    expect(permissions.mayReceive('a')).toBe(true);
    expect(permissions.maySubscribe('a')).toBe(false);
    expect(permissions.mayUnsubscribe('a')).toBe(true);
    expect(permissions.decide('publish', 'a').rule).toBe('default access, publishClientSend');
  });

  test('what is allowed by default never is $CONTROL', () => {
    const acls = ['publishClientSend', 'subscribe'].map((acltype) => ({ acltype, allow: true }));
    ask(user('u'), { command: 'setDefaultACLAccess', acls });
    for (const name of ['u', null]) {
      const permissions = permissionsOf(name);
      expect(permissions.mayPublish('a/b')).toBe(true);
      expect(permissions.mayPublish('$SYS/a')).toBe(true);
      expect(permissions.mayPublish('$CONTROL/dynamic-security/v1')).toBe(false);
      expect(permissions.mayReceive('$CONTROL/dynamic-security/v1/response')).toBe(false);
      expect(permissions.maySubscribe('$CONTROL/#')).toBe(false);
      expect(permissions.maySubscribe('#')).toBe(true);
    }
  });

  test('a user that is not there gets nothing of $CONTROL by what is allowed where no rule matches', () => {
    const others = [security.aclOf('unknown')];
    const identity = { clientId: 'c', userName: 'unknown' };
    const permissions = new Permissions(others, identity, { defaults: ALLOWED_BY_DEFAULT });
    expect(permissions.mayPublish('a')).toBe(true);
    expect(permissions.mayPublish('$CONTROL/dynamic-security/v1')).toBe(false);
    expect(permissions.maySubscribe('$CONTROL/#')).toBe(false);
    expect(permissions.mayReceive('$CONTROL/dynamic-security/v1/response')).toBe(false);
    const named = new Acl([
      {
        permission: 'allow',
        actions: ['publish'],
        filters: [{ filter: '$CONTROL/#' }],
        rank: -1_000_000,
        source: 'a file',
      },
    ]);
    const allowed = new Permissions([named, ...others], identity);
    expect(allowed.mayPublish('$CONTROL/dynamic-security/v1')).toBe(true);
  });

  test('nothing is allowed to a user that is not there', () => {
    const acls = [{ acltype: 'publishClientSend', allow: true }];
    ask({ command: 'setDefaultACLAccess', acls });
    expect(permissionsOf('unknown').mayPublish('a')).toBe(false);
    expect(permissionsOf('unknown').mayReceive('a')).toBe(false);
  });
});

describe('in which order', () => {
  test('entries of a role by priority, then as they came', () => {
    ask(
      role(
        'r',
        acl('publishClientSend', 'a/#', true),
        acl('publishClientSend', 'a/b', false),
        acl('publishClientSend', 'a/b/c', false, 1),
        acl('publishClientSend', 'a/b/+', true, 2),
      ),
      user('u', ['r', -1]),
    );
    const permissions = permissionsOf('u');
    // The first of the same priority decides, also where a later one denies.
    expect(permissions.decide('publish', 'a/b')).toEqual({
      isAllowed: true,
      rule: 'role r, publishClientSend a/#',
    });
    expect(permissions.mayPublish('a/b/c')).toBe(true);
    expect(permissions.mayPublish('b')).toBe(false);
  });

  test('roles of the user by priority, and by name; then those of groups, by the priority of the groups', () => {
    ask(
      role('deny', acl('publishClientSend', 't', false)),
      role('allow', acl('publishClientSend', 't', true)),
      role('low', acl('publishClientSend', 'own', true, 1000)),
      role('high', acl('publishClientSend', 'own', false, -1000)),
      user('u', ['low', 1], ['high', 2]),
      user('v', ['deny', 5], ['allow', 5]),
      { command: 'createGroup', groupname: 'g1', roles: [{ rolename: 'deny', priority: 99 }] },
      { command: 'createGroup', groupname: 'g2', roles: [{ rolename: 'allow' }] },
      { command: 'addGroupClient', groupname: 'g1', username: 'u', priority: 1 },
      { command: 'addGroupClient', groupname: 'g2', username: 'u', priority: 2 },
    );
    expect(permissionsOf('u').mayPublish('t')).toBe(true);
    expect(permissionsOf('u').mayPublish('own')).toBe(false);
    expect(permissionsOf('v').mayPublish('t')).toBe(true);
    ask(
      { command: 'removeGroupClient', groupname: 'g2', username: 'u' },
      { command: 'addGroupClient', groupname: 'g2', username: 'u', priority: 1 },
    );
    expect(permissionsOf('u').mayPublish('t')).toBe(false);
    ask({ command: 'addClientRole', username: 'u', rolename: 'allow' });
    expect(permissionsOf('u').mayPublish('t')).toBe(true);
  });

  test('literal entries for subscriptions go before patterns of their role', () => {
    ask(
      role(
        'r',
        acl('subscribePattern', 'a/#', true, 100),
        acl('subscribeLiteral', 'a/b', false),
        acl('subscribeLiteral', 'x/+', true),
        acl('unsubscribeLiteral', 'a/b', false),
      ),
      user('u', ['r', -1]),
    );
    const permissions = permissionsOf('u');
    expect(permissions.maySubscribe('a/#')).toBe(true);
    expect(permissions.maySubscribe('a/b')).toBe(false);
    expect(permissions.maySubscribe('$share/g/a/c')).toBe(true);
    expect(permissions.maySubscribe('x/+')).toBe(true);
    expect(permissions.maySubscribe('x/y')).toBe(false);
    expect(permissions.mayUnsubscribe('a/b')).toBe(false);
    expect(permissions.mayUnsubscribe('a/c')).toBe(true);
  });

  test('allowwildcardsubs: false denies wildcards to whoever has the role, before its entries', () => {
    ask(
      { ...role('r', acl('subscribePattern', '#', true)), allowwildcardsubs: false },
      role('first', acl('subscribePattern', 'w/#', true)),
      user('u', ['r', 1], ['first', 2]),
    );
    const permissions = permissionsOf('u');
    expect(permissions.maySubscribe('a/b')).toBe(true);
    expect(permissions.maySubscribe('a/+')).toBe(false);
    expect(permissions.maySubscribe('w/#')).toBe(true);
    expect(permissions.decide('subscribe', 'a/#').rule).toBe('role r, allowwildcardsubs');
  });
});

test('%c and %u are the client’s, as whole levels', () => {
  ask(
    role('r', acl('publishClientSend', 'of/%c/%u/#', true)),
    user('u', ['r', 0]),
    user('a/+', ['r', 0]),
  );
  expect(permissionsOf('u', 'dev').mayPublish('of/dev/u/x')).toBe(true);
  expect(permissionsOf('u', 'dev').mayPublish('of/other/u/x')).toBe(false);
  expect(permissionsOf('u', '+').mayPublish('of/x/u/x')).toBe(false);
  expect(permissionsOf('a/+', 'dev').mayPublish('of/dev/a/x')).toBe(false);
});

test('what is sent to a client is filtered where a role denies it', () => {
  ask(
    role('r', acl('subscribePattern', '#', true), acl('publishClientReceive', 'secret/#', false)),
    user('u', ['r', 0]),
  );
  const permissions = permissionsOf('u');
  expect(permissions.maySubscribe('#')).toBe(true);
  expect(permissions.filtersDelivery).toBe(true);
  expect(permissions.mayReceive('secret/a')).toBe(false);
  expect(permissions.mayReceive('a')).toBe(true);
});

test('clients without a user name have the roles of the anonymous group', () => {
  ask(role('r', acl('publishClientSend', 'open', true)), {
    command: 'createGroup',
    groupname: 'g',
    roles: [{ rolename: 'r' }],
  });
  expect(permissionsOf(null).mayPublish('open')).toBe(false);
  ask({ command: 'setAnonymousGroup', groupname: 'g' });
  expect(permissionsOf(null).mayPublish('open')).toBe(true);
  ask({ command: 'removeRoleACL', rolename: 'r', acltype: 'publishClientSend', topic: 'open' });
  expect(permissionsOf(null).mayPublish('open')).toBe(false);
});
