import type { RunningBroker } from '../../embed/running-broker.ts';
import type { BrokerEventListener, BrokerEventName } from '../../tracing/event-types.ts';

/** In each such time a part of what may be taken in a second is taken: so a sample has something of all of it. */
const WINDOW_MS = 100;

export interface EventSampleOptions {
  /** Of `publish`: a topic filter. */
  readonly filter: string | undefined;
  /** Events a second at most, 1 or more. */
  readonly rate: number;
  /** Nothing is taken for so many milliseconds. */
  readonly onPause: (ms: number) => void;
}

/**
 * Listens to events of one name, to no more of them than a reader may have. For those beyond, the broker makes nothing: what is
 * published costs it as much as without a reader.
 *
 * Invariant: while a window goes on, no more than `limit` events of it have been taken.
 */
export class EventSample<N extends BrokerEventName> {
  readonly #broker: Pick<RunningBroker, 'on' | 'off'>;
  readonly #name: N;
  readonly #options: EventSampleOptions;
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #listener: BrokerEventListener<N>;
  /** Taken in this window, which ends then, in milliseconds of `performance.now`. */
  #taken: number;
  #endsAt: number;
  #timer: NodeJS.Timeout | null;
  #isEnded: boolean;

  constructor(
    broker: Pick<RunningBroker, 'on' | 'off'>,
    name: N,
    options: EventSampleOptions,
    listener: BrokerEventListener<N>,
  ) {
    const { rate } = options;
    this.#broker = broker;
    this.#name = name;
    this.#options = options;
    this.#limit = Math.ceil((rate * WINDOW_MS) / 1000);
    this.#windowMs = (this.#limit * 1000) / rate;
    this.#listener = (event) => {
      if (this.#isEnded) return;
      this.#enter();
      listener(event);
      // Who listens may have ended it.
      if (++this.#taken === this.#limit && !this.#isEnded) this.#pause();
    };
    this.#isEnded = false;
    this.#taken = 0;
    this.#endsAt = 0;
    this.#timer = null;
    this.#listen();
  }

  end(): void {
    this.#isEnded = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#broker.off(this.#name, this.#listener);
  }

  #listen(): void {
    const { filter } = this.#options;
    const topics = filter === undefined ? {} : { filter };
    this.#broker.on(this.#name, this.#listener, { ...topics, limit: this.#limit });
  }

  /** An event is about to be taken, perhaps the first of a window. */
  #enter(): void {
    const now = performance.now();
    if (now < this.#endsAt) return;
    this.#endsAt = now + this.#windowMs;
    if (this.#taken === 0) return;
    // What was left of the last window is none of this one.
    this.#taken = 0;
    this.#broker.off(this.#name, this.#listener);
    this.#listen();
  }

  #pause(): void {
    this.#taken = 0;
    this.#broker.off(this.#name, this.#listener);
    const ms = Math.max(1, Math.ceil(this.#endsAt - performance.now()));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#listen();
    }, ms);
    this.#timer.unref();
    this.#options.onPause(ms);
  }
}
