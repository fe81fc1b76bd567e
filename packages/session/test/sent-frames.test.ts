import { expect, test } from '@jest/globals';
import { SentFrameState, SentFrames } from '../src/window/sent-frames.ts';

test('knows every identifier with its state, also those whose low bits are the same', () => {
  const sent = new SentFrames();
  const ids = [1, 33, 65, 97, 32, 65_535, 2];
  for (const id of ids) sent.add(id, id % 2 === 0 ? SentFrameState.Published2 : 1);
  expect(sent.size).toBe(ids.length);
  expect(ids.map((id) => sent.get(id))).toEqual([1, 1, 1, 1, 2, 1, 2]);
  expect([3, 34, 0x8001, 129].map((id) => sent.get(id))).toEqual([0, 0, 0, 0]);
  sent.release(32);
  expect(sent.get(32)).toBe(SentFrameState.Released);
  for (const id of ids) sent.delete(id);
  expect(sent.size).toBe(0);
  expect(ids.map((id) => sent.get(id))).toEqual([0, 0, 0, 0, 0, 0, 0]);
});

test('has other slots to offer while it is not crowded, and grows when it is', () => {
  const sent = new SentFrames();
  expect(sent.spareSlots).toBe(0);
  sent.add(1, SentFrameState.Published1);
  expect(sent.spareSlots).toBe(32);
  expect([33, 34].map((id) => sent.hasSlotFor(id))).toEqual([false, true]);
  for (let id = 2; id <= 16; id++) sent.add(id, SentFrameState.Published1);
  expect(sent.spareSlots).toBe(0);
  sent.add(33, SentFrameState.Published1);
  expect(sent.spareSlots).toBe(64);
});

test('holds all 65,535 at once', () => {
  const sent = new SentFrames();
  for (let id = 1; id <= 65_535; id++) sent.add(id, SentFrameState.Published1);
  expect(sent.size).toBe(65_535);
  expect(sent.get(1)).toBe(SentFrameState.Published1);
  expect(sent.get(65_535)).toBe(SentFrameState.Published1);
  sent.clear();
  expect(sent.get(1)).toBe(SentFrameState.None);
});
