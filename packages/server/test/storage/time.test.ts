import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { DurableSimulation } from '../support/durable-simulation.ts';
import type { SimulatedClient } from '../support/simulation.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** The wall clock where the simulation's own begins near 1970. */
const NOW = Date.UTC(2030, 5, 1);

const EXPIRY = 3600;

let life: DurableSimulation;

async function begin(wallAheadMs: number): Promise<void> {
  life = await DurableSimulation.start(undefined, undefined, 0, wallAheadMs);
}

/** The wall clock is set. */
function setClock(byMs: number): void {
  life.runtime.wallAheadMs += byMs;
}

const RESTARTS = [
  ['an orderly restart', (ms: number, setByMs = 0) => life.stopAndStart(ms, setByMs)],
  ['a power cut', (ms: number, setByMs = 0) => life.restart(ms, setByMs)],
  [
    'a power cut and the loss of the index',
    (ms: number, setByMs = 0) => life.restartWithoutIndex(ms, setByMs),
  ],
] as const;

type Restart = (typeof RESTARTS)[number][1];

async function connected(clientId: string): Promise<SimulatedClient> {
  const client = life.open();
  client.connect(clientId, { clean: false, properties: { sessionExpiryInterval: EXPIRY } });
  await life.settle();
  return client;
}

/** A session that is away with two messages, and a retained one; all expire in an hour. */
async function store(expiry = EXPIRY): Promise<void> {
  const subscriber = await connected('subscriber');
  subscriber.subscribe('t/#');
  await life.settle();
  subscriber.drop();
  await life.settle();
  const publisher = await connected('publisher');
  const properties = { messageExpiryInterval: expiry };
  publisher.publish('t/1', 'one', { qos: 1, messageId: 1, properties });
  publisher.publish('t/2', 'two', { qos: 2, messageId: 2, properties });
  publisher.publish('kept', 'three', { qos: 1, messageId: 3, retain: true, properties });
  await life.settle();
  expect(publisher.brief()).toEqual(['connack 0', 'puback 0', 'pubrec 0', 'puback 16']);
}

interface Found {
  readonly isPresent: boolean;
  /** By payload: the Message Expiry Interval that is left. */
  readonly left: Record<string, number | undefined>;
}

async function find(): Promise<Found> {
  // What is due by now happens.
  life.advance(0);
  const subscriber = await connected('subscriber');
  await life.settle();
  const [connack, ...rest] = subscriber.take();
  const probe = life.connect('probe');
  probe.subscribe('kept');
  await life.settle();
  const found = [...rest, ...probe.take()];
  probe.drop();
  subscriber.drop();
  await life.settle();
  const publishes = found.filter(
    (packet): packet is Packet & { cmd: 'publish' } => packet.cmd === 'publish',
  );
  return {
    isPresent: (connack as Packet & { cmd: 'connack' }).sessionPresent,
    left: Object.fromEntries(
      publishes.map(({ payload, properties }) => [
        Buffer.from(payload).toString(),
        properties?.messageExpiryInterval,
      ]),
    ),
  };
}

const ALL = { isPresent: true, left: { one: EXPIRY, two: EXPIRY, three: EXPIRY } };
const NOTHING = { isPresent: false, left: {} };

const CLOCKS = [
  ['an hour behind', -HOUR],
  ['a day behind', -DAY],
  ['in 1970', -NOW],
  ['a second ahead', SECOND],
  ['an hour ahead', HOUR],
  ['thirty years ahead', 30 * YEAR],
] as const;

describe.each(RESTARTS)('after %s', (_, restart: Restart) => {
  test.each(CLOCKS)(
    'all is there when the clock was %s, and set right before anything was stored',
    async (_name, wrongMs) => {
      await begin(NOW + wrongMs);
      life.advance(10);
      setClock(-wrongMs);
      await store();
      life = await restart(0);
      expect(await find()).toEqual(ALL);
    },
  );

  test.each(CLOCKS)(
    'all is there when the clock was %s, and set right while nothing happened',
    async (_name, wrongMs) => {
      await begin(NOW + wrongMs);
      await store();
      setClock(-wrongMs);
      life.advance(1);
      await life.settle();
      life = await restart(0);
      const { isPresent, left } = await find();
      expect(isPresent).toBe(true);
      expect(left).toEqual({ one: EXPIRY - 1, two: EXPIRY - 1, three: EXPIRY - 1 });
    },
  );

  test.each([SECOND, HOUR, DAY, 30 * YEAR])(
    'no more is left of an expiry than was received when the clock went back by %i ms meanwhile [MQTT-3.3.2-6]',
    async (backMs) => {
      await begin(NOW);
      await store();
      life = await restart(0, -backMs);
      expect(await find()).toEqual(ALL);
    },
  );

  test('time without a process counts when the clock goes right', async () => {
    await begin(NOW);
    await store();
    life = await restart(600 * SECOND);
    const left = EXPIRY - 600;
    expect(await find()).toEqual({ isPresent: true, left: { one: left, two: left, three: left } });
    await store();
    life = await restart(2 * HOUR);
    expect(await find()).toEqual(NOTHING);
  });

  test('it counts by a clock that was set while the process ran, too', async () => {
    await begin(0);
    setClock(NOW);
    await store();
    life = await restart(2 * HOUR);
    expect(await find()).toEqual(NOTHING);
  });

  test('it doesn’t count when the clock had never been set, nor when it would be more than ten years', async () => {
    await begin(0);
    await store();
    life = await restart(2 * HOUR, NOW);
    expect(await find()).toEqual(ALL);
    expect(life.broker.stats.clockJumps).toBe(1);
    life = await restart(0, 11 * YEAR);
    expect((await find()).isPresent).toBe(true);
  });

  test('a clock that is set right only after the restart changes nothing', async () => {
    await begin(NOW);
    await store();
    life = await restart(0, -NOW);
    setClock(NOW);
    life.advance(2);
    await life.settle();
    life = await restart(0);
    const left = EXPIRY - 2;
    expect(await find()).toEqual({ isPresent: true, left: { one: left, two: left, three: left } });
  });
});

describe('while a process runs', () => {
  beforeEach(() => begin(NOW));

  test.each([-30 * YEAR, -DAY, -SECOND, SECOND, DAY, 30 * YEAR])(
    'a clock that moves by %i ms moves no deadline',
    async (byMs) => {
      const client = life.connect('client', { keepalive: 10 });
      await store(5);
      setClock(byMs);
      life.advance(4);
      expect((await find()).left).toEqual({ one: 1, two: 1, three: 1 });
      life.advance(12);
      expect(client.isClosed).toBe(true);
      const { isPresent, left } = await find();
      // What has been sent once is sent again.
      expect(isPresent).toBe(true);
      expect(left['three']).toBeUndefined();
    },
  );

  test('the longest expiry stays what it is', async () => {
    await store(0xffff_ffff);
    expect((await find()).left).toEqual({
      one: 0xffff_ffff,
      two: 0xffff_ffff,
      three: 0xffff_ffff,
    });
  });
});
