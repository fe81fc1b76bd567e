/** Messages as they are published, no more of them than a page can show, and than the broker should make for one. */

import { type SeenMessage, seenMessage } from '../model/message-event.ts';
import { ApiFailure } from './api-failure.ts';
import { follow } from './events.ts';

/** What came in an interval. */
export interface Sample {
  readonly messages: readonly SeenMessage[];
  /** The interval, at least a millisecond. */
  readonly seconds: number;
  /** Whether there were more than are taken: then what is counted is less than there was. */
  readonly isPart: boolean;
}

export interface SampleOptions {
  readonly filter: string;
  /** Bytes of each payload. */
  readonly payloadBytes: number;
  readonly signal: AbortSignal;
  onSample(sample: Sample): void;
  onFailure(failure: ApiFailure): void;
}

const INTERVAL_MS = 1000;

/** Messages of a second. Of more, the broker makes no events. */
const MESSAGES_MAX = 200;

/** From a failure to the next attempt. */
const RETRY_MS = 5000;

/** Takes messages, and tells of them once a second, until `signal` ends it. */
export async function sampleMessages(options: SampleOptions): Promise<void> {
  const { signal, onFailure } = options;
  while (!signal.aborted) {
    try {
      await followOnce(options);
      // The broker has ended it: it stops.
      await pause(INTERVAL_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      const isKnown = error instanceof ApiFailure;
      const failure = isKnown ? error : new ApiFailure(500, 'UNREADABLE', `${error}`);
      onFailure(failure);
      // What is wrong with the filter stays so.
      if (failure.status === 400 || failure.status === 401 || failure.status === 403) return;
      await pause(RETRY_MS, signal);
    }
  }
}

/** One stream, until it ends. */
async function followOnce({ filter, payloadBytes, signal, onSample }: SampleOptions) {
  let messages: SeenMessage[] = [];
  let since = performance.now();
  let isPart = false;
  const tell = () => {
    const now = performance.now();
    onSample({ messages, seconds: Math.max(1, now - since) / 1000, isPart });
    messages = [];
    since = now;
    isPart = false;
  };
  const timer = setInterval(tell, INTERVAL_MS);
  try {
    await follow('/events', {
      query: {
        filter,
        type: 'message',
        payload: 'base64',
        payload_bytes: payloadBytes,
        rate: MESSAGES_MAX,
      },
      signal,
      onOpen() {
        since = performance.now();
      },
      onEvents(events) {
        for (const { type, data } of events) {
          if (type === 'message') messages.push(seenMessage(data));
          if (type === 'dropped' || type === 'pause') isPart = true;
        }
      },
    });
  } finally {
    clearInterval(timer);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
