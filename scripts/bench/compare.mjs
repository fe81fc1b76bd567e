#!/usr/bin/env node
/**
 * Runs the same scenarios against PromptMQ and its peers, in turn, and writes the tables and plots of
 * docs/performance.md.
 *
 *   node scripts/bench/compare.mjs [--quick] [--runs 5] [--seconds 4] [--only PATTERN]
 *     [--brokers promptmq,mosquitto,aedes] [--peer NAME=URL]... [--json FILE] [--dry-run]
 *
 * Each run starts a fresh broker, pinned to core 0, and a load generator on core 1. `--quick` takes some
 * of the scenarios, one run, and one second; `--only` those whose name has this text. `--dry-run`
 * prints instead of writing.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArguments } from '../lib/arguments.mjs';
import { root } from '../lib/prepare.mjs';
import { latencyPlot, memoryPlot, throughputPlot } from './lib/bench-package.mjs';
import { canPin, findBrokers, startBroker } from './lib/brokers.mjs';
import { generate } from './lib/generator.mjs';
import {
  efficiencyTable,
  isFixedRate,
  latencyTable,
  machine,
  remarks,
  resourceTable,
  summarize,
  throughputTable,
} from './lib/report.mjs';
import { SCENARIOS } from './lib/scenarios.mjs';

const DOCUMENT = join(root, 'docs/performance.md');
const PLOTS = join(root, 'docs/performance');
const BEGIN = '<!-- compare: begin -->';
const END = '<!-- compare: end -->';

const QUICK_NOTE =
  '**A quick run:** some scenarios, shortly, mostly to see that it works. Not figures to quote.';

/** A run that takes so much longer than it should is given up. */
const TIMEOUT_SECONDS = 120;

try {
  await main();
} catch (error) {
  console.error(`compare: ${error.message}`);
  process.exitCode = 1;
}

async function main() {
  const { values } = readArguments(import.meta.url, {
    options: {
      quick: { type: 'boolean', default: false },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string', default: '' },
      brokers: { type: 'string', default: 'promptmq,mosquitto,aedes' },
      peer: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const runs = positive('--runs', values.runs ?? (values.quick ? '1' : '5'));
  const seconds = positive('--seconds', values.seconds ?? (values.quick ? '1' : '4'));
  const scenarios = SCENARIOS.filter(
    ({ name, isQuick }) => (!values.quick || isQuick) && name.includes(values.only),
  );
  if (scenarios.length === 0) throw new Error(`no scenario has "${values.only}" in its name`);

  const directory = mkdtempSync(join(tmpdir(), 'promptmq-peers-'));
  try {
    const brokers = findBrokers(values.brokers.split(','), values.peer, directory);
    const rows = await measureAll(scenarios, brokers, runs, seconds);
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rows, null, 2));
    const generated = report(rows, brokers, { runs, seconds, isQuick: values.quick });
    if (values['dry-run']) console.log(generated);
    else write(generated, rows, brokers);
    const failures = rows.flatMap(({ name, outcomes }) =>
      outcomes[0].failure === undefined ? [] : [name],
    );
    if (failures.length > 0)
      throw new Error(`${brokers[0].name} failed in: ${failures.join('; ')}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function positive(name, text) {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`${name} ${text}: expected a number above 0`);
}

/** In turn: the first run of each broker, then the second of each, and so on. */
async function measureAll(scenarios, brokers, runs, seconds) {
  const rows = [];
  for (const [index, { name, args, isTimed }] of scenarios.entries()) {
    const results = brokers.map(() => []);
    const failures = brokers.map(() => undefined);
    for (let run = 0; run < runs; run++) {
      for (const [brokerIndex, broker] of brokers.entries()) {
        if (failures[brokerIndex] !== undefined) continue;
        const where = `${index + 1}/${scenarios.length} ${name}, run ${run + 1}/${runs}`;
        const own = broker.generatorArgs?.(args) ?? [];
        const all = [...args, ...own, ...(isTimed ? [] : ['--seconds', String(seconds)])];
        try {
          const result = await measureOnce(broker, all);
          results[brokerIndex].push(result);
          console.error(`${where}: ${broker.name} ${Math.round(result.ratePerSecond)}/s`);
        } catch (error) {
          failures[brokerIndex] = error.message;
          console.error(`${where}: ${broker.name} failed: ${error.message}`);
        }
      }
    }
    const outcomes = brokers.map((_, brokerIndex) =>
      failures[brokerIndex] === undefined
        ? summarize(results[brokerIndex])
        : { failure: failures[brokerIndex] },
    );
    rows.push({ name, args, outcomes });
  }
  return rows;
}

async function measureOnce(broker, args) {
  const running = await startBroker(broker);
  try {
    return await generate(args, running, TIMEOUT_SECONDS);
  } catch (error) {
    throw new Error(running.failure() ?? error.message);
  } finally {
    await running.stop();
  }
}

function report(rows, brokers, { runs, seconds, isQuick }) {
  const date = new Date().toISOString().slice(0, 10);
  const pinning = canPin ? 'broker on core 0, generator on core 1' : 'not pinned to cores';
  const command = `node scripts/bench/compare.mjs${isQuick ? ' --quick' : ''}`;
  const lines = [
    `Taken on ${date}: ${machine()}; ${pinning}; medians of ${runs} ${runs === 1 ? 'run' : 'runs'} of ${seconds} s, by \`${command}\`.`,
    '',
    ...(isQuick ? [QUICK_NOTE, ''] : []),
    ...brokers.map(({ name, version, configuration }) => `- ${name} ${version}: ${configuration}.`),
    '',
    '### Throughput',
    '',
    'An exclamation mark says that messages were lost.',
    '',
    throughputTable(rows, brokers),
    '',
    '![Throughput by scenario and broker](performance/throughput.svg)',
    '',
    'The same for each second of CPU time that the broker used: what a whole core would do, also where it',
    'had to wait for the disk, the generator or other processes of the machine.',
    '',
    efficiencyTable(rows, brokers),
    '',
  ];
  if (rows.some(isFixedRate)) {
    lines.push(
      '### Latency',
      '',
      latencyTable(rows, brokers),
      '',
      '![Latency by percentile and broker](performance/latency.svg)',
      '',
    );
  }
  lines.push(
    '### Loss, CPU and memory',
    '',
    'The largest loss of all runs, and medians of CPU (of a core) and resident memory.',
    '',
    resourceTable(rows, brokers),
    '',
  );
  if (rows.some(hasMemory)) {
    lines.push('![Memory by connections and broker](performance/memory.svg)', '');
  }
  lines.push(remarks(rows, brokers), '', '### The scenarios as commands', '', '```sh');
  for (const { name, args } of rows) {
    const timed = args.includes('--seconds') ? '' : ` --seconds ${seconds}`;
    lines.push(`promptmq bench ${args.join(' ')}${timed} # ${name}`);
  }
  lines.push('```');
  return lines.join('\n');
}

function hasMemory({ outcomes }) {
  return outcomes.some(({ memory }) => memory !== undefined && memory.length > 0);
}

function write(generated, rows, brokers) {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`${DOCUMENT} has no ${BEGIN} and ${END}`);
  mkdirSync(PLOTS, { recursive: true });
  for (const [name, svg] of draw(rows, brokers)) {
    if (svg !== null) writeFileSync(join(PLOTS, name), svg);
  }
  const head = text.slice(0, begin + BEGIN.length);
  writeFileSync(DOCUMENT, `${head}\n\n${generated}\n\n${text.slice(end)}`);
  console.error(`compare: wrote ${DOCUMENT} and ${PLOTS}`);
}

function draw(rows, brokers) {
  const each = (read) =>
    brokers.map(({ name }, index) => ({
      name,
      results: rows.flatMap((row) => {
        const outcome = row.outcomes[index];
        return outcome.failure === undefined && read(outcome)
          ? [{ ...outcome, label: row.name }]
          : [];
      }),
    }));
  const isDelivery = ({ unit }) => unit === 'deliveries';
  return [
    ['throughput.svg', throughputPlot(each(isDelivery))],
    [
      'latency.svg',
      latencyPlot(
        each(
          ({ scenario, latency }) => scenario.ratePerSecond !== null && latency !== null,
        ).flatMap(({ name, results }) =>
          results.map(({ label, latency }) => ({
            name: `${name}, ${label.split(',')[0]}`,
            latency,
          })),
        ),
      ),
    ],
    [
      'memory.svg',
      memoryPlot(
        each(({ memory }) => memory.length > 0).flatMap(({ name, results }) =>
          results.map(({ memory }) => ({ name, points: memory })),
        ),
      ),
    ],
  ];
}
