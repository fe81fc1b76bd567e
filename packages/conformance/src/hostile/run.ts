import { randomBytes } from 'node:crypto';
import { NotTriedError } from '../not-tried.ts';
import { doesNotSpeak, type Version } from '../wire/version.ts';
import { Canary } from './canary/canary.ts';
import type { CanaryReport } from './canary/messages.ts';
import type { HostileCase } from './case.ts';
import { HostileContext, type HostileTarget } from './context.ts';

/** Of one case. */
export interface HostileResult {
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'not tried';
  /** What was seen where it failed, or why it was not tried; null where it passed. */
  readonly reason: string | null;
  /** The longest round trip of the canary meanwhile, in milliseconds; null where it was not tried. */
  readonly worstMs: number | null;
  /** Memory of the broker, in bytes; null where it isn't known. */
  readonly memory: CanaryReport['memory'];
}

export interface HostileRunOptions {
  readonly versions: readonly Version[];
  /** Of the broker, for its memory. */
  readonly pid: number | null;
  /** A round trip of the canary that is longer fails the case. */
  readonly canaryMaxMs: number;
  /** Memory of the broker that grows by more meanwhile fails the case. */
  readonly growthMaxBytes: number;
  readonly onResult?: (result: HostileResult, doneCount: number) => void;
}

/** Longer than any case has to take, where it doesn't wait for the broker's patience to end. */
const CASE_MS = 60_000;

/**
 * Attacks a broker, case after case, with a canary beside them; those that wait come last, side by side.
 *
 * @throws when not even the canary is served before anything has been tried
 */
export async function runHostile(
  cases: readonly HostileCase[],
  target: HostileTarget,
  options: HostileRunOptions,
): Promise<HostileResult[]> {
  const prefix = `hostile${randomBytes(3).toString('hex')}`;
  const { pid, onResult } = options;
  const canary = await Canary.start({ target, pid, topic: `${prefix}canary` });
  const results: HostileResult[] = [];
  const runner = new Runner(target, options, canary, prefix);
  const done = (result: HostileResult) => {
    results.push(result);
    onResult?.(result, results.length);
  };
  try {
    for (const one of cases.filter(({ isPatient }) => !isPatient)) {
      for (const result of await runner.run([one])) done(result);
    }
    const patient = cases.filter(({ isPatient }) => isPatient);
    if (patient.length > 0) for (const result of await runner.run(patient)) done(result);
  } finally {
    await canary.end();
  }
  const order = new Map(cases.map(({ title }, index) => [title, index]));
  return results.sort((a, b) => (order.get(a.title) ?? 0) - (order.get(b.title) ?? 0));
}

class Runner {
  readonly #target: HostileTarget;
  readonly #options: HostileRunOptions;
  readonly #canary: Canary;
  readonly #prefix: string;
  #caseCount = 0;
  /** Why nothing more can be tried. */
  #gone: string | null = null;

  constructor(target: HostileTarget, options: HostileRunOptions, canary: Canary, prefix: string) {
    this.#target = target;
    this.#options = options;
    this.#canary = canary;
    this.#prefix = prefix;
  }

  /** Runs cases side by side; what the canary sees counts for each of them. */
  async run(cases: readonly HostileCase[]): Promise<HostileResult[]> {
    this.#canary.mark();
    const tried = await Promise.all(cases.map((one) => this.#try(one)));
    if (tried.every(({ outcome }) => outcome === 'not tried')) {
      return tried.map((one) => ({ ...one, worstMs: null, memory: null }));
    }
    const seen = await this.#canary.report();
    const wrong = this.#wrong(seen);
    if (!seen.isServed) this.#gone = 'the broker serves nobody any more';
    return tried.map((one) => {
      if (one.outcome === 'not tried') return { ...one, worstMs: null, memory: null };
      const reasons = [one.reason, wrong].filter((reason) => reason !== null);
      return {
        title: one.title,
        outcome: reasons.length > 0 ? 'failed' : 'passed',
        reason: reasons.length > 0 ? reasons.join('; ') : null,
        worstMs: Math.round(seen.worstMs),
        memory: seen.memory,
      };
    });
  }

  #wrong({ isServed, lostCount, worstMs, memory }: CanaryReport): string | null {
    const { canaryMaxMs, growthMaxBytes } = this.#options;
    if (!isServed) return 'the canary is not served any more';
    if (lostCount > 0) return 'the canary lost its connection';
    if (worstMs > canaryMaxMs) return `the canary waited ${Math.round(worstMs)} ms`;
    const growth = memory === null ? 0 : memory.peak - memory.before;
    if (growth > growthMaxBytes) return `memory grew by ${Math.round(growth / 1e6)} MB`;
    return null;
  }

  async #try(one: HostileCase): Promise<Pick<HostileResult, 'title' | 'outcome' | 'reason'>> {
    const { title, version, isPatient } = one;
    const { versions } = this.#options;
    const name = `${this.#prefix}x${this.#caseCount++}`;
    const context = new HostileContext(this.#target, versions, name, version);
    let timer: NodeJS.Timeout | undefined;
    try {
      if (this.#gone !== null) throw new NotTriedError(this.#gone);
      if (!versions.includes(version)) throw new NotTriedError(doesNotSpeak(version));
      this.#checkNeeds(one);
      const limitMs = CASE_MS + (isPatient ? this.#target.connectTimeoutMs : 0);
      await Promise.race([
        one.run(context),
        new Promise((_, reject) => {
          timer = setTimeout(() => reject(new Error(`not over after ${limitMs} ms`)), limitMs);
        }),
      ]);
      return { title, outcome: 'passed', reason: null };
    } catch (error) {
      const outcome = error instanceof NotTriedError ? 'not tried' : 'failed';
      const { message, code } = error as NodeJS.ErrnoException;
      return { title, outcome, reason: message === '' ? `${code ?? error}` : message };
    } finally {
      clearTimeout(timer);
      context.close();
    }
  }

  #checkNeeds({ needs }: HostileCase): void {
    const { wsUrl, tlsUrl, other, credentials } = this.#target;
    if (needs === 'websocket' && wsUrl === null) {
      throw new NotTriedError('no address of a WebSocket is known (--ws)');
    }
    if (needs === 'tls' && tlsUrl === null) {
      throw new NotTriedError('no address with TLS is known (--tls)');
    }
    if (needs === 'users' && (credentials === null || other === null)) {
      throw new NotTriedError('it needs two users (--username, --other-username)');
    }
  }
}
