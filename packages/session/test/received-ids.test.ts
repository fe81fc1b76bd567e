import { expect, test } from '@jest/globals';
import { ReceivedIds } from '../src/window/received-ids.ts';

test('an identifier is new until it is released [MQTT-4.3.3-10]', () => {
  const received = new ReceivedIds();
  expect(received.add(7)).toBe(true);
  expect(received.add(7)).toBe(false);
  expect(received.has(7)).toBe(true);
  expect(received.delete(7)).toBe(true);
  expect([received.has(7), received.delete(7)]).toEqual([false, false]);
  expect(received.add(7)).toBe(true);
  received.checkInvariants();
});

test('only what came on this connection counts against the Receive Maximum [MQTT-3.3.4-9]', () => {
  const received = new ReceivedIds();
  for (const id of [1, 2, 3]) received.add(id);
  expect(received.countNow).toBe(3);
  received.beginConnection();
  expect([received.countNow, [...received]]).toEqual([0, [1, 2, 3]]);
  // Sent again on this connection: no new message, but one more that is under way now.
  expect(received.add(2)).toBe(false);
  expect(received.add(2)).toBe(false);
  expect(received.countNow).toBe(1);
  received.delete(1);
  expect(received.countNow).toBe(1);
  received.delete(2);
  expect(received.countNow).toBe(0);
  received.checkInvariants();
});

test('what an earlier process had received is no new message, and counts when it is sent again', () => {
  const received = new ReceivedIds();
  received.restore(9);
  expect([received.has(9), received.countNow]).toEqual([true, 0]);
  expect(received.add(9)).toBe(false);
  expect(received.countNow).toBe(1);
  received.restore(9);
  expect(received.countNow).toBe(1);
  received.checkInvariants();
});

test('nothing is left after clearing', () => {
  const received = new ReceivedIds();
  expect([...received]).toEqual([]);
  received.add(1);
  received.clear();
  expect([received.has(1), received.countNow, [...received]]).toEqual([false, 0, []]);
});
