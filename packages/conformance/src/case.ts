import type { Context } from './client.ts';
import type { Version } from './wire.ts';

/** One behaviour that the standard asks for. */
export interface ConformanceCase {
  /** A sentence; unique. */
  readonly title: string;
  /** The statements that it tests: ids of MQTT 5 or, with `3.1.1`, of that; or sections. */
  readonly rules: readonly string[];
  readonly version: Version;
  readonly needs: 'tcp' | 'websocket';
  readonly run: (context: Context) => Promise<void>;
}

/** Cases of one area, in the order in which they are declared. */
export class CaseList {
  readonly cases: ConformanceCase[] = [];

  /** MQTT 5. */
  v5(title: string, rules: string, run: (context: Context) => Promise<void>): void {
    this.cases.push({ title, rules: rules.split(' '), version: 5, needs: 'tcp', run });
  }

  /** MQTT 3.1.1. */
  v4(title: string, rules: string, run: (context: Context) => Promise<void>): void {
    this.cases.push({ title, rules: rules.split(' '), version: 4, needs: 'tcp', run });
  }

  webSocket(title: string, rules: string, run: (context: Context) => Promise<void>): void {
    this.cases.push({ title, rules: rules.split(' '), version: 5, needs: 'websocket', run });
  }
}

/** A check within a case; `what` says what was expected. */
export function check(isMet: boolean, what: string): void {
  if (!isMet) throw new Error(what);
}
