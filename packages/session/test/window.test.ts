import { expect, test } from '@jest/globals';
import { type Delivery, DeliveryState } from '../src/index.ts';
import { MemoryAccount } from '../src/memory-account.ts';
import { idOf, Window, type WindowStore } from '../src/window/window.ts';
import { deliveryOf } from './support/deliveries.ts';

function windowOf(quota: number, store: WindowStore | null = null): Window {
  const window = new Window(store, null);
  window.beginConnection(quota);
  return window;
}

/** Sends a delivery as the session does. */
function begin(window: Window, delivery: Delivery): number {
  delivery.packetId = window.packetIdFor(delivery);
  window.begin(delivery);
  window.checkInvariants(true);
  return delivery.packetId;
}

test('no more begins than the client takes, and one more with each that is complete [MQTT-3.3.4-9]', () => {
  const window = windowOf(2);
  const ids = [begin(window, deliveryOf('a')), window.beginFrame(1)];
  expect([window.mayBegin, window.hasQuota, window.count]).toEqual([false, false, 2]);
  expect(window.onPuback(ids[0] as number)).toBe('ok');
  expect(window.mayBegin).toBe(true);
  expect(window.onPuback(ids[0] as number)).toBe('unknown');
  expect(window.onPuback(ids[1] as number)).toBe('ok');
  expect(window.count).toBe(0);
  window.checkInvariants(true);
});

test('QoS 2 goes through PUBREC and PUBCOMP, and nothing else [MQTT-4.3.3-4]', () => {
  const window = windowOf(10);
  for (const id of [begin(window, deliveryOf('a', { qos: 2 })), window.beginFrame(2)]) {
    expect(window.onPuback(id)).toBe('protocol-error');
    expect(window.onPubcomp(id)).toBe('protocol-error');
    expect(window.onPubrec(id, 0)).toBe('ok');
    expect(window.onPubrec(id, 0)).toBe('ok');
    expect(window.onPubrec(id, 0x80)).toBe('protocol-error');
    expect(window.onPubcomp(id)).toBe('ok');
    expect(window.onPubcomp(id)).toBe('unknown');
  }
  window.checkInvariants(true);
});

test('PUBREC with an error completes the exchange, and QoS 1 has none', () => {
  const window = windowOf(10);
  expect(window.onPubrec(begin(window, deliveryOf('a', { qos: 2 })), 0x97)).toBe('ok');
  expect(window.onPubrec(window.beginFrame(2), 0x97)).toBe('ok');
  expect(window.count).toBe(0);
  expect(window.onPubrec(begin(window, deliveryOf('a')), 0)).toBe('protocol-error');
  expect(window.onPubrec(window.beginFrame(1), 0)).toBe('protocol-error');
});

test('an identifier in use is given to nobody else [MQTT-2.2.1-4]', () => {
  const window = windowOf(65_535);
  const ids = new Set<number>();
  for (let index = 0; index < 65_535; index++) {
    ids.add(index % 2 === 0 ? window.beginFrame(1) : begin65(window));
  }
  expect(ids.size).toBe(65_535);
  expect(window.mayBegin).toBe(false);
  window.onPuback(4711);
  expect(window.packetIdFor(deliveryOf('a'))).toBe(4711);
});

/** Without the check of all others. */
function begin65(window: Window): number {
  const delivery = deliveryOf('');
  delivery.packetId = window.packetIdFor(delivery);
  window.begin(delivery);
  return delivery.packetId;
}

test('what was sent on an earlier connection takes none of the quota until it is sent again', () => {
  const window = windowOf(1);
  const delivery = deliveryOf('a');
  const id = begin(window, delivery);
  window.beginConnection(1);
  window.checkInvariants(true);
  expect(window.mayBegin).toBe(true);
  window.beginAgain(delivery);
  window.checkInvariants(true);
  expect(window.mayBegin).toBe(false);
  window.onPuback(id);
  window.checkInvariants(true);
  expect(window.mayBegin).toBe(true);
});

test('an acknowledgement of an earlier connection gives no quota', () => {
  const window = windowOf(1);
  const id = begin(window, deliveryOf('a'));
  window.beginConnection(1);
  window.onPuback(id);
  window.checkInvariants(true);
  begin(window, deliveryOf('b'));
  expect(window.mayBegin).toBe(false);
});

test('memory that is used up keeps the next one from beginning', () => {
  const memory = new MemoryAccount({ clientMax: 400, max: 1e6 });
  const window = new Window(null, memory);
  window.beginConnection(100);
  begin(window, deliveryOf('x'.repeat(100)));
  expect(window.mayBegin).toBe(true);
  const id = begin(window, deliveryOf('x'.repeat(100)));
  expect([window.mayBegin, memory.bytes]).toEqual([false, window.bytes]);
  window.onPuback(id);
  expect(window.mayBegin).toBe(true);
  window.clear();
  expect(memory.bytes).toBe(0);
});

test('a stored delivery has the identifier of its sequence, and another one while that is in use', () => {
  expect([1, 65_535, 65_536].map((sequence) => idOf({ sequence }))).toEqual([1, 65_535, 1]);
  const window = windowOf(100);
  const [first, second] = [
    deliveryOf('a', { sequence: 1, qos: 2 }),
    deliveryOf('b', { sequence: 65_536, qos: 2 }),
  ];
  expect(begin(window, first)).toBe(1);
  // The client knows a duplicate of QoS 2 by its identifier, so this one waits.
  expect(window.mayBeginWith(second)).toBe(false);
  expect(window.mayBeginWith(deliveryOf('c', { sequence: 65_536, qos: 1 }))).toBe(true);
  const other = deliveryOf('c', { sequence: 65_536, qos: 1 });
  expect(begin(window, other)).not.toBe(1);
  expect([window.find(1), window.find(65_536), window.find(2)]).toEqual([first, other, null]);
});

test('the store is told of what is over, and asked before PUBREL is sent again', () => {
  const calls: string[] = [];
  let isSafe = false;
  const window = windowOf(10, {
    isSafe: () => isSafe,
    settle: ({ sequence }) => calls.push(`settle ${sequence}`),
    release: ({ sequence }) => calls.push(`release ${sequence}`),
  });
  const id = begin(window, deliveryOf('a', { sequence: 3, qos: 2 }));
  expect(window.onPubrec(id, 0)).toBe('deferred');
  expect(window.onPubrec(id, 0)).toBe('deferred');
  isSafe = true;
  expect(window.onPubrec(id, 0)).toBe('ok');
  expect(window.onPubcomp(id)).toBe('ok');
  expect(calls).toEqual(['release 3', 'settle 3']);
});

test('a restored delivery is released already, and found', () => {
  const window = windowOf(10);
  window.restoreReleased(5, 9, 1000);
  window.checkInvariants(true);
  expect(window.find(5)).toMatchObject({ packetId: 9, state: DeliveryState.Released });
  expect(window.onPubcomp(9)).toBe('ok');
  expect(window.find(5)).toBeNull();
});
