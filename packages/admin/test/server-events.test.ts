import { expect, test } from '@jest/globals';
import { eventsOf, type ServerEvent } from '../src/index.ts';

const encoder = new TextEncoder();

/** An answer that comes in these pieces. */
function answerOf(...pieces: readonly Uint8Array[]): Promise<{ data: ReadableStream<Uint8Array> }> {
  const data = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  return Promise.resolve({ data });
}

async function read(...pieces: readonly Uint8Array[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of eventsOf(answerOf(...pieces))) events.push(event);
  return events;
}

const TEXT =
  ': connected\n\nid: 7\nevent: message\ndata: {"topic":"ü/é"}\n\n: still here\n\nevent: drop\r\ndata: {"n":\r\ndata:1}\r\n\r\nretry: 5\ndata:null\n\nevent: lost\ndata: "half';

const EVENTS = [
  { event: 'message', data: { topic: 'ü/é' }, id: '7' },
  { event: 'drop', data: { n: 1 }, id: null },
  { event: 'message', data: null, id: null },
];

test('events are read, comments and what did not come whole are left out', async () => {
  expect(await read(encoder.encode(TEXT))).toEqual(EVENTS);
});

test('wherever the pieces end', async () => {
  const bytes = encoder.encode(TEXT);
  for (let at = 0; at <= bytes.length; at++) {
    expect([at, await read(bytes.subarray(0, at), bytes.subarray(at))]).toEqual([at, EVENTS]);
  }
  expect(await read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
});

test('an answer without a body has none, and who leaves ends the answer', async () => {
  for await (const event of eventsOf(Promise.resolve({ data: null }))) throw event;
  let isCancelled = false;
  const data = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encoder.encode('data: 1\n\n')),
    cancel: () => {
      isCancelled = true;
    },
  });
  for await (const { data: value } of eventsOf(Promise.resolve({ data }))) {
    expect(value).toBe(1);
    break;
  }
  expect(isCancelled).toBe(true);
});

test('a refusal is thrown', async () => {
  const events = eventsOf(Promise.reject(new Error('refused')));
  await expect(events.next()).rejects.toThrow('refused');
});
