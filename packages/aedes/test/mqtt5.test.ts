import { afterEach, describe, expect, test } from '@jest/globals';
import type { AedesOptions, Client } from '../src/index.ts';
import type { RawClient } from './support/raw-client.ts';
import { implementations, Rig, stateOf } from './support/rig.ts';

const [, promptmq] = implementations;

let rig: Rig;
afterEach(() => rig?.close());

const start = async (options: AedesOptions = {}) => {
  rig = await Rig.start(promptmq as NonNullable<typeof promptmq>, options);
  return rig;
};

type Fields = Parameters<RawClient['connect']>[0];
const ready = (fields: Fields = {}) => rig.ready({ protocolVersion: 5, ...fields });
const open = (fields: Fields = {}) => rig.client().open({ protocolVersion: 5, ...fields });

describe('a client of MQTT 5', () => {
  test('has its version, and is told the identifier that was made for it [MQTT-3.2.2-16]', async () => {
    await start();
    const connack = await open({ clientId: '' });
    const { assignedClientIdentifier } = connack['properties'] as {
      assignedClientIdentifier: string;
    };
    expect(assignedClientIdentifier).toMatch(/^aedes_/);
    expect(rig.broker.clients[assignedClientIdentifier]?.version).toBe(5);
  });

  test.each([
    [2, 0x85],
    [3, 0x88],
    [4, 0x86],
    [5, 0x87],
  ])('return code %i of authenticate is reason code %i', async (returnCode, reasonCode) => {
    await start({
      authenticate: (_client, _name, _password, done) =>
        done(Object.assign(new Error('bad'), { returnCode })),
    });
    expect((await open())['reasonCode']).toBe(reasonCode);
  });

  test('what authorizePublish refuses ends with DISCONNECT 0x87', async () => {
    await start({ authorizePublish: (_client, _packet, done) => done(new Error('no')) });
    const { raw } = await ready();
    raw.publish('a', 'x', { qos: 1, messageId: 1 });
    expect((await raw.next('disconnect'))['reasonCode']).toBe(0x87);
    await raw.closed;
  });

  test('by default, a message below $SYS is answered with 0x87, and the connection stays', async () => {
    await start();
    const { raw } = await ready();
    raw.publish('$SYS/a', 'x', { qos: 1, messageId: 1 });
    expect((await raw.next('puback'))['reasonCode']).toBe(0x87);
    raw.send({ cmd: 'pingreq' });
    await raw.next('pingresp');
  });

  test('whose place is taken gets 0x8E, and others 0x8B when the broker is closed', async () => {
    await start();
    const first = await ready();
    const second = await ready();
    expect((await first.raw.next('disconnect'))['reasonCode']).toBe(0x8e);
    rig.broker.close();
    expect((await second.raw.next('disconnect'))['reasonCode']).toBe(0x8b);
  });

  test('is silent for too long: 0x8D', async () => {
    await start();
    const { raw } = await ready({ keepalive: 1 });
    expect((await raw.next('disconnect'))['reasonCode']).toBe(0x8d);
  });

  test('sends something malformed: 0x81 or 0x82, and the program is told', async () => {
    await start();
    const { raw } = await ready();
    const failed = rig.next('clientError');
    raw.socket.write(Buffer.of(0xc1, 0)); // PINGREQ with a flag
    const [client] = (await failed) as [Client];
    expect(stateOf(client)).toBe('c connected');
    expect((await raw.next('disconnect'))['reasonCode']).toBe(0x81);
    await raw.closed;
  });

  test('publishes with topic aliases: handlers see topics', async () => {
    const asked: string[] = [];
    await start({
      authorizePublish(_client, packet, done) {
        asked.push(packet.topic);
        done();
      },
    });
    const { raw } = await ready();
    raw.subscribe('#');
    await raw.next('suback');
    raw.publish('a', '1', { properties: { topicAlias: 3 } });
    raw.publish('', '2', { properties: { topicAlias: 3 } });
    await raw.next('publish');
    await raw.next('publish');
    expect(asked).toEqual(['a', 'a']);
    expect(raw.messages).toEqual(['a: 1', 'a: 2']);
  });

  test('properties go through, also where a handler has changed the message', async () => {
    await start({
      authorizePublish(_client, packet, done) {
        packet.payload = Buffer.from('changed');
        done();
      },
      authorizeForward: (_client, packet) => packet,
    });
    const { raw } = await ready();
    raw.subscribe('#', 1);
    await raw.next('suback');
    const properties = {
      contentType: 'text/plain',
      responseTopic: 'answer',
      correlationData: Buffer.from('7'),
      userProperties: { key: 'value' },
    };
    raw.publish('a', 'x', { qos: 1, messageId: 1, properties });
    const packet = await raw.next('publish');
    expect(packet).toMatchObject({ payload: Buffer.from('changed'), properties });
  });

  test('subscription options and identifiers are kept', async () => {
    await start();
    const { raw } = await ready();
    const subscriptions = [{ topic: 'a', qos: 1, nl: true, rap: true, rh: 2 }];
    const properties = { subscriptionIdentifier: 5 };
    raw.send({ cmd: 'subscribe', messageId: 1, subscriptions, properties });
    await raw.next('suback');
    raw.publish('a', 'mine');
    await rig.publish({ topic: 'a', payload: 'other', retain: true });
    expect(await raw.next('publish')).toMatchObject({
      payload: Buffer.from('other'),
      retain: true,
      properties: { subscriptionIdentifier: 5 },
    });
  });

  describe('its will', () => {
    const will = (delay: number) => ({
      will: {
        topic: 'w',
        payload: Buffer.from('gone'),
        qos: 0 as const,
        retain: false,
        properties: { willDelayInterval: delay, contentType: 'text' },
      },
      clean: true,
      properties: { sessionExpiryInterval: 100 },
    });

    test('waits for its delay, and is not published when the client is there again [MQTT-3.1.3-9]', async () => {
      await start();
      const packets = await rig.subscribe('#');
      const { raw } = await ready(will(100));
      const left = rig.next('clientDisconnect');
      raw.cut();
      await left;
      await ready({ clean: false });
      await rig.publish({ topic: 'marker' });
      expect(packets.map(({ topic }) => topic)).not.toContain('w');
    });

    test('does not wait when its session ends', async () => {
      await start();
      const { raw } = await ready(will(100));
      const left = rig.next('clientDisconnect');
      raw.cut();
      await left;
      const published = rig.published('w');
      await ready({ clean: true });
      expect((await published)[0]).toMatchObject({ topic: 'w', payload: Buffer.from('gone') });
    });

    test('is published after DISCONNECT with 0x04, with its properties', async () => {
      await start();
      const watcher = await ready({ clientId: 'watcher' });
      watcher.raw.subscribe('w');
      await watcher.raw.next('suback');
      const { raw } = await ready(will(0));
      raw.send({ cmd: 'disconnect', reasonCode: 4 });
      expect(await watcher.raw.next('publish')).toMatchObject({
        topic: 'w',
        properties: { contentType: 'text' },
      });
    });
  });
});
