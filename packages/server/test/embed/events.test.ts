import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type BrokerEventName, createBroker, type RunningBroker } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { PacketClient } from '../support/packet-client.ts';

let broker: RunningBroker;
let lines: object[];

beforeEach(async () => {
  lines = [];
  const note = (event: string, fields: object = {}) => void lines.push({ event, ...fields });
  const logger = { ...noopLogger, warn: note, error: note };
  broker = await createBroker({ server: { wsBind: 'none' } }, { logger });
});

afterEach(() => broker.stop());

async function connected(clientId: string): Promise<PacketClient> {
  const client = await PacketClient.open(`${broker.url}`);
  client.connect(clientId, { properties: {} });
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  return client;
}

test('a listener may publish: who is subscribed gets that, too, and it is an event of its own', async () => {
  const topics: string[] = [];
  broker.on('publish', ({ topic, client, matched }) => {
    topics.push(`${topic} ${client?.clientId ?? null} ${matched}`);
    if (topic === 'ping') void broker.publish({ topic: 'pong', payload: 'x', qos: 1 });
  });
  const client = await connected('c');
  client.subscribe('pong', 1);
  await client.next();
  client.publish('ping', '', 0, 0);
  expect(await client.next()).toMatchObject({ cmd: 'publish', topic: 'pong' });
  expect(topics).toEqual(['ping c 0', 'pong null 1']);
  await client.cut();
});

test('a listener may disconnect the client that it hears of, and stop the broker', async () => {
  const causes: string[] = [];
  broker
    .on('publish', ({ client }) => {
      void broker.clients.disconnect(`${client?.clientId}`, { reasonCode: 0x87 });
    })
    .on('disconnect', ({ cause, reasonCode }) => causes.push(`${cause} ${reasonCode}`))
    .once('connect', () => broker.on('connect', () => void broker.stop()));
  const first = await connected('first');
  for (let count = 0; count < 5; count++) first.publish('t', 'x', 0, 0);
  expect(await first.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x87 });
  expect(await first.next()).toBeNull();
  const second = await connected('second');
  expect(await second.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
  expect(await second.next()).toBeNull();
  // What happens at the end is reported before stop() is done.
  await broker.stop();
  expect(causes).toEqual(['administrative action 135', 'shutdown 139']);
});

test('on, once and off return the broker; what is no event or listener is refused', async () => {
  const heard: string[] = [];
  const listener = () => void heard.push('connect');
  expect(broker.on('connect', listener)).toBe(broker);
  expect(broker.once('connect', listener)).toBe(broker);
  await (await connected('a')).cut();
  expect(heard).toEqual(['connect', 'connect']);
  expect(broker.off('connect', listener)).toBe(broker);
  await (await connected('b')).cut();
  expect(heard.length).toBe(2);
  expect(() => broker.on('conect' as BrokerEventName, listener)).toThrow(
    'broker.on: "conect" is no event; there are connect, disconnect, subscribe, unsubscribe, publish, ack, drop, refuse, error',
  );
  expect(() => broker.on('connect', listener, { limit: 0 })).toThrow(
    'broker.on: limit takes a whole number from 1 to 9007199254740991, not 0',
  );
  expect(() => broker.once('connect', null as never)).toThrow(
    'broker.once: the listener of connect takes a function, not null',
  );
  expect(() => broker.off('toString' as BrokerEventName, listener)).toThrow(/is no event/);
});

test('what a listener throws is in the log, with the name of the event', async () => {
  broker.on('connect', () => {
    throw new Error('a mistake');
  });
  broker.on('disconnect', () => Promise.reject(new Error('another')));
  const client = await connected('c');
  client.send({ cmd: 'disconnect' });
  await client.next();
  await broker.stop();
  expect(lines).toEqual([
    {
      event: 'listener-failed',
      name: 'connect',
      stack: expect.stringMatching(/a mistake\n.*events/),
    },
    { event: 'listener-failed', name: 'disconnect', stack: expect.stringMatching(/another/) },
  ]);
});

test('a listener may throw anything, also what is no text', async () => {
  const thrown: unknown = Object.create(null);
  broker.on('connect', () => {
    throw thrown;
  });
  broker.on('disconnect', () => Promise.reject(thrown));
  const client = await connected('c');
  client.send({ cmd: 'disconnect' });
  await client.next();
  await broker.stop();
  expect(lines).toMatchObject([
    { event: 'listener-failed', name: 'connect', stack: 'something that is no text' },
    { event: 'listener-failed', name: 'disconnect', stack: 'something that is no text' },
  ]);
});

test('a listener for messages may have a topic filter, and learns where they are in the log', async () => {
  const topics: [string, number | null][] = [];
  const listener = ({ topic, position }: { topic: string; position: number | null }) =>
    topics.push([topic, position]);
  broker.on('publish', listener, { filter: 'a/+' });
  broker.on('publish', ({ topic }) => topics.push([`c: ${topic}`, null]), { filter: 'c/#' });
  for (const topic of ['a/b', 'b', 'c', 'a/b/c', 'a/b']) await broker.publish({ topic });
  await new Promise(setImmediate);
  expect(topics).toEqual([
    ['a/b', null],
    ['c: c', null],
    ['a/b', null],
  ]);
  broker.off('publish', listener);
  await broker.publish({ topic: 'a/b' });
  await new Promise(setImmediate);
  expect(topics).toHaveLength(3);
  expect(() => broker.on('publish', listener, { filter: 'a/#/b' })).toThrow('takes a topic filter');
  expect(() => broker.on('connect', () => {}, { filter: 'a' })).toThrow('filter is for publish');
});
