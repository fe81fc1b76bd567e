import { expect, test } from '@jest/globals';
import type { SystemFigures } from '../../src/observability/host.ts';
import { LoadAverage } from '../../src/observability/load-average.ts';
import { SystemTopics } from '../../src/observability/system-topics.ts';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

function start(intervalSeconds = 10) {
  const simulation = new Simulation();
  const topics = new SystemTopics(simulation.broker, '1.2.3');
  topics.setInterval(intervalSeconds * 1000);
  return { simulation, topics };
}

/** What a client is sent, by topic; the last of several. */
function takeValues(client: SimulatedClient): Map<string, string> {
  const values = new Map<string, string>();
  for (const packet of client.take()) {
    if (packet.cmd !== 'publish') continue;
    values.set(packet.topic, Buffer.from(packet.payload).toString());
  }
  return values;
}

test('the topics that are known from mosquitto are there, retained', () => {
  const { simulation } = start();
  const client = simulation.connect('c');
  client.subscribe('$SYS/#');
  const values = takeValues(client);
  expect(values.get('$SYS/broker/version')).toBe('promptmq version 1.2.3');
  expect(values.get('$SYS/broker/uptime')).toBe('0 seconds');
  for (const name of [
    'clients/total',
    'clients/connected',
    'clients/active',
    'clients/disconnected',
    'clients/inactive',
    'clients/maximum',
    'clients/expired',
    'messages/received',
    'messages/sent',
    'messages/inflight',
    'messages/stored',
    'store/messages/count',
    'store/messages/bytes',
    'publish/messages/received',
    'publish/messages/sent',
    'publish/messages/dropped',
    'publish/bytes/received',
    'publish/bytes/sent',
    'bytes/received',
    'bytes/sent',
    'subscriptions/count',
    'shared_subscriptions/count',
    'retained messages/count',
    'heap/current',
    ...['1min', '5min', '15min'].flatMap((period) => [
      `load/connections/${period}`,
      `load/sockets/${period}`,
      `load/messages/received/${period}`,
      `load/messages/sent/${period}`,
      `load/publish/received/${period}`,
      `load/publish/sent/${period}`,
      `load/publish/dropped/${period}`,
      `load/bytes/received/${period}`,
      `load/bytes/sent/${period}`,
    ]),
  ]) {
    expect([name, values.get(`$SYS/broker/${name}`)]).toEqual([
      name,
      expect.stringMatching(/^\d+(\.\d\d)?$/),
    ]);
  }
  expect(values.size).toBe(24 + 2 + 27);
});

test('they follow what happens, at the interval, and what stays the same is not sent again', () => {
  const { simulation } = start();
  const client = simulation.connect('c');
  client.subscribe('$SYS/broker/#');
  client.take();
  client.publish('a', '12345');
  simulation.connect('gone', { properties: { sessionExpiryInterval: 15 } }).drop();
  simulation.advance(9);
  expect(takeValues(client).size).toBe(0);
  simulation.advance(1);
  const values = takeValues(client);
  expect(Object.fromEntries(values)).toMatchObject({
    '$SYS/broker/uptime': '10 seconds',
    '$SYS/broker/clients/total': '2',
    '$SYS/broker/clients/connected': '1',
    '$SYS/broker/clients/disconnected': '1',
    '$SYS/broker/clients/maximum': '2',
    '$SYS/broker/publish/messages/received': '1',
    '$SYS/broker/publish/bytes/received': '5',
    '$SYS/broker/subscriptions/count': '1',
    '$SYS/broker/load/connections/1min': (12 * (1 - Math.exp(-10 / 60))).toFixed(2),
  });
  expect(values.has('$SYS/broker/version')).toBe(false);
  expect(values.has('$SYS/broker/clients/expired')).toBe(false);
  simulation.advance(10);
  expect(takeValues(client).get('$SYS/broker/clients/expired')).toBe('1');
});

test('wildcards at the first level do not match them [MQTT-4.7.2-1], and no client publishes them', () => {
  const { simulation } = start();
  const client = simulation.connect('c');
  client.subscribe('#');
  client.subscribe('+/broker/uptime');
  client.take();
  simulation.advance(30);
  expect(client.take()).toEqual([]);
  client.publish('$SYS/broker/uptime', 'forged', { qos: 1, messageId: 1, retain: true });
  expect(client.take()).toMatchObject([{ cmd: 'puback', reasonCode: 0x87 }]);
});

test('the interval may change and end; stopping leaves no timer', () => {
  const { simulation, topics } = start(0);
  const client = simulation.connect('c');
  client.subscribe('$SYS/broker/uptime');
  client.take();
  simulation.advance(60);
  expect(client.take()).toEqual([]);
  topics.setInterval(1000);
  simulation.advance(2);
  expect(client.take()).toHaveLength(3);
  topics.setInterval(5000);
  client.take();
  simulation.advance(4);
  expect(client.take()).toEqual([]);
  simulation.advance(1);
  expect(client.take()).toHaveLength(1);
  topics.stop();
  simulation.advance(60);
  expect(client.take()).toEqual([]);
});

test('a load that lasts is averaged to its rate, and a burst fades by the minute', () => {
  const load = new LoadAverage();
  let total = 0;
  let averages: readonly number[] = [];
  for (let second = 0; second < 3600; second += 10) {
    total += 50;
    averages = load.update(total, 10_000);
  }
  expect(averages[0]).toBeCloseTo(300, 6);
  expect(averages[2]).toBeCloseTo(300 * (1 - Math.exp(-4)), 6);
  const [one, five] = load.update(total, 60_000);
  expect(one).toBeCloseTo(300 * Math.exp(-1), 6);
  expect(five).toBeCloseTo(300 * Math.exp(-0.2), 2);
  expect(load.update(total + 1000, 0)[0]).toBe(one);
});

test('the figures of other processes are added, and retained messages, which all have, are not', () => {
  const simulation = new Simulation();
  const told: SystemFigures[] = [];
  let tell: (others: readonly SystemFigures[]) => void = () => {};
  simulation.broker.figuresOfOthers = {
    exchange: (own, onOthers) => {
      told.push(own);
      tell = onOthers;
    },
  };
  const topics = new SystemTopics(simulation.broker, '1.2.3');
  topics.setInterval(10_000);
  const client = simulation.connect('c');
  client.subscribe('$SYS/#');
  // Nothing is said before the others have said theirs.
  expect(takeValues(client).size).toBe(0);
  topics.publish();
  const own = told.at(-1) as SystemFigures;
  expect(own).toMatchObject({ 'clients/connected': 1, 'subscriptions/count': 1 });
  const other = { ...own, uptime: 77, queued: 5, 'clients/maximum': 3, 'bytes/sent': 1000 };
  tell([other, other]);
  const values = takeValues(client);
  expect(values.get('$SYS/broker/uptime')).toBe('77 seconds');
  expect(values.get('$SYS/broker/clients/connected')).toBe('3');
  expect(values.get('$SYS/broker/clients/maximum')).toBe('3');
  expect(values.get('$SYS/broker/bytes/sent')).toBe(`${2000 + (own['bytes/sent'] as number)}`);
  // By now all of these topics are retained.
  topics.publish();
  tell([other, other]);
  const later = new Map([...values, ...takeValues(client)]);
  const figure = (name: string) => Number(later.get(`$SYS/broker/${name}`));
  expect(figure('messages/stored') - figure('retained messages/count')).toBe(10);
  expect(values.has('$SYS/broker/queued')).toBe(false);
  topics.stop();
  tell([{ ...other, uptime: 99 }]);
  expect(takeValues(client).size).toBe(0);
});
