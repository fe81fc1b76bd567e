import type { Scenario } from '../scenario.ts';
import type { Percentiles } from './histogram.ts';

/** What one measurement found. */
export interface Result {
  readonly scenario: Scenario;
  readonly label: string;
  /** What the rate counts, such as `deliveries`. */
  readonly unit: string;
  /** Of the measured time. */
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** Messages sent over the whole run, warm-up included. */
  readonly sent: number;
  /** Deliveries that these should have become, and did. */
  readonly expected: number;
  readonly delivered: number;
  /** Expected and not delivered, when nothing more came. */
  readonly lost: number;
  /** Delivered beyond what was expected. */
  readonly surplus: number;
  /** Messages that the broker refused with a reason code. */
  readonly refused: number;
  /** Microseconds from when a message was meant to be sent; null where none was measured. */
  readonly latency: Percentiles | null;
  readonly generator: GeneratorUsage;
  /** Null unless the broker's process is known. */
  readonly broker: BrokerUsage | null;
  /** What else a pattern tells, such as `fillPerSecond`. */
  readonly extra: Readonly<Record<string, number>>;
  /** `idle`: the broker's resident bytes at numbers of connections. */
  readonly memory: readonly MemoryPoint[];
}

/** What a result says of messages when none were sent. */
export const NO_MESSAGES = {
  sent: 0,
  expected: 0,
  delivered: 0,
  lost: 0,
  surplus: 0,
  refused: 0,
} as const;

export interface GeneratorUsage {
  /** Cores. */
  readonly cpu: number;
  /** Fixed rate: by how many microseconds messages were sent too late, 99th percentile; else 0. */
  readonly lateP99: number;
  /** Whether the generator, not the broker, may have set the pace. */
  readonly isLimit: boolean;
}

export interface BrokerUsage {
  /** Cores. */
  readonly cpu: number;
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
}

export interface MemoryPoint {
  readonly connections: number;
  readonly residentBytes: number;
}

/** What is reported while a measurement runs. */
export interface Progress {
  readonly phase: string;
  /** Of the last moment; null where there is nothing to count. */
  readonly ratePerSecond: number | null;
}

export type ProgressListener = (progress: Progress) => void;

/** A scenario in a few words. */
export function labelOf(scenario: Scenario): string {
  const { pattern, qos, version, publishers, subscribers } = scenario;
  const parts = [pattern, shapeOf(scenario)];
  if (publishers + subscribers > 0) {
    parts.push(`QoS ${qos}`);
    if (scenario.payloadBytes !== 64) parts.push(`${scenario.payloadBytes} B`);
    if (qos > 0 && scenario.window !== 100) parts.push(`window ${scenario.window}`);
  }
  if (scenario.ratePerSecond !== null) parts.push(`${scenario.ratePerSecond}/s`);
  if (version === 5) parts.push('v5');
  if (scenario.userProperties > 0) parts.push(`${scenario.userProperties} user properties`);
  if (scenario.messageExpiry > 0) parts.push('expiry');
  if (scenario.usesAliases) parts.push('aliases');
  if (scenario.usesSubscriptionIdentifiers) parts.push('identifiers');
  if (scenario.otherSubscriptions > 0) parts.push(`+${scenario.otherSubscriptions} subscriptions`);
  return parts.filter((part) => part !== '').join(' ');
}

function shapeOf({ pattern, publishers, subscribers, topics, ...rest }: Scenario): string {
  switch (pattern) {
    case 'pairs':
    case 'persistent':
      return `${publishers}`;
    case 'fairness':
      return `${publishers - 1} and a flood`;
    case 'topics':
      return `${publishers} pairs ${topics} topics`;
    case 'wildcard':
      return `${publishers} to ${subscribers} ${topics} topics`;
    case 'fan-in':
    case 'fan-out':
    case 'shared':
      return `${publishers} to ${subscribers}`;
    case 'idle':
    case 'connect':
      return `${rest.connections}`;
    case 'retained':
    case 'offline':
      return `${rest.messages}`;
  }
}
