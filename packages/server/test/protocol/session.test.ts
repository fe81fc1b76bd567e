import { describe, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import { Simulation } from '../support/simulation.ts';

const lasting = (seconds: number) => ({
  clean: false,
  properties: { sessionExpiryInterval: seconds },
});

function isPresent(simulation: Simulation, clientId: string, fields: object): boolean {
  const client = simulation.open();
  client.connect(clientId, fields);
  return (client.take()[0] as Packet & { cmd: 'connack' }).sessionPresent;
}

describe('session expiry', () => {
  test('a session ends when its interval has passed [MQTT-4.1.0-2]', () => {
    const simulation = new Simulation();
    simulation.connect('c', lasting(10)).drop();
    simulation.advance(9);
    expect(isPresent(simulation, 'c', lasting(10))).toBe(true);
    simulation.advance(100);
    expect(isPresent(simulation, 'c', lasting(10))).toBe(true); // it was connected
    simulation.connect('d', lasting(10)).drop();
    simulation.advance(11);
    expect(isPresent(simulation, 'd', lasting(10))).toBe(false);
  });

  test('0 ends with the connection, 0xFFFFFFFF never', () => {
    const simulation = new Simulation();
    simulation.connect('zero', lasting(0)).drop();
    simulation.connect('never', lasting(0xffff_ffff)).drop();
    simulation.advance(10_000_000);
    expect(isPresent(simulation, 'zero', lasting(0))).toBe(false);
    expect(isPresent(simulation, 'never', lasting(0))).toBe(true);
  });

  test('clean start ends the former session [MQTT-3.1.2-4]', () => {
    const simulation = new Simulation();
    const first = simulation.connect('c', lasting(100));
    first.subscribe('t');
    first.drop();
    expect(isPresent(simulation, 'c', { ...lasting(100), clean: true })).toBe(false);
    expect(simulation.broker.stats.subscriptionsCurrent).toBe(0);
  });

  test('a 3.1.1 session without Clean Session lasts, and MQTT 5 may take it over', () => {
    const simulation = new Simulation();
    const first = simulation.connect('c', { protocolVersion: 4, clean: false });
    first.subscribe('t');
    first.drop();
    simulation.connect('p').publish('t', 'x', { qos: 1, messageId: 1 });
    const second = simulation.open(5);
    second.connect('c', lasting(0));
    expect(second.brief()).toEqual(['connack 0', 'publish t x']);
  });

  test('DISCONNECT may change the interval, but not from 0 [§3.14.2.2.2]', () => {
    const simulation = new Simulation();
    const disconnect = (seconds: number): Packet => ({
      cmd: 'disconnect',
      reasonCode: 0,
      properties: { sessionExpiryInterval: seconds },
    });
    simulation.connect('c', lasting(100)).send(disconnect(0));
    expect(isPresent(simulation, 'c', lasting(0))).toBe(false);
    const refused = simulation.connect('d');
    refused.send(disconnect(5));
    expect(refused.brief()).toEqual(['disconnect 130']);
    const allowed = simulation.connect('e');
    allowed.send(disconnect(0));
    expect(allowed.take()).toEqual([]);
  });
});

describe('wills', () => {
  function setUp(delay: number, expiry: number) {
    const simulation = new Simulation();
    const observer = simulation.connect('observer');
    observer.subscribe('w');
    observer.take();
    const fields = {
      ...lasting(expiry),
      will: {
        topic: 'w',
        payload: Buffer.from('bye'),
        qos: 1 as const,
        retain: false,
        properties: { willDelayInterval: delay, contentType: 'c', messageExpiryInterval: 50 },
      },
    };
    return { simulation, observer, fields, client: simulation.connect('c', fields) };
  }

  test('a lost connection publishes it at once without a delay, with its properties', () => {
    const { observer, client } = setUp(0, 100);
    client.drop();
    const [will] = observer.take() as [Packet & { cmd: 'publish' }];
    expect(Buffer.from(will.payload).toString()).toBe('bye');
    expect(will.properties).toEqual({ contentType: 'c', messageExpiryInterval: 50 });
  });

  test('the delay holds it back, and a new connection takes it away [MQTT-3.1.3-9]', () => {
    const { simulation, observer, fields, client } = setUp(10, 100);
    client.drop();
    simulation.advance(9);
    expect(observer.take()).toEqual([]);
    const again = simulation.connect('c', fields);
    simulation.advance(20);
    expect(observer.take()).toEqual([]);
    again.drop();
    simulation.advance(10.1);
    expect(observer.brief()).toEqual(['publish w bye']);
  });

  test.each([
    ['the end of the session', 5],
    ['a session that ends with its connection', 0],
  ])('%s publishes it before its delay (§3.1.2.5)', (_name, expiry) => {
    const { simulation, observer, client } = setUp(1000, expiry);
    client.drop();
    simulation.advance(expiry + 0.1);
    expect(observer.brief()).toEqual(['publish w bye']);
  });

  test('clean start publishes a will that is still held back', () => {
    const { simulation, observer, fields, client } = setUp(1000, 1000);
    client.drop();
    simulation.connect('c', { ...fields, clean: true });
    expect(observer.brief()).toEqual(['publish w bye']);
  });

  test.each([
    ['a normal DISCONNECT discards it [MQTT-3.14.4-3]', 0x00, []],
    ['DISCONNECT 0x04 does not', 0x04, ['publish w bye']],
    ['nor does one with an error', 0x80, ['publish w bye']],
  ])('%s', (_name, reasonCode, expected) => {
    const { observer, client } = setUp(0, 100);
    client.send({ cmd: 'disconnect', reasonCode });
    expect(observer.brief()).toEqual(expected);
  });

  test('a keep alive that is missed and a protocol error publish it [MQTT-3.1.2-8]', () => {
    const { simulation, observer, fields } = setUp(0, 0);
    simulation.connect('late', { ...fields, keepalive: 1 });
    simulation.advance(2);
    simulation.connect('wrong', fields).send(Buffer.from([0xc1, 0]));
    expect(observer.brief()).toEqual(['publish w bye', 'publish w bye']);
  });

  test('a retained will stays [MQTT-3.1.2-15]', () => {
    const { simulation, fields } = setUp(0, 0);
    simulation.connect('r', { ...fields, will: { ...fields.will, retain: true } }).drop();
    const late = simulation.connect('l');
    late.subscribe('w');
    expect(late.brief()).toEqual(['suback 2', 'publish w bye']);
  });
});

describe('subscriptions', () => {
  test.each([
    ['0 sends retained messages every time [MQTT-3.3.1-9]', 0, [1, 1]],
    ['1 only for a new subscription [MQTT-3.3.1-10]', 1, [1, 0]],
    ['2 never [MQTT-3.3.1-11]', 2, [0, 0]],
  ])('retain handling %s', (_name, rh, counts) => {
    const simulation = new Simulation();
    simulation.connect('p').publish('t', 'kept', { retain: true });
    const client = simulation.connect('c');
    const received = [0, 1].map(() => {
      client.subscribe('t', { rh });
      return client.brief().filter((line) => line.startsWith('publish')).length;
    });
    expect(received).toEqual(counts);
  });

  test.each([
    [true, true],
    [false, false],
  ])(
    'retain as published %p keeps the RETAIN flag: %p [MQTT-3.3.1-12] [MQTT-3.3.1-13]',
    (rap, retain) => {
      const simulation = new Simulation();
      const client = simulation.connect('c');
      client.subscribe('t', { rap });
      client.take();
      const publisher = simulation.connect('p');
      publisher.publish('t', 'x', { retain: true });
      publisher.publish('t', 'x', { retain: true, qos: 1, messageId: 1 });
      expect(client.take()).toMatchObject([{ retain }, { retain }]);
    },
  );

  test('no local keeps a client’s own messages from it, live and retained [MQTT-3.8.3-3]', () => {
    const simulation = new Simulation();
    const client = simulation.connect('c');
    client.publish('t', 'retained', { retain: true });
    client.subscribe('t', { nl: true });
    client.publish('t', 'live');
    simulation.connect('other').publish('t', 'other');
    expect(client.brief()).toEqual(['suback 2', 'publish t other']);
  });

  test('each filter has its own reason code, in order [MQTT-3.9.3-1]', () => {
    const simulation = new Simulation({
      mqtt: { maxTopicLevels: 2, maxSubscriptions: 2, maxQos: 1 },
    });
    const client = simulation.connect('c');
    const subscriptions = ['a', 'a/b/c', 'b', 'a', 'c'].map((topic) => ({
      topic,
      qos: 2 as const,
    }));
    client.send({ cmd: 'subscribe', messageId: 3, subscriptions });
    expect(client.brief()).toEqual(['suback 1,143,1,1,151']);
  });

  test.each([
    ['a wildcard', { wildcardAvailable: false }, 'a/#', {}, 162],
    ['a shared subscription', { sharedSubAvailable: false }, '$share/g/a', {}, 158],
    [
      'an identifier',
      { subscriptionIdentifiersAvailable: false },
      'a',
      { subscriptionIdentifier: 1 },
      161,
    ],
  ])(
    '%s that is not available ends an MQTT 5 connection',
    (_name, options, topic, properties, code) => {
      const simulation = new Simulation({ mqtt: options });
      const client = simulation.connect('c');
      client.subscribe(topic, {}, properties);
      expect(client.brief()).toEqual([`disconnect ${code}`]);
      if (code === 161) return;
      const old = simulation.connect('d', { protocolVersion: 4 });
      old.subscribe(topic);
      expect(old.brief()).toEqual(['suback 128']);
    },
  );

  test('UNSUBSCRIBE says what existed, and what is under way is still delivered [MQTT-3.10.4-3]', () => {
    const simulation = new Simulation();
    const client = simulation.connect('c', { properties: { receiveMaximum: 1 } });
    client.subscribe('t', { qos: 1 });
    const publisher = simulation.connect('p');
    publisher.publish('t', 'a', { qos: 1, messageId: 1 });
    publisher.publish('t', 'b', { qos: 1, messageId: 2 });
    client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['t', 'u'] });
    publisher.publish('t', 'c', { qos: 1, messageId: 3 });
    expect(client.brief()).toEqual(['suback 1', 'publish t a', 'unsuback 0,17']);
    client.send({ cmd: 'puback', messageId: 1 });
    client.send({ cmd: 'puback', messageId: 2 });
    expect(client.brief()).toEqual(['publish t b']);
  });

  test('overlapping subscriptions give one message, or one each where so configured (§3.3.4)', () => {
    const received = (overlappingSubscriptions: 'merge' | 'each') => {
      const simulation = new Simulation({ mqtt: { overlappingSubscriptions } });
      const client = simulation.connect('c');
      client.subscribe('t', { qos: 0 }, { subscriptionIdentifier: 1 });
      client.subscribe('#', { qos: 1 }, { subscriptionIdentifier: 2 });
      client.take();
      simulation.connect('p').publish('t', 'x', { qos: 2, messageId: 1 });
      return (client.take() as (Packet & { cmd: 'publish' })[]).map(({ qos, properties }) => [
        qos,
        properties?.subscriptionIdentifier,
      ]);
    };
    expect(received('merge')).toEqual([[1, [1, 2]]]);
    expect(received('each')).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });
});

describe('shared subscriptions', () => {
  const share = '$share/g/t';

  test('they get no retained messages, and MQTT 3.1.1 clients may be members', () => {
    const simulation = new Simulation();
    simulation.connect('p').publish('t', 'kept', { retain: true });
    const members = [simulation.connect('a'), simulation.connect('b', { protocolVersion: 4 })];
    for (const member of members) member.subscribe(share);
    for (let index = 0; index < 4; index++) simulation.connect('p').publish('t', `${index}`);
    expect(members.map((member) => member.brief().length)).toEqual([3, 3]);
  });

  test('a message for a member that went away goes to another one (§4.8.2)', () => {
    const simulation = new Simulation();
    const leaving = simulation.connect('a', {
      ...lasting(100),
      properties: { sessionExpiryInterval: 100, receiveMaximum: 1 },
    });
    leaving.subscribe(share, { qos: 1 });
    const publisher = simulation.connect('p');
    for (const [index, payload] of ['sent', 'waiting'].entries()) {
      publisher.publish('t', payload, { qos: 1, messageId: index + 1 });
    }
    const staying = simulation.connect('b');
    staying.subscribe(share, { qos: 1 });
    leaving.drop();
    expect(staying.brief()).toEqual(['suback 1', 'publish t waiting']);
    simulation.advance(101);
    expect(staying.brief()).toEqual(['publish t sent']);
  });

  test('a member that goes away keeps what waits for it when no other is connected', () => {
    const simulation = new Simulation();
    const fields = {
      clean: false,
      properties: { sessionExpiryInterval: 100, receiveMaximum: 1 },
    };
    const only = simulation.connect('a', fields);
    only.subscribe(share, { qos: 1 });
    const publisher = simulation.connect('p');
    for (const [index, payload] of ['sent', 'waiting'].entries()) {
      publisher.publish('t', payload, { qos: 1, messageId: index + 1 });
    }
    only.drop();
    const back = simulation.connect('a', fields);
    back.send({ cmd: 'puback', messageId: 1 });
    expect(back.brief()).toEqual(['publish t waiting']);
  });

  test('a message that has expired does not go to another member [MQTT-3.3.2-5]', () => {
    const simulation = new Simulation();
    const leaving = simulation.connect('a');
    leaving.subscribe(share, { qos: 1 });
    const publisher = simulation.connect('p');
    const fields = { qos: 1, messageId: 1, properties: { messageExpiryInterval: 1 } };
    publisher.publish('t', 'old', fields);
    const staying = simulation.connect('b');
    staying.subscribe(share, { qos: 1 });
    simulation.advance(2);
    leaving.drop();
    expect(staying.brief()).toEqual(['suback 1']);
    expect(simulation.broker.stats.dropped.expired).toBe(1);
  });

  test('an error code in PUBACK does not send the message to another member [MQTT-4.8.2-6]', () => {
    const simulation = new Simulation();
    const [first, second] = [simulation.connect('a'), simulation.connect('b')];
    for (const member of [first, second]) member.subscribe(share, { qos: 1 });
    simulation.connect('p').publish('t', 'x', { qos: 1, messageId: 1 });
    first.take();
    first.send({ cmd: 'puback', messageId: 1, reasonCode: 0x97 });
    first.drop();
    expect(second.brief()).toEqual(['suback 1']);
  });
});
