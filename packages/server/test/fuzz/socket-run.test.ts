import { expect, test } from '@jest/globals';
import type { Credentials } from '../../../conformance/src/client/target.ts';
import { startAttacked } from '../../../conformance/test/support/attacked-broker.ts';
import { PacketClient } from '../support/packet-client.ts';
import { fuzzSockets } from './socket-run.ts';

/** What of the seed's is refused depends on what the broker answers, and when; a second CONNECT is in any case. */
async function connectTwice(port: number, user: Credentials): Promise<void> {
  const client = await PacketClient.open(`mqtt://127.0.0.1:${port}`);
  const fields = { username: user.username, password: Buffer.from(user.password ?? '') };
  client.connect('twice', fields);
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  client.connect('twice', fields);
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x82 });
  expect(await client.next()).toBeNull();
}

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
    await connectTwice(broker.ports.tcp, other as Credentials);
  } finally {
    await broker.stop();
  }
  expect(broker.exitCode()).toBe(0);
  const events = broker.log().map(({ event }) => event);
  expect(events.filter((event) => event === 'internal-error')).toEqual([]);
  expect(events).toContain('packet-refused');
}, 120_000);
