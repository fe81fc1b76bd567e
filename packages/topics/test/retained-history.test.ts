import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type HistoryReader, RetainedHistory } from '../src/retained/retained-history.ts';

interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly expiresAt: number;
}

function newMessage(topic: string): Message {
  return { topic, payload: new Uint8Array(10), expiresAt: Number.POSITIVE_INFINITY };
}

function newHistory(max: number) {
  const memory = { bytes: 0, max, refusals: 0 };
  return { memory, history: new RetainedHistory<Message>(memory, ({ payload }) => payload.length) };
}

/** Topics that change, and readers of whom it is known what they are to find. */
class Scene {
  readonly #present = new Map<string, Message>();
  readonly #expected = new Map<HistoryReader, Map<string, Message>>();
  readonly #history: RetainedHistory<Message>;

  constructor(history: RetainedHistory<Message>) {
    this.#history = history;
  }

  set(topic: string): void {
    const former = this.#present.get(topic) ?? null;
    this.#present.set(topic, newMessage(topic));
    this.#history.noteReplaced(topic, former);
  }

  remove(topic: string): void {
    const former = this.#present.get(topic);
    if (former === undefined) return;
    this.#present.delete(topic);
    this.#history.noteRemoved(former);
    for (const found of this.#expected.values()) found.delete(topic);
  }

  begin(): void {
    const reader = { version: 0 };
    this.#history.begin(reader);
    this.#expected.set(reader, new Map(this.#present));
  }

  /** Ends the reader that began first. */
  end(): void {
    const [oldest] = this.#expected.keys();
    if (oldest === undefined) return;
    this.#history.end(oldest);
    this.#expected.delete(oldest);
  }

  check(): void {
    this.#history.checkInvariants();
    for (const [reader, found] of this.#expected) {
      for (const [topic, message] of this.#present) {
        expect(this.#history.formerOf(reader, message)).toBe(found.get(topic) ?? null);
      }
    }
  }
}

test('each reader finds what there was when it began, or nothing where that was removed', () => {
  const operation = fc.record({
    kind: fc.constantFrom(...(['set', 'set', 'set', 'remove', 'begin', 'begin', 'end'] as const)),
    topic: fc.constantFrom('a', 'b', 'c'),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60, size: 'max' }), (operations) => {
      const { memory, history } = newHistory(Number.POSITIVE_INFINITY);
      const scene = new Scene(history);
      for (const { kind, topic } of operations) {
        scene[kind](topic);
        scene.check();
      }
      while (!history.isEmpty) scene.end();
      scene.check();
      expect([history.bytes, memory.bytes]).toEqual([0, 0]);
    }),
    { numRuns: 300 },
  );
});

test('without memory the oldest changes are forgotten, and what is there by then is found', () => {
  const { memory, history } = newHistory(700);
  const reader = { version: 0 };
  history.begin(reader);
  const former = ['a', 'b', 'c', 'd'].map((topic) => newMessage(topic));
  for (const message of former) {
    history.noteReplaced(message.topic, message);
    history.checkInvariants();
    expect(memory.bytes).toBeLessThanOrEqual(700);
  }
  expect(memory.refusals).toBe(1);
  const present = former.map(({ topic }) => newMessage(topic));
  const found = present.map((message) => history.formerOf(reader, message));
  expect(found).toEqual([present[0], ...former.slice(1)]);
});
