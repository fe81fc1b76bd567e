/**
 * A test file for Node's own runner that uses a broker in every way that a program can, and leaves one to `await using`'s
 * method: `node --test embedded-program.mjs`, with the folder EMBEDDED_PROGRAM_FOLDER. It ends by itself, as nothing is left open.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { createBroker } from '@promptmq/server';
import mqtt from 'mqtt';

const folder = process.env.EMBEDDED_PROGRAM_FOLDER;

for (const [name, options] of [
  ['in memory, without a listener', { server: { bind: null, wsBind: null } }],
  [
    'with storage and metrics',
    { storage: { dataDir: join(folder, 'data'), walDir: join(folder, 'wal') }, metrics: {} },
  ],
]) {
  test(name, async () => {
    const broker = await createBroker(options, { hooks: { authenticate: () => true } });
    const server = createServer();
    server.on('upgrade', (request, socket, head) => broker.handleUpgrade(request, socket, head));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `ws://127.0.0.1:${server.address().port}/mqtt`;

    const events = [];
    broker.on('connect', ({ client }) => events.push(client.clientId));
    const inside = broker.subscribe('t/#', { qos: 1 });
    await inside.ready;
    const pipe = new mqtt.MqttClient(() => broker.connect(), {
      clientId: 'pipe',
      reconnectPeriod: 0,
    });
    await once(pipe, 'connect');
    const web = await mqtt.connectAsync(url, { clientId: 'web', reconnectPeriod: 0 });
    await web.subscribeAsync('t/#', { qos: 1 });
    // Neither its other side nor it ever says that it is closed.
    const stuck = new Duplex({ emitClose: false, autoDestroy: false, read() {}, write() {} });
    broker.attach(stuck);

    const got = once(web, 'message');
    await broker.publish({ topic: 't/1', payload: 'x', qos: 1, retain: true });
    await got;
    for await (const message of inside) {
      assert.equal(message.text(), 'x');
      message.ack();
      break;
    }
    assert.deepEqual(events, ['pipe', 'web']);
    const closed = Promise.all([once(pipe, 'close'), once(web, 'close')]);
    await broker[Symbol.asyncDispose]();
    await closed;
    assert.equal(stuck.destroyed, true);
    await assert.rejects(broker.publish({ topic: 't' }), { code: 'stopped' });
    await new Promise((resolve) => server.close(resolve));
  });
}
