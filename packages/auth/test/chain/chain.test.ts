import { describe, expect, test } from '@jest/globals';
import {
  Chain,
  type ChainEntry,
  type Credentials,
  type Provider,
  type ProviderAnswer,
} from '../../src/index.ts';

const ALICE: Credentials = {
  clientId: 'c',
  userName: 'alice',
  password: Buffer.from('open sesame'),
  address: '192.0.2.1',
  protocol: 'tcp',
  version: 5,
  cleanStart: true,
  keepAlive: 60,
  listener: 'tcp',
  certificate: null,
  pskIdentity: null,
};
const NOBODY: Credentials = { ...ALICE, userName: null, password: null };

const PASS: ProviderAnswer = { result: 'pass' };
const ALLOW: ProviderAnswer = { result: 'allow' };

/** A chain, the time that it reads, and what has failed in it. */
class Tried {
  nowMs = 1_000_000;
  readonly failures: string[] = [];
  /** What runs out next. */
  timers: { readonly delayMs: number; readonly callback: () => void }[] = [];
  readonly chain: Chain;

  constructor(
    entries: readonly (Partial<ChainEntry> & Pick<ChainEntry, 'provider'>)[],
    allowsAnonymous = false,
    cachedAnswersMax = 10,
  ) {
    this.chain = new Chain(
      entries.map((entry) => ({ timeoutMs: 100, onError: 'deny', cacheMs: 0, ...entry })),
      {
        allowsAnonymous,
        cachedAnswersMax,
        now: () => this.nowMs,
        setTimer: (delayMs, callback) => {
          const timer = { delayMs, callback };
          this.timers.push(timer);
          return () => {
            this.timers = this.timers.filter((other) => other !== timer);
          };
        },
        onFailed: (provider, failure, why) => this.failures.push(`${provider} ${failure} ${why}`),
      },
    );
  }

  /** The answer, in short: whoever has said so, and as whom, or with which code and why. */
  async ask(credentials: Credentials = ALICE): Promise<string> {
    const admission = await this.chain.authenticate(credentials);
    return admission.isAdmitted
      ? `${admission.provider} ${admission.userName}`
      : `${admission.provider} 0x${admission.reasonCode.toString(16)} ${admission.reason}`;
  }
}

function providing(answer: () => ProviderAnswer | Promise<ProviderAnswer>, name = 'p'): Provider {
  return { name, authenticate: answer };
}

const allows = (name: string, answer = ALLOW) => ({ provider: providing(() => answer, name) });
const denies = (name: string, reasonCode?: number) => ({
  provider: providing(
    () => ({ result: 'deny', why: 'no', ...(reasonCode === undefined ? {} : { reasonCode }) }),
    name,
  ),
});
const passes = (name: string) => ({ provider: providing(() => PASS, name) });
const fails = (name: string, onError: 'deny' | 'pass' = 'deny') => ({
  onError,
  provider: providing(() => {
    throw new Error('out of order');
  }, name),
});

describe('the first provider that allows or denies decides', () => {
  test.each([
    [[allows('a'), denies('b')], 'a alice'],
    [[denies('a'), allows('b')], 'a 0x86 denied'],
    [[passes('a'), allows('b')], 'b alice'],
    [[passes('a'), passes('b')], 'null 0x86 unknown'],
    [[denies('a', 0x8a)], 'a 0x8a denied'],
    [[denies('a', 0x89)], 'a 0x89 busy'],
    [[fails('a'), allows('b')], 'a 0x88 error'],
    [[fails('a', 'pass'), allows('b')], 'b alice'],
    [[fails('a', 'pass'), denies('b')], 'b 0x86 denied'],
    // Whoever has failed may have known the client.
    [[fails('a', 'pass'), passes('b')], 'a 0x88 error'],
    [[allows('a', { result: 'allow', userName: 'the-device' })], 'a the-device'],
    [[allows('a', { result: 'allow', userName: null })], 'a null'],
    [[{ provider: { name: 'only methods' } }, allows('b')], 'b alice'],
  ])('%#: %p says %s', async (entries, said) => {
    expect(await new Tried(entries).ask()).toBe(said);
    const slowly = entries.map((entry) => {
      const { provider } = entry;
      const { name, authenticate } = provider;
      if (authenticate === undefined) return entry;
      const later = async (...asked: Parameters<typeof authenticate>) => authenticate(...asked);
      return { ...entry, provider: { name, authenticate: later } };
    });
    expect(await new Tried(slowly).ask()).toBe(said);
  });

  test('who answers at once is not waited for, and nobody after it is asked', () => {
    const { chain } = new Tried([
      passes('a'),
      allows('b'),
      {
        provider: providing(() => {
          throw new Error('asked');
        }),
      },
    ]);
    expect(chain.authenticate(ALICE)).toMatchObject({ isAdmitted: true, provider: 'b' });
  });

  test('what goes with the client comes along', () => {
    const more = {
      clientId: 'its-own',
      isSuperuser: true,
      attributes: { site: 'A' },
      groups: ['g'],
      roles: ['r'],
      expiresAt: 2_000_000,
      ticket: 'seen again',
    };
    const { chain } = new Tried([allows('a', { result: 'allow', ...more })]);
    expect(chain.authenticate(ALICE)).toEqual({
      isAdmitted: true,
      provider: 'a',
      userName: 'alice',
      ...more,
      acl: null,
    });
  });

  test('rules of its own are made once, and lets nobody in when they can not be', async () => {
    const rule = {
      permission: 'allow',
      actions: ['publish'],
      filters: [{ filter: 'a' }],
      source: 'test',
    } as const;
    const { chain } = new Tried([allows('a', { result: 'allow', acl: [rule] })]);
    const admission = await chain.authenticate(ALICE);
    expect(admission.isAdmitted && admission.acl?.rules).toEqual([rule]);
    const wrong = new Tried([allows('a', { result: 'allow', acl: [{ ...rule, rank: Infinity }] })]);
    expect(await wrong.ask()).toBe('a 0x88 error');
  });

  test('what has expired already lets nobody in', async () => {
    const tried = new Tried([allows('a', { result: 'allow', expiresAt: 1_000_000 })]);
    expect(await tried.ask()).toBe('a 0x87 expired');
  });
});

describe('a client that names nobody', () => {
  test.each([
    [[], true, 'null null'],
    [[], false, 'null 0x87 anonymous'],
    [[passes('a')], true, 'null null'],
    [[passes('a')], false, 'null 0x87 anonymous'],
    [[denies('a')], true, 'a 0x87 denied'],
    [[fails('a')], true, 'a 0x88 error'],
  ])('%#: %p, anonymous clients allowed: %p: %s', async (entries, isAllowed, said) => {
    expect(await new Tried(entries, isAllowed).ask(NOBODY)).toBe(said);
  });

  test('is not one that names a user whom nobody knows, or has a password', async () => {
    const tried = new Tried([passes('a')], true);
    expect(await tried.ask()).toBe('null 0x86 unknown');
    expect(await tried.ask({ ...ALICE, userName: null })).toBe('null 0x86 unknown');
    // Where nobody could know it, a user name says nothing.
    expect(await new Tried([], true).ask()).toBe('null null');
  });
});

describe('a provider that fails', () => {
  test.each([
    ['nothing', undefined],
    ['another answer', { result: 'maybe' }],
    ['an empty name', { result: 'allow', userName: '' }],
    ['a name that MQTT can not carry', { result: 'allow', userName: 'a\0b' }],
    ['a name that is too long', { result: 'allow', userName: 'x'.repeat(65_536) }],
    ['a name that is no text', { result: 'allow', userName: 7 }],
    ['an identifier that is no text', { result: 'allow', clientId: '\ud800' }],
    ['roles that are none', { result: 'allow', roles: 'admin' }],
    ['groups without names', { result: 'allow', groups: [''] }],
    ['an end that is no time', { result: 'allow', expiresAt: Number.NaN }],
    ['a code that is none of CONNACK', { result: 'deny', why: 'no', reasonCode: 0x10 }],
  ])('by answering %s lets nobody in', async (_, answer) => {
    const tried = new Tried([{ provider: providing(() => answer as never) }]);
    expect(await tried.ask()).toBe('p 0x88 error');
    expect(tried.failures).toHaveLength(1);
  });

  test('is noted with why, and the client gets no details', async () => {
    const tried = new Tried([fails('a')]);
    expect(await tried.chain.authenticate(ALICE)).toMatchObject({
      why: 'who the client is could not be found out',
      detail: 'out of order',
    });
    expect(tried.failures).toEqual(['a error out of order']);
  });

  test.each([
    ['deny', 'a 0x88 timeout'],
    ['pass', 'b alice'],
  ] as const)('by taking too long: on-error %s', async (onError, said) => {
    let signal: AbortSignal | undefined;
    let answer = (_: ProviderAnswer) => {};
    const provider: Provider = {
      name: 'a',
      authenticate: (_, given) => {
        signal = given;
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
    };
    const tried = new Tried([{ provider, onError, timeoutMs: 250 }, allows('b')]);
    const asked = tried.ask();
    expect(tried.timers).toMatchObject([{ delayMs: 250 }]);
    expect(signal?.aborted).toBe(false);
    tried.timers[0]?.callback();
    expect(await asked).toBe(said);
    expect(signal?.aborted).toBe(true);
    // What it still says has no effect.
    answer(ALLOW);
    expect(tried.failures).toEqual(['a timeout it has not answered within 250 ms']);
  });

  test('in time has its timer stopped', async () => {
    const tried = new Tried([{ provider: providing(async () => ALLOW) }]);
    expect(await tried.ask()).toBe('p alice');
    expect(tried.timers).toEqual([]);
  });
});

test('a client that goes is asked about no more', async () => {
  const gone = new AbortController();
  let signal: AbortSignal | undefined;
  let isNextAsked = false;
  const slow: Provider = {
    name: 'slow',
    authenticate: (_, given) => {
      signal = given;
      return new Promise(() => {});
    },
  };
  const next = providing(() => {
    isNextAsked = true;
    return ALLOW;
  });
  const tried = new Tried([{ provider: slow, onError: 'pass' }, { provider: next }]);
  const asked = tried.chain.authenticate(ALICE, gone.signal);
  gone.abort();
  expect(await asked).toMatchObject({ isAdmitted: false });
  expect(signal?.aborted).toBe(true);
  expect([isNextAsked, tried.timers, tried.failures]).toEqual([false, [], []]);
});

describe('answers that are remembered', () => {
  /** Counts how often it is asked. */
  function counting(answer: ProviderAnswer) {
    const provider = providing(async () => {
      counted.count++;
      return answer;
    });
    const counted = { provider, count: 0 };
    return counted;
  }

  test.each([[ALLOW], [PASS], [{ result: 'deny', why: 'no' }]] as [ProviderAnswer][])(
    '%j: for the stated time, to the same credentials',
    async (answer) => {
      const counted = counting(answer);
      const tried = new Tried([{ provider: counted.provider, cacheMs: 60_000 }]);
      const said = await tried.ask();
      tried.nowMs += 59_999;
      // At once: it isn't asked.
      expect(tried.chain.authenticate(ALICE)).not.toBeInstanceOf(Promise);
      expect([await tried.ask(), counted.count]).toEqual([said, 1]);
      tried.nowMs += 1;
      await tried.ask();
      expect(counted.count).toBe(2);
    },
  );

  test.each([
    [{ password: Buffer.from('open sesamE') }],
    [{ password: null }],
    [{ userName: 'alic', password: Buffer.from('eopen sesame') }],
    [{ clientId: 'd' }],
    [{ address: '192.0.2.2' }],
    [{ listener: 'tls' }],
    [{ pskIdentity: 'x' }],
  ] as [Partial<Credentials>][])('are not those to others: %p', async (other) => {
    const counted = counting(ALLOW);
    const tried = new Tried([{ provider: counted.provider, cacheMs: 60_000 }]);
    await tried.ask();
    await tried.ask({ ...ALICE, ...other });
    expect(counted.count).toBe(2);
  });

  test('an answer may say for how long, and is not given when it has expired', async () => {
    const tellsTime = counting({ result: 'allow', cacheSeconds: 5 });
    const tried = new Tried([{ provider: tellsTime.provider }]);
    await tried.ask();
    tried.nowMs += 4999;
    await tried.ask();
    expect(tellsTime.count).toBe(1);
    tried.nowMs += 1;
    await tried.ask();
    expect(tellsTime.count).toBe(2);
    const never = counting({ result: 'allow', cacheSeconds: 0 });
    const second = new Tried([{ provider: never.provider, cacheMs: 60_000 }]);
    await second.ask();
    await second.ask();
    expect(never.count).toBe(2);
    const ends = counting({ result: 'allow', expiresAt: 1_001_000 });
    const third = new Tried([{ provider: ends.provider, cacheMs: 60_000 }]);
    await third.ask();
    third.nowMs += 1000;
    expect([await third.ask(), ends.count]).toEqual(['p 0x87 expired', 2]);
  });

  test.each([
    [0x89, 'busy'],
    [0x97, 'throttled'],
  ])('that a provider has not looked (%p) is not remembered', async (reasonCode, reason) => {
    const busy = counting({ result: 'deny', reasonCode, why: 'busy' });
    const tried = new Tried([{ provider: busy.provider, cacheMs: 60_000 }]);
    expect([await tried.ask(), await tried.ask(), busy.count]).toEqual([
      `p 0x${reasonCode.toString(16)} ${reason}`,
      `p 0x${reasonCode.toString(16)} ${reason}`,
      2,
    ]);
  });

  test('are as many as are allowed; who guesses displaces none that let somebody in', async () => {
    let count = 0;
    const provider = providing(async () => {
      count++;
      return count === 1 ? ALLOW : PASS;
    });
    const tried = new Tried([{ provider, cacheMs: 60_000 }], false, 3);
    await tried.ask();
    for (let guess = 0; guess < 10; guess++) {
      await tried.ask({ ...ALICE, password: Buffer.from(`${guess}`) });
    }
    expect([await tried.ask(), count]).toEqual(['p alice', 11]);
    await tried.ask({ ...ALICE, password: Buffer.from('9') });
    expect(count).toBe(11);
    await tried.ask({ ...ALICE, password: Buffer.from('0') });
    expect(count).toBe(12);
  });

  test('what failed is not', async () => {
    let count = 0;
    const provider = providing(async () => {
      count++;
      throw new Error('out of order');
    });
    const tried = new Tried([{ provider, cacheMs: 60_000 }]);
    await tried.ask();
    await tried.ask();
    expect(count).toBe(2);
  });
});

test('it closes its providers', async () => {
  const closed: string[] = [];
  const closing = (name: string): Provider => ({
    name,
    close: async () => {
      closed.push(name);
    },
  });
  await new Tried([
    { provider: closing('a') },
    { provider: { name: 'b' } },
    { provider: closing('c') },
  ]).chain.close();
  expect(closed).toEqual(['a', 'c']);
});
