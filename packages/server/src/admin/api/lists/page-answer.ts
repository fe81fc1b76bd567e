import { type Answer, json } from '../operation.ts';
import { nextTurn } from './turns.ts';

/** Things of a page that are made a text at a time: about a millisecond. */
const PART_LENGTH = 200;

export interface Page<T> {
  readonly data: readonly T[];
  readonly meta: object;
}

/**
 * Answers a page. A long one is made a text in parts, each in a turn of its own, so that nobody waits for ten thousand of them.
 *
 * @param toJson - what is answered of each; called when its part is made
 */
export function pageAnswer<T>(page: Page<T>, toJson: (thing: T) => object): Answer {
  const { data, meta } = page;
  if (data.length <= PART_LENGTH) return json({ data: data.map(toJson), meta });
  return {
    status: 200,
    stream: { type: 'application/json', bytes: streamOf(data, meta, toJson) },
    headers: { 'cache-control': 'no-store' },
  };
}

function streamOf<T>(
  data: readonly T[],
  meta: object,
  toJson: (thing: T) => object,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      await nextTurn();
      const part = data
        .slice(next, next + PART_LENGTH)
        .map((thing) => JSON.stringify(toJson(thing)));
      const start = next === 0 ? '{"data":[' : ',';
      next += part.length;
      const isLast = next === data.length;
      const end = isLast ? `],"meta":${JSON.stringify(meta)}}\n` : '';
      controller.enqueue(encoder.encode(start + part.join(',') + end));
      if (isLast) controller.close();
    },
  });
}
