import { expect, jest, test } from '@jest/globals';
import { Simulation } from '../support/simulation.ts';

/** V8 tells longer strings apart by their length only: in a map, all of one length are compared with each other. */
const HASHED_LENGTH_MAX = 16_383;

test('no map is asked for a topic or filter so long that its hash is its length', () => {
  const simulation = new Simulation();
  const client = simulation.connect('client', { properties: { topicAliasMaximum: 10 } });
  const long = 'l'.repeat(16_400);
  const lengths: number[] = [];
  const spies = (['get', 'set', 'has', 'delete'] as const).map((method) => {
    const original = Map.prototype[method] as (...args: unknown[]) => unknown;
    return jest.spyOn(Map.prototype, method).mockImplementation(function (
      this: Map<unknown, unknown>,
      ...args: unknown[]
    ) {
      if (typeof args[0] === 'string') lengths.push(args[0].length);
      return original.apply(this, args) as never;
    });
  });
  const received: number[] = [];
  try {
    for (let index = 0; index < 12; index++) {
      // By itself, as a level among many of a node, below a wildcard, and shared.
      for (const filter of [
        `${index}${long}`,
        `a/${index}${long}/+`,
        `$share/g/${index}${long}/#`,
      ]) {
        client.subscribe(filter, { qos: 0 });
      }
      client.publish(`${index}${long}`, 'x', { retain: true });
      client.publish(`a/${index}${long}/b`, 'x', { retain: true });
      received.push(client.take().filter(({ cmd }) => cmd === 'publish').length);
    }
    client.subscribe(`+/0${long}/b`);
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [`0${long}`] });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  expect(received).toEqual(received.map(() => 3));
  expect(lengths.length).toBeGreaterThan(100);
  expect(lengths.filter((length) => length > HASHED_LENGTH_MAX)).toEqual([]);
});
