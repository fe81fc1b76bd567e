/**
 * What happened: a client connected or disconnected, its session ended; a subscription was granted, or ended while the session
 * went on; rules or hooks denied something (`deny`), something else was refused (`refuse`); a message did not go to a subscriber
 * (`drop`); the will of a client that has gone is not published (`will`).
 */
export const HISTORY_TYPES = [
  'connect',
  'disconnect',
  'session-end',
  'subscribe',
  'unsubscribe',
  'deny',
  'refuse',
  'drop',
  'will',
] as const;

export type HistoryType = (typeof HISTORY_TYPES)[number];

/** Something that happened to a client, once or several times in a row. */
export interface HistoryEntry {
  readonly type: HistoryType;
  readonly clientId: string;
  /** When it happened, the first time, in milliseconds since 1970. */
  readonly at: number;
  /** The last time. */
  readonly lastAt: number;
  readonly count: number;
  /** The topic name, or the topic filter of subscriptions; null where there is none, or it is not known. */
  readonly topic: string | null;
  /**
   * Why, in a word or two: of `disconnect` such as `keep alive` or `taken over`; of `session-end` `connection over`, `expired`, `clean
   * start` and so on; of `unsubscribe` `client`, `rules` or `hook`; of `deny` and `refuse` what was asked for; of `drop` the reason, which
   * may be `no-local`, too; of `will` `discarded`, `cancelled` or `refused`.
   */
  readonly cause: string;
  /** More of it, for people: the rule, why something was refused; empty for nothing. */
  readonly detail: string;
  /** Where the client was connected from; of what a takeover or a clean start ended, who did it. Null when it isn't known. */
  readonly address: string | null;
  /** Of `connect`, who the client proved to be; else null. */
  readonly userName: string | null;
  /** Of a subscription; else null. */
  readonly subscription: SubscriptionFacts | null;
  /** Of `session-end`: the filters of the subscriptions that ended with it, of many the first; else empty. */
  readonly filters: readonly string[];
  /** How many there were. */
  readonly filterCount: number;
  /** Of `session-end` and `drop`: messages that waited then, or the first time. */
  readonly waiting: number;
  /** Of `disconnect` and `refuse`: of MQTT; else -1. */
  readonly reasonCode: number;
}

/** What was granted. */
export interface SubscriptionFacts {
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainHandling: 0 | 1 | 2;
  /** Whether there was none with this filter before. */
  readonly isNew: boolean;
}

/** What is known of it when it happens. */
export interface EntryFacts {
  readonly topic?: string | null;
  readonly cause: string;
  readonly detail?: string;
  readonly address?: string | null;
  readonly userName?: string | null;
  readonly subscription?: SubscriptionFacts;
  readonly filters?: readonly string[];
  readonly filterCount?: number;
  readonly waiting?: number;
  readonly reasonCode?: number;
}

const NO_FILTERS: readonly string[] = [];

/** What an entry occupies beside its texts, with what leads to it: measured, see history.test.ts. */
const ENTRY_BYTES = 260;

/** The same of one that may come again. */
const REPEATED_BYTES = 160;

/** An entry as it is kept. */
export class KeptEntry implements HistoryEntry {
  readonly type: HistoryType;
  readonly clientId: string;
  readonly at: number;
  lastAt: number;
  count: number;
  readonly topic: string | null;
  readonly cause: string;
  readonly detail: string;
  readonly address: string | null;
  readonly userName: string | null;
  readonly subscription: SubscriptionFacts | null;
  readonly filters: readonly string[];
  readonly filterCount: number;
  readonly waiting: number;
  readonly reasonCode: number;
  /** What it may be continued by; null when it isn't. */
  readonly key: string | null;
  /** What it counts. */
  readonly bytes: number;
  /** Whether it is no longer kept. */
  isGone: boolean;

  constructor(
    type: HistoryType,
    clientId: string,
    at: number,
    facts: EntryFacts,
    key: string | null,
  ) {
    this.type = type;
    this.clientId = clientId;
    this.at = at;
    this.lastAt = at;
    this.count = 1;
    this.topic = facts.topic ?? null;
    this.cause = facts.cause;
    this.detail = facts.detail ?? '';
    this.address = facts.address ?? null;
    this.userName = facts.userName ?? null;
    this.subscription = facts.subscription ?? null;
    this.filters = facts.filters ?? NO_FILTERS;
    this.filterCount = facts.filterCount ?? this.filters.length;
    this.waiting = facts.waiting ?? 0;
    this.reasonCode = facts.reasonCode ?? -1;
    this.key = key;
    this.bytes = this.#size();
    this.isGone = false;
  }

  #size(): number {
    let characters = this.detail.length + this.cause.length;
    characters += (this.topic?.length ?? 0) + (this.address?.length ?? 0);
    characters += this.userName?.length ?? 0;
    for (const filter of this.filters) characters += filter.length + 8;
    return ENTRY_BYTES + (this.key === null ? 0 : REPEATED_BYTES) + 2 * characters;
  }
}
