/** Tests as a user of Node's own runner writes them: they end by themselves, although clients don't. */
import { test } from 'node:test';
import { assertReceived, createTestBroker } from '@promptmq/server/testing';
import mqtt from 'mqtt';

for (const options of [{}, { storage: true }]) {
  test(`a broker with ${JSON.stringify(options)} leaves nothing open`, async () => {
    const brokers = await Promise.all([1, 2, 3].map(() => createTestBroker(options)));
    for (const t of brokers) {
      const client = await mqtt.connectAsync(t.url, { clientId: 'c', protocolVersion: 5 });
      await client.publishAsync('a/b', 'x', { qos: 1 });
      assertReceived(t, 'a/b', { payload: 'x', count: 1 });
      client.end(true);
      await t.stop();
    }
    const unfinished = await createTestBroker(options);
    const client = await mqtt.connectAsync(unfinished.url, { reconnectPeriod: 0 });
    client.on('error', () => {});
    unfinished.waitFor('never').catch(() => {});
    await unfinished.stop();
  });
}
