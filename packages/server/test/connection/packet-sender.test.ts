import { expect, test } from '@jest/globals';
import {
  type DisconnectPacket,
  encode,
  type Packet,
  PacketDecoder,
  type ProtocolVersion,
  type PublishPacket,
  PublishView,
} from '@promptmq/codec';
import { Delivery, type Message, OutboundTopicAliases } from '@promptmq/session';
import { Output } from '../../src/connection/output.ts';
import { PacketSender } from '../../src/connection/sender/packet-sender.ts';
import type { Transport } from '../../src/connection/transport.ts';
import { Publication } from '../../src/routing/publication.ts';
import { OutputMemory } from '../../src/runtime/output-memory.ts';
import { createStats } from '../../src/runtime/stats.ts';

const NEVER = Number.POSITIVE_INFINITY;

class Peer implements Transport {
  readonly remoteAddress = '';
  readonly protocol = 'tcp';
  readonly chunks: Uint8Array[] = [];
  write(chunk: Uint8Array): void {
    this.chunks.push(Uint8Array.from(chunk));
  }
  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

/** A sender, and what it has sent as packets. */
function senderOf(version: ProtocolVersion, clientMax = 100_000) {
  const peer = new Peer();
  const memory = new OutputMemory({ clientMax, max: NEVER });
  const output = new Output(peer, () => {}, 4096, memory);
  const stats = createStats();
  const sender = new PacketSender(output, {
    stats,
    runtime: { now: () => 1000 },
    clientEvents: { sinks: { ack: null } },
  });
  sender.version = version;
  const decoder = new PacketDecoder({ protocolVersion: version, receiver: 'client' });
  const sent = (): Packet[] => {
    output.flush();
    return peer.chunks.splice(0).flatMap((chunk) => decoder.push(chunk));
  };
  return { sender, stats, sent, peer, output };
}

function message(fields: Partial<Message> = {}): Message {
  const topicBytes = Buffer.from('a/b');
  const own = { qos: 1, retain: false, expiresAt: NEVER, publisherId: '' } as const;
  const bytes = { topicBytes, properties: new Uint8Array(0), payload: Buffer.from('payload') };
  return { topic: 'a/b', ...bytes, ...own, ...fields };
}

function published(fields: Partial<Message> = {}, expiry = -1): Publication {
  const publication = new Publication();
  publication.keep(message(fields), expiry);
  return publication;
}

test.each([3, 4, 5] as const)('a delivery is encoded for the client, MQTT %d', (version) => {
  const { sender, stats, sent } = senderOf(version);
  const delivery = new Delivery(message({ expiresAt: 5500 }), 1, true, [3, 4]);
  delivery.packetId = 7;
  expect(sender.sendPublish(delivery, true)).toBeNull();
  const properties = { messageExpiryInterval: 5, subscriptionIdentifier: [3, 4] };
  const [packet] = sent() as [PublishPacket];
  expect(packet).toMatchObject({ qos: 1, dup: true, retain: true, messageId: 7, topic: 'a/b' });
  expect(packet.properties).toEqual(version === 5 ? properties : undefined);
  expect(stats.messagesSentByQoS).toEqual(Float64Array.of(0, 1, 0));
});

test('nothing is sent that is larger than the client takes [MQTT-3.1.2-24] [MQTT-3.1.2-25]', () => {
  const { sender, stats, sent } = senderOf(5);
  const publication = published();
  const size = publication.image(5).end - publication.image(5).start;
  sender.maximumPacketSize = size - 1;
  expect(sender.sendQoS0(publication.image(5), 0)).toBe('packet-too-large');
  expect(sender.sendPublication(publication, 0, 0, [])).toBe('packet-too-large');
  expect(sender.sendImage(publication.idImage(5), 2, 1)).toBe('packet-too-large');
  expect(sender.sendPublish(new Delivery(message(), 0, false), false)).toBe('packet-too-large');
  expect(sent()).toEqual([]);
  expect(stats.messagesSent).toBe(0);
  sender.maximumPacketSize = size;
  sender.sendQoS0(publication.image(5), 0);
  expect(sent()).toHaveLength(1);
});

test('an image is the same for all but for flags and packet identifier', () => {
  const one = senderOf(4);
  const other = senderOf(4);
  const publication = published({ qos: 2 });
  one.sender.sendQoS0(publication.image(4), 0);
  other.sender.sendQoS0(publication.image(4), 1);
  one.sender.sendImage(publication.idImage(4), 2, 5);
  other.sender.sendImage(publication.idImage(4), 5, 6);
  expect(one.sent()).toMatchObject([
    { qos: 0, retain: false },
    { qos: 1, retain: false, messageId: 5 },
  ]);
  expect(other.sent()).toMatchObject([
    { qos: 0, retain: true },
    { qos: 2, retain: true, messageId: 6 },
  ]);
});

test('a topic is sent with its alias once, and then by its alias alone (§3.3.2.3.4)', () => {
  const { sender, sent } = senderOf(5);
  sender.aliases = new OutboundTopicAliases(1);
  const publication = published();
  for (let count = 0; count < 2; count++) sender.sendPublication(publication, 0, 0, []);
  sender.sendPublication(published({ topic: 'c', topicBytes: Buffer.from('c') }), 0, 0, []);
  const aliased = (sent() as PublishPacket[]).map(({ topic, properties }) => [
    topic,
    properties?.topicAlias,
  ]);
  expect(aliased.slice(0, 2)).toEqual([
    ['a/b', 1],
    ['', 1],
  ]);
});

test('a packet that fits only without a new alias is sent without it', () => {
  const { sender, sent } = senderOf(5);
  sender.aliases = new OutboundTopicAliases(10);
  const publication = published();
  sender.maximumPacketSize = publication.image(5).end;
  expect(sender.sendPublication(publication, 0, 0, [])).toBeNull();
  expect(sender.sendPublication(publication, 0, 0, [])).toBeNull();
  for (const { topic, properties } of sent() as PublishPacket[]) {
    expect(topic).toBe('a/b');
    expect(properties).toBeUndefined();
  }
});

test('a large payload travels by reference, whichever way it is sent', () => {
  const { sender, sent, peer, output } = senderOf(5);
  const payload = Buffer.alloc(20_000, 0x61);
  const publication = published({ payload });
  sender.sendQoS0(publication.image(5), 1);
  sender.sendPublication(publication, 2, 9, []);
  output.flush();
  expect(peer.chunks.some(({ length }) => length === payload.length)).toBe(true);
  const packets = sent() as PublishPacket[];
  expect(packets).toMatchObject([
    { qos: 0, retain: true },
    { qos: 1, messageId: 9 },
  ]);
  for (const packet of packets) expect(Buffer.from(packet.payload)).toEqual(payload);
});

test('QoS 0 is dropped while too much waits for a client; QoS 1 is not', () => {
  const { sender, stats } = senderOf(4, 500);
  const publication = published({ payload: Buffer.alloc(600) });
  expect(sender.sendQoS0(publication.image(4), 0)).toBeNull();
  expect(sender.sendQoS0(publication.image(4), 0)).toBe('slow-subscriber');
  expect(sender.sendPublication(publication, 0, 0, [])).toBe('slow-subscriber');
  expect(sender.sendPublication(publication, 2, 1, [])).toBeNull();
  expect(stats.messagesSentByQoS).toEqual(Float64Array.of(1, 1, 0));
});

test('a tracer gets each packet as it leaves, also one that is passed on as it came', () => {
  const { sender } = senderOf(5);
  const traced: object[] = [];
  sender.tracer = (packet, fields) => traced.push({ packet, ...fields });
  sender.aliases = new OutboundTopicAliases(1);
  const publication = published({ qos: 2 });
  sender.sendQoS0(publication.image(5), 1);
  sender.sendImage(publication.idImage(5), 2, 8);
  for (let count = 0; count < 2; count++) sender.sendPublication(publication, 0, 0, []);
  sender.sendAck(4, 3, 0);
  expect(traced).toMatchObject([
    { packet: 'publish', qos: 0, retain: true, topic: 'a/b', payloadSize: 7 },
    { packet: 'publish', qos: 1, packetId: 8 },
    { packet: 'publish', topic: 'a/b', properties: { topicAlias: 1 }, payloadSize: 7 },
    { packet: 'publish', topic: 'a/b', properties: { topicAlias: 1 } },
    { packet: 'puback', packetId: 3, reasonCode: 0 },
  ]);
});

test('a tracer gets what is copied at the end of the turn, and without one the same is sent', () => {
  const bytes = { cmd: 'publish', qos: 1, dup: false, retain: false, topic: 'a/b' } as const;
  const packet = { ...bytes, messageId: 77, payload: Buffer.from('payload') };
  const chunk = encode(packet, { protocolVersion: 4 }) as Uint8Array;
  const view = new PublishView();
  view.read(chunk, 0, 2, chunk.length, 4, 'server');
  const publication = new Publication();
  publication.borrow(view, message(), { clientId: 'publisher', version: 4 }, NEVER, null);
  const { sender, sent } = senderOf(4);
  const traced: object[] = [];
  sender.sendImage(publication.idImage(4), 2, 8);
  sender.tracer = (cmd, fields) => traced.push({ cmd, ...fields });
  sender.sendImage(publication.idImage(4), 2, 9);
  expect(traced).toMatchObject([{ cmd: 'publish', topic: 'a/b', packetId: 9, payloadSize: 7 }]);
  expect(sent()).toMatchObject([{ messageId: 8 }, { messageId: 9 }]);
});

test('why a connection is refused or ended is said as each version can', () => {
  const said = ([3, 4, 5] as const).map((version) => {
    const { sender, sent } = senderOf(version);
    sender.sendConnackError(0x87, 'not you');
    sender.sendConnackError(0x95, 'too large');
    sender.sendDisconnect(0x8b, 'shutting down');
    return sent().map((packet) => [packet.cmd, 'returnCode' in packet && packet.returnCode]);
  });
  expect(said[0]).toEqual([['connack', 5]]);
  expect(said[1]).toEqual([['connack', 5]]);
  expect(said[2]?.map(([cmd]) => cmd)).toEqual(['connack', 'connack', 'disconnect']);
});

test('a client that asks for no reasons gets codes only (§3.1.2.11.7)', () => {
  const { sender, sent } = senderOf(5);
  sender.sendDisconnect(0x8b, 'why');
  sender.wantsReasons = false;
  sender.sendDisconnect(0x8b, 'why');
  const [told, untold] = sent() as [DisconnectPacket, DisconnectPacket];
  expect(told.properties?.reasonString).toBe('why');
  expect(untold.properties).toBeUndefined();
});
