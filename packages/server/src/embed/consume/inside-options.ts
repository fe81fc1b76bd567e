import { NEVER_EXPIRES } from '@promptmq/session';
import {
  parseSharedFilter,
  type Subscription,
  type TopicFilterFault,
  topicFilterFault,
} from '@promptmq/topics';
import type { Config } from '../../config/index.ts';
import { refusalByConfiguration } from '../../protocol/subscribe/filter-refusals.ts';
import { Arguments, shown } from '../calls/arguments.ts';
import { EmbedError } from '../calls/embed-error.ts';

export interface InsideSubscribeOptions {
  /** The highest at which messages are delivered; 0 by default, 1 with a name. No more than `mqtt.max-qos`. */
  readonly qos?: 0 | 1 | 2 | undefined;
  /**
   * Makes it durable: what waits and what wasn't acknowledged is there when the name is subscribed to again, after a restart,
   * too, where storage is on. Any text that is no longer than `mqtt.max-client-id-len` with `$inside/` in front of it, and
   * doesn't begin with `/`.
   */
  readonly name?: string | undefined;
  /** Not to get what the program publishes with `broker.publish`, wherever it does; false by default. Not for shared subscriptions. */
  readonly noLocal?: boolean | undefined;
  /** Whether `retain` is as it was published; false by default: only retained messages of a new subscription have it. */
  readonly retainAsPublished?: boolean | undefined;
  /**
   * Which retained messages come (§3.8.3.1): those of all filters (0), of filters that the name had not been subscribed to (1, by
   * default), or none (2). Without a name, 0 and 1 are the same.
   */
  readonly retainHandling?: 0 | 1 | 2 | undefined;
  /** How many messages of QoS 1 and 2 may be unacknowledged, 1 to 65,535; `mqtt.max-inflight` by default. */
  readonly receiveMaximum?: number | undefined;
  /** With a name: how many seconds it lasts without a consumer, 1 to 4,294,967,295, which is for ever, and the default. */
  readonly sessionExpiry?: number | undefined;
  /** Comes with each message as `properties.subscriptionIdentifier`, 1 to 268,435,455. */
  readonly subscriptionIdentifier?: number | undefined;
  /** Ends it when it is aborted, as `close` does. */
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS: readonly (keyof InsideSubscribeOptions)[] = [
  'qos',
  'name',
  'noLocal',
  'retainAsPublished',
  'retainHandling',
  'receiveMaximum',
  'sessionExpiry',
  'subscriptionIdentifier',
  'signal',
];

/** What a subscription is to be, as far as that can be said without a look at the broker. */
export interface InsideTerms {
  readonly name: string | null;
  /** Seconds; 0 ends with the consumer. */
  readonly sessionExpiry: number;
  readonly receiveMaximum: number;
  readonly signal: AbortSignal | null;
  readonly subscriptions: readonly Subscription[];
}

const FAULTS: Readonly<Record<TopicFilterFault, string>> = {
  empty: 'it is empty',
  'null-character': 'it has U+0000 in it',
  'multi-level-wildcard': '# stands for the last level, and for a whole one',
  'single-level-wildcard': '+ stands for a whole level',
  'share-name': '$share/ without a name after it',
  'share-filter': '$share/NAME/FILTER takes a name without wildcards, and a filter after it',
};

/**
 * Checks what `broker.subscribe` was given.
 *
 * @throws {EmbedError} `invalid-argument`, `not-available`
 */
export function insideTerms(
  filters: string | readonly string[],
  options: InsideSubscribeOptions,
  config: Config,
): InsideTerms {
  const { mqtt } = config;
  const args = new Arguments('subscribe');
  args.options(options, OPTIONS);
  const name = nameOf(args, options.name, mqtt.maxClientIdLen);
  const identifier = args.wholeNumber(
    'subscriptionIdentifier',
    options.subscriptionIdentifier ?? 0,
    options.subscriptionIdentifier === undefined ? 0 : 1,
    268_435_455,
  );
  if (identifier > 0 && !mqtt.subscriptionIdentifiersAvailable) {
    throw new EmbedError('not-available', 'broker.subscribe: no subscription identifiers');
  }
  const qos = args.wholeNumber('qos', options.qos ?? (name === null ? 0 : 1), 0, 2);
  const terms = {
    qos: Math.min(qos, mqtt.maxQos) as Subscription['qos'],
    noLocal: args.flag('noLocal', options.noLocal ?? false),
    retainAsPublished: args.flag('retainAsPublished', options.retainAsPublished ?? false),
    retainHandling: args.wholeNumber('retainHandling', options.retainHandling ?? 1, 0, 2) as
      | 0
      | 1
      | 2,
    subscriptionIdentifier: identifier,
  };
  return {
    name,
    sessionExpiry: Math.min(expiryOf(args, name, options.sessionExpiry), mqtt.maxSessionExpiry),
    receiveMaximum: args.wholeNumber(
      'receiveMaximum',
      options.receiveMaximum ?? mqtt.maxInflight,
      1,
      65_535,
    ),
    signal: signalOf(args, options.signal),
    subscriptions: filtersOf(args, filters).map((topicFilter) => {
      checkFilter(args, topicFilter, config, terms.noLocal);
      return { topicFilter, ...terms };
    }),
  };
}

function nameOf(args: Arguments, given: string | undefined, bytesMax: number): string | null {
  if (given === undefined) return null;
  const name = args.text('name', given);
  if (name === '' || name.startsWith('/') || name.includes('\0') || !isWellFormed(name)) {
    args.refuse(`name takes a text that isn't empty and doesn't begin with /, not ${shown(name)}`);
  }
  if (Buffer.byteLength(name) + '$inside/'.length > bytesMax) {
    args.refuse('$inside/ and the name are longer than mqtt.max-client-id-len');
  }
  return name;
}

function expiryOf(args: Arguments, name: string | null, given: number | undefined): number {
  if (name !== null)
    return args.wholeNumber('sessionExpiry', given ?? NEVER_EXPIRES, 1, NEVER_EXPIRES);
  if (given !== undefined) args.refuse('sessionExpiry is for a subscription with a name');
  return 0;
}

function signalOf(args: Arguments, given: AbortSignal | undefined): AbortSignal | null {
  if (given === undefined) return null;
  if (!(given instanceof AbortSignal)) {
    args.refuse(`signal takes an AbortSignal, not ${shown(given)}`);
  }
  return given;
}

/** Each once, in the order in which they were given. */
function filtersOf(args: Arguments, given: string | readonly string[]): string[] {
  const filters = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(filters) || filters.length === 0) {
    args.refuse(`takes a topic filter or an array of some, not ${shown(given)}`);
  }
  return [...new Set(filters as readonly string[])];
}

/** @throws {EmbedError} `invalid-argument`, `not-available` */
export function checkFilter(
  args: Arguments,
  given: string,
  config: Config,
  noLocal: boolean,
): void {
  const topicFilter = args.text('a topic filter', given);
  const fault = topicFilterFault(topicFilter);
  if (fault !== null) args.refuse(`the topic filter ${shown(topicFilter)}: ${FAULTS[fault]}`);
  if (!isWellFormed(topicFilter)) {
    args.refuse(`the topic filter ${shown(topicFilter)} can't be encoded in UTF-8`);
  }
  if (noLocal && parseSharedFilter(topicFilter) !== null) {
    args.refuse(`noLocal is not for shared subscriptions, such as ${shown(topicFilter)}`); // [MQTT-3.8.3-4]
  }
  const refusal = refusalByConfiguration(config, topicFilter);
  if (refusal === null) return;
  throw new EmbedError('not-available', `broker.subscribe: ${shown(topicFilter)}: ${refusal.why}`);
}

/** Whether a text can be encoded in UTF-8 [MQTT-1.5.4-1]. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
