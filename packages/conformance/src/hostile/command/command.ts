import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { parseTarget, TargetError } from '../../client/target.ts';
import { checkReportFile, readCa, UsageError } from '../../command/command-line.ts';
import type { Package } from '../../command/package.ts';
import { askBroker } from '../../run/ask-broker.ts';
import { VERSION_NAMES } from '../../wire/version.ts';
import { hostileCases } from '../all-cases.ts';
import type { HostileCase } from '../case.ts';
import type { HostileTarget } from '../context.ts';
import {
  countHostile,
  type HostileSubject,
  hostileJson,
  hostileMarkdown,
} from '../report/report.ts';
import { type HostileResult, type HostileRunOptions, runHostile } from '../run.ts';
import { DEFAULTS, hostileCommandLine } from './command-line.ts';

/** A broker that was started to be attacked. */
export interface OwnHostileTarget {
  readonly target: HostileTarget;
  readonly pid: number | null;
  stop(): Promise<void>;
}

const EXIT_FAILED = 1;

/**
 * Runs `hostile`: results go to the standard output, failures as they come to standard error.
 *
 * @param start - what is attacked where no target is named; null: one has to be
 * @returns the exit code: 0, or 1 when a case failed
 * @throws {UsageError} when the call was wrong; {@link TargetError} when the target can't be used
 */
export async function runHostileCommand(
  args: readonly string[],
  scriptName: string,
  { name, version }: Package,
  start: (() => Promise<OwnHostileTarget>) | null,
): Promise<number> {
  const call = await parse(args, scriptName, version, start !== null);
  if (call === null) return 0;
  const { cases, isJson, reports } = call;
  if (call.isList) {
    process.stdout.write(`${cases.map(lineOf).join('\n')}\n`);
    return 0;
  }
  const own = call.target === null ? await (start as () => Promise<OwnHostileTarget>)() : null;
  const target = call.target ?? (own as OwnHostileTarget).target;
  const subject: HostileSubject = {
    name: own === null ? target.url : 'PromptMQ',
    date: new Date(),
    tool: `${name} ${version}`,
  };
  try {
    const { versions } = await askBroker(target);
    const options = { ...call.limits, versions, pid: own?.pid ?? call.pid };
    const results = await attack(cases, target, options);
    for (const file of reports) write(file, cases, results, subject);
    const { passed, failed, notTried, worstMs } = countHostile(results);
    const sum = `${passed} passed, ${failed} failed, ${notTried} not tried; the canary waited ${worstMs} ms at most`;
    const text = isJson
      ? JSON.stringify(hostileJson(cases, results, subject), null, 2)
      : `${subject.name}: ${sum}`;
    process.stdout.write(`${text}\n`);
    return failed === 0 ? 0 : EXIT_FAILED;
  } finally {
    await own?.stop();
  }
}

async function attack(
  cases: readonly HostileCase[],
  target: HostileTarget,
  options: Omit<HostileRunOptions, 'onResult'>,
): Promise<HostileResult[]> {
  const { stderr } = process;
  const clear = () => {
    if (stderr.isTTY) stderr.write('\r\x1b[K');
  };
  try {
    return await runHostile(cases, target, {
      ...options,
      onResult: ({ title, outcome, reason }, doneCount) => {
        clear();
        if (outcome === 'failed') stderr.write(`failed: ${title}: ${reason}\n`);
        if (stderr.isTTY) stderr.write(`${doneCount} of ${cases.length}`);
      },
    });
  } catch (error) {
    throw new TargetError(`${target.url}: ${(error as Error).message}`, { cause: error });
  } finally {
    clear();
  }
}

interface Call {
  /** Null for one that is started. */
  readonly target: HostileTarget | null;
  readonly cases: readonly HostileCase[];
  readonly isList: boolean;
  readonly isJson: boolean;
  readonly pid: number | null;
  readonly limits: Pick<HostileRunOptions, 'canaryMaxMs' | 'growthMaxBytes'>;
  readonly reports: readonly string[];
}

/** Returns null when there is nothing to do: help or version were printed. */
async function parse(
  args: readonly string[],
  scriptName: string,
  version: string,
  startsOwn: boolean,
): Promise<Call | null> {
  let isDone = false;
  const parser = hostileCommandLine(args, scriptName).version(version);
  const values = await parser.parseAsync([...args], {}, (error, _, output) => {
    if (error) throw new UsageError(`${error.message} (hostile --help lists all options)`);
    if (output === '') return;
    process.stdout.write(`${output}\n`);
    isDone = true;
  });
  if (isDone) return null;
  const { only, except } = values;
  const cases = hostileCases.filter(
    (one) => (only.length === 0 || hasAny(one, only)) && !hasAny(one, except),
  );
  if (cases.length === 0) throw new UsageError('no case is left by --only and --except');
  for (const file of values.report) checkReportFile(file);
  if (values.target === undefined && !values.list && !startsOwn) {
    throw new UsageError(
      'which broker? --target HOST:PORT names it (hostile --help lists all options)',
    );
  }
  return {
    target: values.target === undefined ? null : targetOf({ ...values, target: values.target }),
    ...{ cases, isList: values.list, isJson: values.json, reports: values.report },
    pid: values.pid ?? null,
    limits: {
      canaryMaxMs: values['canary-max'] ?? DEFAULTS.canaryMaxMs,
      growthMaxBytes: (values['growth-max'] ?? DEFAULTS.growthMaxMb) * 1e6,
    },
  };
}

type Values = Awaited<ReturnType<ReturnType<typeof hostileCommandLine>['parseAsync']>>;

function targetOf(values: Values & { readonly target: string }): HostileTarget {
  const options = {
    wsUrl: values.ws ?? null,
    ca: values.ca === undefined ? null : readCa(values.ca),
    isInsecure: values.insecure,
  };
  const { tls, username = null, password = null } = values;
  const otherName = values['other-username'];
  if (otherName === undefined && values['other-password'] !== undefined) {
    throw new UsageError('--other-password needs --other-username');
  }
  const tlsAddress = tls === undefined || tls.includes('://') ? tls : `mqtts://${tls}`;
  return {
    ...parseTarget(values.target, { ...options, username, password }),
    tlsUrl: tlsAddress === undefined ? null : parseTarget(tlsAddress).url,
    other:
      otherName === undefined
        ? null
        : { username: otherName, password: values['other-password'] ?? null },
    open: values.open ?? 'open',
    closed: values.closed ?? 'closed',
    connectTimeoutMs: (values['connect-timeout'] ?? DEFAULTS.connectTimeoutS) * 1000,
  };
}

function hasAny({ title, area }: HostileCase, parts: readonly string[]): boolean {
  const text = `${area}: ${title}`.toLowerCase();
  return parts.some((part) => text.includes(part.toLowerCase()));
}

function lineOf({ area, title, answer, version }: HostileCase): string {
  return `${area}: ${title} [${VERSION_NAMES[version]}]: ${answer}`;
}

function write(
  file: string,
  cases: readonly HostileCase[],
  results: readonly HostileResult[],
  subject: HostileSubject,
): void {
  const text =
    extname(file) === '.md'
      ? hostileMarkdown(cases, results, subject)
      : `${JSON.stringify(hostileJson(cases, results, subject), null, 2)}\n`;
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`--report ${file}: ${(error as Error).message}`);
  }
}
