import { createBroker, type RunningBroker } from '@promptmq/server';
import type { ConformanceCase } from './case.ts';
import { challenge } from './challenge.ts';
import { Context } from './client/context.ts';
import type { Target } from './client/target.ts';

/** Why a case was not run. */
export const NOT_APPLICABLE = 'needs a broker that can be configured';

/** Of one case: null when it passed, or what went wrong, or NOT_APPLICABLE. */
export interface CaseResult {
  readonly title: string;
  readonly failure: string | null;
}

export interface RunOptions {
  /** The broker under test; null for a PromptMQ of our own. */
  readonly target: Target | null;
  /** Cases that run side by side. */
  readonly concurrency?: number;
  readonly onResult?: (result: CaseResult, doneCount: number) => void;
}

export function targetOf({ url, wsUrl }: RunningBroker): Target {
  const { hostname, port } = new URL(`${url}`);
  return { host: hostname, port: Number(port), wsUrl: `${wsUrl}/mqtt` };
}

/** Whether a target can be asked for a case: another broker's configuration isn't ours to change. */
export function isApplicable({ needs, options }: ConformanceCase, target: Target | null): boolean {
  if (target === null) return true;
  if (options !== null || needs === 'authentication' || needs === 'operator') return false;
  return needs === 'tcp' || target.wsUrl !== null;
}

/** A PromptMQ that the cases can ask everything of. */
export function startOwn(mqtt: Readonly<Record<string, unknown>> = {}): Promise<RunningBroker> {
  return createBroker({ mqtt }, { authenticationMethods: [challenge] });
}

/** Runs one case; throws what went wrong. */
export async function runCase(one: ConformanceCase, target: Target, name: string): Promise<void> {
  const isShared = one.options === null && one.needs !== 'operator';
  const own = isShared ? null : await startOwn(one.options ?? {});
  const context = new Context(own === null ? target : targetOf(own), name, own);
  try {
    await one.run(context);
  } finally {
    context.close();
    await own?.stop();
  }
}

/** Runs cases; the results are in their order. */
export async function runCases(
  cases: readonly ConformanceCase[],
  { target, concurrency = 8, onResult }: RunOptions,
): Promise<CaseResult[]> {
  const broker = target === null ? await startOwn() : null;
  const actual = target ?? targetOf(broker as RunningBroker);
  const results: CaseResult[] = [];
  let next = 0;
  let doneCount = 0;
  const work = async () => {
    while (next < cases.length) {
      const index = next++;
      const one = cases[index] as ConformanceCase;
      let failure: string | null = isApplicable(one, target) ? null : NOT_APPLICABLE;
      if (failure === null) {
        try {
          await runCase(one, actual, `case${index}x${process.pid}`);
        } catch (error) {
          failure = (error as Error).message;
        }
      }
      const result = { title: one.title, failure };
      results[index] = result;
      doneCount++;
      onResult?.(result, doneCount);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  await broker?.stop();
  return results;
}
