import type { Version } from '../wire/version.ts';
import type { HostileContext } from './context.ts';

/** Kinds of attacks, in the order of the report. */
export const AREAS = [
  'framing',
  'strings and topics',
  'properties',
  'state',
  'authorisation',
  'resources',
  'waiting',
  'WebSocket and HTTP',
  'TLS',
] as const;
export type Area = (typeof AREAS)[number];

/** One thing that somebody may do to a broker, and what must come of it. */
export interface HostileCase {
  /** What is done; unique. */
  readonly title: string;
  readonly area: Area;
  readonly version: Version;
  /** What must come back, in a few words. */
  readonly answer: string;
  /** Where brokers are known to have failed: CVE numbers and public issues; empty for none. */
  readonly seen: readonly string[];
  /** `users`: a broker whose users and rules are those that the command asks for. */
  readonly needs: 'tcp' | 'websocket' | 'tls' | 'users';
  /** Whether most of its time is spent until the broker loses patience: it runs side by side with others. */
  readonly isPatient: boolean;
  readonly run: (context: HostileContext) => Promise<void>;
}

interface Details {
  readonly answer: string;
  readonly seen?: readonly string[];
  readonly needs?: HostileCase['needs'];
  /** One case for each; by default one, of MQTT 5. */
  readonly versions?: readonly Version[];
  readonly isPatient?: boolean;
}

const SUFFIX: Readonly<Record<Version, string>> = { 3: ' (3.1)', 4: ' (3.1.1)', 5: ' (5)' };

/** Cases of one area, in the order in which they are declared. */
export class HostileList {
  readonly cases: HostileCase[] = [];
  readonly #area: Area;

  constructor(area: Area) {
    this.#area = area;
  }

  add(title: string, details: Details, run: HostileCase['run']): void {
    const { answer, seen = [], needs = 'tcp', versions = [5], isPatient = false } = details;
    for (const version of versions) {
      const name = versions.length > 1 ? `${title}${SUFFIX[version]}` : title;
      const area = this.#area;
      this.cases.push({ title: name, area, version, answer, seen, needs, isPatient, run });
    }
  }
}

/** MQTT 5 and 3.1.1. */
export const BOTH: readonly Version[] = [5, 4];
