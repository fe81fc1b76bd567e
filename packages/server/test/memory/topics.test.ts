import { expect, test } from '@jest/globals';
import { Simulation } from '../support/simulation.ts';

test('topics at hand take no more memory than they may, however long they are and however many receive them', () => {
  const simulation = new Simulation({ mqtt: { maxTopicCache: 1_000_000 } });
  const { topics } = simulation.broker.memory;
  const publisher = simulation.connect('publisher');
  for (let index = 0; index < 200; index++) publisher.publish(`${index}/${'t'.repeat(60_000)}`, '');
  expect(topics.bytes).toBeGreaterThan(500_000);
  expect(topics.bytes).toBeLessThanOrEqual(1_000_000);
  for (let index = 0; index < 500; index++) publisher.publish(`short/${index}`, '');
  const { bytes } = topics;
  expect(bytes).toBeLessThanOrEqual(1_000_000);
  const subscribers = Array.from({ length: 400 }, (_, index) => {
    const client = simulation.connect(`subscriber ${index}`);
    client.subscribe('short/#', { qos: 0 });
    client.take();
    return client;
  });
  for (let index = 0; index < 500; index++) {
    publisher.publish(`short/${index}`, '');
    expect(topics.bytes).toBeLessThanOrEqual(1_000_000);
  }
  for (const subscriber of subscribers) expect(subscriber.take()).toHaveLength(500);
});

test('a topic longer than all that may be at hand is routed all the same', () => {
  const simulation = new Simulation({ mqtt: { maxTopicCache: 65_536 } });
  const client = simulation.connect('client');
  client.subscribe('#', { qos: 0 });
  client.take();
  for (let count = 0; count < 3; count++) client.publish('t'.repeat(60_000), '');
  expect(client.take()).toHaveLength(3);
  expect(simulation.broker.memory.topics.bytes).toBeLessThanOrEqual(65_536);
});
