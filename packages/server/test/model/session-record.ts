import type { QoS } from '@promptmq/codec';
import { matchesFilter, parseSharedFilter } from '@promptmq/topics';
import { NEVER, type Publication, type Tick } from './publication.ts';

/** What a client asked for with one filter. */
export interface SubscriptionWish {
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

/**
 * A subscription over time. It is surely in force from `granted` to `endRequested`, and possibly from
 * `requested` to `ended`; its options hold until another SUBSCRIBE for the filter takes its place.
 */
export class Span {
  readonly wish: SubscriptionWish;
  readonly topicFilter: string;
  /** `NAME/FILTER` of a shared subscription, or null. */
  readonly group: string | null;
  readonly requested: Tick;
  granted: Tick = NEVER;
  superseded: Tick = NEVER;
  endRequested: Tick = NEVER;
  ended: Tick = NEVER;
  /** SUBACK refused it after it had been in force. */
  isWithdrawn = false;
  /** An UNSUBSCRIBE before the last may have ended it. */
  wasEndRequestedBefore = false;

  constructor(wish: SubscriptionWish, requested: Tick) {
    const shared = parseSharedFilter(wish.filter);
    this.wish = wish;
    this.topicFilter = shared?.topicFilter ?? wish.filter;
    this.group = shared === null ? null : `${shared.shareName}/${shared.topicFilter}`;
    this.requested = requested;
  }

  /** Whether its options may have applied at some moment from `from` to `to`. */
  isPossible(from: Tick, to: Tick): boolean {
    return this.requested <= to && this.ended >= from && this.superseded >= from;
  }

  /** Whether the filter was in force all the time from `from` to `to`. */
  isSure(from: Tick, to: Tick): boolean {
    return this.granted <= from && this.endRequested >= to;
  }

  /** UNSUBSCRIBE is on its way. */
  requestEnd(tick: Tick): void {
    if (this.endRequested === NEVER) this.endRequested = tick;
    else this.wasEndRequestedBefore = true;
  }

  matches(topic: string): boolean {
    return matchesFilter(this.topicFilter, topic);
  }
}

/** When the broker sent a copy of a publication. */
export interface SentCopy {
  /** Of the broker, as `SessionRecord.brokerLife`. */
  readonly life: number;
  /** At the latest. */
  readonly writtenMs: number;
}

/** How often a session's client got a publication. */
export interface Receipt {
  /** Without the retained copies that a new subscription is owed. */
  copies: number;
  /** Of these, the ones without DUP. */
  readonly firstCopies: SentCopy[];
  /** Of these, the ones at QoS 2. */
  exactCopies: number;
}

/** One session of a client, from the CONNECT that made it to its end, as seen by the client. */
export class SessionRecord {
  readonly clientId: string;
  /** It outlives its connection: a broker with a disk keeps it there. */
  readonly isStored: boolean;
  spans: Span[] = [];
  /** By publication id. */
  readonly receipts = new Map<number, Receipt>();
  /** The last copy with RETAIN, by topic. */
  readonly retained = new Map<string, Publication>();
  /** The last publication that came for the first time, by publisher, topic and QoS. */
  readonly lastIds = new Map<string, number>();
  /** When the client got the CONNACK of the present connection. */
  connectedAt: Tick = NEVER;
  /** How often the broker had been killed when the present connection was made. */
  brokerLife = 0;

  constructor(clientId: string, isStored: boolean) {
    this.clientId = clientId;
    this.isStored = isStored;
  }

  /** Another session may have taken its place at this time, with nothing of what it held. */
  #mayBeReplacedAt: Tick = -1;

  /** SUBSCRIBE is on its way. */
  request(wish: SubscriptionWish, tick: Tick): Span {
    const span = new Span(wish, tick);
    this.spans.push(span);
    return span;
  }

  /** SUBACK granted it: it takes the place of older ones with its filter. */
  grant(span: Span, tick: Tick): void {
    span.granted = tick;
    for (const other of this.spans) {
      if (other === span) return;
      if (other.wish.filter === span.wish.filter && other.superseded === NEVER) {
        other.superseded = tick;
      }
    }
  }

  /** SUBACK refused it: it never was in force. */
  deny(span: Span): void {
    this.spans = this.spans.filter((other) => other !== span);
  }

  /** SUBACK refused it, but until then it may have been in force: what came meanwhile may be queued. */
  withdraw(span: Span, tick: Tick): void {
    span.isWithdrawn = true;
    span.ended = Math.min(span.ended, tick);
  }

  /** The spans of a filter that have not ended. */
  openSpans(filter: string): Span[] {
    return this.spans.filter(({ wish, ended }) => wish.filter === filter && ended === NEVER);
  }

  /** The session may be gone from now on, or surely is. */
  end(tick: Tick, isSure: boolean): void {
    this.#mayBeReplacedAt = tick;
    for (const span of this.spans) {
      span.endRequested = Math.min(span.endRequested, tick);
      if (isSure) span.ended = Math.min(span.ended, tick);
    }
  }

  /** Nothing that was published until now comes any more: subscriptions that are over don't matter. */
  forgetEnded(): void {
    this.spans = this.spans.filter(
      ({ ended, superseded }) => ended === NEVER && superseded === NEVER,
    );
  }

  /** The spans by which a publication may have come here. @param routedBy - when it had been routed at the latest */
  possibleSpans({ earliest, options }: Publication, routedBy: Tick, now: Tick): Span[] {
    return this.spans.filter((span) => {
      // What waits for a member of a group that goes away may come to one that joined later (§4.8.2).
      const to = span.group === null ? routedBy : now;
      return span.isPossible(earliest, to) && span.matches(options.topic);
    });
  }

  /**
   * Whether a promised publication has to arrive: some subscription was in force whenever it may have
   * been routed, and each that may have been asks for QoS 1 at least, and not only of others.
   *
   * @param routedBy - when it had been routed at the latest
   */
  isOwed({ earliest, options }: Publication, routedBy: Tick, group: string | null): boolean {
    if (earliest <= this.#mayBeReplacedAt) return false;
    const isOwn = options.publisher === this.clientId;
    let isSure = false;
    for (const span of this.spans) {
      if (span.group !== group || !span.matches(options.topic)) continue;
      isSure ||= span.isSure(earliest, routedBy);
      if (!span.isPossible(earliest, routedBy)) continue;
      if (span.wish.qos === 0 || (isOwn && span.wish.noLocal)) return false;
    }
    return isSure;
  }
}
