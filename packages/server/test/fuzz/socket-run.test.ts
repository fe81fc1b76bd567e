import { expect, test } from '@jest/globals';
import { startAttacked } from '../../../conformance/test/support/attacked-broker.ts';
import { fuzzSockets } from './socket-run.ts';

test('the same over TCP, WebSocket and behind a proxy leaves a broker process that serves', async () => {
  const broker = await startAttacked();
  const { credentials, other } = broker.target;
  const users = [credentials, other, other, null].map((one) =>
    one === null ? null : { username: one.username, password: one.password ?? '' },
  );
  try {
    const { connections } = await fuzzSockets(
      20_261_130,
      1500,
      broker.ports,
      users,
      broker.isAlive,
    );
    expect(connections).toBeGreaterThan(20);
    // Who comes afterwards is served.
    await fuzzSockets(1, 10, broker.ports, users, broker.isAlive);
    const events = broker.log().map(({ event }) => event);
    expect(events.filter((event) => event === 'internal-error')).toEqual([]);
    expect(events).toContain('packet-refused');
  } finally {
    await broker.stop();
  }
  expect(broker.exitCode()).toBe(0);
}, 120_000);
