import type { QoS } from '@promptmq/codec';
import type { Random } from '@promptmq/wal/testing';
import { type Config, parseConfig } from '../../src/config/index.ts';
import type { Ledger } from './ledger.ts';
import { NEVER_EXPIRES } from './ledger.ts';
import type { ClientProfile, ModelClient, WillWish } from './model-client.ts';
import type { PublicationOptions } from './publication.ts';
import type { SubscriptionWish } from './session-record.ts';

const FILTERS = ['t/0', 't/1', 't/+', 't/#', '#', 'ret/#', 'ret/+/0', 'will/#', '+/+'] as const;
const SHARED_FILTERS = ['$share/one/t/#', '$share/two/t/0', '$share/one/t/1'] as const;
const QOS = [0, 1, 2] as const;
/** Seconds; the last is longer than a run. */
const EXPIRIES = [1, 2, 3, 1000];
const TOPIC_COUNT = 3;
const RETAINED_TOPIC_COUNT = 3;

/** What a client of a run is like, beside what it tells the broker. */
export interface Role {
  readonly profile: ClientProfile;
  /** The shared subscription that is its only one; null when it has others, and none that is shared. */
  readonly sharedFilter: string | null;
  /** How likely each of its actions is. */
  readonly publishes: number;
  readonly subscribes: number;
  readonly breaks: number;
  readonly startsClean: number;
}

/** The clients of a run. @param prefix - of their client identifiers */
export function drawRoles(random: Random, prefix = 'client'): Role[] {
  const count = 3 + random.below(5);
  const workers = random.pick([0.1, 0.25, 0.6]);
  // Often all of them share the work of one group.
  const groups = random.chance(0.6) ? [random.pick(SHARED_FILTERS)] : SHARED_FILTERS;
  return Array.from({ length: count }, (_, index) =>
    drawRole(random, `${prefix}-${index}`, random.chance(workers) ? random.pick(groups) : null),
  );
}

function drawRole(random: Random, clientId: string, sharedFilter: string | null): Role {
  const version = random.chance(0.6) ? 5 : 4;
  const isWorker = sharedFilter !== null;
  return {
    profile: {
      clientId,
      version,
      sessionExpiry: drawExpiry(random, version, isWorker),
      receiveMaximum: version === 5 ? random.pick([1, 2, 5, 100]) : 65_535,
      packetIdMax: random.pick([2, 3, 8, 50]),
      topicAliasMaximum: version === 5 && random.chance(0.4) ? 3 : 0,
    },
    sharedFilter,
    publishes: random.pick([0, 2, 6]),
    subscribes: random.pick([0.5, 2]),
    breaks: random.pick([0, 0.3, 1]),
    startsClean: random.chance(isWorker ? 0.1 : 0.5) ? 0.2 : 0,
  };
}

function drawExpiry(random: Random, version: 4 | 5, isWorker: boolean): number {
  if (random.chance(isWorker ? 0.1 : 0.25)) return 0;
  if (version === 5 && !isWorker && random.chance(0.3)) return 1 + random.below(4);
  return version === 5 && random.chance(0.5) ? 1000 : NEVER_EXPIRES;
}

export type Action = 'publish' | 'subscribe' | 'unsubscribe' | 'break' | 'change-pace';

/** What a connected client does next. */
export function drawAction(random: Random, { publishes, subscribes, breaks }: Role): Action {
  const weights: [Action, number][] = [
    ['publish', publishes],
    ['subscribe', subscribes],
    ['unsubscribe', 0.6],
    ['break', breaks],
    ['change-pace', 0.6],
  ];
  let left = random.next() * weights.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [action, weight] of weights) {
    left -= weight;
    if (left < 0) return action;
  }
  return 'change-pace';
}

/** Limits that are met often, and never make the broker drop a message that it is to keep. */
export function drawConfig(random: Random): Config {
  const config = parseConfig({
    mqtt: {
      maxInflight: random.pick([1, 2, 20]),
      receiveMaximum: random.pick([1, 3, 1000]),
      maxTopicAliasOut: random.pick([0, 10]),
      maxKeepAlive: 0,
    },
    storage: {
      enabled: random.chance(0.7),
      dataDir: '/data',
      walDir: '/wal',
      memoryBuffer: random.pick([0, 1000, 1_000_000]),
      wal: {
        syncMode: random.pick(['immediate', 'immediate', 'batch', 'periodic'] as const),
        forceFsync: random.chance(0.3),
      },
      compaction: { checkInterval: 100 + random.below(2000), batchSize: random.pick([1, 5, 1000]) },
    },
  });
  return withSmallLog(config, random);
}

/** The log much smaller than a configuration may have it: so that all that happens to one does. */
export function withSmallLog(config: Config, random: Random): Config {
  const { storage } = config;
  return {
    ...config,
    storage: {
      ...storage,
      wal: {
        ...storage.wal,
        segmentSize: random.pick([2048, 8192, 65_536]),
        checkpointSize: random.pick([1024, 10_000, 100_000]),
      },
      compaction: {
        ...storage.compaction,
        maxWalSize: random.pick([4096, 30_000, 1_000_000]),
        maxMessageAge: random.pick([0, 2000, 100_000]),
      },
    },
  };
}

export function drawPublication(
  random: Random,
  ledger: Ledger,
  { profile }: Role,
): PublicationOptions {
  const retain = random.chance(0.25);
  const number = random.below(retain ? RETAINED_TOPIC_COUNT : TOPIC_COUNT);
  const topic = retain ? `ret/${profile.clientId}/${number}` : `t/${number}`;
  const clears = retain && random.chance(0.1) && !ledger.wasCleared(topic);
  return {
    publisher: profile.clientId,
    topic,
    qos: random.pick([0, 1, 1, 2, 2] as const),
    retain,
    size: clears ? 0 : drawSize(random),
    expiry: profile.version === 5 && random.chance(0.15) ? random.pick(EXPIRIES) : null,
    isWill: false,
  };
}

/** Mostly small; some large enough to travel by reference, or to meet sector and buffer limits. */
function drawSize(random: Random): number {
  if (random.chance(0.03)) return 17_000 + random.below(10_000);
  return 8 + random.below(random.chance(0.1) ? 2000 : 60);
}

export function drawSubscription(
  random: Random,
  { profile, sharedFilter }: Role,
): SubscriptionWish {
  if (sharedFilter !== null) {
    const qos = random.pick([1, 2] as const);
    return { filter: sharedFilter, qos, noLocal: false, retainHandling: 0 };
  }
  const isV5 = profile.version === 5;
  return {
    filter: random.pick(FILTERS),
    qos: random.chance(0.7) ? random.pick([1, 2] as const) : 0,
    noLocal: isV5 && random.chance(0.15),
    retainHandling: isV5 ? random.pick([0, 0, 1, 2] as const) : 0,
  };
}

/** A filter that the client has asked for before, mostly. */
export function drawUnsubscription(random: Random, { session }: ModelClient): string {
  const spans = session?.spans ?? [];
  return spans.length === 0 ? random.pick(FILTERS) : random.pick(spans).wish.filter;
}

export function drawWill(random: Random, { profile }: Role): WillWish | null {
  if (random.chance(0.6)) return null;
  return {
    topic: `will/${profile.clientId}`,
    qos: random.pick(QOS as readonly QoS[]),
    retain: random.chance(0.3),
    delay: profile.version === 5 && random.chance(0.6) ? random.below(5) : 0,
    size: 8 + random.below(40),
  };
}
