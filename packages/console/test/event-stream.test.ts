import { expect, test } from '@jest/globals';
import { EventStreamParser } from '../src/app/event-stream.ts';

const STREAM = ': hello\n\nevent: packet\nid: 7\ndata: {"a":1}\n\ndata: one\r\ndata: two\r\n\r\n';

test.each([1, 2, 3, 7, 1000])('events are found however the text is cut: %d at a time', (size) => {
  const parser = new EventStreamParser();
  const events = [];
  for (let at = 0; at < STREAM.length; at += size) {
    events.push(...parser.push(STREAM.slice(at, at + size)));
  }
  expect(events).toEqual([
    { type: 'packet', data: '{"a":1}', id: '7' },
    { type: 'message', data: 'one\ntwo', id: '7' },
  ]);
});

test('an event without an end is held within a limit', () => {
  const parser = new EventStreamParser();
  for (let index = 0; index < 100; index++) parser.push(`data: ${'x'.repeat(100_000)}\n`);
  expect(parser.push('\n')).toEqual([]);
  expect(parser.push('data: next\n\n')).toEqual([{ type: 'message', data: 'next', id: '' }]);
});
