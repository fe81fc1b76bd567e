import { randomBytes } from 'node:crypto';
import type { QoS } from '@promptmq/codec';
import { BenchError } from './bench-error.ts';
import type { Version } from './client/frames.ts';

/** What can be measured, and in a few words what it does. */
export const PATTERNS = {
  pairs: 'each publisher has a topic and a subscriber of its own',
  'fan-in': 'many publishers to one subscriber',
  'fan-out': 'one publisher to many subscribers of one topic',
  wildcard: 'one publisher of many topics to many subscribers of a filter with wildcards',
  shared: 'many publishers to the members of a shared subscription',
  topics: 'pairs with many topics each, published in shuffled order',
  persistent: 'pairs whose subscribers have sessions that outlive the connection',
  fairness: 'pairs at a fixed rate, beside one that floods: the latency of the others',
  idle: 'connections that do nothing: how fast they come, and what memory they take',
  connect: 'connections that are opened and closed as fast as the broker allows',
  retained: 'retained messages on many topics, then a subscriber to all of them',
  offline: 'messages for a session that is away, then its return',
} as const;

export type Pattern = keyof typeof PATTERNS;

export const PATTERN_NAMES = Object.keys(PATTERNS) as readonly Pattern[];

/** One measurement. */
export interface Scenario {
  readonly pattern: Pattern;
  readonly publishers: number;
  readonly subscribers: number;
  /** Topics in all. */
  readonly topics: number;
  /** `idle` and `connect`: connections, at the end or side by side. */
  readonly connections: number;
  /**
   * Messages in all: of `retained` and `offline`; of the others, where it isn't null, it ends the
   * measurement instead of `seconds`.
   */
  readonly messages: number | null;
  readonly qos: QoS;
  readonly payloadBytes: number;
  /** QoS 1 and 2: messages of one publisher that are not acknowledged yet. */
  readonly window: number;
  /** Messages a second of all publishers together; null is as fast as possible. */
  readonly ratePerSecond: number | null;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** QoS 0: bytes on their way to the subscribers of one topic; null chooses. */
  readonly flightBytes: number | null;
  /** How long nothing may come before what is missing counts as lost. */
  readonly drainSeconds: number;
  readonly version: Version;
  readonly userProperties: number;
  readonly messageExpiry: number;
  readonly usesAliases: boolean;
  readonly usesSubscriptionIdentifiers: boolean;
  /** Subscriptions of other clients to filters with wildcards that match nothing here. */
  readonly otherSubscriptions: number;
  /** Addresses 127.0.0.1, 127.0.0.2 and so on to connect from; 0 is as many as are needed. */
  readonly sources: number;
  /** Before topics and client identifiers, so that runs don't meet. */
  readonly prefix: string;
}

const DEFAULTS: Omit<Scenario, 'pattern' | 'publishers' | 'subscribers' | 'prefix'> = {
  topics: 1,
  connections: 1000,
  messages: null,
  qos: 0,
  payloadBytes: 64,
  window: 100,
  ratePerSecond: null,
  warmupSeconds: 1,
  seconds: 4,
  flightBytes: null,
  drainSeconds: 2,
  version: 4,
  userProperties: 0,
  messageExpiry: 0,
  usesAliases: false,
  usesSubscriptionIdentifiers: false,
  otherSubscriptions: 0,
  sources: 0,
};

type Shape = Pick<Scenario, 'publishers' | 'subscribers'> & Partial<Scenario>;

const SHAPES: Readonly<Record<Pattern, Shape>> = {
  pairs: { publishers: 50, subscribers: 50, topics: 50 },
  'fan-in': { publishers: 50, subscribers: 1 },
  'fan-out': { publishers: 1, subscribers: 100 },
  wildcard: { publishers: 1, subscribers: 100, topics: 100 },
  shared: { publishers: 10, subscribers: 10 },
  topics: { publishers: 50, subscribers: 50, topics: 1000 },
  persistent: { publishers: 50, subscribers: 50, topics: 50, qos: 1 },
  fairness: { publishers: 50, subscribers: 50, topics: 50, ratePerSecond: 4900 },
  idle: { publishers: 0, subscribers: 0, connections: 10_000 },
  connect: { publishers: 0, subscribers: 0, connections: 50 },
  retained: { publishers: 1, subscribers: 1, messages: 100_000 },
  offline: { publishers: 1, subscribers: 1, messages: 50_000, qos: 1 },
};

/** Patterns in which each publisher has its own subscriber. */
export const PAIRED: readonly Pattern[] = ['pairs', 'topics', 'persistent', 'fairness'];

/** What was asked for, over the pattern's own defaults; undefined values are left to these. */
export type ScenarioInput = { readonly pattern: Pattern } & {
  readonly [K in keyof Scenario]?: Scenario[K] | undefined;
};

/** @throws {BenchError} when the options contradict each other */
export function makeScenario(input: ScenarioInput): Scenario {
  const given = Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined),
  ) as Partial<Scenario>;
  const prefix = `bench-${randomBytes(2).toString('hex')}`;
  const merged = { ...DEFAULTS, prefix, ...SHAPES[input.pattern], ...given } as Scenario;
  const scenario = { ...merged, topics: topicCount(merged, given.topics) };
  check(scenario);
  return scenario;
}

function topicCount({ pattern, publishers, topics }: Scenario, given: number | undefined): number {
  switch (pattern) {
    case 'pairs':
    case 'persistent':
    case 'fairness':
      return publishers;
    case 'wildcard':
      return given ?? topics;
    case 'topics':
      // Whole numbers of topics for each publisher.
      return Math.max(1, Math.round(topics / publishers)) * publishers;
    default:
      return 1;
  }
}

function check(scenario: Scenario): void {
  const { pattern, qos, version, window, publishers, subscribers } = scenario;
  if (PAIRED.includes(pattern) && publishers !== subscribers) {
    throw new BenchError(
      `${pattern} has as many publishers as subscribers, not ${publishers} and ${subscribers}`,
    );
  }
  if (pattern === 'offline' && qos === 0) {
    throw new BenchError('offline needs QoS 1 or 2: brokers need not keep QoS 0 (§4.1)');
  }
  if (pattern === 'fairness' && (publishers < 2 || scenario.ratePerSecond === null)) {
    throw new BenchError('fairness needs two pairs or more, and a rate for all but one of them');
  }
  if (pattern === 'offline' && scenario.publishers > (scenario.messages ?? 0)) {
    throw new BenchError(`${publishers} publishers need as many messages or more (--messages)`);
  }
  if (window > 32_767) {
    throw new BenchError(`a window of ${window} is too large: 32767 at most`);
  }
  const fifth = [
    [scenario.userProperties > 0, 'user properties'],
    [scenario.messageExpiry > 0, 'message expiry'],
    [scenario.usesAliases, 'topic aliases'],
    [scenario.usesSubscriptionIdentifiers, 'subscription identifiers'],
  ] as const;
  const first = fifth.find(([isUsed]) => isUsed);
  if (version < 5 && first !== undefined) {
    throw new BenchError(`${first[1]} need MQTT 5 (--protocol 5)`);
  }
}
