import { cpus } from 'node:os';
import { nowMicros } from '../load/clock.ts';
import type { Publisher } from '../load/publisher.ts';

/** One publisher, and its part of all messages. */
export interface Source {
  readonly publisher: Publisher;
  readonly share: number;
  readonly isQos0: boolean;
}

const TICK_MS = 2;

/** As fast as possible, no source is ahead of the slowest by more messages of all than this. */
const LEAD_MAX = 30_000;

/** Of a standstill, so much is made good; what was due before is left out, and counted. */
const BACKLOG_SECONDS_MAX = 2;

/** Where the generator has no core to itself, it sleeps between messages instead of spinning. */
const canSpin = cpus().length > 1;

/**
 * Lets sources send in fixed shares: as fast as the slowest allows, or at a rate. At a rate, messages are
 * stamped with the time at which they were due, and no further than what their windows allow.
 */
export class Pump {
  readonly #sources: readonly Source[];
  #mode: 'idle' | 'unbounded' | 'paced' = 'idle';
  #ratePerSecond = 0;
  #startMicros = 0;
  #bases: readonly number[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** Seconds of the schedule that were left out. */
  skippedSeconds = 0;

  constructor(sources: readonly Source[]) {
    this.#sources = sources;
  }

  get sent(): number {
    return this.#sources.reduce((sum, { publisher }) => sum + publisher.sent, 0);
  }

  get unacked(): number {
    return this.#sources.reduce((sum, { publisher }) => sum + publisher.unacked, 0);
  }

  /** @param ratePerSecond - of all sources together; null for as fast as possible */
  start(ratePerSecond: number | null): void {
    this.stop();
    this.#bases = this.#sources.map(({ publisher }) => publisher.sent);
    this.#startMicros = nowMicros();
    if (ratePerSecond === null) {
      this.#mode = 'unbounded';
      this.#spin();
    } else {
      this.#mode = 'paced';
      this.#ratePerSecond = ratePerSecond;
      this.#timer = setInterval(() => this.#sendDue(), TICK_MS);
    }
  }

  stop(): void {
    this.#mode = 'idle';
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #spin(): void {
    if (this.#mode !== 'unbounded') return;
    const done = this.#sources.map(
      ({ publisher, share }, index) => (publisher.sent - (this.#bases[index] as number)) / share,
    );
    const limit = Math.min(...done) + LEAD_MAX;
    const now = nowMicros();
    this.#sources.forEach((source, index) => {
      const wanted = Math.floor((limit - (done[index] as number)) * source.share);
      send(source, wanted, now, 0);
    });
    if (canSpin) setImmediate(() => this.#spin());
    else setTimeout(() => this.#spin(), 1);
  }

  #sendDue(): void {
    const now = nowMicros();
    let isLate = false;
    this.#sources.forEach((source, index) => {
      const { publisher, share } = source;
      const stepMicros = 1_000_000 / (this.#ratePerSecond * share);
      const done = publisher.sent - (this.#bases[index] as number);
      const nextMicros = this.#startMicros + done * stepMicros;
      if (nextMicros > now) return;
      if (now - nextMicros > BACKLOG_SECONDS_MAX * 1e6) isLate = true;
      send(source, Math.floor((now - nextMicros) / stepMicros) + 1, nextMicros, stepMicros);
    });
    if (isLate) this.#skip(now);
  }

  #skip(now: number): void {
    this.skippedSeconds += BACKLOG_SECONDS_MAX;
    this.#bases = this.#sources.map(({ publisher }) => publisher.sent);
    this.#startMicros = now;
  }
}

function send({ publisher, isQos0 }: Source, wanted: number, micros: number, step: number): void {
  const credit = isQos0 ? publisher.lane.credit : publisher.allowance;
  const count = Math.min(wanted, credit);
  if (count > 0) publisher.send(count, micros, step);
}
