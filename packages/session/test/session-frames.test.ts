import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  Delivery,
  type DropReason,
  type Message,
  type PublishImage,
  Session,
  type SessionLink,
  type SessionOptions,
  STORED_MESSAGE,
} from '../src/index.ts';
import { QUEUED_FRAME_BYTES_MAX } from '../src/queues/frame-queue.ts';
import { frameOf, QOS1, QOS2, RETAIN, textOf } from './support/frames.ts';

const NOW = 1_000_000;

/** A connection that writes down what the session sends. */
class RecordingLink implements SessionLink {
  isWritable = true;
  tooLarge: string | null = null;
  readonly #sent: string[] = [];

  sendPublish({ packetId, message }: Delivery): DropReason | null {
    this.#sent.push(`PUBLISH ${packetId} ${Buffer.from(message.payload).toString()}`);
    return null;
  }

  sendImage(frame: PublishImage, flags: number, packetId: number): DropReason | null {
    const text = textOf(frame);
    if (text === this.tooLarge) return 'packet-too-large';
    this.#sent.push(`${packetId} ${text} ${flags}`);
    return null;
  }

  sendPubrel(packetId: number): void {
    this.#sent.push(`PUBREL ${packetId}`);
  }

  take(): string[] {
    return this.#sent.splice(0);
  }
}

describe('a session that ends with its connection', () => {
  const dropped: string[] = [];
  const options: SessionOptions = {
    messagesMax: 3,
    bytesMax: 1_000_000,
    overflow: 'drop-newest',
    onDrop: (reason) => dropped.push(reason),
  };
  let session: Session;
  let link: RecordingLink;

  beforeEach(() => {
    dropped.length = 0;
    session = new Session('client', options);
    link = new RecordingLink();
  });

  const deliver = (text: string, flags = QOS1) => session.deliverImage(frameOf(text), flags, NOW);
  const message: Message = { ...STORED_MESSAGE, topic: 't', payload: Buffer.from('whole') };

  test('takes frames; one that outlives its connection does not', () => {
    expect(session.takesImages).toBe(true);
    session.expiryInterval = 1;
    expect(session.takesImages).toBe(false);
  });

  test('sends them within the quota, and the rest as it is acknowledged [MQTT-3.3.4-9]', () => {
    session.attach(link, 2, NOW);
    for (const text of ['a', 'b', 'c', 'd']) expect(deliver(text, QOS1 | RETAIN)).toBe(true);
    expect(link.take()).toEqual(['1 a 3', '2 b 3']);
    expect(session).toMatchObject({ inflightCount: 2, queuedCount: 2, isReady: false });
    expect(session.onPuback(1, NOW)).toBe('ok');
    expect(link.take()).toEqual(['3 c 3']);
    for (const id of [2, 3, 4]) expect(session.onPuback(id, NOW)).toBe('ok');
    expect(link.take()).toEqual(['4 d 3']);
    expect([session.inflightCount, session.queue.bytes, session.isReady]).toEqual([0, 0, true]);
    expect(session.onPuback(4, NOW)).toBe('unknown');
  });

  test('QoS 2: PUBREC, then PUBCOMP gives the quota back [MQTT-4.9.0-2]', () => {
    session.attach(link, 1, NOW);
    deliver('a', QOS2);
    deliver('b', QOS2);
    expect(session.onPuback(1, NOW)).toBe('protocol-error');
    expect(session.onPubcomp(1, NOW)).toBe('protocol-error');
    expect(session.onPubrec(1, 0, NOW)).toBe('ok');
    expect(session.onPubrec(1, 0, NOW)).toBe('ok');
    expect(session.onPubrec(1, 0x80, NOW)).toBe('protocol-error');
    expect(link.take()).toEqual(['1 a 4']);
    expect(session.onPubcomp(1, NOW)).toBe('ok');
    expect(link.take()).toEqual(['2 b 4']);
  });

  test('QoS 2: PUBREC with an error code ends the exchange [MQTT-4.4.0-2]', () => {
    session.attach(link, 1, NOW);
    deliver('a', QOS2);
    deliver('b', QOS1);
    expect(session.onPubrec(1, 0x97, NOW)).toBe('ok');
    expect(link.take()).toEqual(['1 a 4', '2 b 2']);
    expect(session.onPubrec(2, 0, NOW)).toBe('protocol-error');
    expect(session.onPubcomp(1, NOW)).toBe('unknown');
  });

  test('an identifier is not used twice, by a frame or by a delivery [MQTT-2.2.1-4]', () => {
    session.attach(link, 65_535, NOW);
    deliver('kept');
    session.deliver(new Delivery(message, 1, false), NOW);
    for (let id = 3; id <= 65_535; id++) {
      deliver('x');
      session.onPuback(id, NOW);
    }
    link.take();
    deliver('next');
    expect(link.take()).toEqual([expect.stringMatching(/^(?!1 |2 )\d+ next 2$/)]);
    expect(session.onPuback(2, NOW)).toBe('ok');
    expect(session.onPuback(1, NOW)).toBe('ok');
  });

  test('one that is never acknowledged costs the others only the identifiers that would share its slot', () => {
    session.attach(link, 65_535, NOW);
    deliver('kept');
    for (let count = 0; count < 40; count++) {
      link.take();
      deliver('x');
      const [, id] = /^(\d+) x/.exec(link.take()[0] as string) as unknown as [string, string];
      expect(session.onPuback(Number(id), NOW)).toBe('ok');
      expect(Number(id) % 32).not.toBe(1);
    }
    expect(session.onPuback(1, NOW)).toBe('ok');
  });

  test('the order is kept when a message has to wait that is not a frame [MQTT-4.6.0-6]', () => {
    session.attach(link, 1, NOW);
    deliver('a');
    deliver('b');
    session.deliver(new Delivery(message, 1, false), NOW);
    expect(deliver('d')).toBe(false);
    for (const id of [1, 2]) session.onPuback(id, NOW);
    expect(link.take()).toEqual(['1 a 2', '2 b 2', 'PUBLISH 3 whole']);
    expect(deliver('e')).toBe(true);
    session.onPuback(3, NOW);
    expect(link.take()).toEqual(['4 e 2']);
  });

  test('retained messages that are owed go first', () => {
    session.attach(link, 1, NOW);
    session.replay([new Delivery(message, 1, true), new Delivery(message, 1, true)], NOW);
    deliver('later');
    session.onPuback(1, NOW);
    session.onPuback(2, NOW);
    expect(link.take()).toEqual(['PUBLISH 1 whole', 'PUBLISH 2 whole', '3 later 2']);
  });

  test('a frame that is too large for the queue has to come as a message', () => {
    session.attach(link, 1, NOW);
    expect(deliver('x'.repeat(QUEUED_FRAME_BYTES_MAX + 1))).toBe(true);
    expect(deliver('x'.repeat(QUEUED_FRAME_BYTES_MAX + 1))).toBe(false);
    expect(deliver('x'.repeat(QUEUED_FRAME_BYTES_MAX))).toBe(true);
  });

  test('one that is too large for the client is dropped and takes no quota [MQTT-3.1.2-25]', () => {
    link.tooLarge = 'big';
    session.attach(link, 1, NOW);
    deliver('big');
    deliver('a');
    expect(dropped).toEqual(['packet-too-large']);
    expect(link.take()).toEqual(['2 a 2']);
  });

  test.each([
    ['drop-newest', ['1 a 2', '2 b 2', '3 c 2', '4 d 2']],
    ['drop-oldest', ['1 a 2', '2 c 2', '3 d 2', '4 e 2']],
  ] as const)('a full queue: %s', (overflow, sent) => {
    session = new Session('client', { ...options, overflow });
    session.attach(link, 1, NOW);
    for (const text of ['a', 'b', 'c', 'd', 'e']) deliver(text);
    expect(dropped).toEqual(['queue-full']);
    expect(session.isFullFor(1)).toBe(true);
    for (const id of [1, 2, 3, 4]) session.onPuback(id, NOW);
    expect(link.take()).toEqual(sent);
  });

  test('its end gives up what was not acknowledged, and frees what all queues hold together', () => {
    const totals = { messagesMax: 100, bytesMax: 10_000, messages: 0, bytes: 0 };
    session = new Session('client', { ...options, totals });
    session.attach(link, 1, NOW);
    for (const text of ['a', 'b', 'c']) deliver(text);
    expect(totals.messages).toBe(2);
    session.detach();
    expect(session.end()).toEqual([]);
    expect(dropped).toEqual(['session-ended', 'session-ended', 'session-ended']);
    expect(totals).toMatchObject({ messages: 0, bytes: 0 });
    expect(session.inflightCount).toBe(0);
  });
});
