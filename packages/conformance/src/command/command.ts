import { readFileSync, writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { allCases } from '../all-cases.ts';
import type { ConformanceCase } from '../case.ts';
import { parseTarget, type Target, TargetError, type TargetOptions } from '../client/target.ts';
import { type OwnHostileTarget, runHostileCommand } from '../hostile/command/command.ts';
import { countResults, jsonReport, markdownReport, type ReportSubject } from '../report/report.ts';
import { askBroker, type BrokerAnswers } from '../run/ask-broker.ts';
import {
  type CaseResult,
  type RunOptions,
  runAllCases,
  runCases,
  type StartBroker,
} from '../run/run.ts';
import { VERSION_NAMES } from '../wire/version.ts';
import { checkReportFile, commandLine, readCa, UsageError } from './command-line.ts';
import type { Package } from './package.ts';

/** A broker that is started for the cases offers everything. */
const OWN: BrokerAnswers = { versions: [5, 4, 3], limits: [] };

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const ownPackage = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as Package;

export interface CommandOptions {
  /** What the command calls itself. */
  readonly scriptName?: string;
  /** What is tested where no target is named; by default one has to be. */
  readonly start?: StartBroker | null;
  /** What `hostile` attacks where no target is named; by default one has to be. */
  readonly startHostile?: (() => Promise<OwnHostileTarget>) | null;
}

/**
 * Runs the command line: results go to the standard output, progress to standard error.
 *
 * @param args - without the names of the program
 * @returns the exit code: 0, 1 when a case failed, 2 when the call was wrong or the target can't be used
 */
export async function runCommand(
  args: readonly string[],
  { scriptName = 'promptmq-conformance', start = null, startHostile = null }: CommandOptions = {},
): Promise<number> {
  try {
    if (args[0] === 'hostile') {
      return await runHostileCommand(args.slice(1), scriptName, ownPackage, startHostile);
    }
    const call = await parse(args, scriptName, start !== null);
    if (call === null) return 0;
    if (call.isList) {
      process.stdout.write(`${call.cases.map(lineOf).join('\n')}\n`);
      return 0;
    }
    return await runAndReport(call, start);
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof TargetError)) throw error;
    process.stderr.write(`${scriptName}: ${error.message.replace(/\s*\n\s*/g, ' ')}\n`);
    return EXIT_USAGE;
  }
}

interface Call {
  /** Null for one that is started. */
  readonly target: Target | null;
  readonly cases: readonly ConformanceCase[];
  readonly isList: boolean;
  readonly concurrency: number;
  readonly reports: readonly string[];
}

async function runAndReport(
  { target, cases, concurrency, reports }: Call,
  start: StartBroker | null,
): Promise<number> {
  const { versions, limits } = target === null ? OWN : await askBroker(target);
  if (limits.length > 0) {
    process.stderr.write(
      `its CONNACK says: ${limits.join(', ')}; cases that need more will fail\n`,
    );
  }
  const progress = new Progress(cases.length);
  const options: RunOptions = {
    concurrency,
    onResult: (result, doneCount) => progress.show(result, doneCount),
  };
  const results =
    target === null
      ? await runAllCases(cases, start as StartBroker, options)
      : await runCases(cases, { target, versions }, options);
  progress.clear();
  const subject: ReportSubject = {
    name: target?.url ?? 'PromptMQ',
    versions,
    limits,
    date: new Date(),
    tool: `${ownPackage.name} ${ownPackage.version}`,
  };
  for (const file of reports) writeReport(file, cases, results, subject);
  const { passed, failed, notTried } = countResults(results);
  const spoken = versions.map((one) => VERSION_NAMES[one]).join(', ');
  process.stdout.write(
    `${subject.name} (${spoken}): ${passed} passed, ${failed} failed, ${notTried} not tried\n`,
  );
  return failed === 0 ? 0 : EXIT_FAILED;
}

/** Failures as they come, and on a terminal how far it is. */
class Progress {
  readonly #caseCount: number;
  readonly #output = process.stderr;

  constructor(caseCount: number) {
    this.#caseCount = caseCount;
  }

  show({ title, outcome, reason }: CaseResult, doneCount: number): void {
    this.clear();
    if (outcome === 'failed') this.#output.write(`failed: ${title}: ${reason}\n`);
    if (this.#output.isTTY) this.#output.write(`${doneCount} of ${this.#caseCount}`);
  }

  clear(): void {
    if (this.#output.isTTY) this.#output.write('\r\x1b[K');
  }
}

function writeReport(
  file: string,
  cases: readonly ConformanceCase[],
  results: readonly CaseResult[],
  subject: ReportSubject,
): void {
  const text =
    extname(file) === '.md'
      ? markdownReport(cases, results, subject)
      : `${JSON.stringify(jsonReport(cases, results, subject), null, 2)}\n`;
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`--report ${file}: ${(error as Error).message}`);
  }
}

function lineOf({ title, version: of, rules }: ConformanceCase): string {
  return `${VERSION_NAMES[of]}: ${title} [${rules.join('] [')}]`;
}

/** Returns null when there is nothing to do: help or version were printed. */
async function parse(
  args: readonly string[],
  scriptName: string,
  startsOwn: boolean,
): Promise<Call | null> {
  const parser = commandLine(args, scriptName).version(ownPackage.version);
  let isDone = false;
  const values = await parser.parseAsync([...args], {}, (error, _, output) => {
    if (error) throw new UsageError(`${error.message} (--help lists all options)`);
    if (output === '') return;
    process.stdout.write(`${output}\n`);
    isDone = true;
  });
  if (isDone) return null;
  const { only, except } = values;
  const cases = allCases.filter(
    (one) => (only.length === 0 || hasAny(one, only)) && !hasAny(one, except),
  );
  if (cases.length === 0) {
    const given = [
      ...only.map((text) => `--only ${text}`),
      ...except.map((text) => `--except ${text}`),
    ];
    throw new UsageError(`no case is left by ${given.join(' ')}`);
  }
  for (const file of values.report) checkReportFile(file);
  if (values.target.length === 0 && !values.list && !startsOwn) {
    throw new UsageError('which broker? --target HOST:PORT names it (--help lists all options)');
  }
  const [first, ...others] = targetsOf(values.target, values.ws, {
    ca: values.ca === undefined ? null : readCa(values.ca),
    isInsecure: values.insecure,
    username: values.username ?? null,
    password: values.password ?? null,
    settleMs: values.settle,
  });
  const target = first === undefined ? null : { ...first, others };
  const { list: isList, concurrency, report: reports } = values;
  return { target, cases, isList, concurrency, reports };
}

/** @throws {UsageError} when there are WebSockets of some nodes only */
function targetsOf(
  addresses: readonly string[],
  wsUrls: readonly string[],
  options: TargetOptions,
): Target[] {
  if (wsUrls.length > 0 && wsUrls.length !== addresses.length) {
    throw new UsageError(`--ws: ${wsUrls.length} of them, and ${addresses.length} of --target`);
  }
  return addresses.map((address, index) =>
    parseTarget(address, { ...options, wsUrl: wsUrls[index] ?? null }),
  );
}

function hasAny({ title, rules }: ConformanceCase, parts: readonly string[]): boolean {
  const text = `${title} ${rules.join(' ')}`.toLowerCase();
  return parts.some((part) => text.includes(part.toLowerCase()));
}
