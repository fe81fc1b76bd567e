import { describe, expect, test } from '@jest/globals';
import {
  Acl,
  aclFromClaim,
  type Identity,
  isMosquittoAcl,
  Permissions,
  parseMosquittoAcl,
} from '../../src/index.ts';

const CLIENT: Identity = { clientId: 'emqx_c', userName: 'emqx_u', address: '192.168.5.1' };

function fromClaim(value: unknown): Permissions {
  return new Permissions([new Acl(aclFromClaim(value, 'acl'))], CLIENT);
}

describe('the acl claim of EMQX', () => {
  test('as a list: the first rule that matches decides', () => {
    const asked = fromClaim([
      { permission: 'allow', action: 'publish', topic: 't/${clientid}' },
      { permission: 'allow', action: 'subscribe', topic: 'eq t/1/#', qos: [1] },
      { permission: 'deny', action: 'publish', topic: 't/2', retain: true },
      { permission: 'allow', action: 'pub', topics: ['t/2', 't/3'] },
      { permission: 'deny', action: 'all', topic: 't/3' },
      { permission: 'allow', action: 'sub', topic: 't/#', ipaddr: '192.168.5.0/24' },
    ]);
    expect(asked.mayPublish('t/emqx_c')).toBe(true);
    expect(asked.maySubscribe('t/1/#', 1)).toBe(true);
    expect(asked.mayPublish('t/2', 0, true)).toBe(false);
    expect(asked.mayPublish('t/2', 0, false)).toBe(true);
    expect(asked.mayPublish('t/3')).toBe(true);
    expect(asked.maySubscribe('t/3')).toBe(false);
    expect(asked.maySubscribe('t/4')).toBe(true);
    expect(asked.decide('subscribe', 't/3').rule).toBe('acl, rule 5');
  });

  test('as lists: what they don’t have is denied, whatever other rules allow', () => {
    const claim = new Acl(aclFromClaim({ pub: ['a/%c'], sub: [], all: ['${username}/#'] }, 'acl'));
    const file = new Acl([
      { permission: 'allow', actions: ['publish'], filters: null, source: 'file' },
    ]);
    const asked = new Permissions([claim, file], CLIENT);
    expect(asked.mayPublish('a/emqx_c')).toBe(true);
    expect(asked.mayPublish('emqx_u/x')).toBe(true);
    expect(asked.maySubscribe('emqx_u/#')).toBe(true);
    expect(asked.filtersDelivery).toBe(false);
    expect(asked.mayPublish('b')).toBe(false);
    expect(asked.mayPublish('$other/b')).toBe(false);
    expect(asked.decide('publish', 'b').rule).toBe("acl, which doesn't have it");
  });

  test.each<[unknown, string]>([
    ['all', 'acl: it takes a list of rules'],
    [null, 'acl: it takes a list of rules'],
    [['t/#'], 'acl[0]: it takes a rule'],
    [[{ permission: 'Allow', action: 'publish', topic: 't' }], 'acl[0].permission'],
    [[{ permission: 'allow', action: 'constructor', topic: 't' }], 'acl[0].action'],
    [
      [{ permission: 'allow', action: 'publish', topic: 't', clientid_re: '^a' }],
      'acl[0]: unknown key clientid_re',
    ],
    [[{ permission: 'allow', action: 'publish', topic: 'a/#/b' }], 'acl[0].topic'],
    [
      [{ permission: 'allow', action: 'publish', topic: 't/${who}' }],
      'acl[0].topic: ${who} stands for nothing',
    ],
    [[{ permission: 'allow', action: 'publish' }], 'acl[0]: it takes either topic or topics'],
    [[{ permission: 'allow', action: 'publish', topic: 't', qos: 3 }], 'acl[0].qos'],
    [[{ permission: 'allow', action: 'publish', topic: 't', qos: [] }], 'acl[0].qos'],
    [[{ permission: 'allow', action: 'publish', topic: 't', retain: 'yes' }], 'acl[0].retain'],
    [[{ permission: 'allow', action: 'publish', topic: 't', ipaddr: 'home' }], 'acl[0].ipaddr'],
    [{ pub: 't' }, 'acl.pub: it takes a list'],
    [{ pub: [1] }, 'acl.pub[0]'],
    [{ publish: ['t'] }, 'acl: unknown key publish'],
    [
      Array(1001).fill({ permission: 'allow', action: 'publish', topic: 't' }),
      'at most 1000 rules',
    ],
    [{ pub: Array(1001).fill('t') }, 'at most 1000 filters'],
  ])('%j is refused', (value, message) => {
    expect(() => aclFromClaim(value, 'acl')).toThrow(message);
  });
});

describe('an ACL file of mosquitto', () => {
  const FILE = `# comment
topic read public/#
user alice
topic alice/#
topic deny alice/secret
topic write log/alice
user bob the builder
topic readwrite tools/with space
pattern readwrite own/%u/#
pattern deny alice/own
`;
  const read = (text: string) => parseMosquittoAcl(text, 'acl');
  const asked = (userName: string | null) => {
    const { rules, problems } = read(FILE);
    expect(problems).toEqual([]);
    return new Permissions([new Acl(rules)], { clientId: 'c', userName });
  };

  test('allows what it does there: every SUBSCRIBE, and what it brings by rule', () => {
    const anonymous = asked(null);
    expect(anonymous.maySubscribe('#')).toBe(true);
    expect(anonymous.filtersDelivery).toBe(true);
    expect(anonymous.mayReceive('public/a')).toBe(true);
    expect(anonymous.mayReceive('alice/a')).toBe(false);
    expect(anonymous.mayPublish('public/a')).toBe(false);
    const alice = asked('alice');
    expect(alice.mayReceive('public/a')).toBe(false);
    expect(alice.mayPublish('alice/a')).toBe(true);
    expect(alice.mayPublish('alice/secret')).toBe(false);
    expect(alice.mayReceive('alice/secret')).toBe(false);
    expect(alice.mayPublish('log/alice')).toBe(true);
    expect(alice.mayReceive('log/alice')).toBe(false);
    expect(alice.mayPublish('own/alice/x')).toBe(true);
    // What is said of a user goes before what is said of all.
    expect(alice.mayPublish('alice/own')).toBe(true);
    expect(alice.maySubscribe('alice/secret')).toBe(true);
    expect(asked('bob the builder').mayPublish('tools/with space')).toBe(true);
    expect(asked('bob the builder').mayPublish('alice/own')).toBe(false);
  });

  test('decisions name the line', () => {
    expect(asked('alice').decide('publish', 'alice/secret').rule).toBe('acl:5');
  });

  test('mistakes are named by line and column', () => {
    const { problems } = read(
      'user\ntopic read a/#/b\n  what x\npattern\ntopic read u/%u\nuser al*\ntopic a/${x}\ntopic reed a\n',
    );
    expect(problems.map(({ line, column }) => `${line}:${column}`)).toEqual([
      '1:5',
      '2:12',
      '3:3',
      '4:8',
      '5:12',
      '6:6',
      '7:7',
      '8:7',
    ]);
  });

  test('is told from other files', () => {
    expect(isMosquittoAcl(FILE)).toBe(true);
    expect(isMosquittoAcl('user alice\r\ntopic read a\r\n')).toBe(true);
    expect(isMosquittoAcl('rules:\n  - publish: a\n')).toBe(false);
    expect(isMosquittoAcl('user alice\n')).toBe(false);
    expect(isMosquittoAcl('listener 1883\ntopic a\n')).toBe(false);
  });
});
