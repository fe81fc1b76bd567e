#!/usr/bin/env node
/** PromptMQ and its peers, in turn, as the tables and plots of docs/performance.md: see `--help`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBrokers, startBroker } from './lib/brokers.mjs';
import { comparePlots, describeComparison } from './lib/compare-report.mjs';
import { readResults, storeResults, writeSection } from './lib/document.mjs';
import { measureSync } from './lib/fdatasync.mjs';
import { generate } from './lib/generator.mjs';
import { runScript, UsageError } from './lib/options.mjs';
import { machine, summarize } from './lib/report.mjs';
import { SCENARIOS } from './lib/scenarios.mjs';

const SUMMARY = `Runs the same scenarios against PromptMQ and its peers. Each run starts a fresh broker, pinned to core 0,
and a load generator on core 1; brokers take turns within a scenario. Results are stored in
docs/performance/compare.json after each scenario, and become the section of docs/performance.md at the end; with
--only, the other scenarios keep the results that they have. Half an hour for everything. Exits with 1 when
PromptMQ failed in a scenario.`;

const OPTIONS = {
  runs: { value: 'N', default: 5, help: 'of each scenario; the slow ones have three at most' },
  seconds: { value: 'N', default: 3, help: 'of each run, after one second of warm-up' },
  only: { value: 'TEXT', default: '', help: 'only scenarios with this in their name' },
  quick: { help: 'some of the scenarios, one run of one second each, only printed: three minutes' },
  brokers: { value: 'NAMES', default: 'promptmq,mosquitto,aedes', help: 'in this order' },
  peer: { value: 'NAME=URL', multiple: true, help: 'a broker that runs already; may be repeated' },
  'dry-run': { help: 'print instead of storing and writing' },
  render: { help: 'measure nothing: make the section anew of the stored results' },
  list: { help: 'print the names of the scenarios' },
};

/** A run that takes so much longer than it should is given up. */
const TIMEOUT_SECONDS = 90;

await runScript('compare', SUMMARY, OPTIONS, main);

async function main(values) {
  if (values.list) {
    for (const { name } of SCENARIOS) console.log(name);
    return;
  }
  if (values.render) {
    render(stored());
    return;
  }
  const runs = values.quick ? 1 : values.runs;
  const seconds = values.quick ? 1 : values.seconds;
  const scenarios = SCENARIOS.filter(
    ({ name, isQuick }) => (!values.quick || isQuick) && name.includes(values.only),
  );
  if (scenarios.length === 0) throw new UsageError(`no scenario has "${values.only}" in its name`);

  const directory = mkdtempSync(join(tmpdir(), 'promptmq-peers-'));
  try {
    const brokers = findBrokers(values.brokers.split(','), values.peer, directory);
    const isStored = !values.quick && !values['dry-run'];
    const results = {
      machine: machine(),
      isQuick: values.quick,
      brokers: brokers.map(({ name, version, configuration }) => ({
        name,
        version,
        configuration,
      })),
      rows: values.only !== '' && isStored ? keptRows(brokers) : [],
    };
    const onRow = (row) => {
      results.machine = machine();
      results.rows = inOrder([...results.rows.filter(({ name }) => name !== row.name), row]);
      if (isStored) storeResults('compare', results);
    };
    await measureAll(scenarios, brokers, runs, seconds, onRow);
    if (isStored) render(results);
    else console.log(describeComparison(results));
    const names = scenarios.map(({ name }) => name);
    const failed = results.rows.filter(
      ({ name, outcomes }) => names.includes(name) && outcomes[0].failure !== undefined,
    );
    if (failed.length > 0) {
      throw new Error(`${brokers[0].name} failed in: ${failed.map(({ name }) => name).join('; ')}`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function render(results) {
  writeSection('compare', results, describeComparison(results), comparePlots(results));
}

function stored() {
  const results = readResults('compare');
  if (results === null)
    throw new Error('there are no results yet: run it without --only, --render');
  return results;
}

/** The stored rows, which are to be compared with the same brokers. */
function keptRows(brokers) {
  const results = readResults('compare');
  if (results === null) return [];
  const [here, there] = [brokers, results.brokers].map((all) =>
    all.map(({ name }) => name).join(', '),
  );
  if (here === there) return results.rows;
  throw new UsageError(`the stored results are of ${there}, not ${here}: give the same --brokers`);
}

function inOrder(rows) {
  const place = (row) => SCENARIOS.findIndex(({ name }) => name === row.name);
  return rows.filter((row) => place(row) !== -1).toSorted((a, b) => place(a) - place(b));
}

async function measureAll(scenarios, brokers, runs, seconds, onRow) {
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
async function measureScenario(scenario, brokers, runsAtMost, seconds) {
  const { name, args, isTimed, isOwn } = scenario;
  const runs = Math.min(runsAtMost, scenario.runs ?? runsAtMost);
  const results = brokers.map(() => []);
  const isFive = args.includes('--protocol');
  const skipped = brokers.map(
    ({ isWithoutFive = false }, index) =>
      (isOwn === true && index > 0) || (isFive && isWithoutFive),
  );
  const failures = skipped.map((isSkipped) => (isSkipped ? 'not measured' : undefined));
  for (let run = 0; run < runs; run++) {
    for (const [index, broker] of brokers.entries()) {
      if (failures[index] !== undefined) continue;
      const own = broker.generatorArgs?.(args) ?? [];
      const all = [...args, ...own, ...(isTimed ? [] : ['--seconds', String(seconds)])];
      try {
        const result = await measureOnce(broker, all, scenario);
        results[index].push(result);
        const { ratePerSecond, unit, lost } = result;
        const loss = lost > 0 ? `, ${lost} lost` : '';
        console.error(
          `  run ${run + 1}/${runs} ${broker.name}: ${Math.round(ratePerSecond)} ${unit}/s${loss}`,
        );
      } catch (error) {
        failures[index] = error.message;
        console.error(`  run ${run + 1}/${runs} ${broker.name} failed: ${error.message}`);
      }
    }
  }
  const outcomes = brokers.map((_, index) =>
    failures[index] === undefined
      ? summarize(results[index])
      : { failure: failures[index], isSkipped: skipped[index] },
  );
  return { name, args, runs, seconds, taken: new Date().toISOString(), outcomes };
}

async function measureOnce(broker, args, { measuresSync }) {
  const running = await startBroker(broker);
  try {
    const sync =
      measuresSync === true ? { fdatasyncMicros: measureSync(running.directory) } : undefined;
    const result = await generate(args, running, TIMEOUT_SECONDS);
    return { ...result, extra: { ...result.extra, ...sync } };
  } catch (error) {
    throw new Error(running.failure() ?? error.message);
  } finally {
    await running.stop();
  }
}
