/** Following a stream of Server-Sent Events of the API. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Query, request } from './api.ts';
import { ApiFailure } from './api-failure.ts';
import { noteSilence } from './connection.ts';
import { EventStreamParser, type StreamEvent } from './event-stream.ts';

export interface FollowOptions {
  readonly query?: Query;
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** The broker has begun to answer. */
  onOpen?(): void;
  onEvents(events: readonly StreamEvent[]): void;
}

/**
 * Follows until the broker ends it, or `signal` does.
 *
 * @throws {ApiFailure} when the broker refuses, or goes away
 */
export async function follow(at: string, options: FollowOptions): Promise<void> {
  const { method = 'GET', body, query, signal, onOpen, onEvents } = options;
  const asked = { ...(query && { query }), signal, waitMs: null };
  const response = await request(method, at, body, asked);
  onOpen?.();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const parser = new EventStreamParser();
  while (true) {
    const { done, value } = await reader.read().catch(() => {
      if (!signal.aborted) noteSilence();
      throw new ApiFailure(0, 'UNREACHABLE', 'the broker went away');
    });
    if (done) return;
    const events = parser.push(decoder.decode(value, { stream: true }));
    if (events.length > 0) onEvents(events);
  }
}

export type StreamState = 'off' | 'connecting' | 'open' | 'ended';

export interface Stream<T> {
  /** The newest last; at most as many as asked for. */
  readonly items: readonly T[];
  readonly state: StreamState;
  readonly failure: ApiFailure | null;
  /** Items that had to make room for newer ones. */
  readonly goneCount: number;
  clear(): void;
}

export interface StreamOptions<T> {
  readonly query?: Query;
  /** Kept at most. */
  readonly itemsMax?: number;
  /** Makes an item of an event; null leaves it out. */
  readonly read: (event: StreamEvent) => T | null;
}

/** Events wait this long to be shown together: a page that is drawn for each would do nothing else. */
const SHOW_MS = 150;
const RETRY_MS = 3_000;

/**
 * The last items of a stream, for a page that shows them as they come. Begins again when the broker went away.
 *
 * @param at - null for off; what has come stays
 */
export function useStream<T>(
  at: string | null,
  { query, itemsMax = 500, read }: StreamOptions<T>,
): Stream<T> {
  const [shown, setShown] = useState<Shown<T>>({ items: [], goneCount: 0 });
  const [state, setState] = useState<StreamState>('off');
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const reader = useRef(read);
  reader.current = read;
  const asked = at === null ? null : `${at} ${JSON.stringify(query ?? {})}`;

  useEffect(() => {
    if (at === null) {
      setState('off');
      return;
    }
    const abort = new AbortController();
    const { signal } = abort;
    let waiting: T[] = [];
    let goneCount = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      timer = undefined;
      const batch = waiting;
      const gone = goneCount;
      waiting = [];
      goneCount = 0;
      setShown((before) => {
        const all = [...before.items, ...batch];
        const over = Math.max(0, all.length - itemsMax);
        return { items: all.slice(over), goneCount: before.goneCount + over + gone };
      });
    };
    const onEvents = (events: readonly StreamEvent[]) => {
      for (const event of events) {
        const item = reader.current(event);
        if (item !== null) waiting.push(item);
      }
      // A page in the background is drawn seldom: it doesn't keep more than it will show.
      const over = Math.max(0, waiting.length - itemsMax);
      goneCount += over;
      waiting = waiting.slice(over);
      timer ??= setTimeout(show, SHOW_MS);
    };
    const run = () => {
      setState('connecting');
      const onOpen = () => {
        setState('open');
        setFailure(null);
      };
      follow(at, { ...(query && { query }), signal, onOpen, onEvents }).then(
        () => setState('ended'),
        (error: unknown) => {
          if (signal.aborted) return;
          const why =
            error instanceof ApiFailure ? error : new ApiFailure(500, 'UNREADABLE', `${error}`);
          setFailure(why);
          setState('ended');
          if (why.isOffline) timer = setTimeout(run, RETRY_MS);
        },
      );
    };
    run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [asked, itemsMax]);

  const clear = () => setShown({ items: [], goneCount: 0 });
  return { ...shown, state, failure, clear };
}

interface Shown<T> {
  readonly items: readonly T[];
  readonly goneCount: number;
}
