import { describe, expect, test } from '@jest/globals';
import { matchesFilter } from '@promptmq/topics';
import fc from 'fast-check';
import {
  Acl,
  type AclAction,
  type AclMembers,
  type AclRule,
  ALLOWED_BY_DEFAULT,
  EVERY_ACTION,
  type Identity,
  Permissions,
  permissionsOf,
  SUBSCRIBING,
} from '../../src/index.ts';

const ALICE: Identity = { clientId: 'c', userName: 'alice', address: '10.1.2.3' };

let count = 0;

function rule(
  permission: 'allow' | 'deny',
  actions: readonly AclAction[],
  filters: string,
  more: Partial<AclRule> = {},
): AclRule {
  count++;
  return {
    permission,
    actions,
    filters: filters.split(' ').map((filter) => ({ filter })),
    source: `rule ${count}`,
    ...more,
  };
}

function permissions(
  rules: readonly AclRule[],
  identity: Identity = ALICE,
  members: AclMembers = {},
): Permissions {
  return new Permissions([new Acl(rules, members)], identity);
}

describe('which rule decides', () => {
  test('at the same rank one that denies, else one of the highest rank; and it is named', () => {
    const asked = permissions([
      rule('allow', ['publish'], 'a/#', { source: 'allows a' }),
      rule('deny', ['publish'], 'a/secret', { source: 'denies' }),
      rule('allow', ['publish'], 'a/secret', { rank: 1, users: ['bob'] }),
      rule('deny', ['publish'], 'b/#'),
      rule('allow', ['publish'], 'b/mine', { rank: 1, source: 'allows mine' }),
    ]);
    const decided = (topic: string) => asked.decide('publish', topic);
    expect(decided('a/x')).toEqual({ isAllowed: true, rule: 'allows a' });
    expect(decided('a/secret')).toEqual({ isAllowed: false, rule: 'denies' });
    expect(decided('b/mine')).toEqual({ isAllowed: true, rule: 'allows mine' });
    expect(decided('c')).toEqual({ isAllowed: false, rule: null });
    expect(asked.mayPublish('a/x')).toBe(true);
    expect(asked.mayPublish('a/secret')).toBe(false);
  });

  test('of several sets of rules all are asked together', () => {
    const file = new Acl([rule('deny', ['publish'], 'x'), rule('allow', ['publish'], 'y')]);
    const own = new Acl([rule('allow', ['publish'], 'x', { rank: 1 })]);
    const asked = new Permissions([file, own], ALICE);
    expect(['x', 'y', 'z'].map((topic) => asked.mayPublish(topic))).toEqual([true, true, false]);
  });

  test('limits narrow what rules allow, and name the rule', () => {
    const limits = permissions([rule('allow', EVERY_ACTION, 'a/#')]);
    const asked = new Permissions([new Acl([rule('allow', EVERY_ACTION, 'a/b c')])], ALICE, {
      limits,
    });
    expect(asked.mayPublish('a/b')).toBe(true);
    expect(asked.mayPublish('a/x')).toBe(false);
    expect(asked.mayPublish('c')).toBe(false);
    expect(asked.maySubscribe('c')).toBe(false);
    expect(asked.mayReceive('c')).toBe(false);
  });

  test('a superuser may do everything, and so may all where there are no rules and no default', () => {
    const acl = new Acl([rule('deny', EVERY_ACTION, '#')]);
    expect(permissionsOf([acl], { ...ALICE, isSuperuser: true })).toBeNull();
    expect(permissionsOf([], ALICE)).toBeNull();
    expect(permissionsOf([acl], ALICE)?.mayPublish('x')).toBe(false);
  });

  test('of a PUBLISH by QoS and RETAIN, remembered for each', () => {
    const asked = permissions([
      rule('allow', EVERY_ACTION, 'a/#'),
      rule('deny', ['publish'], 'a/b', { retain: true }),
      rule('deny', EVERY_ACTION, 'a/c', { qos: [2] }),
    ]);
    for (let turn = 0; turn < 2; turn++) {
      expect(asked.mayPublish('a/b', 1, false)).toBe(true);
      expect(asked.mayPublish('a/b', 1, true)).toBe(false);
      expect(asked.mayPublish('a/c', 1, true)).toBe(true);
      expect(asked.mayPublish('a/c', 2, false)).toBe(false);
      expect(asked.maySubscribe('a/b', 2)).toBe(true);
      expect(asked.maySubscribe('a/c', 1)).toBe(true);
      expect(asked.maySubscribe('a/c', 2)).toBe(false);
      // What was subscribed at another QoS is received.
      expect(asked.mayReceive('a/c')).toBe(true);
    }
  });

  test('a filter that is meant as it stands allows this SUBSCRIBE, and what it brings', () => {
    const asked = permissions([
      {
        permission: 'allow',
        actions: EVERY_ACTION,
        filters: [{ filter: 'a/#', isLiteral: true }],
        source: '',
      },
    ]);
    expect(asked.maySubscribe('a/#')).toBe(true);
    expect(asked.maySubscribe('$share/g/a/#')).toBe(true);
    expect(asked.maySubscribe('a/b')).toBe(false);
    expect(asked.mayReceive('a/b')).toBe(true);
    expect(asked.mayPublish('a/b')).toBe(false);
    expect(asked.filtersDelivery).toBe(false);
  });

  test('one that denies it leaves narrower ones, and what they bring', () => {
    const asked = permissions([
      rule('allow', SUBSCRIBING, '#'),
      {
        permission: 'deny',
        actions: SUBSCRIBING,
        filters: [{ filter: '#', isLiteral: true }],
        source: '',
      },
    ]);
    expect(asked.maySubscribe('#')).toBe(false);
    expect(asked.maySubscribe('a/#')).toBe(true);
    expect(asked.mayReceive('a/b')).toBe(true);
    expect(asked.filtersDelivery).toBe(false);
  });

  test('to unsubscribe is allowed unless it is denied', () => {
    const asked = permissions([rule('deny', ['unsubscribe'], 'kept/#')]);
    expect(asked.mayUnsubscribe('kept/a')).toBe(false);
    expect(asked.mayUnsubscribe('$share/g/kept/a')).toBe(false);
    expect(asked.mayUnsubscribe('other')).toBe(true);
  });
});

describe('what a subscription brings', () => {
  test('is filtered where a part of it is denied, and only then', () => {
    const rules = [rule('allow', SUBSCRIBING, '#'), rule('deny', SUBSCRIBING, 'secret/#')];
    const asked = permissions(rules);
    expect(asked.maySubscribe('a/#')).toBe(true);
    expect(asked.filtersDelivery).toBe(false);
    expect(asked.maySubscribe('secret/x')).toBe(false);
    expect(asked.filtersDelivery).toBe(false);
    expect(asked.maySubscribe('#')).toBe(true);
    expect(asked.filtersDelivery).toBe(true);
    expect(asked.mayReceive('a')).toBe(true);
    expect(asked.mayReceive('secret/x')).toBe(false);
  });

  test('is filtered where every SUBSCRIBE is granted, but for what is allowed whole', () => {
    const asked = permissions([
      rule('allow', ['subscribe'], '#'),
      rule('allow', ['receive'], 'a/#'),
    ]);
    expect(asked.maySubscribe('a/+')).toBe(true);
    expect(asked.filtersDelivery).toBe(false);
    expect(asked.maySubscribe('+/b')).toBe(true);
    expect(asked.filtersDelivery).toBe(true);
  });

  test('is never denied unless filtersDelivery says so', () => {
    const filters = fc.constantFrom('#', 'a/#', '+/b', 'a/b', 'a/+', 'b', '+', '$S/#', '+/+');
    const actions = fc.constantFrom<readonly AclAction[]>(SUBSCRIBING, ['subscribe'], ['receive']);
    const anyRule = fc.record({
      permission: fc.constantFrom('allow' as const, 'deny' as const),
      actions,
      filters: fc
        .array(fc.record({ filter: filters, isLiteral: fc.boolean() }), { maxLength: 2 })
        .map((list) => (list.length === 0 ? null : list)),
      qos: fc.constantFrom(null, [0 as const], [1 as const, 2 as const]),
      rank: fc.nat(2),
      source: fc.constant(''),
    });
    const topics = ['a', 'b', 'a/b', 'a/c', 'c/b', '$S/a', '$S', 'a/b/c', 'x/y/z'];
    const defaults = fc.constantFrom('allow' as const, 'deny' as const);
    fc.assert(
      fc.property(
        fc.array(anyRule, { maxLength: 6 }),
        filters,
        fc.constantFrom(0 as const, 1 as const, 2 as const),
        fc.record({
          publish: defaults,
          subscribe: defaults,
          receive: defaults,
          unsubscribe: defaults,
        }),
        (rules, filter, qos, defaultsOf) => {
          const asked = new Permissions([new Acl(rules)], ALICE, { defaults: defaultsOf });
          if (!asked.maySubscribe(filter, qos) || asked.filtersDelivery) return;
          for (const topic of topics) {
            if (matchesFilter(filter, topic)) {
              expect([topic, asked.decide('receive', topic).isAllowed]).toEqual([topic, true]);
            }
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('to whom a rule applies', () => {
  const may = (more: Partial<AclRule>, identity: Partial<Identity>, members: AclMembers = {}) =>
    permissions(
      [rule('allow', ['publish'], 't', more)],
      { ...ALICE, ...identity },
      members,
    ).mayPublish('t');

  test.each<[string, Partial<AclRule>, Partial<Identity>, boolean]>([
    ['everyone', {}, { userName: null }, true],
    ['a user', { users: ['alice'] }, {}, true],
    ['another user', { users: ['bob'] }, {}, false],
    ['users by their beginning', { users: ['bob', 'al*'] }, {}, true],
    ['a user who was not proved', { users: ['*'] }, { userName: null }, false],
    ['nobody with a user', { isAnonymous: true }, {}, false],
    ['somebody without a user', { isAnonymous: true }, { userName: null }, true],
    ['a client', { clients: ['c'] }, {}, true],
    ['another client', { clients: ['d*'] }, {}, false],
    ['a user with another client', { users: ['alice'], clients: ['d'] }, {}, false],
    ['a group', { groups: ['g'] }, { groups: ['f', 'g'] }, true],
    ['another group', { groups: ['g'] }, { groups: ['f'] }, false],
    ['a group, of somebody in none', { groups: ['g'] }, {}, false],
    ['a role', { roles: ['r'] }, { roles: ['r'] }, true],
    ['a role and a group', { roles: ['r'], groups: ['g'] }, { roles: ['r'] }, false],
    ['an address', { addresses: ['10.1.2.3'] }, {}, true],
    ['a network', { addresses: ['10.0.0.0/8'] }, {}, true],
    ['another network', { addresses: ['10.2.0.0/16', '2001:db8::/32'] }, {}, false],
    [
      'an address as sockets show it',
      { addresses: ['10.0.0.0/8'] },
      { address: '::ffff:10.9.9.9' },
      true,
    ],
    ['a network of IPv6', { addresses: ['fe80::/10'] }, { address: 'fe80::1%eth0' }, true],
    [
      'an address, of somebody who has none',
      { addresses: ['0.0.0.0/0'] },
      { address: null },
      false,
    ],
    ['nobody', { users: [] }, {}, false],
  ])('%s', (_name, more, identity, isAllowed) => {
    expect(may(more, identity)).toBe(isAllowed);
  });

  test('a rule that denies addresses denies who has none', () => {
    const asked = permissions(
      [
        rule('allow', ['publish'], 't'),
        rule('deny', ['publish'], 't', { addresses: ['10.0.0.0/8'] }),
      ],
      { clientId: 'c', userName: null },
    );
    expect(asked.mayPublish('t')).toBe(false);
  });

  test('groups and roles have members by name, and roles have groups', () => {
    const members: AclMembers = {
      groups: new Map([['ops', ['alice', 'b*']]]),
      roles: new Map([
        ['admin', { groups: ['ops'] }],
        ['guest', { users: ['mallory'] }],
      ]),
    };
    expect(may({ groups: ['ops'] }, {}, members)).toBe(true);
    expect(may({ roles: ['admin'] }, { userName: 'bob' }, members)).toBe(true);
    expect(may({ roles: ['admin'] }, { userName: 'mallory' }, members)).toBe(false);
    expect(may({ roles: ['admin'] }, { userName: 'mallory', groups: ['ops'] }, members)).toBe(true);
    expect(may({ roles: ['guest'] }, { userName: 'mallory' }, members)).toBe(true);
    expect(may({ groups: ['ops'] }, { userName: null }, members)).toBe(false);
  });

  test('those to whom the same rules apply share what is made of them, also names of objects', () => {
    const acl = new Acl([
      rule('allow', ['publish'], 'a', { users: ['__proto__'] }),
      rule('allow', ['publish'], 'b'),
    ]);
    const profile = (userName: string | null) => acl.profileOf({ clientId: 'c', userName });
    expect(profile('x')).toBe(profile(null));
    expect(profile('x')).not.toBe(profile('__proto__'));
    for (let index = 0; index < 300; index++) profile(`${index}`);
    expect(profile('x')).toBe(profile(null));
  });
});

describe('placeholders', () => {
  const CERTIFICATE = {
    subject: { CN: 'device-1', OU: 'line+2' },
    issuer: {},
    subjectAltNames: ['DNS:one.example', 'DNS:two.example', 'URI:urn:a/b'],
    serialNumber: '01',
    fingerprint256: '',
    validTo: 0,
  };

  test.each<[string, Partial<Identity>, string, boolean]>([
    ['u/%u', {}, 'u/alice', true],
    ['u/${username}', {}, 'u/alice', true],
    ['u/%u', {}, 'u/%u', false],
    ['u/%u-x/%c', {}, 'u/alice-x/c', true],
    ['u/%u', { userName: null }, 'u/null', false],
    ['u/%u', { userName: '+' }, 'u/x', false],
    ['u/%u', { userName: 'a/b' }, 'u/a/b', false],
    ['%u/#', { userName: '#' }, 'x', false],
    ['%u/#', { userName: '$SYS' }, '$SYS/x', false],
    ['u/%u', { userName: '$SYS' }, 'u/$SYS', true],
    ['u/%u', { userName: '%c' }, 'u/%c', true],
    ['u/%u', { userName: '%c' }, 'u/c', false],
    ['u/%u', { userName: "$'$&" }, "u/$'$&", true],
    ['u/%u/x', { userName: '' }, 'u//x', false],
    ['c/${clientid}', {}, 'c/c', true],
    ['h/${peerhost}', {}, 'h/10.1.2.3', true],
    ['g/${group}/#', { groups: ['a', 'b'] }, 'g/b/x', true],
    ['g/${group}/#', { groups: [] }, 'g//x', false],
    ['r/${role}/${group}', { groups: ['a', 'b'], roles: ['r', 's'] }, 'r/s/a', true],
    ['x/${cert.cn}', { certificate: CERTIFICATE }, 'x/device-1', true],
    ['x/${cert_common_name}', { certificate: CERTIFICATE }, 'x/device-1', true],
    ['x/${cert.ou}', { certificate: CERTIFICATE }, 'x/line1', false],
    ['x/${cert.san}', { certificate: CERTIFICATE }, 'x/two.example', true],
    ['x/${cert.cn}', { certificate: null }, 'x/', false],
    ['x/${attrs.plant}/#', { attributes: { plant: 'p1' } }, 'x/p1/y', true],
    ['x/${client_attrs.plant}', { attributes: { plant: 'p1' } }, 'x/p1', true],
    ['x/${attrs.constructor}', { attributes: {} }, 'x/function Object() { [native code] }', false],
  ])('%s for %j lets publish to %s: %p', (filter, identity, topic, isAllowed) => {
    const asked = permissions([rule('allow', ['publish'], filter)], { ...ALICE, ...identity });
    expect(asked.mayPublish(topic)).toBe(isAllowed);
  });

  test('a value with a slash does not take a filter that denies away', () => {
    const rules = [rule('allow', ['publish'], '#'), rule('deny', ['publish'], 'u/%u/secret')];
    const may = (userName: string, topic: string) =>
      permissions(rules, { clientId: 'c', userName }).mayPublish(topic);
    expect(may('a/b', 'u/a/b/secret')).toBe(false);
    expect(may('a', 'u/a/secret')).toBe(false);
    expect(may('+', 'u/x/secret')).toBe(true);
  });
});

test('what a decision that was not known took is counted', () => {
  const asked = permissions([rule('allow', ['publish'], 'a/+/c a/b/+ a/b/c/d')]);
  expect(asked.visitedNodes).toBe(0);
  asked.mayPublish('a/b/c');
  expect(asked.visitedNodes).toBe(7);
  asked.mayPublish('a/b/c');
  expect(asked.visitedNodes).toBe(7);
});

test('a rank that is no whole number, an address that is none, and no action are refused', () => {
  expect(() => new Acl([rule('allow', ['publish'], 'a', { rank: 0.5 })])).toThrow(/rank/);
  expect(() => new Acl([rule('allow', ['publish'], 'a', { addresses: ['10.0.0.0/33'] })])).toThrow(
    /10\.0\.0\.0\/33/,
  );
  expect(() => new Acl([rule('allow', [], 'a')])).toThrow(/action/);
});

describe('what is said of other clients', () => {
  const CLIENT = '$SYS/brokers/n/clients/a/connected';
  const STATE = '$SYS/broker/clients/a/state';

  test.each([
    ['#', false],
    ['+/brokers/#', false],
    ['$SYS/#', false],
    ['$SYS/+/n/clients/#', false],
    ['$SYS/brokers/#', true],
    ['$SYS/brokers/+/clients/+/connected', true],
    ['$SYS/brokers/+/clients/+/disconnected', false],
    ['$SYS/brokers/+/clients/b/#', false],
  ])('may be received by a rule that names it: %s', (filter, isAllowed) => {
    const asked = permissions([rule('allow', SUBSCRIBING, filter)]);
    expect(asked.mayFollow(CLIENT)).toBe(isAllowed);
    expect(asked.mayFollow(STATE)).toBe(false);
  });

  test('may not where another one denies it, or all of it', () => {
    const named = rule('allow', SUBSCRIBING, '$SYS/brokers/# $SYS/broker/clients/+/state');
    expect(permissions([named]).mayFollow(STATE)).toBe(true);
    const denies = rule('deny', SUBSCRIBING, '$SYS/brokers/+/clients/a/#');
    const asked = permissions([named, denies]);
    expect(asked.mayFollow(CLIENT)).toBe(false);
    expect(asked.mayFollow(CLIENT.replace('/a/', '/b/'))).toBe(true);
    expect(asked.mayFollow('$share/g/$SYS/brokers/#')).toBe(true);
    expect(permissions([named, rule('deny', SUBSCRIBING, '$SYS/#')]).mayFollow(CLIENT)).toBe(false);
    expect(permissions([named, rule('deny', SUBSCRIBING, '#')]).mayFollow(CLIENT)).toBe(true);
  });

  test('may not by defaults, by rules for everything, by SUBSCRIBE alone, or beyond limits', () => {
    const acls = [new Acl([rule('allow', SUBSCRIBING, 'x', { filters: null })])];
    expect(permissionsOf(acls, ALICE, { defaults: ALLOWED_BY_DEFAULT })?.mayFollow(CLIENT)).toBe(
      false,
    );
    expect(permissions([rule('allow', ['subscribe'], '$SYS/brokers/#')]).mayFollow(CLIENT)).toBe(
      false,
    );
    const named = [new Acl([rule('allow', SUBSCRIBING, '$SYS/brokers/%c/#')])];
    const own = { ...ALICE, clientId: 'n' };
    expect(permissionsOf(named, own)?.mayFollow(CLIENT)).toBe(true);
    const limits = permissions([rule('allow', SUBSCRIBING, 'a/#')]);
    expect(permissionsOf(named, own, { limits })?.mayFollow(CLIENT)).toBe(false);
  });
});
