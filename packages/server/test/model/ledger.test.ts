import { beforeEach, describe, expect, test } from '@jest/globals';
import type { PublishPacket, QoS } from '@promptmq/codec';
import { Ledger } from './ledger.ts';
import type { Publication } from './publication.ts';
import type { SessionRecord } from './session-record.ts';
import { WillRecord } from './will-record.ts';

/** How long the broker may take to make something safe, in milliseconds. */
const UNSAFE_MS = 100;

let time: number;
let ledger: Ledger;
let session: SessionRecord;

beforeEach(() => {
  time = 1000;
  ledger = new Ledger(() => time);
  session = ledger.beginSession('subscriber', true);
  ledger.connected(session, 0);
  const wish = { filter: 'a', qos: 1, noLocal: false, retainHandling: 0 } as const;
  ledger.subscribed(session, ledger.subscribing(session, wish));
});

function published(qos: QoS, isWill = false): Publication {
  const options = { publisher: 'publisher', topic: 'a', qos, retain: false, size: 20 };
  return ledger.publication({ ...options, expiry: null, isWill });
}

/** The subscriber gets a copy, which the broker has just written. */
function deliver(publication: Publication, { dup = false, qos = 1 as QoS } = {}): void {
  const { topic } = publication.options;
  const packet: PublishPacket = {
    cmd: 'publish',
    topic,
    payload: publication.payload,
    qos,
    dup,
    retain: false,
    messageId: 1,
  };
  ledger.delivered(session, packet, topic, time);
}

function killAndRestart(): void {
  ledger.crashed(UNSAFE_MS);
  time += 50;
  ledger.connected(session, ledger.crashes);
}

describe('copies without DUP [MQTT-3.3.1-1]', () => {
  test.each([1, 2] as const)('as many are allowed as a message was sent, here %d', (sends) => {
    const message = published(1);
    for (let count = 0; count < sends; count++) ledger.mayBeRouted(message);
    for (let count = 0; count < sends; count++) deliver(message);
    deliver(message, { dup: true });
    expect(() => deliver(message)).toThrow(`${sends + 1} times without DUP, routed ${sends}`);
  });

  test('each that was sent just before a crash may come again, once', () => {
    const message = published(1);
    ledger.mayBeRouted(message);
    ledger.mayBeRouted(message);
    deliver(message);
    deliver(message);
    time += UNSAFE_MS - 1;
    killAndRestart();
    deliver(message);
    deliver(message);
    expect(() => deliver(message)).toThrow('3 times without DUP, routed 2');
  });

  test('one that was sent long before a crash comes with DUP', () => {
    const message = published(1);
    ledger.mayBeRouted(message);
    deliver(message);
    time += UNSAFE_MS;
    killAndRestart();
    deliver(message, { dup: true });
    expect(() => deliver(message)).toThrow('2 times without DUP, routed 1');
  });

  test('what was sent after a crash is not forgotten by it', () => {
    const message = published(1);
    ledger.mayBeRouted(message);
    killAndRestart();
    deliver(message);
    expect(() => deliver(message)).toThrow('2 times without DUP, routed 1');
  });

  test('what the client read after a crash was sent before it', () => {
    const message = published(1);
    ledger.mayBeRouted(message);
    ledger.crashed(UNSAFE_MS);
    deliver(message);
    ledger.connected(session, ledger.crashes);
    deliver(message);
    expect(() => deliver(message)).toThrow('2 times without DUP, routed 1');
  });
});

describe('order of the messages of one client and topic [MQTT-4.6.0-5]', () => {
  function subscribeAtQos0(): void {
    const wish = { filter: 'a', qos: 0, noLocal: false, retainHandling: 0 } as const;
    ledger.subscribed(session, ledger.subscribing(session, wish));
  }

  test('a message must not come for the first time after a later one', () => {
    const [first, second] = [published(1), published(1)];
    for (const message of [first, second]) ledger.mayBeRouted(message);
    deliver(second);
    expect(() => deliver(first)).toThrow(`after ${second}`);
  });

  test('at QoS 0 it may, sent again, when its copy was lost with a connection', () => {
    subscribeAtQos0();
    const [first, second] = [published(1), published(1)];
    ledger.mayBeRouted(first);
    ledger.connected(session, 0);
    ledger.mayBeRouted(second);
    deliver(second, { qos: 0 });
    ledger.mayBeRouted(first);
    deliver(first, { qos: 0 });
  });

  test('at QoS 0 it must not when the connection is still the same', () => {
    subscribeAtQos0();
    const [first, second] = [published(1), published(1)];
    for (const message of [first, second]) ledger.mayBeRouted(message);
    deliver(second, { qos: 0 });
    ledger.mayBeRouted(first);
    expect(() => deliver(first, { qos: 0 })).toThrow(`after ${second}`);
  });
});

describe('a will that DISCONNECT took away [MQTT-3.1.2-10]', () => {
  function discardedWill(): Publication {
    const will = new WillRecord(ledger, published(0, true), 0);
    will.confirmed();
    will.mayBeDiscarded();
    will.discarded();
    return will.publication;
  }

  test('must not be published', () => {
    const will = discardedWill();
    expect(() => deliver(will, { qos: 0 })).toThrow('must not be published');
  });

  test('may be published after a crash that follows at once', () => {
    const will = discardedWill();
    time += UNSAFE_MS - 1;
    killAndRestart();
    deliver(will, { qos: 0 });
  });

  test('must not be published after a crash that comes later', () => {
    const will = discardedWill();
    time += UNSAFE_MS;
    killAndRestart();
    expect(() => deliver(will, { qos: 0 })).toThrow('must not be published');
  });
});

describe('a subscription that SUBACK refuses after other cells were waited for', () => {
  const wish = { filter: 'a', qos: 2, noLocal: false, retainHandling: 0 } as const;

  test('what was published before SUBACK may come by it', () => {
    const span = ledger.subscribing(session, wish);
    const message = published(2);
    ledger.mayBeRouted(message);
    ledger.withdrawn(session, span);
    expect(() => deliver(message, { qos: 2 })).not.toThrow();
  });

  test('what was published after SUBACK comes by the one before it alone', () => {
    ledger.withdrawn(session, ledger.subscribing(session, wish));
    const message = published(2);
    ledger.mayBeRouted(message);
    expect(() => deliver(message, { qos: 2 })).toThrow('at QoS 2, which no subscription asks for');
    expect(() => deliver(message)).not.toThrow();
  });
});
