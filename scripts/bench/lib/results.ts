/** What measurements find, as it is stored in docs/performance. */
import type { Result } from '../../../packages/bench/dist/index.js';

/** The runs of one scenario with one broker. */
export interface Measured extends Result {
  /** Half of the distance between the lowest and the highest rate, as a part of the median. */
  readonly spread: number;
  readonly failure?: undefined;
  readonly isSkipped?: undefined;
}

/** What could not be measured, or was not to be. */
export interface Unmeasured {
  readonly failure: string;
  readonly isSkipped: boolean;
}

export type Outcome = Measured | Unmeasured;

/** A scenario, with what it found of each broker. */
export interface Row {
  readonly name: string;
  /** Of the load generator. */
  readonly args: readonly string[];
  readonly runs: number;
  readonly seconds: number;
  readonly taken: string;
  /** In the order of the brokers. */
  readonly outcomes: readonly Outcome[];
}

export interface BrokerNote {
  readonly name: string;
  readonly version: string;
  readonly configuration: string;
}

export interface Comparison {
  readonly machine: string;
  readonly isQuick: boolean;
  /** PromptMQ first. */
  readonly brokers: readonly BrokerNote[];
  readonly rows: readonly Row[];
}

/** A size of something, with what was found at it. */
export interface Point {
  readonly size: number;
  readonly ratePerSecond: number;
  readonly lost: number;
  /** Microseconds; null where none was measured. */
  readonly p99: number | null;
  /** Cores. */
  readonly brokerCpu: number;
  readonly generatorCpu: number;
  readonly isGeneratorLimit: boolean;
  readonly residentBytes: number;
  readonly extra: Readonly<Record<string, number>>;
  readonly memory: Result['memory'];
}

export interface Group {
  readonly points: readonly Point[];
  /** `idle`: the connections that were asked for. */
  readonly wanted?: number;
}

export type GroupName = 'connections' | 'subscriptions' | 'fan-out' | 'payload' | 'idle';

export interface Scaling {
  readonly taken: string;
  readonly machine: string;
  readonly runs: number;
  readonly seconds: number;
  readonly groups: Partial<Record<GroupName, Group>>;
}
