/** Asking again and again for what is shown. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get, type Query } from './api.ts';
import { ApiFailure } from './api-failure.ts';

export interface Poll<T> {
  /** What was answered last, for these parameters or those before; null at first. */
  readonly data: T | null;
  /** Why the last request failed; null when it did not. `data` stays. */
  readonly failure: ApiFailure | null;
  /** Whether `data` is for the present path and parameters. */
  readonly isCurrent: boolean;
  /** Asks now, such as after something was changed. */
  reload(): void;
}

export interface PollOptions {
  readonly query?: Query;
  /** Milliseconds from an answer to the next question; null to ask once. */
  readonly everyMs?: number | null;
}

/** The longest time from a failure to the next question. */
const RETRY_MS_MAX = 10_000;
const EVERY_MS = 2_000;

/**
 * What a path of the API answers, kept up to date while the page can be seen. A broker that doesn't answer is asked less and less.
 *
 * @param at - null for nothing to ask
 */
export function usePoll<T>(
  at: string | null,
  { query, everyMs = EVERY_MS }: PollOptions = {},
): Poll<T> {
  const asked = at === null ? null : `${at} ${JSON.stringify(query ?? {})}`;
  const [state, setState] = useState<State<T>>({ data: null, failure: null, asked: null });
  const again = useRef<() => void>(() => {});

  useEffect(() => {
    if (at === null || asked === null) return;
    const poller = new Poller(
      (signal) => get<T>(at, { ...(query && { query }), signal }),
      everyMs,
      (data) => setState({ data, failure: null, asked }),
      (failure) => setState((before) => ({ ...before, failure })),
    );
    again.current = () => poller.ask();
    poller.ask();
    return () => poller.stop();
  }, [asked, everyMs]);

  const reload = useCallback(() => again.current(), []);
  return { data: state.data, failure: state.failure, isCurrent: state.asked === asked, reload };
}

interface State<T> {
  readonly data: T | null;
  readonly failure: ApiFailure | null;
  readonly asked: string | null;
}

/** Asks, waits, and asks again, until it is stopped. At most one question is under way. */
class Poller<T> {
  readonly #question: (signal: AbortSignal) => Promise<T>;
  readonly #everyMs: number | null;
  readonly #onAnswer: (data: T) => void;
  readonly #onFailure: (failure: ApiFailure) => void;
  readonly #onVisible: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | null = null;
  #failures = 0;
  #isStopped = false;

  constructor(
    question: (signal: AbortSignal) => Promise<T>,
    everyMs: number | null,
    onAnswer: (data: T) => void,
    onFailure: (failure: ApiFailure) => void,
  ) {
    this.#question = question;
    this.#everyMs = everyMs;
    this.#onAnswer = onAnswer;
    this.#onFailure = onFailure;
    this.#onVisible = () => {
      if (!document.hidden && this.#abort === null && this.#timer === undefined) this.ask();
    };
    document.addEventListener('visibilitychange', this.#onVisible);
  }

  /** Asks at once; a question that is under way is given up. */
  ask(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#question(abort.signal).then(
      (data) => {
        if (abort.signal.aborted) return;
        this.#failures = 0;
        this.#onAnswer(data);
        this.#wait(this.#everyMs);
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        this.#failures += 1;
        this.#onFailure(error instanceof ApiFailure ? error : broken(error));
        const base = this.#everyMs ?? EVERY_MS;
        this.#wait(Math.min(RETRY_MS_MAX, base * 2 ** Math.min(this.#failures - 1, 5)));
      },
    );
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#abort?.abort();
    document.removeEventListener('visibilitychange', this.#onVisible);
  }

  #wait(ms: number | null): void {
    this.#abort = null;
    if (this.#isStopped || ms === null) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // Nobody looks: goes on when the page can be seen again.
      if (!document.hidden) this.ask();
    }, ms);
  }
}

function broken(error: unknown): ApiFailure {
  const message = error instanceof Error ? error.message : `${error}`;
  return new ApiFailure(500, 'UNREADABLE', `the answer can not be read: ${message}`);
}
