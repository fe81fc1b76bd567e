import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  encode,
  MessageBytes,
  type Packet,
  PacketDecoder,
  type ProtocolVersion,
  PublishOwn,
  PublishView,
  publishSize,
  writePublish,
  writePublishHead,
} from '../../src/index.ts';
import { packetId, publish } from '../arbitraries.ts';
import { plain } from '../plain.ts';

type Publication = Packet & { cmd: 'publish' };

/** The properties that a broker forwards, encoded; and what they are. */
function forwarded(packet: Publication) {
  const bytes = encode({ ...packet, qos: 0, dup: false }, { protocolVersion: 5 }) as Uint8Array;
  const view = new PublishView();
  let bodyStart = 2;
  while ((bytes[bodyStart - 1] as number) >= 0x80) bodyStart++;
  view.read(bytes, 0, bodyStart, bytes.length, 5, 'server');
  const { topicAlias, messageExpiryInterval, ...kept } = packet.properties ?? {};
  return { encoded: view.forwardedProperties(), kept };
}

const own = fc.record({
  version: fc.constantFrom(3, 4, 5) as fc.Arbitrary<ProtocolVersion>,
  isDup: fc.boolean(),
  packetId,
  expiry: fc.oneof(fc.constant(-1), fc.nat(0xffff_ffff)),
  alias: fc.oneof(fc.constant(0), packetId),
  knowsAlias: fc.boolean(),
  identifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 }),
});

/** What a recipient gets, as an object. */
function expected(publication: Publication, kept: object, recipient: PublishOwn): object {
  const { cmd, qos, retain, topic, payload } = publication;
  const { version, expiry, alias, identifiers } = recipient;
  const properties = {
    ...kept,
    ...(expiry >= 0 && { messageExpiryInterval: expiry }),
    ...(alias > 0 && { topicAlias: alias }),
    ...(identifiers.length > 1 && { subscriptionIdentifier: identifiers }),
    ...(identifiers.length === 1 && { subscriptionIdentifier: identifiers[0] }),
  };
  return {
    cmd,
    qos,
    dup: (recipient.flags & 8) !== 0,
    retain,
    topic: recipient.isAliasKnown ? '' : topic,
    payload,
    ...(qos > 0 && { messageId: recipient.packetId }),
    ...(version === 5 && Object.keys(properties).length > 0 && { properties }),
  };
}

describe('a PUBLISH that is written from ranges of buffers', () => {
  test('is decoded as what the message and the recipient’s own say, and has its size', () => {
    fc.assert(
      fc.property(publish, own, (value, { isDup, knowsAlias, ...fields }) => {
        const packet = value as Publication;
        const { encoded, kept } = forwarded(packet);
        const message = new MessageBytes();
        message.set(Buffer.from(packet.topic), encoded, packet.payload);
        const dup = isDup && packet.qos > 0 ? 8 : 0;
        const recipient = Object.assign(new PublishOwn(), fields, {
          flags: dup | (packet.qos << 1) | Number(packet.retain),
          isAliasKnown: knowsAlias && fields.alias > 0 && fields.version === 5,
        });

        const size = publishSize(message, recipient);
        const target = new Uint8Array(size + 8).fill(0xee);
        expect(writePublish(target, 4, message, recipient)).toBe(4 + size);
        expect([target[3], target[4 + size]]).toEqual([0xee, 0xee]);

        const decoder = new PacketDecoder({ protocolVersion: fields.version, receiver: 'client' });
        const decoded = decoder.push(target.subarray(4, 4 + size));
        expect(plain(decoded)).toEqual([plain(expected(packet, kept, recipient))]);
      }),
      { numRuns: 1000 },
    );
  });

  test('may have its payload written by somebody else', () => {
    const message = new MessageBytes();
    message.set(Buffer.from('t'), new Uint8Array(0), Buffer.from('payload'));
    const recipient = new PublishOwn();
    const whole = new Uint8Array(publishSize(message, recipient));
    writePublish(whole, 0, message, recipient);
    const head = new Uint8Array(whole.length);
    const end = writePublishHead(head, 0, message, recipient);
    expect(end).toBe(whole.length - 7);
    expect([...head.subarray(0, end), ...Buffer.from('payload')]).toEqual([...whole]);
  });

  test('takes payload and properties out of the middle of a buffer', () => {
    const buffer = Buffer.from([0xff, 0x01, 0x01, 0xff, 0x78, 0x79, 0xff]);
    const message = new MessageBytes();
    message.set(Buffer.from('t'), buffer, buffer);
    Object.assign(message, {
      propertiesStart: 1,
      propertiesEnd: 3,
      payloadStart: 4,
      payloadEnd: 6,
    });
    const recipient = new PublishOwn();
    const target = new Uint8Array(publishSize(message, recipient));
    writePublish(target, 0, message, recipient);
    expect([...target]).toEqual([0x30, 8, 0, 1, 0x74, 2, 0x01, 0x01, 0x78, 0x79]);
  });
});
