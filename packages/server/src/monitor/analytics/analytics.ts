import type { MessageSampler } from '../../routing/meters/message-sampler.ts';
import type { MonitoredBroker } from '../host.ts';
import { keptKey, prefixOf } from './keys.ts';
import { type Measure, Minute, SIZE_BUCKETS } from './minute.ts';
import {
  type AnalyticsItem,
  type AnalyticsQuestion,
  type AnalyticsReport,
  itemsOf,
  sumOf,
} from './report.ts';
import { Sampling } from './sampling.ts';

const MINUTE_MS = 60_000;
/** The one that passes, and those of the last hour. */
const MINUTES_MAX = 61;

/** `analytics.enabled: auto`: messages are looked at until nobody has asked for this long. */
const IDLE_MS = 15 * MINUTE_MS;

const DEFAULT_WINDOW_MS = 5 * MINUTE_MS;
const DEFAULT_LIMIT = 20;

/**
 * Which topics, publishers and subscribers have most of the messages: of some messages, which stand for all, in memory that
 * doesn't grow.
 *
 * Invariant: the router has it as its sampler exactly while it is on, and it has minutes exactly then.
 */
export class Analytics implements MessageSampler {
  readonly #broker: MonitoredBroker;
  readonly #sampling: Sampling;
  /** The latest first. */
  #minutes: Minute[];
  /** Milliseconds of the broker's time. */
  #since: number;
  #askedAt: number;
  /** Of the message that is looked at: what it stands for, and what has been noted of it. */
  #standsFor: number;
  #notes: number;

  /** @param random - 0 to below 1 */
  constructor(broker: MonitoredBroker, random: () => number) {
    this.#broker = broker;
    this.#sampling = new Sampling(() => broker.config.analytics.samplesPerSecond, random);
    this.#minutes = [];
    this.#since = 0;
    this.#askedAt = Number.NEGATIVE_INFINITY;
    this.#standsFor = 1;
    this.#notes = 0;
  }

  get isOn(): boolean {
    return this.#minutes.length > 0;
  }

  /** Begins or ends, as the configuration says. */
  refresh(): void {
    const { enabled } = this.#broker.config.analytics;
    const isAsked = this.#broker.runtime.now() - this.#askedAt < IDLE_MS;
    if (enabled === true || (enabled === 'auto' && isAsked)) this.#begin();
    else this.stop();
  }

  #begin(): void {
    if (this.isOn) return;
    const now = this.#broker.runtime.now();
    this.#since = now;
    this.#minutes = [this.#newMinute(now)];
    this.#broker.router.sampler = this;
  }

  stop(): void {
    this.#minutes = [];
    this.#broker.router.sampler = null;
  }

  // ------------------------------------------------------------------- noting

  isDue(): boolean {
    return this.#sampling.isDue();
  }

  noteMessage(topic: string, publisherId: string, payloadSize: number): void {
    const { runtime, config } = this.#broker;
    const now = runtime.now();
    this.#standsFor = this.#sampling.standsFor;
    const minute = this.#minuteAt(now);
    const count = this.#standsFor;
    minute.noteMessage(payloadSize, count);
    minute.note('topic', keptKey(topic), payloadSize, count);
    minute.note('prefix', prefixOf(topic, config.analytics.depth), payloadSize, count);
    minute.note('publisher', keptKey(publisherId), payloadSize, count);
    this.#notes = 3;
  }

  noteSubscriber(clientId: string, payloadSize: number, count: number): void {
    const minute = this.#minutes[0];
    minute?.note('subscriber', keptKey(clientId), payloadSize, count * this.#standsFor);
    this.#notes++;
  }

  endMessage(): void {
    const now = this.#broker.runtime.now();
    this.#sampling.next(this.#notes, now);
    // Nobody asks any more.
    if (now - this.#askedAt >= IDLE_MS) this.refresh();
  }

  /** The minute that passes; the oldest one's place is taken where there are as many as may be. */
  #minuteAt(now: number): Minute {
    const current = this.#minutes[0] as Minute;
    const passed = Math.floor((now - current.startedAt) / MINUTE_MS);
    if (passed <= 0) return current;
    current.endedAt = current.startedAt + MINUTE_MS;
    const next = this.#newMinute(current.startedAt + passed * MINUTE_MS);
    this.#minutes.unshift(next);
    return next;
  }

  #newMinute(startedAt: number): Minute {
    const { config, router } = this.#broker;
    const { entries } = config.analytics;
    const oldest = this.#minutes.length >= MINUTES_MAX ? this.#minutes.pop() : undefined;
    const minute = oldest?.entries === entries ? oldest : new Minute(entries);
    minute.begin(startedAt);
    for (const { filter, messages, payloadBytes } of router.topicMeter?.counts ?? []) {
      minute.filters.set(filter, [messages, payloadBytes]);
    }
    return minute;
  }

  // ------------------------------------------------------------------ answers

  /** Where the configuration says `auto`, messages are looked at from the first question on. */
  report(question: AnalyticsQuestion): AnalyticsReport {
    const { runtime } = this.#broker;
    const now = runtime.now();
    this.#askedAt = now;
    this.refresh();
    const { by, sort = 'messages', windowMs = DEFAULT_WINDOW_MS } = question;
    const { limit = DEFAULT_LIMIT } = question;
    const given = question.key;
    const key = given === undefined || by === 'filter' ? given : keptKey(given);
    const minutes = this.#minutesSince(now, windowMs);
    const wanted = Math.max(this.#since, now - windowMs);
    const from = Math.min(wanted, minutes.at(-1)?.startedAt ?? now);
    const seconds = Math.max(1, (now - from) / 1000);
    const all =
      by === 'filter'
        ? this.#filterItems(minutes, sort, seconds)
        : itemsOf(minutes, by, sort, seconds);
    const wallAheadMs = runtime.wallNow() - now;
    return {
      since: this.isOn ? this.#since + wallAheadMs : null,
      seconds: this.isOn ? seconds : 0,
      standsFor: this.#sampling.standsFor,
      messages: sumOf(minutes.map(({ messages }) => messages)),
      bytes: sumOf(minutes.map(({ bytes }) => bytes)),
      items: (key === undefined ? all : all.filter((item) => item.key === key)).slice(0, limit),
      sizes: sizesOf(minutes),
      overTime: minutes
        .map((minute, index) => ({
          time: minute.startedAt + wallAheadMs,
          ...(by === 'filter' && key !== undefined
            ? this.#filterFigures(key, minute, minutes[index - 1])
            : figuresOf(minute, by, key)),
        }))
        .reverse(),
    };
  }

  /** Those that ended after the time began, the latest first. */
  #minutesSince(now: number, windowMs: number): Minute[] {
    if (!this.isOn) return [];
    const current = this.#minuteAt(now);
    return this.#minutes.filter((one) => one === current || one.endedAt > now - windowMs);
  }

  /** What was counted of a filter from the start of a minute to that of the next, or to now. */
  #filterFigures(
    filter: string,
    minute: Minute,
    next: Minute | undefined,
  ): { messages: number; bytes: number } {
    const counts = this.#broker.router.topicMeter?.counts ?? [];
    const count = counts.find((one) => one.filter === filter);
    const [messagesBefore, bytesBefore] = minute.filters.get(filter) ?? [0, 0];
    const now = [count?.messages ?? 0, count?.payloadBytes ?? 0] as const;
    const [messages, bytes] = next === undefined ? now : (next.filters.get(filter) ?? [0, 0]);
    return { messages: added(messagesBefore, messages), bytes: added(bytesBefore, bytes) };
  }

  #filterItems(minutes: readonly Minute[], sort: Measure, seconds: number): AnalyticsItem[] {
    const first = minutes.at(-1);
    const total = sumOf(minutes.map((minute) => minute[sort]));
    return (this.#broker.router.topicMeter?.counts ?? [])
      .map((count): AnalyticsItem => {
        const [messagesBefore, bytesBefore] = first?.filters.get(count.filter) ?? [0, 0];
        const messages = added(messagesBefore, count.messages);
        const bytes = added(bytesBefore, count.payloadBytes);
        const exact = sort === 'messages' ? messages : bytes;
        return {
          key: count.filter,
          messages,
          bytes,
          messagesPerSecond: messages / seconds,
          bytesPerSecond: bytes / seconds,
          share: total === 0 ? 0 : Math.min(1, exact / total),
          least: exact,
          most: exact,
        };
      })
      .sort((a, b) => b[sort] - a[sort]);
  }
}

/** Counts that were reset begin again. */
function added(before: number, now: number): number {
  return now < before ? now : now - before;
}

function figuresOf(
  minute: Minute,
  by: AnalyticsQuestion['by'],
  key: string | undefined,
): { messages: number; bytes: number } {
  if (key === undefined || by === 'filter') {
    return { messages: minute.messages, bytes: minute.bytes };
  }
  return {
    messages: minute.hittersOf(by, 'messages').find(key)?.weight ?? 0,
    bytes: minute.hittersOf(by, 'bytes').find(key)?.weight ?? 0,
  };
}

function sizesOf(minutes: readonly Minute[]): { upTo: number; messages: number }[] {
  return Array.from({ length: SIZE_BUCKETS }, (_, bucket) => ({
    upTo: bucket === 0 ? 1 : 2 ** bucket,
    messages: sumOf(minutes.map(({ sizes }) => sizes[bucket] as number)),
  })).filter(({ messages }) => messages > 0);
}
