import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FaultyFiles, MemoryIndex, Random } from '@promptmq/wal/testing';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { hostOfAddress } from '../../src/security/host-address.ts';
import { PacketClient } from '../support/packet-client.ts';

const BANNED = 0x8a;
const ADMINISTRATIVE_ACTION = 0x98;

let files: FaultyFiles;
let index: MemoryIndex;
let broker: RunningBroker;
let clients: PacketClient[];
const options = {
  server: { bind: '127.0.0.1:0', wsBind: 'none' },
  storage: { dataDir: '/data', walDir: '/wal' },
  auth: { maxBans: 4, flapping: { enabled: true, maxCount: 3 } },
};

async function start(): Promise<void> {
  broker = await createBroker(options, { storage: { files, index } });
}

beforeEach(async () => {
  files = new FaultyFiles();
  index = new MemoryIndex();
  clients = [];
  await start();
});

afterEach(async () => {
  for (const client of clients) await client.cut();
  await broker.stop();
});

async function open(version: 4 | 5 = 5): Promise<PacketClient> {
  const client = await PacketClient.open(`${broker.url}`, version);
  clients.push(client);
  return client;
}

/** What CONNECT is answered. */
async function answer(clientId: string, fields: object = {}, version: 4 | 5 = 5) {
  const client = await open(version);
  client.connect(clientId, fields);
  const packet = (await client.next()) as { reasonCode?: number; returnCode?: number } | null;
  return { client, code: packet?.reasonCode ?? packet?.returnCode };
}

describe('who is banned', () => {
  test('is refused (0x8A; 5 before MQTT 5), also after a restart, until the ban ends or is removed', async () => {
    await broker.bans.add({ kind: 'client', who: 'dev-*', reason: 'noisy', seconds: 3600 });
    await broker.bans.add({ kind: 'user', who: 'eve' });
    expect((await answer('dev-1')).code).toBe(BANNED);
    expect((await answer('dev-1', {}, 4)).code).toBe(5);
    expect((await answer('a', { username: 'eve' })).code).toBe(BANNED);
    expect((await answer('a', { username: 'eva' })).code).toBe(0);
    await broker.stop();
    files = files.crash('everything', new Random(1));
    index = index.crash();
    await start();
    expect(broker.bans.list()).toMatchObject([
      { kind: 'client', who: 'dev-*', reason: 'noisy', by: 'operator', until: expect.any(Number) },
      { kind: 'user', who: 'eve', until: null },
    ]);
    expect(broker.stats.bansCurrent).toBe(2);
    expect((await answer('dev-1')).code).toBe(BANNED);
    expect(await broker.bans.remove('client', 'dev-*')).toBe(true);
    expect(await broker.bans.remove('client', 'dev-*')).toBe(false);
    expect((await answer('dev-1')).code).toBe(0);
  });

  test('is disconnected where it is connected (0x98), and nobody else is', async () => {
    const { client } = await answer('dev-1');
    const other = await answer('other');
    await broker.bans.add({ kind: 'client', who: 'dev-1', reason: 'enough' });
    expect(await client.next()).toMatchObject({
      cmd: 'disconnect',
      reasonCode: ADMINISTRATIVE_ACTION,
      properties: { reasonString: 'enough' },
    });
    expect(await client.next()).toBeNull();
    other.client.send({ cmd: 'pingreq' });
    expect(await other.client.next()).toMatchObject({ cmd: 'pingresp' });
    expect(broker.stats.disconnections.get('banned')).toBe(1);
  });

  test('by address, has its connections closed before anything is said', async () => {
    const { client } = await answer('a');
    await broker.bans.add({ kind: 'address', who: '127.0.0.0/8' });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect' });
    // Before the first byte: nothing is said, and nothing has to come.
    expect(await (await open()).next()).toBeNull();
    expect(broker.stats.socketsRefused.banned).toBe(1);
    await broker.bans.remove('address', '127.0.0.0/8');
    expect((await answer('b')).code).toBe(0);
  });
});

test('a client that comes and goes all the time is banned for a while', async () => {
  for (let count = 0; count < 3; count++) {
    const { client, code } = await answer('flapper');
    expect(code).toBe(0);
    client.send({ cmd: 'disconnect', reasonCode: 0 });
    expect(await client.next()).toBeNull();
  }
  expect((await answer('flapper')).code).toBe(BANNED);
  expect(broker.bans.list()).toMatchObject([{ who: 'flapper', by: 'flapping' }]);
  expect(broker.stats.flappingBans).toBe(1);
  // Theirs make room for others; an operator's do not.
  for (const who of ['1', '2', '3']) await broker.bans.add({ kind: 'client', who });
  await expect(broker.bans.add({ kind: 'client', who: '4' })).rejects.toMatchObject({
    code: 'quota-exceeded',
    message: 'auth.max-bans: there are 4 bans already',
  });
});

test.each([
  [{ kind: 'other', who: 'a' }, 'kind takes client, user, address'],
  [{ kind: 'client' }, 'who takes a string, not undefined'],
  [{ kind: 'address', who: 'a' }, 'address takes an IP address, or a network'],
  [{ kind: 'client', who: 'a', seconds: 0 }, 'seconds takes a whole number from 1'],
  [{ kind: 'client', who: 'a', until: 5 }, 'until takes a whole number from'],
  [{ kind: 'client', who: 'a', ends: 5 }, 'ends is no option'],
])('%j is refused', async (ban, message) => {
  await expect(broker.bans.add(ban as never)).rejects.toThrow(message);
  expect(broker.bans.list()).toEqual([]);
});

test.each([
  ['192.0.2.1:50000', '192.0.2.1'],
  ['[2001:db8::1]:50000', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['192.0.2.1', '192.0.2.1'],
  ['unix', 'unix'],
])('the host of %s is %s', (remoteAddress, host) => {
  expect(hostOfAddress(remoteAddress)).toBe(host);
});
