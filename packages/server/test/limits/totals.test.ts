import { expect, test } from '@jest/globals';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

/** Sessions that wait for messages of `t`, each without a connection. */
function waiting(simulation: Simulation, count: number): SimulatedClient {
  for (let index = 0; index < count; index++) {
    const properties = { sessionExpiryInterval: 1000 };
    const client = simulation.connect(`s${index}`, { clean: false, properties });
    client.subscribe('t', { qos: 1 });
    client.drop();
  }
  return simulation.connect('publisher');
}

function queuedOf(simulation: Simulation): number {
  return simulation.broker.sessions.queuedCount;
}

test('mqtt.max-queued-messages-total: what waits for all sessions together is limited in number', () => {
  const simulation = new Simulation({ mqtt: { maxQueuedMessagesTotal: 5 } });
  const publisher = waiting(simulation, 2);
  for (let index = 0; index < 4; index++) publisher.publish('t', 'x', { qos: 1, messageId: 1 });
  expect(queuedOf(simulation)).toBe(5);
  expect(simulation.broker.stats.dropped['queue-full']).toBe(3);
  simulation.broker.checkInvariants();
});

test('mqtt.max-queued-bytes-total: and in bytes', () => {
  const simulation = new Simulation({ mqtt: { maxQueuedBytesTotal: 5000 } });
  const publisher = waiting(simulation, 3);
  publisher.publish('t', 'x'.repeat(2000), { qos: 1, messageId: 1 });
  expect(queuedOf(simulation)).toBe(2);
  expect(simulation.broker.stats.dropped['queue-full']).toBe(1);
  simulation.broker.checkInvariants();
});

test('mqtt.max-retained-bytes: retained messages of all topics together; a shorter one takes the place of a longer one', () => {
  const simulation = new Simulation({ mqtt: { maxRetainedBytes: 1000 } });
  const { broker } = simulation;
  const client = simulation.connect('c');
  const retain = (topic: string, size: number) => {
    client.publish(topic, 'x'.repeat(size), { qos: 1, messageId: 1, retain: true });
    return client.brief();
  };
  expect(retain('a', 600)).toEqual(['puback 16']);
  expect(retain('b', 600)).toEqual(['puback 151']);
  expect(broker.stats.refused['retained-full']).toBe(1);
  expect(retain('a', 100)).toEqual(['puback 16']);
  expect(retain('b', 300)).toEqual(['puback 16']);
  expect(broker.router.retained.count).toBe(2);
});

test('mqtt.max-message-expiry: no message waits for longer, whatever its publisher says', () => {
  const simulation = new Simulation({ mqtt: { maxMessageExpiry: '10s' } });
  const publisher = waiting(simulation, 1);
  publisher.publish('t', 'a', { qos: 1, messageId: 1 });
  const properties = { messageExpiryInterval: 1000 };
  publisher.publish('t', 'b', { qos: 1, messageId: 1, properties });
  simulation.advance(9);
  publisher.publish('t', 'c', { qos: 1, messageId: 1 });
  simulation.advance(1);
  const client = simulation.open();
  client.connect('s0', { clean: false });
  expect(client.brief()).toEqual(['connack 0', 'publish t c']);
  expect(simulation.broker.stats.dropped.expired).toBe(2);
});

test('mqtt.max-inflight-bytes-total: who has most is sent no more until it acknowledges', () => {
  const simulation = new Simulation({ mqtt: { maxInflightBytesTotal: 65_536 } });
  const { broker } = simulation;
  const client = simulation.connect('c', {
    clean: false,
    properties: { sessionExpiryInterval: 9 },
  });
  client.subscribe('t', { qos: 1 });
  client.take();
  const publisher = simulation.connect('p');
  for (let index = 0; index < 10; index++) publisher.publish('t', 'x'.repeat(20_000));
  for (let index = 0; index < 10; index++) {
    publisher.publish('t', 'x'.repeat(20_000), { qos: 1, messageId: 1 });
  }
  const acknowledge = () => {
    const packets = client.take().filter((packet) => packet.cmd === 'publish' && packet.qos > 0);
    for (const packet of packets) {
      const { messageId } = packet as { messageId?: number };
      client.send({ cmd: 'puback', messageId } as never);
    }
    return packets.length;
  };
  const first = acknowledge();
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(5);
  let count = first;
  for (let more = acknowledge(); more > 0; more = acknowledge()) count += more;
  expect(count).toBe(10);
  expect(broker.memory.inflight.bytes).toBe(0);
});
