import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { QoS } from '@promptmq/codec';
import { BenchError } from '../bench-error.ts';
import { parseTarget, type Target } from '../client/target.ts';
import { measure } from '../measure.ts';
import { plots } from '../report/plots.ts';
import { ProgressLine } from '../report/progress.ts';
import type { Result } from '../report/result.ts';
import { formatTable } from '../report/table.ts';
import {
  makeScenario,
  PATTERN_NAMES,
  PATTERNS,
  type Pattern,
  type ScenarioInput,
} from '../scenario.ts';
import { commandLine, UsageError } from './command-line.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

/**
 * Runs the command line, and prints to the standard streams.
 *
 * @param args - without the names of the program
 * @param scriptName - what the command calls itself
 * @returns the exit code: 0, 1 when the measurement failed, 2 when the call was wrong
 */
export async function runCommand(
  args: readonly string[],
  scriptName = 'promptmq-bench',
): Promise<number> {
  try {
    const options = await parse(args, scriptName);
    if (options === null) return 0;
    return await runAll(options);
  } catch (error) {
    const isUsage = error instanceof UsageError;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${scriptName}: ${message.replace(/\s*\n\s*/g, ' ')}\n`);
    return isUsage ? EXIT_USAGE : EXIT_FAILED;
  }
}

interface Options {
  readonly target: Target;
  readonly subscriberTarget: Target | null;
  readonly scenarios: readonly ScenarioInput[];
  readonly brokerPid: number | null;
  readonly json: string | null;
  readonly svg: string | null;
  readonly failsOnLoss: boolean;
}

async function runAll(options: Options): Promise<number> {
  const { target, subscriberTarget, brokerPid, json, svg } = options;
  const progress = new ProgressLine(process.stderr);
  const results: Result[] = [];
  try {
    for (const scenario of options.scenarios) {
      const onProgress = (what: Parameters<ProgressLine['show']>[1]) =>
        progress.show(scenario.pattern, what);
      const terms = { brokerPid, onProgress, subscriberTarget };
      results.push(await measure(target, scenario, terms));
    }
  } finally {
    progress.clear();
  }
  if (json !== '-') process.stdout.write(`${formatTable(results)}\n`);
  if (json !== null) writeJson(json, results);
  if (svg !== null) writePlots(svg, results);
  const lost = results.filter(({ lost, refused }) => lost + refused > 0);
  if (options.failsOnLoss && lost.length > 0) {
    throw new BenchError(`messages were lost in ${lost.map(({ label }) => label).join(', ')}`);
  }
  return 0;
}

function writeJson(file: string, results: readonly Result[]): void {
  const text = `${JSON.stringify({ version, node: process.version, results }, null, 2)}\n`;
  if (file === '-') process.stdout.write(text);
  else writeFileSync(file, text);
}

function writePlots(directory: string, results: readonly Result[]): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of plots([{ name: 'this broker', results }])) {
    writeFileSync(join(directory, name), text);
  }
}

/** Returns null when there is nothing to do: help or version were printed. */
async function parse(args: readonly string[], scriptName: string): Promise<Options | null> {
  const parser = commandLine(args, scriptName).version(version);
  let isDone = false;
  const values = await parser.parseAsync([...args], {}, (error, _, output) => {
    if (error) throw new UsageError(`${error.message} (--help lists all options)`);
    if (output === '') return;
    process.stdout.write(`${output}\n`);
    isDone = true;
  });
  if (isDone) return null;
  const patterns = values._.length === 0 ? ['pairs'] : values._.map(String);
  const unknown = patterns.find((name) => name !== 'all' && !isPattern(name));
  if (unknown !== undefined) {
    throw new UsageError(`unknown pattern ${unknown}: ${PATTERN_NAMES.join(', ')} or all`);
  }
  const chosen = patterns.includes('all') ? PATTERN_NAMES : patterns.filter(isPattern);
  const scenarios = chosen.map((pattern) => toScenario(pattern, values));
  try {
    for (const scenario of scenarios) makeScenario(scenario);
    const terms = {
      ca: values.ca === undefined ? null : readFileSync(values.ca, 'utf8'),
      isInsecure: values.insecure,
      username: values.username ?? null,
      password: values.password ?? null,
    };
    const other = values['subscriber-url'];
    return {
      target: parseTarget(values.url, terms),
      subscriberTarget: other === undefined ? null : parseTarget(other, terms),
      scenarios,
      brokerPid: values['broker-pid'] ?? null,
      json: values.json ?? null,
      svg: values.svg ?? null,
      failsOnLoss: values['fail-on-loss'],
    };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function isPattern(name: string): name is Pattern {
  return name in PATTERNS;
}

type Values = Awaited<ReturnType<ReturnType<typeof commandLine>['parseAsync']>>;

function toScenario(pattern: Pattern, values: Values): ScenarioInput {
  const { pairs } = values;
  return {
    pattern,
    publishers: values.publishers ?? pairs,
    subscribers: values.subscribers ?? pairs,
    topics: values.topics,
    connections: values.connections,
    messages: values.messages,
    qos: values.qos as QoS | undefined,
    payloadBytes: values.size,
    window: values.window,
    ratePerSecond: values.rate,
    warmupSeconds: values.warmup,
    seconds: values.seconds,
    flightBytes: values.flight,
    drainSeconds: values.drain,
    version: values.protocol === 5 ? 5 : 4,
    userProperties: values['user-properties'],
    messageExpiry: values.expiry,
    usesAliases: values.aliases,
    usesSubscriptionIdentifiers: values['subscription-identifiers'],
    otherSubscriptions: values['other-subscriptions'],
    sources: values.sources,
    prefix: values.prefix,
  };
}
