import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { formatScramSecret, makeScramSecret } from '@promptmq/auth';
import { encode, type Packet, PacketDecoder } from '@promptmq/codec';
import { ScramClient } from '../../../auth/test/providers/scram/scram-client.ts';
import { createBroker, parseConfig, type RunningBroker } from '../../src/index.ts';

let folder: string;
let file: string;
let broker: RunningBroker;
let sockets: Socket[];

function line(name: string, password: string): string {
  return `${name}:${formatScramSecret(makeScramSecret('SCRAM-SHA-256', password, 4096))}\n`;
}

const configOf = () => ({ auth: { chain: [{ scram: file }], guesses: { perClient: 2 } } });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-scram-'));
  file = join(folder, 'scram');
});

beforeEach(async () => {
  writeFileSync(file, line('alice', 'open sesame') + line('bob', 'pencil'));
  sockets = [];
  broker = await createBroker(configOf());
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await broker.stop();
});

afterAll(() => rmSync(folder, { recursive: true }));

/** A client that says what it wants, byte by byte. */
class Talker {
  readonly #socket: Socket;
  readonly #packets: AsyncIterator<Packet>;

  constructor() {
    const socket = connect(Number(new URL(`${broker.url}`).port), '127.0.0.1');
    sockets.push(socket);
    this.#socket = socket;
    const decoder = new PacketDecoder({ protocolVersion: 5, receiver: 'client' });
    this.#packets = (async function* () {
      for await (const chunk of socket) yield* decoder.push(chunk);
    })();
  }

  async ask(packet: Packet): Promise<Packet> {
    this.#socket.write(encode(packet, { protocolVersion: 5 }) as Uint8Array);
    return this.next();
  }

  async next(): Promise<Packet> {
    const { value, done } = await this.#packets.next();
    if (done) throw new Error('the broker has closed the connection');
    return value;
  }
}

const METHOD = 'SCRAM-SHA-256';

function connectWith(authenticationData: Buffer, authenticationMethod = METHOD): Packet {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clean: true,
    clientId: 'c',
    keepalive: 0,
    properties: { authenticationMethod, authenticationData },
  };
}

function auth(reasonCode: 0x18 | 0x19, authenticationData: Buffer): Packet {
  return {
    cmd: 'auth',
    reasonCode,
    properties: { authenticationMethod: METHOD, authenticationData },
  };
}

function dataOf(packet: Packet): Uint8Array | undefined {
  return 'properties' in packet
    ? (packet.properties as { authenticationData?: Uint8Array })?.authenticationData
    : undefined;
}

/** CONNECT, or AUTH once it is connected; returns the last answer, and whether it proves the server. */
async function logIn(
  talker: Talker,
  user: string,
  password: string,
  begin: (data: Buffer) => Packet = connectWith,
) {
  const client = new ScramClient('sha256', user, password);
  const challenge = await talker.ask(begin(client.first()));
  if (challenge.cmd !== 'auth') return { answer: challenge, isServerRight: false };
  const answer = await talker.ask(auth(0x18, client.final(dataOf(challenge))));
  return { answer, isServerRight: client.accepts(dataOf(answer)) };
}

test('a client logs in, is a user by it, and both sides have proved themselves', async () => {
  const talker = new Talker();
  const { answer, isServerRight } = await logIn(talker, 'alice', 'open sesame');
  expect(answer).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  expect(isServerRight).toBe(true);
  expect(await broker.clients.get('c')).toMatchObject({ userName: 'alice' });
});

test.each([
  ['alice', 'wrong'],
  ['nobody', 'open sesame'],
])('%s with the password %s is answered 0x86, after as many packets', async (user, password) => {
  const { answer } = await logIn(new Talker(), user, password);
  expect(answer).toMatchObject({ cmd: 'connack', reasonCode: 0x86 });
});

test('who names no method, or another one, isn’t let in', async () => {
  const { properties: _, ...plain } = connectWith(Buffer.alloc(0)) as Packet & { cmd: 'connect' };
  expect(await new Talker().ask(plain)).toMatchObject({ cmd: 'connack', reasonCode: 0x87 });
  const other = connectWith(Buffer.from('n,,n=alice,r=x'), 'SCRAM-SHA-1');
  expect(await new Talker().ask(other)).toMatchObject({ cmd: 'connack', reasonCode: 0x8c });
});

test('a client authenticates again as the same user, and is disconnected as another one', async () => {
  const talker = new Talker();
  await logIn(talker, 'alice', 'open sesame');
  const again = (data: Buffer) => auth(0x19, data);
  const { answer, isServerRight } = await logIn(talker, 'alice', 'open sesame', again);
  expect([answer, isServerRight]).toMatchObject([{ cmd: 'auth', reasonCode: 0 }, true]);
  const { answer: other } = await logIn(talker, 'bob', 'pencil', again);
  expect(other).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
});

test('one that is wrong when it authenticates again is disconnected', async () => {
  const talker = new Talker();
  await logIn(talker, 'alice', 'open sesame');
  const { answer } = await logIn(talker, 'alice', 'x', (data) => auth(0x19, data));
  // DISCONNECT has no 0x86 (§3.14.2.1).
  expect(answer).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
});

test('who guesses has to wait', async () => {
  const codes: unknown[] = [];
  for (let guess = 0; guess < 3; guess++) {
    const { answer } = await logIn(new Talker(), 'alice', 'x');
    codes.push('reasonCode' in answer ? answer.reasonCode : null);
  }
  expect(codes).toEqual([0x86, 0x86, 0x97]);
});

test('a reload ends the connections of users that have another password, or are gone', async () => {
  const alice = new Talker();
  await logIn(alice, 'alice', 'open sesame');
  const bob = new Talker();
  await logIn(bob, 'bob', 'pencil', (data) => ({ ...connectWith(data), clientId: 'd' }) as Packet);
  const text = line('alice', 'another');
  writeFileSync(file, text + line('carol', 'x'));
  await broker.reconfigure(parseConfig(configOf()));
  expect(await alice.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
  expect(await bob.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
  expect(await logIn(new Talker(), 'alice', 'another')).toMatchObject({ isServerRight: true });
});

test('who began with a password that a reload has taken away isn’t let in by it', async () => {
  const client = new ScramClient('sha256', 'alice', 'open sesame');
  const talker = new Talker();
  const challenge = await talker.ask(connectWith(client.first()));
  writeFileSync(file, line('bob', 'pencil'));
  await broker.reconfigure(parseConfig(configOf()));
  const answer = await talker.ask(auth(0x18, client.final(dataOf(challenge))));
  expect(answer).toMatchObject({ cmd: 'connack', reasonCode: 0x87 });
});
