import { beforeEach, expect, test } from '@jest/globals';
import { Incoming } from './incoming.ts';
import { Ledger } from './ledger.ts';
import type { Publication } from './publication.ts';
import type { SessionRecord } from './session-record.ts';

const UNSAFE_MS = 100;

let time: number;
let ledger: Ledger;
let session: SessionRecord;
let incoming: Incoming;
let message: Publication;

beforeEach(() => {
  time = 1000;
  ledger = new Ledger(() => time);
  session = ledger.beginSession('subscriber', true);
  ledger.connected(session, 0);
  const wish = { filter: 'a', qos: 2, noLocal: false, retainHandling: 0 } as const;
  ledger.subscribed(session, ledger.subscribing(session, wish));
  incoming = new Incoming(
    {
      clientId: 'subscriber',
      version: 5,
      sessionExpiry: 1000,
      receiveMaximum: 10,
      packetIdMax: 10,
      topicAliasMaximum: 0,
    },
    ledger,
  );
  message = ledger.publication({
    publisher: 'publisher',
    topic: 'a',
    qos: 2,
    retain: false,
    size: 20,
    expiry: null,
    isWill: false,
  });
  ledger.mayBeRouted(message);
});

function receive({ dup }: { dup: boolean }): void {
  const { payload } = message;
  const packet = { cmd: 'publish', topic: 'a', payload, qos: 2, retain: false, dup } as const;
  incoming.onPublish(session, { ...packet, messageId: 1 }, time);
}

function reconnect(): void {
  incoming.disconnected();
  time += 10;
  ledger.connected(session, ledger.crashes);
}

function killAndRestart(): void {
  ledger.crashed(UNSAFE_MS);
  reconnect();
}

test('a QoS 2 message that was not released comes again with DUP [MQTT-3.3.1-1]', () => {
  receive({ dup: false });
  reconnect();
  receive({ dup: true });
  reconnect();
  expect(() => receive({ dup: false })).toThrow('packet identifier 1 has not been released');
});

test('it may come without DUP when it was sent just before a crash, and only then', () => {
  receive({ dup: false });
  killAndRestart();
  receive({ dup: false });
  time += UNSAFE_MS;
  killAndRestart();
  expect(() => receive({ dup: false })).toThrow('packet identifier 1 has not been released');
});

test('what the broker remembers of an earlier connection it does not forget in a later crash', () => {
  receive({ dup: false });
  time += UNSAFE_MS;
  reconnect();
  receive({ dup: true });
  killAndRestart();
  expect(() => receive({ dup: false })).toThrow('packet identifier 1 has not been released');
});

test('another message under its packet identifier is refused, even with DUP', () => {
  receive({ dup: false });
  killAndRestart();
  message = ledger.publication({ ...message.options });
  ledger.mayBeRouted(message);
  expect(() => receive({ dup: true })).toThrow('packet identifier 1 has not been released');
});
