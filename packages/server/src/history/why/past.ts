import { matchesFilter } from '@promptmq/topics';
import type { HistoryEntry, SubscriptionFacts } from '../entry.ts';
import type { Present } from './present.ts';

/** A time in which a client had a subscription that matches, in milliseconds since 1970. */
export interface SubscriptionSpan {
  readonly filter: string;
  /** -Infinity where it isn't known. */
  readonly from: number;
  /** Infinity while it has it. */
  readonly to: number;
  readonly begin: HistoryEntry | null;
  readonly end: HistoryEntry | null;
  readonly facts: Pick<SubscriptionFacts, 'qos' | 'noLocal' | 'retainHandling'> | null;
}

/** A time in which a client was connected. */
export interface ConnectionSpan {
  readonly from: number;
  readonly to: number;
  readonly begin: HistoryEntry | null;
  readonly end: HistoryEntry | null;
}

/** What a client had when, newest first. */
export interface Past {
  readonly subscriptions: readonly SubscriptionSpan[];
  readonly connections: readonly ConnectionSpan[];
}

/**
 * Goes back from what there is now: so it is known also of what was there before the history began.
 *
 * @param entries - of the client, newest first
 */
export function pastOf(topic: string, entries: readonly HistoryEntry[], present: Present): Past {
  const subscriptions = new SubscriptionSpans(topic, present);
  for (const entry of entries) subscriptions.goBackBefore(entry);
  return {
    subscriptions: subscriptions.all(),
    connections: connectionsOf(entries, present.isConnected),
  };
}

function connectionsOf(entries: readonly HistoryEntry[], isConnected: boolean): ConnectionSpan[] {
  const connections: ConnectionSpan[] = [];
  let last = isConnected
    ? { to: Number.POSITIVE_INFINITY, end: null as HistoryEntry | null }
    : null;
  for (const entry of entries) {
    const { type, at } = entry;
    if (type === 'disconnect') last = { to: at, end: entry };
    if (type !== 'connect') continue;
    connections.push({ ...(last ?? { to: at, end: null }), from: at, begin: entry });
    last = null;
  }
  if (last !== null) {
    connections.push({ ...last, from: Number.NEGATIVE_INFINITY, begin: null });
  }
  return connections;
}

type Open = { -readonly [K in keyof SubscriptionSpan]: SubscriptionSpan[K] };

/** Finds the times of the subscriptions that match, going back entry by entry. */
class SubscriptionSpans {
  readonly #topic: string;
  readonly #spans: SubscriptionSpan[];
  /** Those whose beginning is still to be found, by filter. */
  readonly #open: Map<string, Open>;
  /** The end of a session of whose subscriptions not all are known. */
  #partlyKnownEnd: HistoryEntry | null;

  constructor(topic: string, { matching }: Present) {
    this.#topic = topic;
    this.#spans = [];
    this.#open = new Map();
    this.#partlyKnownEnd = null;
    for (const { filter, ...facts } of matching) {
      this.#open.set(filter, spanUntil(filter, null, facts));
    }
  }

  goBackBefore(entry: HistoryEntry): void {
    const { type, topic: filter } = entry;
    if (type === 'session-end') {
      this.#onSessionEnd(entry);
      return;
    }
    if (type !== 'subscribe' && type !== 'unsubscribe') return;
    if (filter === null || !matchesFilter(filter, this.#topic)) return;
    if (type === 'subscribe') this.#onSubscribe(entry, filter);
    else if (!this.#open.has(filter)) this.#open.set(filter, spanUntil(filter, entry, null));
  }

  /** What began later belongs to another session. */
  #onSessionEnd(entry: HistoryEntry): void {
    for (const span of this.#open.values()) this.#spans.push({ ...span, from: entry.at });
    this.#open.clear();
    for (const filter of entry.filters) {
      if (!matchesFilter(filter, this.#topic)) continue;
      this.#open.set(filter, spanUntil(filter, entry, null));
    }
    this.#partlyKnownEnd = entry.filterCount > entry.filters.length ? entry : null;
  }

  #onSubscribe(entry: HistoryEntry, filter: string): void {
    const span = this.#open.get(filter) ?? spanUntil(filter, this.#partlyKnownEnd, null);
    span.facts ??= entry.subscription;
    span.begin = entry;
    this.#open.set(filter, span);
    if (entry.subscription?.isNew === false) return;
    this.#spans.push({ ...span, from: entry.at });
    this.#open.delete(filter);
  }

  /** The latest first. */
  all(): SubscriptionSpan[] {
    return [...this.#spans, ...this.#open.values()].sort((one, other) => other.to - one.to);
  }
}

function spanUntil(filter: string, end: HistoryEntry | null, facts: Open['facts']): Open {
  const to = end?.at ?? Number.POSITIVE_INFINITY;
  return { filter, from: Number.NEGATIVE_INFINITY, to, begin: null, end, facts };
}
