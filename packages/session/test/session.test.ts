import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  Delivery,
  type DropReason,
  type Message,
  type PublishImage,
  Session,
  type SessionLink,
  type SessionOptions,
} from '../src/index.ts';

/** A connection that writes down what the session sends. */
class RecordingLink implements SessionLink {
  isWritable = true;
  readonly sent: string[] = [];
  /** Messages with this payload don't fit the client's Maximum Packet Size. */
  tooLarge: string | null = null;

  sendPublish(delivery: Delivery, dup: boolean): DropReason | null {
    const payload = Buffer.from(delivery.message.payload).toString();
    if (payload === this.tooLarge) return 'packet-too-large';
    this.sent.push(`PUBLISH ${delivery.packetId} ${payload}${dup ? ' dup' : ''}`);
    return null;
  }

  sendImage(frame: PublishImage, flags: number, packetId: number): DropReason | null {
    const text = Buffer.from(frame.buffer.subarray(frame.start, frame.end)).toString();
    if (text === this.tooLarge) return 'packet-too-large';
    const retain = (flags & 1) === 1 ? ' retain' : '';
    this.sent.push(`FRAME ${packetId} ${text} QoS ${flags >> 1}${retain}`);
    return null;
  }

  sendPubrel(packetId: number): void {
    this.sent.push(`PUBREL ${packetId}`);
  }

  /** What was sent since the last call. */
  take(): string[] {
    return this.sent.splice(0);
  }
}

const NOW = 1_000_000;
const dropped: string[] = [];

function newSession(options: Partial<SessionOptions> = {}): Session {
  return new Session('client', {
    messagesMax: 100,
    bytesMax: 1_000_000,
    overflow: 'drop-newest',
    onDrop: (reason, delivery) =>
      dropped.push(`${reason} ${Buffer.from(delivery.message.payload).toString()}`),
    ...options,
  });
}

function newMessage(payload: string, fields: Partial<Message> = {}): Message {
  return {
    topic: 't',
    topicBytes: Buffer.from('t'),
    properties: new Uint8Array(0),
    payload: Buffer.from(payload),
    qos: 2,
    retain: false,
    expiresAt: Number.POSITIVE_INFINITY,
    publisherId: 'publisher',
    ...fields,
  };
}

function newRetained(payload: string, qos: 0 | 1 | 2): Delivery {
  return new Delivery(newMessage(payload), qos, true);
}

function newDelivery(payload: string, qos: 0 | 1 | 2, fields: Partial<Message> = {}): Delivery {
  return new Delivery(newMessage(payload, fields), qos, false);
}

let session: Session;
let link: RecordingLink;

beforeEach(() => {
  dropped.length = 0;
  session = newSession();
  link = new RecordingLink();
});

test('however much of a shared subscription waits, the session ends, and gives it all back [MQTT-4.8.2-5]', () => {
  const count = 200_000;
  const owner = newSession({ messagesMax: count, bytesMax: Number.POSITIVE_INFINITY });
  const message = newMessage('m');
  for (let index = 0; index < count; index++) {
    owner.deliver(new Delivery(message, 1, false, [], '$share/group/t'), NOW);
  }
  expect(owner.end()).toHaveLength(count);
  expect(owner.queuedCount).toBe(0);
});

describe('sending', () => {
  test('messages get packet identifiers in order and wait when the quota is used up [MQTT-3.3.4-9]', () => {
    session.attach(link, 2, NOW);
    for (const payload of ['a', 'b', 'c', 'd']) session.deliver(newDelivery(payload, 1), NOW);
    expect(link.take()).toEqual(['PUBLISH 1 a', 'PUBLISH 2 b']);
    expect(session.queuedCount).toBe(2);
    expect(session.isReady).toBe(false);
    expect(session.onPuback(1, NOW)).toBe('ok');
    expect(link.take()).toEqual(['PUBLISH 3 c']);
    session.onPuback(2, NOW);
    session.onPuback(3, NOW);
    session.onPuback(4, NOW);
    expect(link.take()).toEqual(['PUBLISH 4 d']);
    expect(session.inflightCount).toBe(0);
    expect(session.isReady).toBe(true);
  });

  test('QoS 0 messages have no packet identifier and need no quota [MQTT-3.3.4-10]', () => {
    session.attach(link, 1, NOW);
    session.deliver(newDelivery('a', 1), NOW);
    session.deliver(newDelivery('b', 0), NOW);
    expect(link.take()).toEqual(['PUBLISH 1 a', 'PUBLISH 0 b']);
  });

  test('a link that takes one by one gets QoS 0 in the order of all others, and what waits is in the queue', () => {
    class OneByOne extends RecordingLink {
      readonly takesOneByOne = true;

      override sendPublish(delivery: Delivery, dup: boolean): DropReason | null {
        this.isWritable = false;
        return super.sendPublish(delivery, dup);
      }
    }
    const slow = new OneByOne();
    const next = () => {
      slow.isWritable = true;
      session.pump(NOW);
      return slow.take();
    };
    session = newSession({ messagesMax: 3 });
    session.attach(slow, 10, NOW);
    session.deliver(newDelivery('a', 0), NOW);
    session.deliver(newDelivery('b', 1), NOW);
    session.deliver(newDelivery('c', 0), NOW);
    session.deliver(newDelivery('d', 2), NOW);
    session.deliver(newDelivery('e', 0), NOW);
    expect(slow.take()).toEqual(['PUBLISH 0 a']);
    expect(dropped.splice(0)).toEqual(['queue-full e']);
    expect(next()).toEqual(['PUBLISH 1 b']);
    expect(next()).toEqual(['PUBLISH 0 c']);
    expect(next()).toEqual(['PUBLISH 2 d']);
    expect(next()).toEqual([]);
    session.deliver(newDelivery('f', 0), NOW);
    expect(slow.take()).toEqual(['PUBLISH 0 f']);
    session.deliver(newDelivery('g', 0), NOW);
    session.checkInvariants();
    session.detach();
    expect(dropped).toEqual(['session-ended g']);
  });

  test('who says once that a message is dealt with settles QoS 1 and 2, and gets what waits', () => {
    session.attach(link, 2, NOW);
    for (const [payload, qos] of [
      ['a', 1],
      ['b', 2],
      ['c', 2],
    ] as const) {
      session.deliver(newDelivery(payload, qos), NOW);
    }
    expect(link.take()).toEqual(['PUBLISH 1 a', 'PUBLISH 2 b']);
    expect(session.settle(2, NOW)).toBe('ok');
    expect(link.take()).toEqual(['PUBLISH 3 c']);
    expect(session.settle(2, NOW)).toBe('unknown');
    expect(session.settle(1, NOW)).toBe('ok');
    expect(session.settle(3, NOW)).toBe('ok');
    expect(session.inflightCount).toBe(0);
    session.checkInvariants();
  });

  test('a packet identifier in use is passed over when the numbers come round [MQTT-2.2.1-4]', () => {
    session.attach(link, 65_535, NOW);
    session.deliver(newDelivery('kept', 1), NOW);
    for (let count = 2; count <= 65_535; count++) {
      session.deliver(newDelivery('x', 1), NOW);
      session.onPuback(count, NOW);
    }
    link.take();
    session.deliver(newDelivery('next', 1), NOW);
    expect(link.take()).toEqual(['PUBLISH 2 next']);
  });

  test('the whole Receive Maximum can be in flight at once', () => {
    session = newSession({ messagesMax: 1 });
    session.attach(link, 65_535, NOW);
    for (let count = 0; count < 65_536; count++) {
      session.deliver(newDelivery('x', 1, { payload: new Uint8Array(0) }), NOW);
    }
    expect(session.inflightCount).toBe(65_535);
    expect(session.queuedCount).toBe(1);
  });

  test('exchanges of earlier connections may hold all packet identifiers: then nothing is sent', () => {
    session.attach(link, 65_535, NOW);
    for (let id = 1; id <= 65_535; id++) {
      session.deliver(newDelivery('x', 2, { payload: new Uint8Array(0) }), NOW);
      session.onPubrec(id, 0, NOW);
    }
    session.detach();
    session.attach(link, 65_535, NOW);
    link.take();
    session.deliver(newDelivery('a', 1), NOW);
    expect(session.isReady).toBe(false);
    expect(link.take()).toEqual([]);
    session.onPubcomp(7, NOW);
    expect(link.take()).toEqual(['PUBLISH 7 a']);
  });

  test('a connection that is not writable gets nothing until it drains', () => {
    session.attach(link, 10, NOW);
    link.isWritable = false;
    session.deliver(newDelivery('a', 1), NOW);
    expect(link.take()).toEqual([]);
    link.isWritable = true;
    session.pump(NOW);
    expect(link.take()).toEqual(['PUBLISH 1 a']);
  });

  test('a message that is too large is dropped and takes no quota [MQTT-3.1.2-25]', () => {
    link.tooLarge = 'big';
    session.attach(link, 1, NOW);
    session.deliver(newDelivery('big', 2), NOW);
    session.deliver(newDelivery('a', 2), NOW);
    expect(dropped).toEqual(['packet-too-large big']);
    expect(link.take()).toEqual(['PUBLISH 2 a']);
  });

  test('a message that expired while it waited is not sent [MQTT-3.3.2-5]', () => {
    session.deliver(newDelivery('a', 1, { expiresAt: NOW + 1000 }), NOW);
    session.deliver(newDelivery('b', 1, { expiresAt: NOW + 1001 }), NOW);
    session.attach(link, 10, NOW + 1000);
    expect(link.take()).toEqual(['PUBLISH 1 b']);
    expect(dropped).toEqual(['expired a']);
  });

  test('one that expires at the head of the queue makes no room in the quota [MQTT-3.3.4-9]', () => {
    session.attach(link, 1, NOW);
    session.replay([newRetained('r1', 1), newRetained('r2', 1)], NOW);
    session.deliver(newDelivery('q0', 0, { expiresAt: NOW + 1 }), NOW);
    session.deliver(newDelivery('q1', 1), NOW);
    session.onPuback(1, NOW + 1);
    expect(link.take()).toEqual(['PUBLISH 1 r1', 'PUBLISH 2 r2']);
    expect(dropped).toEqual(['expired q0']);
    session.onPuback(2, NOW + 1);
    expect(link.take()).toEqual(['PUBLISH 3 q1']);
  });
});

describe('QoS 2 sent', () => {
  beforeEach(() => {
    session.attach(link, 1, NOW);
    session.deliver(newDelivery('a', 2), NOW);
    session.deliver(newDelivery('b', 2), NOW);
    link.take();
  });

  test('the quota comes back with PUBCOMP, not with PUBREC [MQTT-4.9.0-2]', () => {
    expect(session.onPubrec(1, 0, NOW)).toBe('ok');
    expect(link.take()).toEqual([]);
    expect(session.onPubcomp(1, NOW)).toBe('ok');
    expect(link.take()).toEqual(['PUBLISH 2 b']);
  });

  test('PUBREC with an error code ends the exchange and frees the identifier [MQTT-4.4.0-2]', () => {
    expect(session.onPubrec(1, 0x97, NOW)).toBe('ok');
    expect(link.take()).toEqual(['PUBLISH 2 b']);
    expect(session.onPubcomp(1, NOW)).toBe('unknown');
  });

  test('acknowledgements that do not belong to the exchange are distinguished', () => {
    expect(session.onPuback(1, NOW)).toBe('protocol-error');
    expect(session.onPubcomp(1, NOW)).toBe('protocol-error');
    expect(session.onPubrec(7, 0, NOW)).toBe('unknown');
    expect(session.onPuback(7, NOW)).toBe('unknown');
    session.onPubrec(1, 0, NOW);
    expect(session.onPubrec(1, 0, NOW)).toBe('ok');
    expect(session.onPubrec(1, 0x80, NOW)).toBe('protocol-error');
  });

  test('PUBREC for a QoS 1 message is a protocol error', () => {
    const other = newSession();
    other.attach(link, 1, NOW);
    other.deliver(newDelivery('a', 1), NOW);
    expect(other.onPubrec(1, 0, NOW)).toBe('protocol-error');
  });
});

describe('resumption', () => {
  test('PUBLISH is sent again with DUP and PUBREL again, with their identifiers, in order [MQTT-4.4.0-1]', () => {
    session.attach(link, 10, NOW);
    for (const [payload, qos] of [
      ['a', 1],
      ['b', 2],
      ['c', 2],
      ['d', 1],
    ] as const) {
      session.deliver(newDelivery(payload, qos), NOW);
    }
    session.onPubrec(2, 0, NOW);
    session.detach();
    session.deliver(newDelivery('e', 1), NOW);
    const second = new RecordingLink();
    session.attach(second, 10, NOW);
    expect(second.take()).toEqual([
      'PUBREL 2',
      'PUBLISH 1 a dup',
      'PUBLISH 3 c dup',
      'PUBLISH 4 d dup',
      'PUBLISH 5 e',
    ]);
  });

  test('a lower Receive Maximum holds back what is sent again [MQTT-3.3.4-9]', () => {
    session.attach(link, 10, NOW);
    for (const payload of ['a', 'b', 'c']) session.deliver(newDelivery(payload, 1), NOW);
    session.detach();
    const second = new RecordingLink();
    session.attach(second, 1, NOW);
    expect(second.take()).toEqual(['PUBLISH 1 a dup']);
    session.deliver(newDelivery('d', 1), NOW);
    for (const packetId of [1, 2, 3]) session.onPuback(packetId, NOW);
    expect(second.take()).toEqual(['PUBLISH 2 b dup', 'PUBLISH 3 c dup', 'PUBLISH 4 d']);
  });

  test('what is acknowledged before its turn comes is not sent again', () => {
    session.attach(link, 10, NOW);
    for (const payload of ['a', 'b', 'c']) session.deliver(newDelivery(payload, 1), NOW);
    session.detach();
    const second = new RecordingLink();
    session.attach(second, 1, NOW);
    session.onPuback(2, NOW);
    session.onPuback(1, NOW);
    expect(second.take()).toEqual(['PUBLISH 1 a dup', 'PUBLISH 3 c dup']);
  });

  test('PUBCOMP for a PUBREL of an earlier connection does not raise the quota above its start (§4.9)', () => {
    session.attach(link, 2, NOW);
    session.deliver(newDelivery('a', 2), NOW);
    session.onPubrec(1, 0, NOW);
    session.detach();
    const second = new RecordingLink();
    session.attach(second, 1, NOW);
    session.onPubcomp(1, NOW);
    session.deliver(newDelivery('b', 1), NOW);
    session.deliver(newDelivery('c', 1), NOW);
    expect(second.take()).toEqual(['PUBREL 1', 'PUBLISH 2 b']);
  });

  test('nor does it while the whole quota is in use [MQTT-3.3.4-9]', () => {
    session.attach(link, 2, NOW);
    session.deliver(newDelivery('a', 2), NOW);
    session.onPubrec(1, 0, NOW);
    session.detach();
    const second = new RecordingLink();
    session.attach(second, 1, NOW);
    session.deliver(newDelivery('b', 1), NOW);
    session.onPubcomp(1, NOW);
    session.deliver(newDelivery('c', 1), NOW);
    expect(second.take()).toEqual(['PUBREL 1', 'PUBLISH 2 b']);
    session.onPuback(2, NOW);
    expect(second.take()).toEqual(['PUBLISH 3 c']);
  });

  test('a sent message is sent again even after it expired [MQTT-4.3.3-7]', () => {
    session.attach(link, 1, NOW);
    session.deliver(newDelivery('a', 2, { expiresAt: NOW + 1 }), NOW);
    session.detach();
    const second = new RecordingLink();
    session.attach(second, 1, NOW + 5000);
    expect(second.take()).toEqual(['PUBLISH 1 a dup']);
  });

  test('QoS 0 messages are not kept for a session without a connection', () => {
    session.deliver(newDelivery('a', 0), NOW);
    expect(dropped).toEqual(['not-connected a']);
    session.attach(link, 1, NOW);
    expect(link.take()).toEqual([]);
  });
});

describe('the queue', () => {
  test('a full queue drops the newest', () => {
    session = newSession({ messagesMax: 2 });
    for (const payload of ['a', 'b', 'c']) session.deliver(newDelivery(payload, 1), NOW);
    expect(dropped).toEqual(['queue-full c']);
  });

  test('a full queue drops the oldest when so configured', () => {
    session = newSession({ messagesMax: 2, overflow: 'drop-oldest' });
    for (const payload of ['a', 'b', 'c']) session.deliver(newDelivery(payload, 1), NOW);
    expect(dropped).toEqual(['queue-full a']);
    session.attach(link, 10, NOW);
    expect(link.take()).toEqual(['PUBLISH 1 b', 'PUBLISH 2 c']);
  });

  test('expired messages make room before anything else is dropped', () => {
    session = newSession({ messagesMax: 1 });
    session.deliver(newDelivery('a', 1, { expiresAt: NOW + 1 }), NOW);
    session.deliver(newDelivery('b', 1), NOW + 1);
    expect(dropped).toEqual(['expired a']);
    expect(session.queuedCount).toBe(1);
  });

  test('the byte limit counts payloads, and one message alone always fits', () => {
    session = newSession({ bytesMax: 1000 });
    session.deliver(newDelivery('x'.repeat(2000), 1), NOW);
    expect(dropped).toEqual([]);
    session.deliver(newDelivery('b', 1), NOW);
    expect(dropped).toEqual(['queue-full b']);
    session.attach(link, 10, NOW);
    expect(session.queue.bytes).toBe(0);
  });
});

describe('retained messages', () => {
  test('they go before what is published later, whatever its QoS [MQTT-4.6.0-5]', () => {
    session.attach(link, 1, NOW);
    session.replay([newRetained('r1', 1), newRetained('r2', 1)], NOW);
    session.deliver(newDelivery('q0', 0), NOW);
    session.deliver(newDelivery('q1', 1), NOW);
    expect(link.take()).toEqual(['PUBLISH 1 r1']);
    session.onPuback(1, NOW);
    session.onPuback(2, NOW);
    expect(link.take()).toEqual(['PUBLISH 2 r2', 'PUBLISH 0 q0', 'PUBLISH 3 q1']);
  });

  test('QoS 0 does not overtake QoS 0 that waited for them [MQTT-4.6.0-6]', () => {
    session.attach(link, 1, NOW);
    session.replay([newRetained('r1', 1), newRetained('r2', 1)], NOW);
    session.deliver(newDelivery('q1', 1), NOW);
    session.deliver(newDelivery('first', 0), NOW);
    session.onPuback(1, NOW);
    session.deliver(newDelivery('second', 0), NOW);
    session.onPuback(2, NOW);
    expect(session.isOpenForQoS0).toBe(true);
    session.deliver(newDelivery('third', 0), NOW);
    expect(link.take()).toEqual([
      'PUBLISH 1 r1',
      'PUBLISH 2 r2',
      'PUBLISH 3 q1',
      'PUBLISH 0 first',
      'PUBLISH 0 second',
      'PUBLISH 0 third',
    ]);
  });

  test('any number is sent, whatever the limit of the queue', () => {
    session = newSession({ messagesMax: 1 });
    session.attach(link, 1000, NOW);
    session.replay(
      Array.from({ length: 500 }, (_, index) => newRetained(`${index}`, 0)),
      NOW,
    );
    expect(link.take()).toHaveLength(500);
    expect(dropped).toEqual([]);
  });

  test('those that are made deliveries of later go before what was published later, too', () => {
    session.attach(link, 2, NOW);
    const messages = ['r1', 'r2', 'r3', 'old'].map((payload) =>
      newMessage(payload, payload === 'old' ? { expiresAt: NOW } : {}),
    );
    const made: string[] = [];
    session.replayLater(
      messages,
      (message) => {
        made.push(Buffer.from(message.payload).toString());
        return new Delivery(message, 1, true);
      },
      NOW,
    );
    expect(link.take()).toEqual(['PUBLISH 1 r1', 'PUBLISH 2 r2']);
    expect(made).toEqual(['r1', 'r2', 'r3']);
    session.deliver(newDelivery('new', 1), NOW);
    session.deliver(newDelivery('q0', 0), NOW);
    expect(session.queuedCount).toBe(4);
    session.onPuback(1, NOW);
    session.onPuback(2, NOW);
    expect(link.take()).toEqual(['PUBLISH 3 r3', 'PUBLISH 4 new', 'PUBLISH 0 q0']);
    expect(dropped).toEqual(['expired old']);
    expect(session.queuedCount).toBe(0);
  });
});

describe('QoS 2 received', () => {
  test('a packet identifier is new until it is received, and new again once released [MQTT-4.3.3-12]', () => {
    session.attach(link, 1, NOW);
    expect(session.received.add(5)).toBe(true);
    expect(session.received.add(5)).toBe(false);
    expect(session.received.countNow).toBe(1);
    expect(session.received.delete(5)).toBe(true);
    expect(session.received.delete(5)).toBe(false);
    expect(session.received.countNow).toBe(0);
    expect(session.received.add(5)).toBe(true);
  });

  test('it survives the connection, and counts against the quota only of the one it came on', () => {
    session.attach(link, 1, NOW);
    session.received.add(5);
    session.received.add(6);
    session.detach();
    session.attach(new RecordingLink(), 1, NOW);
    expect(session.received.countNow).toBe(0);
    expect(session.received.add(5)).toBe(false);
    expect(session.received.countNow).toBe(1);
    expect(session.received.delete(6)).toBe(true);
    expect(session.received.countNow).toBe(1);
  });
});

describe('the end', () => {
  const group = '$share/g/t';

  test('shared messages that were never sent, or sent at QoS 1, are handed back [MQTT-4.8.2-5]', () => {
    session.attach(link, 2, NOW);
    session.deliver(new Delivery(newMessage('sent1'), 1, false, [], group), NOW);
    session.deliver(new Delivery(newMessage('sent2'), 2, false, [], group), NOW);
    session.deliver(new Delivery(newMessage('waiting'), 2, false, [], group), NOW);
    session.deliver(newDelivery('own', 1), NOW);
    session.detach();
    const orphans = session.end().map(({ message }) => Buffer.from(message.payload).toString());
    expect(orphans).toEqual(['sent1', 'waiting']);
    expect(dropped).toEqual(['session-ended sent2', 'session-ended own']);
    expect(session.inflightCount + session.queuedCount).toBe(0);
  });

  test('shared messages that wait can be taken back while the session lives on', () => {
    session.deliver(new Delivery(newMessage('shared'), 1, false, [], group), NOW);
    session.deliver(newDelivery('own', 1), NOW);
    expect(session.takeShared(() => false)).toHaveLength(0);
    expect(session.takeShared((one) => one === group)).toHaveLength(1);
    expect(session.queuedCount).toBe(1);
  });
});
