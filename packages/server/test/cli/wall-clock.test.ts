import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { Command } from '../support/command.ts';
import { PacketClient } from '../support/packet-client.ts';

// Processes start and stop; a machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const HOUR = 3600;
const DAY = 24 * HOUR;
const EXPIRY = HOUR;

/** Debian's package libfaketime, which gives a process a wall clock of its own. */
const library = findLibrary();

/** Without it there is no other way to set a clock that isn't the machine's. */
const withLibrary = library === null ? test.skip : test;
const why = library === null ? ': no libfaketime on this machine' : '';

let folder: string;
let broker: Command | null;
let url: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-clock-'));
  broker = null;
});

afterEach(async () => {
  broker?.child.kill('SIGKILL');
  await broker?.exitCode();
  rmSync(folder, { recursive: true });
});

function findLibrary(): string | null {
  const places = ['/usr/lib/faketime', '/usr/lib64/faketime'];
  try {
    for (const name of readdirSync('/usr/lib')) places.push(`/usr/lib/${name}/faketime`);
  } catch {
    return null;
  }
  for (const place of places) {
    try {
      const name = 'libfaketime.so.1';
      if (readdirSync(place).includes(name)) return join(place, name);
    } catch {
      // Another place.
    }
  }
  return null;
}

/** Sets the broker's wall clock, whether it runs or not. @param seconds - ahead of the machine's */
function setClock(seconds: number): void {
  const file = join(folder, 'clock');
  writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${Math.round(seconds)}`);
  renameSync(`${file}.new`, file);
}

async function start(): Promise<void> {
  broker = new Command(
    [
      ...['--bind', '127.0.0.1:0', '--ws-bind', 'none', '--metrics-bind', 'none'],
      ...['--data-dir', join(folder, 'data'), '--wal-dir', join(folder, 'wal')],
    ],
    folder,
    {
      LD_PRELOAD: library as string,
      FAKETIME_TIMESTAMP_FILE: join(folder, 'clock'),
      FAKETIME_NO_CACHE: '1',
      // A machine's monotonic clock doesn't move when the other one is set.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
  );
  const [, address] = await broker.waitFor(/listening protocol=mqtt address=(\S+)/);
  url = `mqtt://${address}`;
}

async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  broker?.child.kill(signal);
  await broker?.exitCode();
}

async function connected(clientId: string): Promise<[PacketClient, Packet]> {
  const client = await PacketClient.open(url);
  client.connect(clientId, { properties: { sessionExpiryInterval: EXPIRY } });
  return [client, (await client.next()) as Packet];
}

/** A session that is away with two messages, and a retained one. */
async function store(messageExpiryInterval: number): Promise<void> {
  const [subscriber] = await connected('subscriber');
  subscriber.subscribe('t/#', 1);
  await subscriber.next();
  await subscriber.cut();
  const [publisher] = await connected('publisher');
  const properties = { messageExpiryInterval };
  for (const [index, topic] of ['t/1', 't/2', 'kept'].entries()) {
    publisher.publish(topic, topic, 1, index + 1, { retain: topic === 'kept', properties });
    expect(await publisher.next()).toMatchObject({ cmd: 'puback' });
  }
  await publisher.cut();
}

/** What is left of the session, and of the expiry of each message. */
async function find(): Promise<{ isPresent: boolean; left: Map<string, number> }> {
  const left = new Map<string, number>();
  const [subscriber, connack] = await connected('subscriber');
  const isPresent = (connack as Packet & { cmd: 'connack' }).sessionPresent;
  // Its SUBACK comes after what the session was owed before, and what is retained after that.
  subscriber.subscribe('kept', 1);
  subscriber.subscribe('end', 1);
  subscriber.publish('end', '', 1, 77);
  for (;;) {
    const packet = (await subscriber.next()) as Packet;
    if (packet.cmd !== 'publish') continue;
    if (packet.topic === 'end') break;
    left.set(packet.topic, packet.properties?.messageExpiryInterval as number);
  }
  await subscriber.cut();
  return { isPresent, left };
}

function expectAll({ isPresent, left }: Awaited<ReturnType<typeof find>>, expiry: number): void {
  expect(isPresent).toBe(true);
  expect([...left.keys()].sort()).toEqual(['kept', 't/1', 't/2']);
  // The machine may have been busy, but nothing ever gets longer [MQTT-3.3.2-6].
  for (const seconds of left.values()) {
    expect(seconds).toBeLessThanOrEqual(expiry);
    expect(seconds).toBeGreaterThan(expiry - 600);
  }
}

withLibrary.each([
  ['a day behind', -DAY, 'SIGTERM'],
  ['in 1970', 10 - Date.now() / 1000, 'SIGKILL'],
  ['thirty years ahead', 30 * 365 * DAY, 'SIGTERM'],
] as const)(
  `a clock that was %s at the start and is set right loses nothing (%#)${why}`,
  async (_, wrong, signal) => {
    setClock(wrong);
    await start();
    setClock(0);
    await store(EXPIRY);
    await end(signal);
    await start();
    expectAll(await find(), EXPIRY);
  },
);

withLibrary.each([
  ['a second', 1],
  ['an hour', HOUR],
] as const)(
  `a clock that goes back by %s between two processes makes nothing live longer [MQTT-3.3.2-6]${why}`,
  async (_, back) => {
    setClock(0);
    await start();
    await store(EXPIRY);
    await end('SIGTERM');
    setClock(-back);
    await start();
    expectAll(await find(), EXPIRY);
    if (back > 60) expect(broker?.output).toMatch(/downtime-not-counted why="the wall clock went/);
  },
);

withLibrary(`what expires while no process runs is gone${why}`, async () => {
  setClock(0);
  await start();
  await store(EXPIRY);
  await end('SIGTERM');
  setClock(2 * HOUR);
  await start();
  expect(await find()).toEqual({ isPresent: false, left: new Map() });
});
