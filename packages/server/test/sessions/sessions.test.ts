import { expect, test } from '@jest/globals';
import { ReasonCode } from '@promptmq/codec';
import type { Message, SessionLink } from '@promptmq/session';
import { SubscriptionTrie } from '@promptmq/topics';
import { Access } from '../../src/access/index.ts';
import { parseConfig } from '../../src/config/index.ts';
import type { Peer } from '../../src/connection/peer.ts';
import { noopLogger } from '../../src/log/index.ts';
import { DeadlineQueue } from '../../src/runtime/deadline-queue.ts';
import { Faults } from '../../src/runtime/faults.ts';
import { MemoryLedger } from '../../src/runtime/memory-ledger.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { createStats } from '../../src/runtime/stats.ts';
import type { BrokerSession } from '../../src/sessions/broker-session.ts';
import type { SessionsHost } from '../../src/sessions/host.ts';
import type { PendingWill } from '../../src/sessions/pending-will.ts';
import { Sessions } from '../../src/sessions/sessions.ts';
import { MemoryJournal } from '../../src/storage/memory-journal.ts';
import { BrokerEvents } from '../../src/tracing/broker-events.ts';
import { ClientEvents } from '../../src/tracing/client-events.ts';
import { ClientTraces } from '../../src/tracing/client-traces.ts';

/** What sessions need of a broker, with a clock that goes when a test says so, and wills that are written down. */
class House {
  readonly published: string[] = [];
  readonly sessions: Sessions;
  readonly host: SessionsHost;
  #now = 0;

  constructor(mqtt: object = {}) {
    const config = parseConfig({ mqtt });
    const stats = createStats();
    const runtime: Runtime = {
      now: () => this.#now,
      wallNow: () => this.#now,
      defer: (callback) => callback(),
      setTimer: () => () => {},
      uniqueId: () => 'unique',
    };
    const traces = new ClientTraces(noopLogger, config.log);
    const memory = new MemoryLedger(config);
    const events = new BrokerEvents(runtime, memory.events, stats, noopLogger);
    this.host = {
      config,
      runtime,
      stats,
      memory,
      announcements: null,
      deadlines: new DeadlineQueue((_, error) => {
        throw error;
      }),
      faults: new Faults({
        stats,
        clientLog: noopLogger,
        abandonMessage: () => {},
        forsake: () => {},
        onFault: () => {},
      }),
      clientEvents: new ClientEvents(runtime, stats, noopLogger, traces, events, null),
      access: Access.load(config),
      router: {
        trie: new SubscriptionTrie<BrokerSession>(),
        retained: { historyBytes: 0 },
        publishMessage: ({ topic }) => {
          this.published.push(topic);
          return { reasonCode: ReasonCode.Success, position: -1 };
        },
        stampedWill: (message) => message,
        redeliver: (deliveries) => [...deliveries],
      },
      retainedReplays: { cancel: () => {}, onDetached: () => {}, forget: () => {} },
      journal: new MemoryJournal(),
    };
    this.sessions = new Sessions(this.host);
  }

  /** Lets time pass: seconds since the beginning. */
  goTo(seconds: number): void {
    this.#now = seconds * 1000;
    this.host.deadlines.runDue(this.#now);
    this.sessions.checkInvariants();
  }

  /** A CONNECT is accepted; `seconds` is the Session Expiry Interval. */
  connect(
    clientId: string,
    { seconds = 0, isClean = false, will = null as PendingWill | null } = {},
  ): { session: BrokerSession; isPresent: boolean; peer: FakePeer } {
    const peer = new FakePeer(this, clientId);
    const durability = seconds > 0 ? 'session' : 'none';
    const opened = this.sessions.open(clientId, isClean, peer.asPeer, durability);
    opened.session.expiryInterval = seconds;
    this.sessions.join(opened.session, null, will);
    opened.session.attach(peer.asPeer, 10, this.#now);
    peer.session = opened.session;
    this.sessions.checkInvariants();
    return { ...opened, peer };
  }
}

/** A connection that only ends. */
class FakePeer implements SessionLink {
  readonly transport = { remoteAddress: 'simulated' };
  readonly isWritable = true;
  session: BrokerSession | null = null;
  readonly #house: House;
  readonly clientId: string;

  constructor(house: House, clientId: string) {
    this.#house = house;
    this.clientId = clientId;
  }

  get asPeer(): Peer {
    return this as unknown as Peer;
  }

  get connection(): Peer {
    return this.asPeer;
  }

  leave(will: 'send-will' | 'discard-will' = 'send-will'): void {
    const { session } = this;
    this.session = null;
    if (session !== null) this.#house.sessions.leave(session, will, 'client', null);
    this.#house.sessions.checkInvariants();
  }

  takeOver(): void {
    this.leave();
  }

  sendPublish(): null {
    return null;
  }

  sendImage(): null {
    return null;
  }

  sendPubrel(): void {}
}

function willAt(topic: string, delayInterval = 0): PendingWill {
  const message: Message = {
    topic,
    topicBytes: Buffer.from(topic),
    properties: new Uint8Array(0),
    payload: Buffer.from('gone'),
    qos: 0,
    retain: false,
    expiresAt: Number.POSITIVE_INFINITY,
    publisherId: 'client',
  };
  return { message, delayInterval, messageExpiryInterval: -1 };
}

test('a session with an expiry interval is resumed, one without ends with its connection [MQTT-3.1.2-5]', () => {
  const house = new House();
  house.connect('kept', { seconds: 10 }).peer.leave();
  house.connect('not-kept').peer.leave();
  expect(house.sessions.count).toBe(1);
  expect(house.connect('kept', { seconds: 10 }).isPresent).toBe(true);
  expect(house.connect('not-kept').isPresent).toBe(false);
});

test('a clean start ends the session that was there [MQTT-3.1.2-4]', () => {
  const house = new House();
  const former = house.connect('client', { seconds: 10 });
  former.peer.leave();
  const next = house.connect('client', { seconds: 10, isClean: true });
  expect(next.isPresent).toBe(false);
  expect(next.session).not.toBe(former.session);
  expect(former.session.isEnded).toBe(true);
});

test('a session ends when its expiry interval has passed since its connection was over [MQTT-4.1.0-2]', () => {
  const house = new House();
  const { peer } = house.connect('client', { seconds: 10 });
  house.goTo(100);
  peer.leave();
  house.goTo(109.999);
  expect(house.sessions.count).toBe(1);
  house.goTo(110);
  expect(house.sessions.count).toBe(0);
  expect(house.host.stats.sessionsExpired).toBe(1);
});

test('a client that connects again in time stops the expiry of its session', () => {
  const house = new House();
  house.connect('client', { seconds: 10 }).peer.leave();
  house.goTo(9);
  house.connect('client', { seconds: 10 });
  house.goTo(1000);
  expect(house.sessions.count).toBe(1);
});

test('a session has one connection: another one takes it over [MQTT-3.1.4-3]', () => {
  const house = new House();
  const first = house.connect('client', { seconds: 10 });
  const second = house.connect('client', { seconds: 10 });
  expect(first.peer.session).toBeNull();
  expect(second.session).toBe(first.session);
  expect(house.sessions.connectionOf('client')).toBe(second.peer);
});

test('a will goes when its connection is over, with DISCONNECT it does not [MQTT-3.1.2-8] [MQTT-3.1.2-10]', () => {
  const house = new House();
  house.connect('a', { will: willAt('a/gone') }).peer.leave();
  house.connect('b', { will: willAt('b/gone') }).peer.leave('discard-will');
  expect(house.published).toEqual(['a/gone']);
  expect(house.host.memory.wills.bytes).toBe(0);
});

test('a will with a delay waits for it, and for the end of the session at most [MQTT-3.1.3-9]', () => {
  const house = new House();
  const back = () => house.connect('back', { seconds: 100, will: willAt('back/gone', 5) });
  back().peer.leave();
  house.connect('gone', { seconds: 100, will: willAt('gone/gone', 5) }).peer.leave();
  house.connect('short', { seconds: 2, will: willAt('short/gone', 5) }).peer.leave();
  house.goTo(2);
  expect(house.published).toEqual(['short/gone']);
  back();
  house.goTo(5);
  expect(house.published).toEqual(['short/gone', 'gone/gone']);
  house.goTo(50);
  expect(house.published).toHaveLength(2);
});

test('there is room for a number of sessions without a connection', () => {
  const house = new House({ maxSessions: 1 });
  expect(house.sessions.hasRoomForSession('other')).toBe(true);
  house.connect('client', { seconds: 10 }).peer.leave();
  expect(house.sessions.hasRoomForSession('other')).toBe(false);
  expect(house.sessions.hasRoomForSession('client')).toBe(true); // It has one.
});
