import type { Context } from './client/context.ts';
import type { Version } from './wire/version.ts';

/** One behaviour that the standard asks for. */
export interface ConformanceCase {
  /** A sentence; unique. */
  readonly title: string;
  /** The statements that it tests: ids of MQTT 5 or, with `3.1.1`, of that; or sections. */
  readonly rules: readonly string[];
  readonly version: Version;
  /** `operator`: a broker of its own, which the case stops or tells to disconnect a client. */
  readonly needs: 'tcp' | 'websocket' | 'authentication' | 'operator';
  /** Options of a broker that offers less; null for any broker as it is. */
  readonly options: Readonly<Record<string, unknown>> | null;
  readonly run: (context: Context) => Promise<void>;
}

/** Cases of one area, in the order in which they are declared. */
export class CaseList {
  readonly cases: ConformanceCase[] = [];

  /** MQTT 5; `options` are of PromptMQ's `mqtt` section, where the case needs a broker of its own. */
  v5(title: string, rules: string, run: Run, options: ConformanceCase['options'] = null): void {
    this.cases.push({ title, rules: rules.split(' '), version: 5, needs: 'tcp', options, run });
  }

  /** MQTT 3.1.1. */
  v4(title: string, rules: string, run: Run, options: ConformanceCase['options'] = null): void {
    this.cases.push({ title, rules: rules.split(' '), version: 4, needs: 'tcp', options, run });
  }

  /** MQTT 3.1; `rules` are sections of its text, which has no statements with names. */
  v31(title: string, rules: string, run: Run): void {
    this.cases.push({
      title,
      rules: rules.split(' '),
      version: 3,
      needs: 'tcp',
      options: null,
      run,
    });
  }

  webSocket(
    title: string,
    version: 4 | 5,
    rules: string,
    run: Run,
    options: ConformanceCase['options'] = null,
  ): void {
    const needs = 'websocket';
    this.cases.push({ title, rules: rules.split(' '), version, needs, options, run });
  }

  /** With a broker of its own, of which the case is the operator. */
  operated(title: string, version: 4 | 5, rules: string, run: Run): void {
    const needs = 'operator';
    this.cases.push({ title, rules: rules.split(' '), version, needs, options: null, run });
  }

  /** MQTT 5, with a broker that offers the authentication method of `challenge.ts`. */
  authenticated(title: string, rules: string, run: Run): void {
    const needs = 'authentication';
    this.cases.push({ title, rules: rules.split(' '), version: 5, needs, options: null, run });
  }
}

type Run = ConformanceCase['run'];
