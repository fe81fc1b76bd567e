import { expect, test } from '@jest/globals';
import { Simulation } from './support/simulation.ts';

test('a client that takes all at once is not sent all that waits for it in one turn', () => {
  const simulation = new Simulation();
  const publisher = simulation.connect('publisher');
  const subscriber = simulation.connect('subscriber');
  subscriber.isStalled = true;
  const count = 200;
  const payload = 'x'.repeat(40_000);
  for (let index = 0; index < count; index++) {
    publisher.publish(`t/${index}`, payload, { retain: true });
  }
  subscriber.subscribe('t/#', { qos: 0 });
  subscriber.isStalled = false;
  simulation.runtime.endsByHand = true;
  const first = subscriber.take().length;
  expect(first).toBeGreaterThan(1);
  expect(first).toBeLessThan(count / 2);
  let received = first;
  for (let turn = 0; turn < 100; turn++) {
    simulation.runtime.endOneTurn();
    const inTurn = subscriber.take().length;
    expect(inTurn).toBeLessThan(count / 2);
    received += inTurn;
  }
  expect(received).toBe(1 + count);
});
