import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ConfigError, createBroker } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { TestClient } from '../support/mqtt-client.ts';
import { connectBytes } from '../support/packet-client.ts';

test('any number of brokers run side by side on free ports, and share nothing', async () => {
  const brokers = await Promise.all(Array.from({ length: 5 }, () => createBroker()));
  expect(new Set(brokers.flatMap(({ url, wsUrl }) => [url, wsUrl])).size).toBe(10);
  const clients = await Promise.all(brokers.map(({ url }) => TestClient.connect(`${url}`)));
  for (const [index, client] of clients.entries()) {
    await client.mqtt.publishAsync('who', `${index}`, { qos: 1, retain: true });
    await client.mqtt.subscribeAsync('who');
  }
  for (const [index, client] of clients.entries()) {
    await client.messages(1);
    expect(client.payloads()).toEqual([`${index}`]);
  }
  await Promise.all(clients.map((client) => client.end()));
  await Promise.all(brokers.map((broker) => broker.stop()));
});

test('a node of a cluster is no part of another program', async () => {
  const cluster = { enabled: true, bind: '127.0.0.1:7000', secret: 'known to all nodes' };
  const storage = { dataDir: join(tmpdir(), 'nowhere'), walDir: join(tmpdir(), 'nowhere') };
  await expect(createBroker({ cluster, storage })).rejects.toThrow('which the command promptmq');
});

test('stop may be called while clients are connected, and again', async () => {
  const broker = await createBroker();
  const clients = await Promise.all([
    TestClient.connect(`${broker.url}`),
    TestClient.connect(`${broker.wsUrl}`, { protocolVersion: 5 }),
  ]);
  const closed = Promise.all(clients.map((client) => client.closed()));
  await Promise.all([broker.stop(), broker.stop()]);
  await closed;
  await expect(TestClient.connect(`${broker.url}`)).rejects.toThrow();
});

test('an authentication method that fails refuses the client, and says nothing of why', async () => {
  const logged: string[] = [];
  const broker = await createBroker(
    {},
    {
      logger: { ...noopLogger, error: (event) => logged.push(event) },
      authenticationMethods: [
        {
          name: 'throws',
          begin: () => ({
            next: () => {
              throw new Error('secret');
            },
          }),
        },
        { name: 'rejects', begin: () => ({ next: () => Promise.reject(new Error('secret')) }) },
      ],
    },
  );
  for (const authenticationMethod of ['throws', 'rejects']) {
    const refused = TestClient.connect(`${broker.url}`, {
      protocolVersion: 5,
      properties: { authenticationMethod },
    });
    await expect(refused).rejects.toMatchObject({ code: 0x80 });
  }
  expect(logged).toEqual(['authentication-method-failed', 'authentication-method-failed']);
  await broker.stop();
});

test('a listener can be left out, or be a Unix domain socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-'));
  const path = join(folder, 'mqtt.sock');
  const broker = await createBroker({ server: { bind: `unix:${path}`, wsBind: null } });
  expect(broker.wsUrl).toBeNull();
  const socket = connect(path);
  socket.write(connectBytes);
  expect([...(await once(socket, 'data'))[0]]).toEqual([0x20, 2, 0, 0]);
  socket.destroy();
  expect(broker.listeners[0]?.address).toBe(path);
  await broker.stop();
  rmSync(folder, { recursive: true });
});

test('a wrong option is refused before anything is opened', async () => {
  await expect(createBroker({ mqtt: { maxQos: 5 } })).rejects.toBeInstanceOf(ConfigError);
});

test('a listener of a trace that throws hears nothing more, and its client continues', async () => {
  const errors: object[] = [];
  const logger = {
    ...noopLogger,
    error: (event: string, fields = {}) => errors.push({ event, ...fields }),
  };
  const broker = await createBroker({}, { logger });
  let calls = 0;
  broker.traceClient('c', ({ event }) => {
    calls++;
    if (event === 'packet') throw new Error('a mistake');
  });
  const client = await TestClient.connect(`${broker.url}`, { clientId: 'c' });
  await client.mqtt.publishAsync('t', 'x', { qos: 1 });
  expect(errors).toEqual([{ event: 'trace-failed', clientId: 'c', error: 'Error: a mistake' }]);
  expect(calls).toBe(2);
  await client.end();
  await broker.stop();
});
