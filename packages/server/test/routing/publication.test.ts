import { expect, test } from '@jest/globals';
import {
  decodePacket,
  encode,
  type ProtocolVersion,
  type PublishPacket,
  PublishView,
} from '@promptmq/codec';
import type { Message } from '@promptmq/session';
import type { Image } from '../../src/routing/image.ts';
import { Publication } from '../../src/routing/publication.ts';

const NEVER = Number.POSITIVE_INFINITY;
const TOPIC = { topic: 'a/b', topicBytes: Buffer.from('a/b') };

type Fields = Partial<PublishPacket>;

/** A packet in the middle of a chunk. */
function chunkOf(fields: Fields, version: ProtocolVersion): { chunk: Buffer; bodyStart: number } {
  const base = { cmd: 'publish', qos: 0, dup: false, retain: false, topic: 'a/b' } as const;
  const id = (fields.qos ?? 0) > 0 ? { messageId: 77 } : {};
  const packet = { ...base, payload: Buffer.from('payload'), ...id, ...fields };
  const bytes = encode(packet, { protocolVersion: version }) as Uint8Array;
  let bodyStart = 4;
  while ((bytes[bodyStart - 3] as number) >= 0x80) bodyStart++;
  return { chunk: Buffer.concat([Buffer.from('...'), bytes]), bodyStart: bodyStart + 1 };
}

/** What a client publishes. */
function borrowed(fields: Fields = {}, version: ProtocolVersion = 4, expiresAt = NEVER) {
  const { chunk, bodyStart } = chunkOf(fields, version);
  const view = new PublishView();
  view.read(chunk, 3, bodyStart, chunk.length, version, 'server');
  const publication = new Publication();
  publication.borrow(view, TOPIC, { clientId: 'publisher', version }, expiresAt, null);
  return { chunk, publication };
}

function kept(fields: Partial<Message> = {}, expiry = -1): Publication {
  const bytes = { properties: new Uint8Array(0), payload: Buffer.from('payload') };
  const flags = { qos: 1, retain: false, expiresAt: NEVER, publisherId: 'gone' } as const;
  const publication = new Publication();
  publication.keep({ ...TOPIC, ...bytes, ...flags, ...fields }, expiry);
  return publication;
}

function decoded({ buffer, start, end }: Image, version: ProtocolVersion): PublishPacket {
  let bodyStart = start + 1;
  while ((buffer[bodyStart] as number) >= 0x80) bodyStart++;
  const bytes = Uint8Array.from(buffer);
  // The place of a packet identifier is empty, and 0 isn't one.
  const at = bodyStart + 1 + 2 + TOPIC.topicBytes.length;
  if (((bytes[start] as number) & 6) !== 0 && bytes[at] === 0) bytes[at + 1] ||= 1;
  return decodePacket(bytes, start, bodyStart + 1, end, version, 'client') as PublishPacket;
}

test('what came in the form of a recipient is passed on where it lies', () => {
  for (const version of [3, 4, 5] as const) {
    const { chunk, publication } = borrowed({}, version);
    const image = publication.image(version);
    expect(image).toMatchObject({ start: 3, end: chunk.length, payloadSize: 7, isLasting: true });
    expect(image.buffer).toBe(chunk);
  }
});

test('MQTT 3.1 and 3.1.1 share a form, MQTT 5 has another, and each is made once', () => {
  const { chunk, publication } = borrowed({}, 4);
  expect(publication.image(3)).toBe(publication.image(4));
  const image = publication.image(5);
  expect(image.buffer).not.toBe(chunk);
  expect(image.isLasting).toBe(false);
  expect(decoded(image, 5)).toMatchObject({ qos: 0, retain: false, topic: 'a/b' });
  (image.buffer as Buffer).fill(0);
  expect(publication.image(5)).toBe(image);
  expect(image.buffer[image.start]).toBe(0);
});

test('an image is of the message that was borrowed last', () => {
  const { publication } = borrowed({}, 5);
  publication.image(4);
  publication.keep({ ...kept().message, payload: Buffer.from('next') }, -1);
  expect(Buffer.from(decoded(publication.image(4), 4).payload).toString()).toBe('next');
});

test.each([
  ['a topic alias', { topic: '', properties: { topicAlias: 3 } }],
  ['an alias with its topic', { properties: { topicAlias: 3 } }],
])('%s is the publisher’s own: recipients get the topic', (_what, fields: Fields) => {
  const { publication } = borrowed(fields, 5);
  const { topic, properties } = decoded(publication.image(5), 5);
  expect(topic).toBe('a/b');
  expect(properties).toBeUndefined();
});

test('an alias at QoS 1 is not passed on either', () => {
  const { publication } = borrowed({ qos: 1, properties: { topicAlias: 3 } }, 5);
  const { topic, properties } = decoded(publication.idImage(5), 5);
  expect(topic).toBe('a/b');
  expect(properties).toBeUndefined();
});

test('properties that are forwarded lie side by side or not, and keep their order', () => {
  const properties = {
    contentType: 'text/plain',
    messageExpiryInterval: 9,
    userProperties: { one: '1' },
  };
  const { publication } = borrowed({ qos: 1, properties }, 5, 9000);
  expect(decoded(publication.image(5), 5).properties).toEqual(properties);
  expect(decoded(publication.image(4), 4).properties).toBeUndefined();
});

test.each([4, 5] as const)(
  'the packet identifier has its place at QoS 1 and 2, MQTT %d',
  (from) => {
    for (const to of [4, 5] as const) {
      for (const qos of [1, 2] as const) {
        const { publication } = borrowed({ qos }, from);
        const { buffer, start, packetIdOffset } = publication.idImage(to);
        const bytes = Buffer.from(buffer);
        if (from === to) expect(bytes.readUInt16BE(start + packetIdOffset)).toBe(77);
        bytes.writeUInt16BE(0x1234, start + packetIdOffset);
        const image = { ...publication.idImage(to), buffer: bytes } as unknown as Image;
        expect(decoded(image, to)).toMatchObject({ messageId: 0x1234, topic: 'a/b' });
      }
    }
  },
);

test('a remaining length of more bytes than it needs is not passed on as it came', () => {
  const { chunk } = chunkOf({}, 4);
  const padded = Buffer.concat([
    chunk.subarray(0, 4),
    Buffer.of((chunk[4] as number) | 0x80, 0),
    chunk.subarray(5),
  ]);
  const view = new PublishView();
  view.read(padded, 3, 6, padded.length, 4, 'server');
  const publication = new Publication();
  publication.borrow(view, TOPIC, { clientId: 'a', version: 4 }, NEVER, null);
  expect(publication.image(4).buffer).not.toBe(padded);
  expect(publication.image(4).end).toBe(chunk.length - 3);
});

test.each([
  ['small, for many', 100, 2, NEVER, true],
  ['larger, for many', 2000, 2, NEVER, false],
  ['larger, for one', 2000, 1, NEVER, true],
  ['large enough to travel by reference', 17_000, 1, NEVER, false],
  ['small, and expires', 100, 1, 5000, false],
])('one that is %s waits as an image or not', (_what, size, count, expiresAt, isImage) => {
  const { publication } = borrowed({ qos: 1, payload: Buffer.alloc(size) }, 4, expiresAt);
  expect(publication.isQueuedAsImage(count)).toBe(isImage);
});

test('what is kept of a message outlives its chunk; what is not kept does not', () => {
  const { chunk, publication } = borrowed({ qos: 1, retain: true }, 4, 5000);
  const { unkeptMessage, message } = publication;
  expect(publication.message).toBe(message);
  expect(publication.writtenMessage).toBe(message);
  chunk.fill(0);
  expect(Buffer.from(message.payload).toString()).toBe('payload');
  expect(Buffer.from(unkeptMessage.payload)).toEqual(Buffer.alloc(7));
  expect(message).toMatchObject({
    ...{ topic: 'a/b', qos: 1, retain: true, expiresAt: 5000, publisherId: 'publisher' },
  });
});

test('what is written is the message that was borrowed last', () => {
  const { publication } = borrowed({ qos: 1 });
  expect(Buffer.from(publication.unkeptMessage.payload).toString()).toBe('payload');
  const { chunk, bodyStart } = chunkOf({ qos: 1, payload: Buffer.from('next') }, 4);
  const view = new PublishView();
  view.read(chunk, 3, bodyStart, chunk.length, 4, 'server');
  publication.borrow(view, TOPIC, { clientId: 'publisher', version: 4 }, NEVER, null);
  expect(Buffer.from(publication.writtenMessage.payload).toString()).toBe('next');
});

test('a large payload is not copied', () => {
  const { chunk, publication } = borrowed({ qos: 1, payload: Buffer.alloc(20_000, 1) });
  expect(publication.message.payload.buffer).toBe(chunk.buffer);
});

test('what is only written is not copied, unless somebody keeps it', () => {
  const { publication } = borrowed({ qos: 1 });
  expect(publication.writtenMessage).toBe(publication.unkeptMessage);
});

test('a message that is kept is its own, and is encoded for each form', () => {
  const publication = kept({ qos: 2 }, 12);
  expect(publication.publisherId).toBe('gone');
  const { message } = publication;
  expect(publication.unkeptMessage).toBe(message);
  expect(decoded(publication.image(5), 5)).toMatchObject({
    qos: 0,
    topic: 'a/b',
    properties: { messageExpiryInterval: 12 },
  });
  expect(decoded(publication.idImage(4), 4)).toMatchObject({ messageId: 1, topic: 'a/b' });
  publication.checkInvariants();
});
