import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  Delivery,
  type DeliveryStore,
  MemoryAccount,
  type Message,
  Session,
  storedOf,
} from '../src/index.ts';

const LIMITS = { clientMax: 1_000_000, max: 1_000_000 };

/** Commits when the test says so, and reads back at once. */
class RandomStore implements DeliveryStore<Session> {
  committedPosition = 0;
  readonly memory = { bytesMax: 600, bytes: 0 };
  readonly #messages: Message[] = [];

  /** Stores a message for a session; returns its delivery. */
  add(session: Session, message: Message, qos: 1 | 2, group: string | null): Delivery {
    const delivery = new Delivery(message, qos, false, [], group);
    delivery.sequence = ++storedOf(session).lastSequence;
    delivery.share = message.payload.length;
    delivery.position = this.#messages.push(message);
    return delivery;
  }

  fetch(_session: Session, position: number): Message {
    return this.#messages[position - 1] as Message;
  }

  onReleased(_session: Session, delivery: Delivery): void {
    delivery.position = this.#messages.length;
  }

  awaitCommit(): void {}
  onSettled(): void {}
  onSettledUpTo(): void {}
  onSent(): void {}
}

const kinds = [
  ...(['deliver', 'deliver', 'deliver', 'share', 'replay', 'attach', 'attach', 'detach'] as const),
  ...(['puback', 'puback', 'pubrec', 'pubcomp', 'commit', 'pump', 'wait'] as const),
  ...(['changeWritable', 'receive', 'release', 'take', 'relocate'] as const),
];

interface Operation {
  readonly kind: (typeof kinds)[number];
  readonly qos: 0 | 1 | 2;
  readonly packetId: number;
  readonly size: number;
  readonly flag: boolean;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom(...kinds),
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  packetId: fc.integer({ min: 1, max: 6 }),
  size: fc.nat(200),
  flag: fc.boolean(),
});

/** A session to which anything may happen. */
class Scene {
  now = 1000;
  readonly store = new RandomStore();
  readonly inflight = new MemoryAccount(LIMITS);
  readonly replays = new MemoryAccount(LIMITS);
  readonly totals = { messagesMax: 30, bytesMax: 5000, messages: 0, bytes: 0 };
  readonly session: Session;
  readonly link = {
    isWritable: true,
    sendPublish: ({ message }: Delivery) =>
      message.payload.length > 190 ? ('packet-too-large' as const) : null,
    sendImage: () => null,
    sendPubrel() {},
  };

  constructor(isStored: boolean, expiryInterval: number, overflow: 'drop-newest' | 'drop-oldest') {
    this.session = new Session('client', {
      ...{ messagesMax: 20, bytesMax: 4000, overflow, totals: this.totals, number: 1 },
      store: isStored ? this.store : null,
      inflightMemory: this.inflight,
      replayMemory: this.replays,
      onDrop() {},
    });
    this.session.expiryInterval = expiryInterval;
  }

  #newDelivery({ qos, size, flag }: Operation, group: string | null): Delivery {
    const message: Message = {
      ...{ topic: 't', topicBytes: new Uint8Array(1), properties: new Uint8Array(0) },
      ...{ payload: new Uint8Array(size), qos, retain: false, publisherId: '' },
      expiresAt: flag ? this.now + 30 : Number.POSITIVE_INFINITY,
    };
    return qos === 0 || !this.session.isStored
      ? new Delivery(message, qos, false, [], group)
      : this.store.add(this.session, message, qos, group);
  }

  share(one: Operation): void {
    this.session.deliver(this.#newDelivery(one, '$share/g/t'), this.now);
  }

  deliver(one: Operation): void {
    const { session, now } = this;
    const { qos, size, flag } = one;
    const buffer = new Uint8Array(size);
    const frame = { buffer, start: 0, end: size, packetIdOffset: 0, payloadSize: size };
    const isFrame = session.takesImages && qos > 0 && !flag;
    if (isFrame && session.deliverImage(frame, qos << 1, now)) return;
    session.deliver(this.#newDelivery(one, null), now);
  }

  replay(one: Operation): void {
    const { session, now } = this;
    const { message } = this.#newDelivery({ ...one, qos: 0 }, null);
    session.beginReplay();
    session.replay([this.#newDelivery(one, null)], now);
    session.replayLater([message], (later) => new Delivery(later, 0, true), now);
    session.endReplay(now);
  }

  attach({ packetId }: Operation): void {
    if (!this.session.isConnected) this.session.attach(this.link, packetId, this.now);
  }

  detach(): void {
    this.session.detach();
    if (this.session.expiryInterval === 0) this.session.end();
  }

  puback({ packetId }: Operation): void {
    this.session.onPuback(packetId, this.now);
  }

  pubrec({ packetId, flag }: Operation): void {
    this.session.onPubrec(packetId, flag ? 0x80 : 0, this.now);
  }

  pubcomp({ packetId }: Operation): void {
    this.session.onPubcomp(packetId, this.now);
  }

  commit({ size }: Operation): void {
    this.store.committedPosition += size;
    this.session.pump(this.now);
  }

  pump(): void {
    this.session.pump(this.now);
  }

  wait({ size }: Operation): void {
    this.now += size;
  }

  changeWritable(): void {
    this.link.isWritable = !this.link.isWritable;
  }

  receive({ packetId }: Operation): void {
    this.session.received.add(packetId);
  }

  release({ packetId }: Operation): void {
    this.session.received.delete(packetId);
  }

  take(): void {
    this.session.takeShared(() => true);
  }

  relocate({ packetId, size }: Operation): void {
    this.session.stored?.relocate(packetId, { position: packetId, share: size });
  }

  check(): void {
    const { session, totals } = this;
    session.checkInvariants();
    this.inflight.checkInvariants(session.inflightBytes);
    this.replays.checkInvariants(session.replays.bytes);
    const { length, bytes } = session.queue;
    expect(totals).toMatchObject({ messages: length, bytes });
  }
}

test.each([
  ['in memory only', false, 3600],
  ['in memory only, which ends with its connection', false, 0],
  ['in a store', true, 3600],
])('whatever happens to a session %s, its invariants hold', (_, isStored, expiryInterval) => {
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 80, size: 'max' }),
      fc.constantFrom('drop-newest' as const, 'drop-oldest' as const),
      (operations, overflow) => {
        const scene = new Scene(isStored, expiryInterval, overflow);
        const { session, inflight, replays, totals, store } = scene;
        for (const one of operations) {
          scene[one.kind](one);
          scene.check();
          if (session.isEnded) break;
        }
        session.end();
        scene.check();
        const held = [inflight.bytes, replays.bytes, totals.messages, totals.bytes];
        expect([...held, store.memory.bytes]).toEqual([0, 0, 0, 0, 0]);
      },
    ),
    { numRuns: 400 },
  );
});
