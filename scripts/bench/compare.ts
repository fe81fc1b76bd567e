/**
 * PromptMQ and its peers, in turn, as the tables and plots of docs/performance.md.
 *
 *   node scripts bench/compare [options]
 *
 * Runs the same scenarios against PromptMQ and its peers. Each run starts a fresh broker, pinned to core 0,
 * and a load generator on core 1; brokers take turns within a scenario. Results are stored in
 * docs/performance/compare.json after each scenario, and become the section of docs/performance.md at the end; with
 * --only, the other scenarios keep the results that they have. Half an hour for everything. Exits with 1 when
 * PromptMQ failed in a scenario.
 *
 *   --runs N         of each scenario; the slow ones have three at most (5)
 *   --seconds N      of each run, after one second of warm-up (3)
 *   --only TEXT      only scenarios with this in their name
 *   --quick          some of the scenarios, one run of one second each, only printed: three minutes
 *   --brokers NAMES  in this order (promptmq,mosquitto,aedes)
 *   --peer NAME=URL  a broker that runs already; may be given several times
 *   --dry-run        print instead of storing and writing
 *   --render         measure nothing: make the section again of the stored results
 *   --list           print the names of the scenarios
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Result } from '../../packages/bench/dist/index.js';
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { messageOf } from '../lib/errors.ts';
import { findBrokers, type MeasuredBroker, startBroker } from './lib/brokers.ts';
import { comparePlots, describeComparison } from './lib/compare-report.ts';
import { readResults, storeResults, writeSection } from './lib/document.ts';
import { measureSync } from './lib/fdatasync.ts';
import { generate } from './lib/generator.ts';
import { machine, summarize } from './lib/report.ts';
import type { BrokerNote, Comparison, Row } from './lib/results.ts';
import { type CompareScenario, SCENARIOS } from './lib/scenarios.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    brokers: { type: 'string', default: 'promptmq,mosquitto,aedes' },
    peer: { type: 'string', multiple: true, default: [] },
    'dry-run': { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const runsGiven = positiveNumber('--runs', values.runs);
const secondsGiven = positiveNumber('--seconds', values.seconds);

/** A run that takes so much longer than it should is given up. */
const TIMEOUT_SECONDS = 90;

await runMain('compare', main);

async function main(): Promise<void> {
  if (values.list) {
    for (const { name } of SCENARIOS) console.log(name);
    return;
  }
  if (values.render) {
    render(stored());
    return;
  }
  const runs = values.quick ? 1 : runsGiven;
  const seconds = values.quick ? 1 : secondsGiven;
  const scenarios = SCENARIOS.filter(
    ({ name, isQuick }) => (!values.quick || isQuick) && name.includes(values.only),
  );
  if (scenarios.length === 0) refuse(`no scenario has "${values.only}" in its name`);

  const directory = mkdtempSync(join(tmpdir(), 'promptmq-peers-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const brokers = findBrokers(values.brokers.split(','), values.peer, directory);
  const isStored = !values.quick && !values['dry-run'];
  const results: { -readonly [key in keyof Comparison]: Comparison[key] } = {
    machine: machine(),
    isQuick: values.quick,
    brokers: brokers.map(({ name, version, configuration }) => ({
      name,
      version,
      configuration,
    })),
    rows: values.only !== '' && isStored ? keptRows(brokers) : [],
  };
  const onRow = (row: Row) => {
    results.machine = machine();
    results.rows = inOrder([...results.rows.filter(({ name }) => name !== row.name), row]);
    if (isStored) storeResults('compare', results);
  };
  await measureAll(scenarios, brokers, runs, seconds, onRow);
  if (isStored) render(results);
  else console.log(describeComparison(results));
  const names = scenarios.map(({ name }) => name);
  const failed = results.rows.filter(
    ({ name, outcomes }) => names.includes(name) && outcomes[0]?.failure !== undefined,
  );
  if (failed.length > 0) {
    throw new Error(`${brokers[0]?.name} failed in: ${failed.map(({ name }) => name).join('; ')}`);
  }
}

function render(results: Comparison): void {
  writeSection('compare', results, describeComparison(results), comparePlots(results));
}

function stored(): Comparison {
  const results = readResults<Comparison>('compare');
  if (results === null)
    throw new Error('there are no results yet: run it without --only, --render');
  return results;
}

/** The stored rows, which are to be compared with the same brokers. */
function keptRows(brokers: readonly BrokerNote[]): readonly Row[] {
  const results = readResults<Comparison>('compare');
  if (results === null) return [];
  const [here, there] = [brokers, results.brokers].map((all) =>
    all.map(({ name }) => name).join(', '),
  );
  if (here === there) return results.rows;
  return refuse(`the stored results are of ${there}, not ${here}: give the same --brokers`);
}

function inOrder(rows: readonly Row[]): Row[] {
  const place = (row: Row) => SCENARIOS.findIndex(({ name }) => name === row.name);
  return rows.filter((row) => place(row) !== -1).toSorted((a, b) => place(a) - place(b));
}

async function measureAll(
  scenarios: readonly CompareScenario[],
  brokers: readonly MeasuredBroker[],
  runs: number,
  seconds: number,
  onRow: (row: Row) => void,
): Promise<void> {
  const startMs = performance.now();
  for (const [index, scenario] of scenarios.entries()) {
    const minutes = (performance.now() - startMs) / 60_000;
    const left =
      index === 0
        ? ''
        : `, about ${((minutes * (scenarios.length - index)) / index).toFixed(1)} left`;
    console.error(
      `compare: ${index + 1}/${scenarios.length} ${scenario.name} (${minutes.toFixed(1)} minutes${left})`,
    );
    onRow(await measureScenario(scenario, brokers, runs, seconds));
  }
}

/** In turn: the first run of each broker, then the second of each, and so on. */
async function measureScenario(
  scenario: CompareScenario,
  brokers: readonly MeasuredBroker[],
  runsAtMost: number,
  seconds: number,
): Promise<Row> {
  const { name, args, isTimed, isOwn } = scenario;
  const runs = Math.min(runsAtMost, scenario.runs ?? runsAtMost);
  const results: Result[][] = brokers.map(() => []);
  const isFive = args.includes('--protocol');
  const skipped = brokers.map(
    ({ isWithoutFive = false }, index) =>
      (isOwn === true && index > 0) || (isFive && isWithoutFive),
  );
  const failures: (string | undefined)[] = skipped.map((isSkipped) =>
    isSkipped ? 'not measured' : undefined,
  );
  for (let run = 0; run < runs; run++) {
    for (const [index, broker] of brokers.entries()) {
      if (failures[index] !== undefined) continue;
      const own = broker.generatorArgs?.(args) ?? [];
      const all = [...args, ...own, ...(isTimed ? [] : ['--seconds', String(seconds)])];
      try {
        const result = await measureOnce(broker, all, scenario);
        results[index]?.push(result);
        const { ratePerSecond, unit, lost } = result;
        const loss = lost > 0 ? `, ${lost} lost` : '';
        console.error(
          `  run ${run + 1}/${runs} ${broker.name}: ${Math.round(ratePerSecond)} ${unit}/s${loss}`,
        );
      } catch (error) {
        failures[index] = messageOf(error);
        console.error(`  run ${run + 1}/${runs} ${broker.name} failed: ${failures[index]}`);
      }
    }
  }
  const outcomes = brokers.map((_, index) => {
    const failure = failures[index];
    return failure === undefined
      ? summarize(results[index] ?? [])
      : { failure, isSkipped: skipped[index] === true };
  });
  return { name, args, runs, seconds, taken: new Date().toISOString(), outcomes };
}

async function measureOnce(
  broker: MeasuredBroker,
  args: readonly string[],
  { measuresSync }: CompareScenario,
): Promise<Result> {
  const running = await startBroker(broker);
  try {
    const { directory } = running;
    const sync =
      measuresSync === true && directory !== null
        ? { fdatasyncMicros: measureSync(directory) }
        : undefined;
    const result = await generate(args, running, TIMEOUT_SECONDS);
    return { ...result, extra: { ...result.extra, ...sync } };
  } catch (error) {
    throw new Error(running.failure() ?? messageOf(error));
  } finally {
    await running.stop();
  }
}
