import { CaseList } from '../case.ts';
import { check } from '../check.ts';
import type { Context } from '../client/context.ts';
import type { RawClient } from '../client/raw-client.ts';
import { bytes, packet } from '../wire/bytes.ts';
import { connect, disconnect, pingreq, publish, subscribe } from '../wire/client-packets.ts';

/** MQTT over WebSocket (chapter 6). */
const list = new CaseList();
export const webSocketCases = list.cases;

/** A client whose CONNECT was accepted. */
async function open(context: Context): Promise<RawClient> {
  const client = await context.openWebSocket();
  client.send(connect({ clientId: context.clientId() }));
  await client.expect('connack', { reasonCode: 0 });
  return client;
}

list.webSocket(
  'packets may be split over frames, and share them',
  5,
  'MQTT-6.0.0-1 MQTT-6.0.0-2 MQTT-6.0.0-4 MQTT-4.2-1',
  async (context) => {
    const client = await context.openWebSocket();
    check(client.webSocketProtocol === 'mqtt', 'the subprotocol');
    const first = context.connectOf();
    for (const byte of first) client.send(Uint8Array.of(byte));
    await client.expect('connack', { reasonCode: 0 });
    client.send(subscribe([[context.topic(), 0]]), publish(context.topic(), 'x'));
    await client.expect('suback');
    await client.expect('publish');
  },
);

list.webSocket('a text frame closes the connection', 5, 'MQTT-6.0.0-1', async (context) => {
  const client = await context.openWebSocket();
  client.send(connect({ clientId: context.clientId() }));
  await client.expect('connack', { reasonCode: 0 });
  client.sendText('text');
  await client.expectClosed();
});

list.webSocket(
  'a WebSocket that does not offer the subprotocol mqtt is refused',
  5,
  'MQTT-6.0.0-3 MQTT-6.0.0-4',
  async (context) => {
    for (const protocols of [[], ['other']]) {
      const isRefused = await context
        .openWebSocket('', protocols)
        .then(() => false)
        .catch(() => true);
      check(isRefused, `offered: ${protocols}`);
    }
  },
);

list.webSocket('each byte may be a frame of its own', 5, 'MQTT-6.0.0-2', async (context) => {
  const client = await context.openWebSocket();
  const sent = bytes(
    context.connectOf(),
    subscribe([[context.topic(), 0]]),
    publish(context.topic(), 'x'),
  );
  for (const [index] of sent.entries()) client.send(sent.subarray(index, index + 1));
  await client.expect('connack', { reasonCode: 0 });
  await client.expect('suback');
  await client.expect('publish');
});

list.webSocket(
  'a frame may end within a packet and begin within the one before',
  5,
  'MQTT-6.0.0-2',
  async (context) => {
    const client = await open(context);
    const sent = bytes(
      subscribe([[context.topic(), 0]]),
      ...Array.from({ length: 10 }, (_, index) => publish(context.topic(), `${index}`)),
    );
    for (let start = 0; start < sent.length; start += 7)
      client.send(sent.subarray(start, start + 7));
    await client.expect('suback');
    for (let count = 0; count < 10; count++) await client.expect('publish');
  },
);

list.webSocket(
  'a message may be split into fragments, and empty frames do no harm',
  5,
  'MQTT-6.0.0-2',
  async (context) => {
    const client = await open(context);
    const empty = new Uint8Array(0);
    client.sendFragments(Uint8Array.of(0xc0), empty, Uint8Array.of(0));
    await client.expect('pingresp');
    client.send(empty);
    client.sendFragments(empty, pingreq);
    await client.expect('pingresp');
  },
);

list.webSocket(
  'a ping of WebSocket is answered, between packets and within one',
  5,
  '§6',
  async (context) => {
    const client = await open(context);
    check((await client.ping('between')) === 'between', 'a pong with the same data');
    client.send(pingreq.subarray(0, 1));
    check((await client.ping('within')) === 'within', 'a pong with the same data');
    client.send(pingreq.subarray(1));
    await client.expect('pingresp');
  },
);

list.webSocket(
  'a text frame ends the connection, and the will is sent',
  5,
  'MQTT-6.0.0-1 MQTT-3.1.2-8',
  async (context) => {
    const watching = await context.subscriber();
    const client = await context.openWebSocket();
    const will = { topic: context.topic(), payload: 'bye' };
    client.send(connect({ clientId: context.clientId(), will }));
    await client.expect('connack', { reasonCode: 0 });
    client.sendText('\u00c0\u0000');
    await client.expectClosed();
    await watching.expect('publish');
  },
);

list.webSocket(
  'a text frame in place of CONNECT ends the connection',
  5,
  'MQTT-6.0.0-1',
  async (context) => {
    const client = await context.openWebSocket();
    client.sendText('CONNECT');
    await client.expectClosed();
  },
);

list.webSocket(
  'the subprotocol is found among others',
  5,
  'MQTT-6.0.0-3 MQTT-6.0.0-4',
  async (context) => {
    for (const protocols of [
      ['mqtt', 'other'],
      ['other', 'mqtt'],
    ]) {
      const client = await context.openWebSocket('', protocols);
      check(client.webSocketProtocol === 'mqtt', client.webSocketProtocol);
      client.send(connect({ clientId: context.clientId() }));
      await client.expect('connack', { reasonCode: 0 });
    }
  },
);

list.webSocket(
  'a closed WebSocket is a lost connection, and after DISCONNECT it is not',
  5,
  'MQTT-3.1.2-8 MQTT-3.1.2-10',
  async (context) => {
    const watching = await context.subscriber();
    const will = { topic: context.topic(), payload: 'bye' };
    for (const isPolite of [true, false]) {
      const client = await context.openWebSocket();
      client.send(connect({ clientId: context.clientId(), will }));
      await client.expect('connack', { reasonCode: 0 });
      if (isPolite) {
        client.send(disconnect());
        await client.expectClosed([]);
        await watching.expectNothing();
      } else {
        client.end();
        await watching.expect('publish');
      }
    }
  },
);

list.webSocket(
  'the reason for a close goes before the close',
  5,
  'MQTT-4.13.1-1 MQTT-3.1.4-3 §4.13',
  async (context) => {
    const client = await open(context);
    client.send(packet(0x60, 0, 1)); // PUBREL with other flags than its own
    await client.expect('disconnect', { reasonCode: 0x81 });
    await client.expectClosed([]);
    const clientId = context.clientId();
    const first = await context.openWebSocket();
    first.send(connect({ clientId }));
    await first.expect('connack', { reasonCode: 0 });
    await context.connect({ clientId });
    await first.expectClosed([0x8e]);
  },
);

list.webSocket(
  'messages go between TCP and WebSocket, large ones too',
  5,
  'MQTT-4.2-1 MQTT-6.0.0-1',
  async (context) => {
    const overWeb = await open(context);
    overWeb.send(subscribe([[context.topic('/web'), 0]]));
    await overWeb.expect('suback');
    const overTcp = await context.subscriber(context.topic('/tcp'));
    const payload = new Uint8Array(300_000).fill(7);
    overTcp.send(publish(context.topic('/web'), payload));
    check((await overWeb.expect('publish')).payload.length === payload.length, 'to WebSocket');
    overWeb.send(publish(context.topic('/tcp'), payload));
    check((await overTcp.expect('publish')).payload.length === payload.length, 'to TCP');
  },
);

list.webSocket(
  'the largest packet is a limit of packets, not of frames',
  5,
  'MQTT-6.0.0-2 §3.2.2.3.6',
  async (context) => {
    const client = await open(context);
    client.send(
      subscribe([[context.topic(), 0]]),
      ...Array.from({ length: 20 }, () => publish(context.topic(), 'x'.repeat(50))),
    );
    await client.expect('suback');
    for (let count = 0; count < 20; count++) await client.expect('publish');
    client.send(publish(context.topic(), 'x'.repeat(200)));
    await client.expect('disconnect', { reasonCode: 0x95 });
    await client.expectClosed([]);
  },
  { maxPacketSize: 200 },
);
