import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  Delivery,
  type DeliveryStore,
  MemoryAccount,
  type Message,
  Session,
  type SessionLink,
  STORED_MESSAGE,
  storedOf,
} from '../src/index.ts';

const NOW = 1_000_000;

/** What a store does that has everything committed at once, and reads back when the test says so. */
class FakeStore implements DeliveryStore<Session> {
  readonly committedPosition = Number.POSITIVE_INFINITY;
  readonly memory = { bytesMax: 0, bytes: 0 };
  readonly messages = new Map<number, Message>();
  readonly lost = new Set<number>();
  /** Positions that were asked for. */
  fetched: number[] = [];
  isLoaded = true;

  awaitCommit(): void {}
  onSettled(): void {}
  onSettledUpTo(_session: Session, _sequence: number, _over: readonly Delivery[]): void {}
  onSent(): void {}
  onReleased(): void {}

  fetch(_session: Session, position: number): Message | null | 'lost' {
    this.fetched.push(position);
    if (this.lost.has(position)) return 'lost';
    return this.isLoaded ? (this.messages.get(position) as Message) : null;
  }
}

let store: FakeStore;
let memory: MemoryAccount;
let session: Session;
let sent: string[];
let dropped: string[];
let deliveries: Delivery[];

const link: SessionLink = {
  isWritable: true,
  sendPublish: ({ packetId, message }, dup) => {
    sent.push(`${packetId} ${Buffer.from(message.payload)}${dup ? ' dup' : ''}`);
    return null;
  },
  sendImage: () => null,
  sendPubrel: () => {},
};

/** Delivers a message that was stored with the next sequence. */
function deliver(payload: string, qos: 1 | 2 = 1): void {
  const sequence = ++storedOf(session).lastSequence;
  const message = { ...STORED_MESSAGE, topic: 't', payload: Buffer.from(payload), qos };
  store.messages.set(sequence * 100, message);
  const delivery = new Delivery(message, qos, false);
  delivery.sequence = sequence;
  delivery.position = sequence * 100;
  deliveries.push(delivery);
  session.deliver(delivery, NOW);
}

const takeSent = () => sent.splice(0);

beforeEach(() => {
  sent = [];
  dropped = [];
  deliveries = [];
  store = new FakeStore();
  memory = new MemoryAccount({ clientMax: 1_000_000, max: 1_000_000 });
  session = new Session('client', {
    ...{ messagesMax: 100, bytesMax: 1_000_000, overflow: 'drop-newest' as const },
    number: 1,
    store,
    inflightMemory: memory,
    onDrop: (reason, { sequence }) => dropped.push(`${reason} ${sequence}`),
  });
});

describe('a message that was sent', () => {
  beforeEach(() => {
    session.attach(link, 10, NOW);
    for (const payload of ['a', 'b', 'c']) deliver(payload);
    expect(takeSent()).toEqual(['1 a', '2 b', '3 c']);
  });

  test('leaves memory', () => {
    for (const { message } of deliveries) expect(message).toBe(STORED_MESSAGE);
  });

  test('is read back to be sent again, and leaves memory again [MQTT-4.4.0-1]', () => {
    session.onPuback(2, NOW);
    session.detach();
    session.attach(link, 10, NOW);
    expect(takeSent()).toEqual(['1 a dup', '3 c dup']);
    expect(store.fetched).toEqual([100, 300]);
    for (const { message } of deliveries) expect(message).toBe(STORED_MESSAGE);
  });

  test('counts no more once it could not be sent again', () => {
    expect(memory.bytes).toBeGreaterThan(0);
    session.detach();
    const refuses = (): 'packet-too-large' => 'packet-too-large';
    session.attach({ ...link, sendPublish: refuses }, 10, NOW);
    expect(dropped).toHaveLength(3);
    expect(memory.bytes).toBe(0);
  });

  test('holds up what comes after it while it is read back', () => {
    session.detach();
    store.isLoaded = false;
    session.attach(link, 10, NOW);
    deliver('d');
    expect(takeSent()).toEqual([]);
    // The first is acknowledged late, on the new connection.
    session.onPuback(1, NOW);
    store.isLoaded = true;
    session.pump(NOW);
    expect(takeSent()).toEqual(['2 b dup', '3 c dup', '4 d']);
  });

  test('is dropped when it can not be read any more, and its identifier is free', () => {
    session.detach();
    store.lost.add(200);
    session.attach(link, 10, NOW);
    expect(takeSent()).toEqual(['1 a dup', '3 c dup']);
    expect(dropped).toEqual(['lost 2']);
    expect(session.inflightCount).toBe(2);
    expect(session.onPuback(2, NOW)).toBe('unknown');
  });

  test('takes the place that compaction gave it', () => {
    storedOf(session).relocate(1, { position: 7700, share: 1 });
    store.messages.set(7700, store.messages.get(100) as Message);
    session.detach();
    session.attach(link, 10, NOW);
    expect(store.fetched).toEqual([7700, 200, 300]);
    expect(takeSent()).toEqual(['1 a dup', '2 b dup', '3 c dup']);
  });
});

test('a message that waits for an acknowledgement before it is not read back', () => {
  session.attach(link, 1, NOW);
  for (const payload of ['a', 'b', 'c']) deliver(payload);
  expect(takeSent()).toEqual(['1 a']);
  expect(store.fetched).toEqual([]);
  session.onPuback(1, NOW);
  expect(takeSent()).toEqual(['2 b']);
  expect(store.fetched).toEqual([200]);
});

test('however much of a shared subscription waits, the session ends, and gives it all back [MQTT-4.8.2-5]', () => {
  const count = 200_000;
  session = new Session('client', {
    ...{ messagesMax: count, bytesMax: Number.POSITIVE_INFINITY, overflow: 'drop-newest' as const },
    store,
    onDrop: () => {},
  });
  for (let sequence = 1; sequence <= count; sequence++) {
    const delivery = new Delivery(STORED_MESSAGE, 1, false, [], '$share/group/t');
    delivery.sequence = sequence;
    delivery.position = sequence * 100;
    session.deliver(delivery, NOW);
  }
  expect(session.end()).toHaveLength(count);
  expect(session.queuedCount).toBe(0);
});

describe('settled up to a sequence', () => {
  let settled: string[];

  beforeEach(() => {
    settled = [];
    store.onSettledUpTo = (_session: Session, upTo: number, over: readonly Delivery[]) => {
      settled.push(`${upTo}: ${over.map(({ sequence }) => sequence)}`);
    };
  });

  test('what was sent is over, and as much more is sent', () => {
    session.attach(link, 3, NOW);
    for (const payload of ['a', 'b', 'c', 'd', 'e']) deliver(payload);
    expect(takeSent()).toEqual(['1 a', '2 b', '3 c']);
    session.settleUpTo(2, NOW);
    expect(settled).toEqual(['2: 1,2']);
    expect(takeSent()).toEqual(['4 d', '5 e']);
    expect([...session.inflight.deliveries].map(({ sequence }) => sequence)).toEqual([3, 4, 5]);
    session.settleUpTo(2, NOW);
    expect(settled).toEqual(['2: 1,2']);
    session.checkInvariants();
  });

  test('what an earlier process had sent is over, and not sent again', () => {
    for (const payload of ['a', 'b', 'c']) deliver(payload);
    session.settleUpTo(2, NOW);
    expect(settled).toEqual(['2: 1,2']);
    session.attach(link, 10, NOW);
    expect(takeSent()).toEqual(['3 c']);
    session.checkInvariants();
  });

  test('between two connections nothing is sent twice, and the rest in its order', () => {
    session.attach(link, 3, NOW);
    for (const payload of ['a', 'b', 'c', 'd']) deliver(payload);
    takeSent();
    session.detach();
    session.settleUpTo(2, NOW);
    session.attach(link, 3, NOW);
    expect(takeSent()).toEqual(['3 c dup', '4 d']);
    session.settleUpTo(9, NOW);
    expect(session.inflightCount).toBe(0);
    session.checkInvariants();
  });
});
