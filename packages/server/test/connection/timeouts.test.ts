import { expect, test } from '@jest/globals';
import { ReasonCode } from '@promptmq/codec';
import { parseConfig } from '../../src/config/index.ts';
import { ConnectionState } from '../../src/connection/connection-state.ts';
import { ConnectionTimeouts, type TimedConnection } from '../../src/connection/timeouts.ts';
import { noopLogger } from '../../src/log/index.ts';
import { DeadlineQueue } from '../../src/runtime/deadline-queue.ts';

/** A connection of which a test sets what has come and gone, and its timeouts. */
class Timed implements TimedConnection {
  state: ConnectionState = ConnectionState.Opening;
  readonly openedAt = 0;
  receivedAt = 0;
  authentication = null;
  bufferedBytes = 0;
  isSuspended = false;
  isHeldBack = false;
  readonly clientId = 'client';
  readonly transport = { remoteAddress: '192.0.2.1:1' };
  readonly timeouts: ConnectionTimeouts;
  /** What became of it. */
  readonly ends: string[] = [];
  readonly #deadlines = new DeadlineQueue((_, error) => {
    throw error;
  });
  #now = 0;

  constructor(options: { mqtt?: object; server?: object } = {}) {
    this.timeouts = new ConnectionTimeouts(
      {
        config: parseConfig(options),
        runtime: { now: () => this.#now },
        deadlines: this.#deadlines,
        clientLog: noopLogger,
        onSocketRefused: (reason, _, why) => this.ends.push(`${reason}: ${why}`),
      },
      this,
    );
  }

  open(keepAlive: number): void {
    this.state = ConnectionState.Open;
    this.timeouts.open(keepAlive);
  }

  /** A packet has come whole. */
  receive(): void {
    this.receivedAt = this.#now;
    this.timeouts.onPacket();
  }

  /** Bytes of a packet that have come by now. */
  receivePart(bufferedBytes: number): void {
    this.receivedAt = this.#now;
    this.bufferedBytes = bufferedBytes;
    this.timeouts.expectRest();
  }

  goTo(ms: number): string[] {
    for (const at of [...Array(ms - this.#now).keys()].map((step) => this.#now + 1 + step)) {
      if (this.#deadlines.nextAt > at) continue;
      this.#now = at;
      this.#deadlines.runDue(at);
    }
    this.#now = ms;
    this.timeouts.checkInvariants();
    return this.ends.splice(0);
  }

  disconnect(reasonCode: number, cause: string): void {
    this.ends.push(`${cause} 0x${reasonCode.toString(16)}`);
    this.state = ConnectionState.Closing;
    this.timeouts.beginClosing();
  }

  terminate(cause = 'terminated'): void {
    this.ends.push(cause);
    this.state = ConnectionState.Closed;
    this.timeouts.cancel();
  }

  refuse(): void {}
  fail(): void {}
  cut(): void {}
}

test('who sends no CONNECT in time is closed, and the log says what was missing', () => {
  const silent = new Timed({ mqtt: { connectTimeout: '1s' } });
  expect(silent.goTo(999)).toEqual([]);
  expect(silent.goTo(1000)).toEqual([
    'timeout: no CONNECT came within mqtt.connect-timeout',
    'terminated',
  ]);
  const slow = new Timed({ mqtt: { connectTimeout: '1s' } });
  slow.bufferedBytes = 5;
  expect(slow.goTo(1000)[0]).toBe(
    'timeout: the CONNECT did not come whole within mqtt.connect-timeout',
  );
  const waiting = new Timed({ mqtt: { connectTimeout: '1s' } });
  waiting.isSuspended = true;
  expect(waiting.goTo(1000)[0]).toContain('authentication took longer');
});

test('keep alive ends after one and a half times its interval without a packet [MQTT-3.1.2-22]', () => {
  const connection = new Timed();
  connection.open(2);
  connection.goTo(2999);
  connection.receive();
  expect(connection.goTo(5998)).toEqual([]);
  expect(connection.goTo(5999)).toEqual([
    `keep alive 0x${ReasonCode.KeepAliveTimeout.toString(16)}`,
  ]);
  // It has a while to read that.
  expect(connection.goTo(7998)).toEqual([]);
  expect(connection.goTo(7999)).toEqual(['terminated']);
});

test('without keep alive a client may be silent for ever', () => {
  const connection = new Timed();
  connection.open(0);
  expect(connection.goTo(600_000)).toEqual([]);
});

test('a client that is not read from is not late; its time begins again when it is read from', () => {
  const connection = new Timed();
  connection.open(2);
  connection.isHeldBack = true;
  expect(connection.goTo(60_000)).toEqual([]);
  connection.isHeldBack = false;
  connection.receivedAt = 60_000;
  connection.timeouts.onReadingResumed();
  expect(connection.goTo(62_999)).toEqual([]);
  expect(connection.goTo(63_000)).toHaveLength(1);
});

test('a packet that has begun has to continue within the read timeout, and has one for each 64 KiB', () => {
  const options = { server: { readTimeout: '5s' } };
  const silent = new Timed(options);
  silent.open(0);
  silent.receivePart(100);
  expect(silent.goTo(4999)).toEqual([]);
  expect(silent.goTo(5000)).toEqual(['read timeout 0x83']);
  const trickling = new Timed(options);
  trickling.open(0);
  for (let now = 0; now < 5000; now += 1000) {
    expect(trickling.goTo(now)).toEqual([]);
    trickling.receivePart(1 + now);
  }
  expect(trickling.goTo(5000)).toEqual(['read timeout 0x83']);
  const large = new Timed(options);
  large.open(0);
  for (let now = 0; now <= 20_000; now += 1000) {
    expect(large.goTo(now)).toEqual([]);
    large.receivePart(1 + now * 20);
  }
});

test('a client that takes nothing of what it is sent within the write timeout is cut', () => {
  const connection = new Timed({ server: { writeTimeout: '3s' } });
  connection.open(0);
  connection.goTo(1000);
  connection.timeouts.expectProgress();
  connection.goTo(3000);
  connection.timeouts.onProgress(true);
  expect(connection.goTo(5999)).toEqual([]);
  expect(connection.goTo(6000)).toEqual(['slow client']);
  const other = new Timed({ server: { writeTimeout: '3s' } });
  other.open(0);
  other.timeouts.expectProgress();
  other.timeouts.onProgress(false);
  expect(other.goTo(60_000)).toEqual([]);
});

test('a client is closed when it takes nothing more, also where it took a part of what was sent before the turn ended', () => {
  const connection = new Timed({ server: { writeTimeout: '1s' } });
  connection.open(0);
  // One of two chunks is taken at once, before the turn in which both were written has ended.
  connection.timeouts.onProgress(true);
  connection.timeouts.expectProgress();
  expect(connection.goTo(999)).toEqual([]);
  expect(connection.goTo(1000)).toEqual(['slow client']);
});
