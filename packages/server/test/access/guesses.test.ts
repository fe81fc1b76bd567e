import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { admitted, refused } from '@promptmq/auth';
import { encode, PacketDecoder, type ProtocolVersion } from '@promptmq/codec';
import { Access } from '../../src/access/access.ts';
import { plainTools } from '../../src/access/chain/tools.ts';
import { noteGuess } from '../../src/access/guarded.ts';
import {
  type ConfigInput,
  createBroker,
  parseConfig,
  type RunningBroker,
} from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';

/** `open sesame`, by mosquitto_passwd: quick to check. */
const HASH =
  '$6$iqZ8BlKkwdkOxlQ9$fAahkqRNE9eVu0ydDe0xIO/NpiO7MZWimwt7cp7NN0w6V2t2aJVqt4o0a24L8fCQQe5kzX7ETOokh4R8C091vw==';

let folder: string;
let broker: RunningBroker;
const logged: string[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-guesses-'));
  writeFileSync(join(folder, 'passwords'), `alice:${HASH}\nbob:${HASH}\n`);
});

afterAll(() => rmSync(folder, { recursive: true }));

const LIMITS = { perClient: 2, perAddress: 5, perUser: 0, maxWait: '600s' };

beforeEach(() => {
  logged.length = 0;
});
afterEach(() => broker.stop());

async function start(guesses: NonNullable<ConfigInput['auth']>['guesses']): Promise<void> {
  const log = (event: string, fields: object = {}) =>
    logged.push(JSON.stringify({ event, ...fields }));
  const logger = { ...noopLogger, debug: log, info: log, warn: log, error: log };
  broker = await createBroker(configOf(guesses), { logger });
}

function configOf(guesses: NonNullable<ConfigInput['auth']>['guesses']): ConfigInput {
  return { auth: { passwordFile: join(folder, 'passwords'), guesses, maxConcurrentChecks: 1 } };
}

/** @returns the reason code of CONNACK */
async function logIn(
  username: string,
  password: string,
  localAddress = '127.0.0.1',
  protocolVersion: ProtocolVersion = 5,
): Promise<number | undefined> {
  const port = Number(new URL(`${broker.url}`).port);
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  const packet = encode({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion,
    clean: true,
    clientId: '',
    keepalive: 0,
    username,
    password: Buffer.from(password),
  });
  socket.write(packet as Uint8Array);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  const [answer] = new PacketDecoder({ protocolVersion, receiver: 'client' }).push(chunk);
  if (answer?.cmd !== 'connack') throw new Error(`CONNECT was answered by ${answer?.cmd}`);
  return protocolVersion === 5 ? answer.reasonCode : answer.returnCode;
}

function refusalsNow(): ReadonlyMap<string, number> {
  return broker.stats.loginsRefused;
}

test('an address that was wrong for a user too often is told to wait, right or not; other addresses and users aren’t', async () => {
  await start(LIMITS);
  expect(await logIn('alice', 'a')).toBe(0x86);
  expect(await logIn('alice', 'b')).toBe(0x86);
  expect(await logIn('alice', 'c')).toBe(0x97);
  expect(await logIn('alice', 'open sesame')).toBe(0x97);
  expect(await logIn('alice', 'open sesame', '127.0.0.1', 4)).toBe(3);
  expect(await logIn('alice', 'open sesame', '127.0.0.2')).toBe(0);
  expect(await logIn('bob', 'open sesame')).toBe(0);
  expect(refusalsNow().get('none throttled')).toBe(3);
  const [line = ''] = logged.filter(
    (text) => text.includes('throttled') || text.includes('auth.guesses'),
  );
  expect(line).toMatch(/auth\.guesses\.per-client/);
  expect(logged.join()).not.toContain('sesame');
});

test('a user that isn’t there is no different', async () => {
  await start(LIMITS);
  const codes = [];
  for (let guess = 0; guess < 4; guess++) codes.push(await logIn('nobody', 'x'));
  expect(codes).toEqual([0x86, 0x86, 0x97, 0x97]);
});

test('guesses that come at once are no more than those that come one after the other', async () => {
  await start(LIMITS);
  const all = Array.from({ length: 50 }, (_, index) => logIn('alice', `${index}`));
  const codes = await Promise.all(all);
  // One may be on its way to its thread when the last one that is allowed turns out to be wrong.
  const checkedCount = codes.filter((code) => code === 0x86).length;
  expect(checkedCount).toBeGreaterThanOrEqual(2);
  expect(checkedCount).toBeLessThanOrEqual(4);
  expect(codes.filter((code) => code === 0x97)).toHaveLength(50 - checkedCount);
});

test('an address that was wrong for many users has to wait, but for users with whom it was right before', async () => {
  await start(LIMITS);
  expect(await logIn('bob', 'open sesame')).toBe(0);
  for (let user = 0; user < 5; user++) expect(await logIn(`user${user}`, 'x')).toBe(0x86);
  expect(await logIn('alice', 'open sesame')).toBe(0x97);
  expect(await logIn('bob', 'open sesame')).toBe(0);
  expect(await logIn('alice', 'open sesame', '127.0.0.2')).toBe(0);
});

test('a password that is slowed down is checked later, and one whose client goes meanwhile isn’t', async () => {
  await start(LIMITS);
  const waits: [number, () => void][] = [];
  const access = Access.load(parseConfig(configOf(LIMITS)), {
    ...plainTools,
    guesses: { ...plainTools.guesses, ask: () => ({ result: 'slow', delayMs: 2000 }) },
    setTimer: (delayMs, callback) => {
      waits.push([delayMs, callback]);
      return () => {};
    },
  });
  const credentials = {
    clientId: '',
    userName: 'alice',
    password: Buffer.from('open sesame'),
    address: '192.0.2.1',
    protocol: 'tcp',
    version: 5 as const,
    cleanStart: true,
    keepAlive: 0,
    listener: '',
    certificate: null,
    pskIdentity: null,
    askHook: null,
  };
  const gone = new AbortController();
  const later = access.admit(credentials, false);
  const never = access.admit(credentials, false, gone.signal);
  gone.abort();
  expect(await never).toMatchObject({ isAdmitted: false });
  expect(waits.map(([delayMs]) => delayMs)).toEqual([2000, 2000]);
  waits[0]?.[1]();
  expect(await later).toMatchObject({ isAdmitted: true, userName: 'alice' });
  await access.stop();
});

test('a reload changes the limits, and forgets nothing', async () => {
  await start(LIMITS);
  for (const code of [0x86, 0x86, 0x97]) expect(await logIn('alice', 'x')).toBe(code);
  await broker.reconfigure(
    parseConfig({ ...configOf({ ...LIMITS, perClient: 2, perAddress: 50 }) }),
  );
  expect(await logIn('alice', 'open sesame')).toBe(0x97);
  await broker.reconfigure(parseConfig({ ...configOf({ ...LIMITS, perClient: 0 }) }));
  expect(await logIn('alice', 'open sesame')).toBe(0);
});

test('who is let in as somebody else doesn’t begin anew with guesses for the name that it gave', () => {
  const notes: string[] = [];
  const guesses = {
    ...plainTools.guesses,
    wrong: (_address: string, userName: string) => notes.push(`wrong ${userName}`),
    right: (_address: string, userName: string) => notes.push(`right ${userName}`),
  };
  const guesser = { address: '192.0.2.1', userName: 'alice', password: Buffer.from('x') };
  noteGuess(guesses, guesser, admitted('certificate', 'mallory'));
  noteGuess(guesses, guesser, admitted(null, null));
  noteGuess(guesses, guesser, refused(null, 'busy', 0x89, ''));
  noteGuess(guesses, guesser, refused('password-file', 'denied', 0x8a, 'banned'));
  noteGuess(guesses, { ...guesser, password: null }, refused(null, 'unknown', 0x86, ''));
  expect(notes).toEqual([]);
  noteGuess(guesses, guesser, admitted('password-file', 'alice'));
  noteGuess(guesses, guesser, refused('password-file', 'denied', 0x86, ''));
  noteGuess(guesses, guesser, refused(null, 'unknown', 0x86, ''));
  expect(notes).toEqual(['right alice', 'wrong alice', 'wrong alice']);
});

test.each([
  ['after the chain', []],
  ['in the chain', [{ custom: true as const }]],
])('who guesses passwords that a hook looks at has to wait: %s', async (_, chain) => {
  const shown: (string | undefined)[] = [];
  broker = await createBroker(
    { auth: { chain, guesses: LIMITS } },
    {
      logger: noopLogger,
      hooks: {
        authenticate: (_client, { password }) => {
          shown.push(password?.toString());
          return password?.toString() === 'right';
        },
      },
    },
  );
  const codes: unknown[] = [];
  for (const password of ['a', 'right', 'b', 'c', 'right']) {
    codes.push(await logIn('alice', password));
  }
  expect(codes.map((code) => (code === 0x86 ? 0x87 : code))).toEqual([0x87, 0, 0x87, 0x87, 0x97]);
  expect(shown).toEqual(['a', 'right', 'b', 'c']);
});
