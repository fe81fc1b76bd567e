import { matchesFilter, parseSharedFilter, type Subscription } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import type { SessionEntry } from '../../sessions/session-entry.ts';
import { Arguments, shown } from '../calls/arguments.ts';
import { checkTopicFilter } from '../calls/topic-filters.ts';
import { type ClientSubscription, clientSubscriptionOf } from './client-info.ts';

/** Which subscriptions are meant: those for which all holds that is given. */
export interface SubscriptionListOptions {
  /** Only those of this client. */
  readonly clientId?: string | undefined;
  /** Only those with exactly this filter, with or without `$share/NAME/`. */
  readonly topicFilter?: string | undefined;
  /** Only those whose filters, as if they were topics, match this one: `a/#` also finds `a/+/c`. */
  readonly matching?: string | undefined;
  readonly qos?: 0 | 1 | 2 | undefined;
  /** Only those of shared subscriptions with this name. */
  readonly shareName?: string | undefined;
  /** The `cursor` of the page before; null or left out for the first page. */
  readonly cursor?: string | null | undefined;
  /** How many subscriptions the page has at most, 1 to 10,000; 100 by default. */
  readonly limit?: number | undefined;
}

/** A subscription, and whose it is. */
export interface ListedSubscription extends ClientSubscription {
  readonly clientId: string;
  /** Whether it survives the broker's process. */
  readonly isStored: boolean;
}

export interface SubscriptionPage {
  readonly subscriptions: ListedSubscription[];
  /** For the next page; null when there is none. */
  readonly cursor: string | null;
}

/** Sessions and subscriptions that a call looks at: about a millisecond. */
const LOOKED_AT_MAX = 5000;

const LIMIT_MAX = 10_000;
const LIMIT_DEFAULT = 100;

/** A place among the sessions, and how many subscriptions of that one have been seen, in base 36. */
const CURSOR = /^([1-9a-z][0-9a-z]{0,9})\.([0-9a-z]{1,6})$/;

type SubscriptionTest = (subscription: Subscription) => boolean;

/** @throws {EmbedError} `invalid-argument` */
export function listSubscriptions(
  { sessions }: Broker,
  options: SubscriptionListOptions,
): SubscriptionPage {
  const args = new Arguments('clients.listSubscriptions');
  args.options(options, [
    'clientId',
    'topicFilter',
    'matching',
    'qos',
    'shareName',
    'cursor',
    'limit',
  ]);
  const tests = testsOf(args, options);
  const limit = args.wholeNumber('limit', options.limit ?? LIMIT_DEFAULT, 1, LIMIT_MAX);
  const match = CURSOR.exec(args.text('cursor', options.cursor ?? '1.0'));
  if (match === null) return args.refuse('cursor takes what an earlier page returned');
  const ordinal = Number.parseInt(match[1] as string, 36);
  const { clientId } = options;
  const entries =
    clientId === undefined
      ? sessions.after(ordinal - 1)
      : only(sessions.find(args.text('clientId', clientId)));
  const page = new PageOfSubscriptions(tests, limit);
  let seen = Number.parseInt(match[2] as string, 36);
  for (const entry of entries) {
    // The session of the cursor may have ended.
    const skipped = entry.ordinal === ordinal || clientId !== undefined ? seen : 0;
    seen = 0;
    const stoppedAt = page.addFrom(entry, skipped);
    if (stoppedAt === -1) continue;
    const cursor = `${entry.ordinal.toString(36)}.${stoppedAt.toString(36)}`;
    return { subscriptions: page.found, cursor };
  }
  return { subscriptions: page.found, cursor: null };
}

class PageOfSubscriptions {
  readonly found: ListedSubscription[] = [];
  readonly #tests: readonly SubscriptionTest[];
  readonly #limit: number;
  #left = LOOKED_AT_MAX;

  constructor(tests: readonly SubscriptionTest[], limit: number) {
    this.#tests = tests;
    this.#limit = limit;
  }

  /**
   * Adds those of a session that are meant.
   *
   * @returns how many of its subscriptions were seen where the page ends; -1 when it doesn't
   */
  addFrom({ session, subscriptions }: SessionEntry, skipped: number): number {
    if (this.#isOver) return skipped;
    this.#left--;
    if (subscriptions.size <= skipped) return -1;
    let index = 0;
    for (const subscription of subscriptions.values()) {
      if (index++ < skipped) continue;
      if (this.#isOver) return index - 1;
      this.#left--;
      if (!this.#tests.every((test) => test(subscription))) continue;
      this.found.push({
        clientId: session.clientId,
        isStored: session.isStored,
        ...clientSubscriptionOf(subscription),
      });
    }
    return -1;
  }

  get #isOver(): boolean {
    return this.found.length === this.#limit || this.#left <= 0;
  }
}

function testsOf(args: Arguments, options: SubscriptionListOptions): SubscriptionTest[] {
  const { topicFilter, matching, qos, shareName } = options;
  const tests: SubscriptionTest[] = [];
  if (topicFilter !== undefined) {
    const wanted = args.text('topicFilter', topicFilter);
    tests.push((one) => one.topicFilter === wanted || plainFilterOf(one) === wanted);
  }
  if (matching !== undefined) {
    const filter = checkTopicFilter(args, 'matching', matching);
    tests.push((one) => matchesFilter(filter, plainFilterOf(one)));
  }
  if (qos !== undefined) {
    args.wholeNumber('qos', qos, 0, 2);
    tests.push((one) => one.qos === qos);
  }
  if (shareName !== undefined) {
    const wanted = args.text('shareName', shareName);
    if (/[/+#]/.test(wanted)) args.refuse(`${shown(wanted)} is no name of a shared subscription`);
    tests.push((one) => parseSharedFilter(one.topicFilter)?.shareName === wanted);
  }
  return tests;
}

function plainFilterOf({ topicFilter }: Subscription): string {
  return parseSharedFilter(topicFilter)?.topicFilter ?? topicFilter;
}

function* only(entry: SessionEntry | null): Generator<SessionEntry> {
  if (entry !== null) yield entry;
}
