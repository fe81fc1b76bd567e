import { describe, expect, test } from '@jest/globals';
import type { ConfigInput } from '../../src/index.ts';
import { type BrokerEventName, EVENT_NAMES } from '../../src/tracing/event-types.ts';
import { Simulation } from '../support/simulation.ts';

/** A broker to all of whose events somebody listens. */
function watched(options: ConfigInput = {}, names: readonly BrokerEventName[] = EVENT_NAMES) {
  const simulation = new Simulation(options);
  const events: [BrokerEventName, object][] = [];
  for (const name of names) {
    simulation.broker.events.add(name, (event) => void events.push([name, event]));
  }
  return { simulation, events, take: () => events.splice(0) };
}

const clientOf = (clientId: string, version: number | null = 5) => ({
  clientId,
  userName: null,
  version,
  protocol: version === null ? null : 'tcp',
  remoteAddress: version === null ? null : 'simulated',
});

describe('what happens is reported', () => {
  test('clients connect, subscribe, unsubscribe and go', () => {
    const { simulation, take } = watched();
    const client = simulation.connect('c', { protocolVersion: 4 });
    expect(take()).toEqual([['connect', { client: clientOf('c', 4) }]]);
    client.subscribe('a/+', { qos: 1 });
    client.subscribe('a/+', { qos: 1 });
    const subscribed = {
      client: clientOf('c', 4),
      filter: 'a/+',
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      subscriptionIdentifier: null,
    };
    expect(take()).toEqual([
      ['subscribe', subscribed],
      ['subscribe', subscribed],
    ]);
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['none', 'a/+'] });
    expect(take()).toEqual([
      ['unsubscribe', { client: clientOf('c', 4), filter: 'a/+', cause: 'client' }],
    ]);
    client.send({ cmd: 'disconnect' });
    expect(take()).toEqual([
      [
        'disconnect',
        { client: clientOf('c', 4), reasonCode: 0, cause: 'client', takenOverBy: null },
      ],
    ]);
    const other = simulation.connect('d', { keepalive: 10 });
    other.subscribe('t', { nl: true, rh: 1, rap: true }, { subscriptionIdentifier: 9 });
    expect(take()[1]).toMatchObject([
      'subscribe',
      { noLocal: true, retainAsPublished: true, retainHandling: 1, subscriptionIdentifier: 9 },
    ]);
    simulation.advance(20);
    expect(take()).toMatchObject([['disconnect', { reasonCode: 0x8d, cause: 'keep alive' }]]);
  });

  test('messages are published, with how many match; a will by whose it was', () => {
    const { simulation, take } = watched({}, ['publish']);
    for (const clientId of ['a', 'b']) simulation.connect(clientId).subscribe('t/#', { qos: 1 });
    simulation.connect('s').subscribe('$share/g/t/+');
    const client = simulation.connect('p', {
      will: { topic: 'w', payload: Buffer.from('bye'), qos: 0, retain: false },
    });
    client.publish('t/1', 'x', {
      qos: 1,
      messageId: 1,
      retain: true,
      properties: { contentType: 'text', messageExpiryInterval: 5 },
    });
    client.publish('none', '');
    client.drop();
    expect(take()).toEqual([
      [
        'publish',
        {
          topic: 't/1',
          payload: Buffer.from('x'),
          qos: 1,
          retain: true,
          properties: { contentType: 'text', messageExpiryInterval: 5 },
          client: clientOf('p'),
          matched: 3,
          position: null,
        },
      ],
      ['publish', expect.objectContaining({ topic: 'none', matched: 0, client: clientOf('p') })],
      [
        'publish',
        expect.objectContaining({
          topic: 'w',
          payload: Buffer.from('bye'),
          client: clientOf('p', null),
        }),
      ],
    ]);
  });

  test('a message is settled once: by PUBACK, by PUBCOMP, or by PUBREC with an error', () => {
    const { simulation, take } = watched({}, ['ack']);
    const client = simulation.connect('c');
    client.subscribe('t');
    client.take();
    const publisher = simulation.connect('p');
    publisher.publish('t', 'one', { qos: 1, messageId: 1 });
    publisher.publish('t', 'two', { qos: 2, messageId: 2 });
    publisher.publish('t', 'three', { qos: 2, messageId: 3 });
    const [one, two, three] = client
      .take()
      .map((packet) => ('messageId' in packet ? (packet.messageId as number) : 0));
    client.send({ cmd: 'puback', messageId: one as number });
    client.send({ cmd: 'puback', messageId: one as number });
    client.send({ cmd: 'pubrec', messageId: two as number });
    client.send({ cmd: 'pubcomp', messageId: two as number });
    client.send({ cmd: 'pubrec', messageId: three as number, reasonCode: 0x83 });
    const ack = { client: clientOf('c'), topic: 't', reasonCode: 0 };
    expect(take()).toEqual([
      ['ack', { ...ack, packetId: one, qos: 1 }],
      ['ack', { ...ack, packetId: two, qos: 2 }],
      ['ack', { ...ack, packetId: three, qos: 2, reasonCode: 0x83 }],
    ]);
  });

  test('the topic of a message that is settled, however it was sent, unless that was before', () => {
    const { simulation, take } = watched({}, []);
    const { events } = simulation.broker;
    const topics: (string | null)[] = [];
    const note = ({ topic }: { topic: string | null }) => void topics.push(topic);
    const clients = [
      simulation.connect('image'),
      simulation.connect('alias', { properties: { topicAliasMaximum: 5 } }),
      simulation.connect('stays', { properties: { sessionExpiryInterval: 100 } }),
    ];
    for (const client of clients) client.subscribe('t/#', { qos: 1 });
    const publisher = simulation.connect('p');
    const publish = (topic: string) => publisher.publish(topic, 'x', { qos: 1, messageId: 1 });
    /** All acknowledge what they have been sent; returns which topics are reported. */
    const settle = () => {
      for (const client of clients) {
        for (const packet of client.take()) {
          if (packet.cmd === 'publish') {
            client.send({ cmd: 'puback', messageId: packet.messageId as number });
          }
        }
      }
      return topics.splice(0);
    };
    publish('t/before');
    events.add('ack', note);
    publish('t/1');
    publish('t/1');
    events.add('ack', () => {});
    expect(settle()).toEqual(Array(3).fill([null, 't/1', 't/1']).flat());
    publish('t/2');
    events.remove('ack', note);
    expect(settle()).toEqual([]);
    events.add('ack', note);
    publish('t/3');
    expect(settle()).toEqual(['t/3', 't/3', 't/3']);
    expect(take()).toEqual([]);
  });

  test('messages are dropped, also at QoS 0', () => {
    const { simulation, take } = watched({ mqtt: { maxQueuedMessages: 1 } }, ['drop']);
    const small = simulation.connect('small', { properties: { maximumPacketSize: 30 } });
    small.subscribe('t', { qos: 0 });
    simulation
      .connect('gone', { clean: false, properties: { sessionExpiryInterval: 100 } })
      .subscribe('t', { qos: 1 });
    simulation.connect('gone', { clean: false, properties: { sessionExpiryInterval: 100 } }).drop();
    const publisher = simulation.connect('p');
    publisher.publish('t', 'x'.repeat(100));
    publisher.publish('t', 'a', { qos: 1, messageId: 1 });
    publisher.publish('t', 'b', { qos: 1, messageId: 2 });
    expect(take()).toEqual([
      ['drop', { clientId: 'small', reason: 'packet-too-large', topic: 't' }],
      ['drop', { clientId: 'gone', reason: 'not-connected', topic: 't' }],
      ['drop', { clientId: 'gone', reason: 'queue-full', topic: 't' }],
    ]);
  });

  test('what is refused, with the reason code of the answer', () => {
    const { simulation, take } = watched(
      {
        mqtt: { maxRetained: 1, maxConnections: 2, checkPayloadFormat: true, maxSubscriptions: 1 },
      },
      ['refuse'],
    );
    const client = simulation.connect('c');
    client.publish('$SYS/x', '', { qos: 1, messageId: 1 });
    client.publish('a', 'x', { retain: true });
    client.publish('b', 'x', { retain: true, qos: 1, messageId: 2 });
    client.send({
      cmd: 'publish',
      qos: 1,
      messageId: 3,
      dup: false,
      retain: false,
      topic: 'f',
      payload: Buffer.from([0xff]),
      properties: { payloadFormatIndicator: true },
    });
    client.subscribe('one');
    client.subscribe('two');
    simulation.connect('d');
    simulation.open().connect('e');
    client.send({ cmd: 'pingresp' });
    simulation.open().send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    const its = { client: clientOf('c'), address: 'simulated', topic: null };
    expect(take()).toEqual(
      [
        { ...its, action: 'publish', topic: '$SYS/x', reasonCode: 0x87 },
        { ...its, action: 'publish', topic: 'b', reasonCode: 0x97 },
        { ...its, action: 'publish', topic: 'f', reasonCode: 0x99 },
        { ...its, action: 'subscribe', topic: 'two', reasonCode: 0x97 },
        { ...its, action: 'connect', client: clientOf('e'), reasonCode: 0x89 },
        { ...its, action: 'packet', reasonCode: 0x82 },
        { ...its, action: 'packet', client: null, reasonCode: expect.any(Number) },
      ].map((event) => ['refuse', { ...event, why: expect.stringMatching(/./) }]),
    );
  });

  test('errors of the broker, and nothing is thrown where nobody listens', () => {
    const { simulation, take } = watched({}, ['error']);
    const error = new Error('ours');
    simulation.broker.faults.note(null, 'unknown', error);
    simulation.broker.faults.note(null, 'unknown', 'no error');
    simulation.runtime.endTurn();
    expect(take()).toEqual([
      ['error', error],
      ['error', new Error('no error')],
    ]);
    const silent = new Simulation();
    silent.broker.faults.note(null, 'unknown', error);
    silent.runtime.endTurn();
    expect(silent.broker.stats.internalErrors.get('unknown')).toBe(1);
  });
});

describe('listeners', () => {
  test('are called when the turn ends, in the order in which things happened', () => {
    const { simulation, events } = watched();
    simulation.runtime.endsByHand = true;
    const client = simulation.open();
    client.connect('c');
    client.subscribe('t');
    client.publish('t', 'x');
    expect(events).toEqual([]);
    simulation.broker.checkInvariants();
    simulation.runtime.endOneTurn();
    expect(events.map(([name]) => name)).toEqual(['connect', 'subscribe', 'publish']);
    simulation.broker.checkInvariants();
    expect(simulation.broker.memory.events.bytes).toBe(0);
  });

  test('get what is theirs: what they do to it is seen by nobody else', () => {
    const { simulation } = watched({}, []);
    simulation.broker.events.add('publish', ({ payload }) => void payload.fill(0));
    const client = simulation.connect('c', {
      clean: false,
      properties: { sessionExpiryInterval: 100 },
    });
    client.subscribe('t', { qos: 1 });
    client.drop();
    const publisher = simulation.connect('p');
    publisher.publish('t', 'kept', { qos: 1, messageId: 1, retain: true });
    const again = simulation.open();
    again.connect('c', { clean: false, properties: { sessionExpiryInterval: 100 } });
    expect(again.brief()).toEqual(['connack 0', 'publish t kept']);
    again.subscribe('t', { qos: 0 });
    expect(again.brief()).toEqual(['suback 0', 'publish t kept']);
  });

  test('that are added and removed: each in its order, once is once, the last one goes first', () => {
    const { simulation } = watched({}, []);
    const { events } = simulation.broker;
    const calls: string[] = [];
    const note = (name: string) => () => void calls.push(name);
    const [a, b] = [note('a'), note('b')];
    events.add('connect', a);
    events.add('connect', b, 1);
    events.add('connect', a);
    simulation.connect('1');
    expect(calls.splice(0)).toEqual(['a', 'b', 'a']);
    events.remove('connect', a);
    events.remove('connect', b);
    simulation.connect('2');
    expect(calls.splice(0)).toEqual(['a']);
    expect(events.connect).not.toBeNull();
    events.remove('connect', a);
    // Where nobody listens nothing is made.
    expect(events.connect).toBeNull();
    simulation.broker.checkInvariants();
    simulation.connect('3');
    expect(calls).toEqual([]);
  });

  test('with a limit: nothing is made beyond it, not even in the same turn, and then they are removed', () => {
    const { simulation } = watched({}, []);
    const { events } = simulation.broker;
    const calls: string[] = [];
    const note = (name: string) => (event: { topic: string }) => {
      const isMade = events.publish !== null;
      simulation.broker.checkInvariants();
      calls.push(`${name} ${event.topic}${isMade ? ', and more is made' : ''}`);
    };
    const publish = (...topics: string[]) =>
      publisher.send(
        ...topics.map((topic) => ({
          cmd: 'publish' as const,
          topic,
          payload: Buffer.from('x'),
          qos: 0 as const,
          dup: false,
          retain: false,
        })),
      );
    const publisher = simulation.connect('p');
    events.add('publish', note('a'), 2, 'a/#');
    publish('a/1', 'b', 'a/2', 'a/3', 'a/4');
    expect(calls.splice(0)).toEqual(['a a/1', 'a a/2']);
    publish('a/5');
    expect(calls).toEqual([]);
    // Who has no limit, or another one, gets the others all the same.
    const all = note('all');
    events.add('publish', note('a'), 1, 'a/#');
    events.add('publish', all);
    publish('b', 'a/1', 'a/2');
    expect(calls.splice(0)).toEqual(
      ['all b', 'a a/1', 'all a/1', 'all a/2'].map((call) => `${call}, and more is made`),
    );
    events.remove('publish', all);
    expect(events.publish).toBeNull();
    simulation.broker.checkInvariants();
  });

  test('that throw or reject are counted and logged; others are called all the same', async () => {
    const simulation = new Simulation();
    const { events, stats } = simulation.broker;
    let calls = 0;
    const fail = () => {
      throw new Error('a mistake');
    };
    for (const name of ['connect', 'error'] as const) {
      events.add(name, fail);
      events.add(name, async () => fail());
      events.add(name, () => void calls++);
    }
    simulation.connect('c');
    await new Promise((resolve) => setImmediate(resolve));
    simulation.runtime.endTurn();
    expect(calls).toBe(1);
    expect(stats.internalErrors.get('listening')).toBe(2);
    // One for errors that fails itself is no reason to call it again.
    simulation.broker.faults.note(null, 'unknown', new Error('ours'));
    simulation.runtime.endTurn();
    await new Promise((resolve) => setImmediate(resolve));
    simulation.runtime.endTurn();
    expect(calls).toBe(2);
    expect(stats.internalErrors.get('listening')).toBe(4);
  });

  test('miss what is beyond mqtt.max-event-bytes in a turn, which is counted', () => {
    const { simulation, events } = watched({ mqtt: { maxEventBytes: '100KB' } }, ['publish']);
    const client = simulation.connect('p');
    simulation.runtime.endsByHand = true;
    for (let count = 0; count < 100; count++) client.publish('t', 'x'.repeat(2000));
    const { memory } = simulation.broker;
    expect(memory.events.bytes).toBeLessThanOrEqual(100_000);
    expect(memory.events.refusals).toBeGreaterThan(50);
    simulation.broker.checkInvariants();
    simulation.runtime.endOneTurn();
    expect(events.length + memory.events.refusals).toBe(100);
    expect(memory.events.bytes).toBe(0);
    client.publish('t', 'x');
    simulation.runtime.endOneTurn();
    expect(events.at(-1)).toMatchObject(['publish', { payload: Buffer.from('x') }]);
  });
});
