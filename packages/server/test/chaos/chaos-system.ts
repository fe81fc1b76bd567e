import type { Random } from '@promptmq/wal/testing';
import type { Program } from './program.ts';

/** Something that goes wrong with a system, and is put right some time later. */
export interface Fault {
  readonly name: string;
  /** How likely it is, beside the others. */
  readonly weight: number;
  /** How long it lasts, in milliseconds: least, most. */
  readonly lastsMs: readonly [number, number];
  /** It may only happen to a system that is well: two of its kind at once would be more than is promised. */
  readonly needsWell?: boolean;
  /** Begins. @returns what puts it right; null when there was nothing to harm */
  begin(random: Random): Promise<(() => Promise<void>) | null>;
}

/** Brokers that are one to their clients, with what they stand on. */
export interface ChaosSystem {
  readonly name: string;
  /** Where clients connect: on 127.0.0.1. */
  readonly ports: readonly number[];
  /** Above it, brokers lower the QoS of what they take. */
  readonly maximumQoS: 1 | 2;
  /** Versions of MQTT that clients may use. */
  readonly versions: readonly (4 | 5)[];
  readonly faults: readonly Fault[];
  /** Milliseconds from the end of a node until the sessions of each of its cells were served again, by fault; where that is measured. */
  readonly servedAgainMs?: Readonly<Record<string, readonly number[]>>;
  /** What it consists of, by kind. */
  readonly programs: Readonly<Record<string, readonly Program[]>>;
  /** Resolves when clients are served. */
  start(): Promise<void>;
  /** Resolves when nothing is wrong any more with any part of it, or when nobody waits for it. */
  untilWell(signal?: AbortSignal): Promise<void>;
  /** What ended that was not harmed, in words; null: nothing. */
  whatEnded(): string | null;
  /** Ends all of it. */
  stop(): Promise<void>;
}
