import { randomBytes } from 'node:crypto';
import type { ConformanceCase } from '../case.ts';
import { Context, type Operator, type Subject } from '../client/context.ts';
import type { Target } from '../client/target.ts';
import { NotTriedError } from '../not-tried.ts';
import { doesNotSpeak } from '../wire/version.ts';

const NO_CHALLENGE = 'it needs a broker with the authentication method "challenge"';

/** Of one case. */
export interface CaseResult {
  readonly title: string;
  readonly outcome: 'passed' | 'failed' | 'not tried';
  /** What was seen where it failed, or why it was not tried; null where it passed. */
  readonly reason: string | null;
}

/** A broker that is there for the cases: they may configure and stop it. */
export interface OwnBroker extends Operator {
  readonly target: Target;
  /** Whether it has the authentication method `challenge`; by default true. */
  readonly hasChallenge?: boolean;
}

/**
 * Starts a broker, with the authentication method `challenge` where it can have that.
 *
 * @param mqtt - options of PromptMQ's `mqtt` section
 */
export type StartBroker = (mqtt: Readonly<Record<string, unknown>>) => Promise<OwnBroker>;

export interface RunOptions {
  /** Cases that run side by side, from 1; by default 8. */
  readonly concurrency?: number;
  readonly onResult?: (result: CaseResult, doneCount: number) => void;
}

/** Runs cases against a broker of others as it is; the results are in the order of the cases. */
export function runCases(
  cases: readonly ConformanceCase[],
  subject: Subject,
  options: RunOptions = {},
): Promise<CaseResult[]> {
  const prefix = casePrefix();
  return runAll(cases, options, async (one, index) => {
    const reason = reasonNotToTry(one, subject);
    if (reason !== null) throw new NotTriedError(reason);
    await runWith(one, new Context(subject, `case${index}${prefix}`));
  });
}

/** Runs cases, all of them, against brokers that are started for it. */
export async function runAllCases(
  cases: readonly ConformanceCase[],
  start: StartBroker,
  options: RunOptions = {},
): Promise<CaseResult[]> {
  const shared = await start({});
  const prefix = casePrefix();
  try {
    return await runAll(
      cases,
      options,
      (one, index) => runOwnCase(one, shared, start, `case${index}${prefix}`),
      // What needs a broker of its own comes last: to start one may take long, and others needn't wait for it.
      (one) => !takesShared(one),
    );
  } finally {
    await shared.stop();
  }
}

/** Runs one case, with a broker of its own where it needs one; throws what went wrong. */
export async function runOwnCase(
  one: ConformanceCase,
  shared: OwnBroker,
  start: StartBroker,
  name: string,
): Promise<void> {
  const isShared = takesShared(one);
  const broker = isShared ? shared : await start(one.options ?? {});
  try {
    if (one.needs === 'authentication' && broker.hasChallenge === false) {
      throw new NotTriedError(NO_CHALLENGE);
    }
    const subject = { target: broker.target, versions: [3, 4, 5] } as const;
    await runWith(one, new Context(subject, name, isShared ? null : broker));
  } finally {
    if (!isShared) await broker.stop();
  }
}

function takesShared({ options, needs }: ConformanceCase): boolean {
  return options === null && needs !== 'operator';
}

/** Why a broker of others can't be asked for a case, as far as that is known before; null when it can. */
function reasonNotToTry(
  { needs, options, version }: ConformanceCase,
  { target, versions }: Subject,
): string | null {
  if (!versions.includes(version)) return doesNotSpeak(version);
  if (options !== null) {
    const names = Object.keys(options).map(dashed).join(', ');
    return `it needs a broker with settings of its own (${names})`;
  }
  switch (needs) {
    case 'authentication':
      return NO_CHALLENGE;
    case 'operator':
      return 'it needs the operator of the broker, to stop it or to disconnect a client';
    case 'websocket':
      return target.wsUrl === null ? 'no address of a WebSocket is known' : null;
    case 'tcp':
      return null;
  }
}

/** As PromptMQ's options are called in its configuration. */
function dashed(name: string): string {
  return `mqtt.${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** So that what an earlier run has left at the broker isn't met. */
function casePrefix(): string {
  return `x${randomBytes(3).toString('hex')}`;
}

async function runWith(one: ConformanceCase, context: Context): Promise<void> {
  try {
    await one.run(context);
  } finally {
    context.close();
  }
}

async function runAll(
  cases: readonly ConformanceCase[],
  { concurrency = 8, onResult }: RunOptions,
  runOne: (one: ConformanceCase, index: number) => Promise<void>,
  comesLast: (one: ConformanceCase) => boolean = () => false,
): Promise<CaseResult[]> {
  const isLast = cases.map(comesLast);
  const indexes = [...cases.keys()];
  const order = [
    ...indexes.filter((index) => !isLast[index]),
    ...indexes.filter((index) => isLast[index]),
  ];
  const results: CaseResult[] = [];
  let next = 0;
  let doneCount = 0;
  const work = async () => {
    while (next < order.length) {
      const index = order[next++] as number;
      const one = cases[index] as ConformanceCase;
      const result = await resultOf(one.title, () => runOne(one, index));
      results[index] = result;
      doneCount++;
      onResult?.(result, doneCount);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return results;
}

async function resultOf(title: string, work: () => Promise<void>): Promise<CaseResult> {
  try {
    await work();
    return { title, outcome: 'passed', reason: null };
  } catch (error) {
    const outcome = error instanceof NotTriedError ? 'not tried' : 'failed';
    // Errors of the system for a name with several addresses have no message of their own.
    const { message, code } = error as NodeJS.ErrnoException;
    return { title, outcome, reason: message === '' ? `${code ?? error}` : message };
  }
}
