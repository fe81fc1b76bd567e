import { describe, expect, test } from '@jest/globals';
import { Delivery, STORED_MESSAGE } from '@promptmq/session';
import { EmbedError } from '../../../src/embed/calls/embed-error.ts';
import { DeliveredMessage, type InsideMessage } from '../../../src/embed/consume/inside-message.ts';
import type { InsideSubscribeOptions } from '../../../src/embed/consume/inside-options.ts';
import type { InsideSubscription } from '../../../src/embed/consume/inside-subscription.ts';
import { subscribeInside } from '../../../src/embed/consume/subscribe-inside.ts';
import { createBroker } from '../../../src/index.ts';
import type { InsidePublished } from '../../../src/inside/inside-publish.ts';
import { InsidePublisher } from '../../../src/inside/inside-publisher.ts';
import { slowSubscribers } from '../../../src/observability/index.ts';
import { TestClient } from '../../support/mqtt-client.ts';
import { Simulation } from '../../support/simulation.ts';

/** An inside subscription in a simulated broker. */
class Consumer {
  readonly subscription: InsideSubscription;
  readonly #simulation: Simulation;
  readonly #messages: AsyncIterator<InsideMessage, undefined>;

  constructor(
    simulation: Simulation,
    filters: string | readonly string[],
    options?: InsideSubscribeOptions,
  ) {
    this.#simulation = simulation;
    this.subscription = subscribeInside(simulation.broker, filters, options);
    this.#messages = this.subscription[Symbol.asyncIterator]();
    simulation.broker.checkInvariants();
  }

  async next(): Promise<InsideMessage> {
    const { value } = await this.#messages.next();
    if (value === undefined) throw new Error('there is no more');
    return value;
  }

  /** The next ones, in short; what they are is acknowledged. */
  async take(count: number): Promise<string[]> {
    const taken: string[] = [];
    for (let index = 0; index < count; index++) {
      const message = await this.next();
      message.ack();
      taken.push(`${message.topic} ${message.text()} ${message.qos}`);
    }
    this.#simulation.broker.checkInvariants();
    return taken;
  }

  /** Whether `next` finds the end. */
  async isOver(): Promise<boolean> {
    return (await this.#messages.next()).done === true;
  }
}

/** What is waited for, once all that is to happen has: `waiting` if it isn't there. */
async function present<T>(promise: Promise<T>): Promise<T | 'waiting'> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([promise, Promise.resolve('waiting' as const)]);
}

test('messages of every QoS come in their order, each when it is asked for', async () => {
  const simulation = new Simulation();
  const consumer = new Consumer(simulation, ['a/+', 'b'], { qos: 2 });
  await consumer.subscription.ready;
  const publisher = simulation.connect('publisher');
  publisher.publish('a/1', 'first', { qos: 1, messageId: 1 });
  publisher.publish('b', 'second');
  publisher.publish('a/2', 'third', { qos: 2, messageId: 2 });
  publisher.publish('c', 'not for it', { qos: 1, messageId: 3 });
  expect(await consumer.take(3)).toEqual(['a/1 first 1', 'b second 0', 'a/2 third 2']);
  const later = consumer.take(2);
  publisher.publish('a/3', 'fourth');
  publisher.publish('a/4', 'fifth', { qos: 1, messageId: 4 });
  expect(await later).toEqual(['a/3 fourth 0', 'a/4 fifth 1']);
  expect(simulation.broker.stats.insideDeliveries).toBe(5);
  expect(simulation.broker.stats.messagesSent).toBe(0);
  await consumer.subscription.close();
});

test('a message has the properties of its PUBLISH, and the payload is the consumer’s own', async () => {
  const simulation = new Simulation();
  const [one, other] = [
    new Consumer(simulation, '#', { qos: 1, subscriptionIdentifier: 7 }),
    new Consumer(simulation, '#', { qos: 1 }),
  ];
  const publisher = simulation.connect('publisher', { properties: { topicAliasMaximum: 1 } });
  publisher.publish('t', '{"x":1}', {
    qos: 1,
    messageId: 1,
    properties: {
      topicAlias: 1,
      messageExpiryInterval: 100,
      contentType: 'application/json',
      correlationData: Buffer.from([1, 2]),
      userProperties: { key: ['a', 'b'] },
    },
  });
  simulation.advance(40);
  const message = await one.next();
  expect(message.properties).toEqual({
    messageExpiryInterval: 60,
    contentType: 'application/json',
    correlationData: Uint8Array.of(1, 2),
    userProperties: { key: ['a', 'b'] },
    subscriptionIdentifier: 7,
  });
  expect(message.json()).toEqual({ x: 1 });
  expect([message.qos, message.retain, message.duplicate]).toEqual([1, false, false]);
  message.payload.fill(0);
  message.properties.correlationData?.fill(0);
  const copy = await other.next();
  expect(copy.text()).toBe('{"x":1}');
  expect(copy.properties.correlationData).toEqual(Uint8Array.of(1, 2));
  expect(() => message.json()).toThrow(SyntaxError);
});

test('no more than Receive Maximum are unacknowledged; what is acknowledged twice counts once', async () => {
  const simulation = new Simulation();
  const consumer = new Consumer(simulation, 't', { qos: 2, receiveMaximum: 2 });
  const publisher = simulation.connect('publisher');
  for (const [index, qos] of [1, 2, 2, 1, 0].entries()) {
    publisher.publish('t', `${index}`, { qos, ...(qos > 0 ? { messageId: index + 1 } : {}) });
  }
  const [first, second] = [await consumer.next(), await consumer.next()];
  const third = consumer.next();
  expect(await present(third)).toBe('waiting');
  second.ack();
  expect((await third).text()).toBe('2');
  second.ack();
  const fourth = consumer.next();
  expect(await present(fourth)).toBe('waiting');
  first.ack();
  (await third).ack();
  (await fourth).ack();
  expect((await fourth).text()).toBe('3');
  (await consumer.next()).ack();
  simulation.broker.checkInvariants();
});

test('a message is acknowledged once: another one may have its packet identifier later', () => {
  const settled: number[] = [];
  const delivery = new Delivery(STORED_MESSAGE, 1, false);
  delivery.packetId = 7;
  const peer = { settle: (packetId: number) => void settled.push(packetId) };
  const message = new DeliveredMessage(delivery, false, peer, 0);
  message.ack();
  message.ack();
  expect(settled).toEqual([7]);
});

describe('it ends', () => {
  test('when the loop is left: nothing of it is left', async () => {
    const simulation = new Simulation();
    const { broker } = simulation;
    const subscription = subscribeInside(broker, 't');
    expect([broker.sessions.count, broker.stats.insideSessionsCurrent]).toEqual([1, 1]);
    const publisher = simulation.connect('publisher');
    publisher.publish('t', 'one');
    publisher.publish('t', 'two');
    for await (const message of subscription) {
      expect(message.text()).toBe('one');
      break;
    }
    expect([broker.sessions.count, broker.stats.insideSessionsCurrent]).toEqual([1, 0]);
    expect(broker.stats.subscriptionsCurrent).toBe(0);
    expect(broker.stats.dropped['session-ended']).toBe(1);
    expect(broker.consumers.size).toBe(0);
    broker.checkInvariants();
  });

  test('by close, whoever waits, and an acknowledgement that comes later does nothing', async () => {
    const simulation = new Simulation();
    const consumer = new Consumer(simulation, 't', { qos: 1 });
    simulation.connect('publisher').publish('t', 'one', { qos: 1, messageId: 1 });
    const message = await consumer.next();
    const [next, afterNext] = [consumer.isOver(), consumer.isOver()];
    await consumer.subscription.close();
    expect([await next, await afterNext, await consumer.isOver()]).toEqual([true, true, true]);
    message.ack();
    await consumer.subscription.close();
    await consumer.subscription[Symbol.asyncDispose]();
    simulation.broker.checkInvariants();
  });

  test('when its signal is aborted', async () => {
    const simulation = new Simulation();
    const controller = new AbortController();
    const consumer = new Consumer(simulation, 't', { signal: controller.signal });
    const end = consumer.isOver();
    controller.abort();
    expect(await end).toBe(true);
    expect(simulation.broker.sessions.count).toBe(0);
    const { signal } = controller;
    expect(() => subscribeInside(simulation.broker, 't', { signal })).toThrow(signal.reason);
    expect(simulation.broker.sessions.count).toBe(0);
  });

  test('when the broker stops, and there is none after that', async () => {
    const { broker } = new Simulation();
    const subscription = subscribeInside(broker, 't');
    const stopped = broker.stop(0, 0);
    for await (const _ of subscription) throw new Error('there is nothing');
    await stopped;
    expect(() => subscribeInside(broker, 't')).toThrow(
      expect.objectContaining({ code: 'stopped' }),
    );
  });

  test('with an error when something goes wrong for it in the broker, which continues', async () => {
    const simulation = new Simulation();
    const { broker } = simulation;
    const consumer = new Consumer(simulation, 't', { qos: 1 });
    const [session] = broker.sessions.all();
    if (session === undefined) throw new Error('no session');
    session.pump = () => {
      throw new Error('planted');
    };
    await expect(consumer.next()).rejects.toMatchObject({ code: 'internal-error' });
    expect(await consumer.isOver()).toBe(true);
    expect(broker.stats.internalErrors.get('sending')).toBe(1);
    expect(broker.sessions.count).toBe(0);
    broker.checkInvariants();
  });
});

test('a subscription has one consumer', () => {
  const { broker } = new Simulation();
  const subscription = subscribeInside(broker, 't');
  subscription[Symbol.asyncIterator]();
  expect(() => subscription[Symbol.asyncIterator]()).toThrow(
    expect.objectContaining({ code: 'in-use' }),
  );
});

describe('retained messages', () => {
  async function retainedOf(retainHandling: 0 | 1 | 2): Promise<string[]> {
    const simulation = new Simulation();
    const publisher = simulation.connect('publisher');
    publisher.publish('a/1', 'one', { retain: true });
    publisher.publish('a/2', 'two', { retain: true, qos: 1, messageId: 1 });
    const consumer = new Consumer(simulation, 'a/#', { qos: 1, retainHandling });
    publisher.publish('a/3', 'three', { retain: true });
    const found: string[] = [];
    for (;;) {
      const { topic, retain } = await consumer.next();
      found.push(`${topic} ${retain}`);
      // Retained ones are in no order.
      if (topic === 'a/3') return found.sort();
    }
  }

  test('come first, unless they are not wanted [MQTT-3.3.1-9] [MQTT-3.3.1-11]', async () => {
    expect(await retainedOf(0)).toEqual(['a/1 true', 'a/2 true', 'a/3 false']);
    expect(await retainedOf(1)).toEqual(['a/1 true', 'a/2 true', 'a/3 false']);
    expect(await retainedOf(2)).toEqual(['a/3 false']);
  });

  test('of a tree of any size come as they are taken, and hold little meanwhile', async () => {
    const simulation = new Simulation();
    const publisher = simulation.connect('publisher');
    for (let index = 0; index < 2000; index++) {
      publisher.publish(`a/${index}`, 'x', { retain: true });
    }
    const consumer = new Consumer(simulation, 'a/#', { qos: 1 });
    const [, session] = simulation.broker.sessions.all();
    const topics = new Set<string>();
    for (let count = 0; count < 2000; count++) {
      const next = consumer.next();
      simulation.runtime.endTurn();
      topics.add((await next).topic);
      expect(session?.replays.length).toBeLessThanOrEqual(250);
    }
    expect(topics.size).toBe(2000);
  });

  test('have RETAIN as they were published where that is asked for [MQTT-3.3.1-13]', async () => {
    const simulation = new Simulation();
    const consumer = new Consumer(simulation, 'a', { retainAsPublished: true });
    simulation.connect('publisher').publish('a', 'x', { retain: true });
    expect((await consumer.next()).retain).toBe(true);
  });
});

test('members of a shared subscription take turns, inside and outside, and get what one left [MQTT-4.8.2-4]', async () => {
  const simulation = new Simulation();
  const [one, other] = [
    new Consumer(simulation, '$share/g/t', { qos: 1 }),
    new Consumer(simulation, '$share/g/t', { qos: 1 }),
  ];
  const publisher = simulation.connect('publisher');
  for (let index = 1; index <= 4; index++) {
    publisher.publish('t', `${index}`, { qos: 1, messageId: index });
  }
  const first = (await one.next()).text();
  const second = await other.take(2);
  // Two of it wait: one has been taken and not acknowledged, another one not taken.
  await one.subscription.close();
  simulation.runtime.endTurn();
  const rest = await other.take(2);
  expect([first, ...second, ...rest].map((text) => text.replace(/^t | 1$/g, '')).sort()).toEqual(
    [first, '1', '2', '3', '4'].sort(),
  );
});

test('what the program has published itself is withheld where that is asked for [MQTT-3.8.3-3]', async () => {
  const broker = await createBroker();
  await broker.publish({ topic: 't/own', payload: 'retained', retain: true });
  const subscription = broker.subscribe('t/#', { noLocal: true });
  const everything = broker.subscribe('t/#');
  const client = await TestClient.connect(`${broker.url}`);
  await broker.publish({ topic: 't/own', payload: 'own' });
  await client.mqtt.publishAsync('t/other', 'other', { qos: 1 });
  const first = async (of: InsideSubscription) => {
    for await (const message of of) return message.text();
    return null;
  };
  expect(await first(subscription)).toBe('other');
  expect(await first(everything)).toBe('retained');
  await client.end();
  await broker.stop();
});

test('what has expired while it waited is not delivered [MQTT-3.3.2-5]', async () => {
  const simulation = new Simulation();
  const consumer = new Consumer(simulation, 't', { qos: 1 });
  const publisher = simulation.connect('publisher');
  publisher.publish('t', 'short', {
    qos: 1,
    messageId: 1,
    properties: { messageExpiryInterval: 10 },
  });
  publisher.publish('t', 'long', { qos: 1, messageId: 2 });
  simulation.advance(11);
  expect(await consumer.take(1)).toEqual(['t long 1']);
  expect(simulation.broker.stats.dropped.expired).toBe(1);
});

describe('a consumer that takes nothing', () => {
  test('costs what its queue may hold, at every QoS; what is more is dropped and counted', () => {
    const simulation = new Simulation({ mqtt: { maxQueuedMessages: 50 } });
    const { broker } = simulation;
    new Consumer(simulation, 't', { qos: 2 });
    const publisher = simulation.connect('publisher');
    for (let index = 1; index <= 600; index++) {
      const qos = index % 3;
      publisher.publish('t', 'x', { qos, ...(qos > 0 ? { messageId: index } : {}) });
    }
    const [session] = broker.sessions.all();
    expect(session).toMatchObject({ inflightCount: 0, queuedCount: 50 });
    expect(broker.stats.dropped['queue-full']).toBe(550);
    broker.checkInvariants();
  });

  test('is a slow subscriber, for which publishers wait no longer than for a client', () => {
    const simulation = new Simulation();
    const { broker } = simulation;
    new Consumer(simulation, 't', { qos: 1 });
    const publisher = simulation.connect('publisher');
    for (let index = 1; index <= 201; index++) {
      publisher.publish('t', 'x', { qos: 1, messageId: index });
    }
    expect(publisher.isPaused).toBe(true);
    expect(slowSubscribers(broker, 1)).toMatchObject([
      { clientId: expect.stringMatching(/^\$inside\/\//), queuedMessages: 201, outputBytes: 0 },
    ]);
    broker.checkInvariants();
    simulation.runtime.advance(100);
    expect(publisher.isPaused).toBe(false);
    broker.checkInvariants();
  });

  test('has publishers continue when it has taken a good part', async () => {
    const simulation = new Simulation();
    const consumer = new Consumer(simulation, 't', { qos: 1 });
    const publisher = simulation.connect('publisher');
    for (let index = 1; index <= 201; index++) {
      publisher.publish('t', 'x', { qos: 1, messageId: index });
    }
    await consumer.take(101);
    expect(publisher.isPaused).toBe(true);
    await consumer.take(1);
    expect(publisher.isPaused).toBe(false);
  });

  test('has the program wait, too, that awaits what it publishes', async () => {
    const simulation = new Simulation();
    const consumer = new Consumer(simulation, 't');
    const publisher = new InsidePublisher(simulation.broker);
    const published: Promise<InsidePublished>[] = [];
    for (let count = 0; count < 201; count++) {
      published.push(publisher.publish({ topic: 't', payload: 'x' }));
    }
    expect(await present(published[199] as Promise<InsidePublished>)).toMatchObject({ matched: 1 });
    const last = published[200] as Promise<InsidePublished>;
    expect(await present(last)).toBe('waiting');
    await consumer.take(102);
    expect(await last).toMatchObject({ matched: 1 });
  });

  test('is slow by bytes, too', () => {
    const simulation = new Simulation();
    new Consumer(simulation, 't');
    const publisher = simulation.connect('publisher');
    publisher.publish('t', 'x'.repeat(1_048_000));
    expect(publisher.isPaused).toBe(false);
    publisher.publish('t', 'x'.repeat(1000));
    expect(publisher.isPaused).toBe(true);
  });
});

describe('is refused before anything happens', () => {
  const refused = (
    filters: unknown,
    options: object = {},
    limits: object = {},
  ): Pick<EmbedError, 'code' | 'message'> => {
    const { broker } = new Simulation({ mqtt: limits });
    try {
      subscribeInside(broker, filters as string, options);
    } catch (error) {
      expect(error).toBeInstanceOf(EmbedError);
      expect(broker.sessions.count).toBe(0);
      broker.checkInvariants();
      return error as EmbedError;
    }
    throw new Error('not refused');
  };

  test.each([
    ['', 'the topic filter "": it is empty'],
    ['a/#/b', 'the topic filter "a/#/b": # stands for the last level, and for a whole one'],
    ['a/b+', 'the topic filter "a/b+": + stands for a whole level'],
    ['a\0', 'it has U+0000 in it'],
    ['$share/g/', '$share/NAME/FILTER takes a name without wildcards, and a filter after it'],
    [['a', '$share//a'], '$share/ without a name after it'],
    ['\ud800', "can't be encoded in UTF-8"],
    [[], 'takes a topic filter or an array of some, not a Array'],
    [7, 'takes a topic filter or an array of some, not 7'],
    [['a', 7], 'a topic filter takes a string, not 7'],
  ])('by its filter: %p', (filters, why) => {
    const { code, message } = refused(filters);
    expect(code).toBe('invalid-argument');
    expect(message).toContain(why);
  });

  test.each([
    [{ qos: 3 }, 'qos takes a whole number from 0 to 2, not 3'],
    [{ receiveMaximum: 0 }, 'receiveMaximum takes a whole number from 1 to 65535, not 0'],
    [{ retainHandling: 3 }, 'retainHandling takes a whole number from 0 to 2, not 3'],
    [{ subscriptionIdentifier: 0 }, 'subscriptionIdentifier takes a whole number from 1 to'],
    [{ noLocal: 'yes' }, 'noLocal takes true or false, not "yes"'],
    [{ name: '' }, "name takes a text that isn't empty and doesn't begin with /"],
    [{ name: '/a' }, "name takes a text that isn't empty and doesn't begin with /"],
    [{ name: 'x'.repeat(70_000) }, 'longer than mqtt.max-client-id-len'],
    [{ sessionExpiry: 1 }, 'sessionExpiry is for a subscription with a name'],
    [{ name: 'a', sessionExpiry: 0 }, 'sessionExpiry takes a whole number from 1 to 4294967295'],
    [{ signal: {} }, 'signal takes an AbortSignal, not a Object'],
    [{ autoAck: true }, 'autoAck is no option; there are qos, name,'],
  ])('by an option: %p', (options, why) => {
    const { code, message } = refused('a', options);
    expect(code).toBe('invalid-argument');
    expect(message).toContain(why);
  });

  test('where a shared subscription is not to have No Local [MQTT-3.8.3-4]', () => {
    expect(refused('$share/g/a', { noLocal: true }).message).toContain('noLocal is not for shared');
  });

  test.each([
    ['$share/g/a', { sharedSubAvailable: false }, 'shared subscriptions are not supported'],
    ['a/+', { wildcardAvailable: false }, 'wildcard subscriptions are not supported'],
    ['a/b/c', { maxTopicLevels: 2 }, 'longer or deeper than this broker takes'],
  ])('by the configuration: %s', (filter, limits, why) => {
    const { code, message } = refused(filter, {}, limits);
    expect(code).toBe('not-available');
    expect(message).toContain(why);
  });

  test('by subscription identifiers where there are none', () => {
    const limits = { subscriptionIdentifiersAvailable: false };
    expect(refused('a', { subscriptionIdentifier: 1 }, limits).code).toBe('not-available');
  });

  test('at the limits of subscriptions and of their bytes', () => {
    expect(refused(['a', 'b'], {}, { maxSubscriptions: 1 })).toMatchObject({
      code: 'quota-exceeded',
      message: expect.stringContaining('mqtt.max-subscriptions'),
    });
    expect(refused(['a', 'b'], {}, { maxSubscriptionBytes: 1024 })).toMatchObject({
      code: 'quota-exceeded',
      message: expect.stringContaining('mqtt.max-subscription-bytes'),
    });
  });

  test('at the limit of sessions', () => {
    const { broker } = new Simulation({ mqtt: { maxSessions: 1 } });
    subscribeInside(broker, 'a');
    expect(() => subscribeInside(broker, 'b')).toThrow(
      expect.objectContaining({ code: 'quota-exceeded' }),
    );
    expect(broker.sessions.count).toBe(1);
  });
});

test('its QoS is no higher than the broker’s', async () => {
  const simulation = new Simulation({ mqtt: { maxQos: 1 } });
  const consumer = new Consumer(simulation, 'a', { qos: 2 });
  const [session] = simulation.broker.sessions.all();
  const entry = session === undefined ? null : simulation.broker.sessions.entryOf(session);
  expect(entry?.subscriptions.get('a')?.qos).toBe(1);
  await consumer.subscription.close();
});

test.each([
  [5, { reasonCode: 0x85 }],
  [4, { returnCode: 2 }],
  [3, { returnCode: 2 }],
] as const)('no client can have its session (MQTT level %d)', (version, answer) => {
  const simulation = new Simulation();
  const subscription = subscribeInside(simulation.broker, 'a', { name: 'mine' });
  const client = simulation.open(version);
  client.connect('$inside/mine');
  expect(client.take()).toMatchObject([{ cmd: 'connack', ...answer }]);
  expect(client.isClosed).toBe(true);
  const other = simulation.open(version);
  other.connect('$inside');
  expect(other.take()).toMatchObject([
    { cmd: 'connack', [version === 5 ? 'reasonCode' : 'returnCode']: 0 },
  ]);
  return subscription.close();
});
