/**
 * What security costs: users and rules beside none, and TLS beside mosquitto's.
 *
 *   node scripts bench/security [options]
 *
 * First, 50 pairs of a broker whose clients have passwords and 1,000 rules, in turns with the same broker without either. Then,
 * over TLS with the same certificate, versions and ciphers, 50 pairs and handshakes a second of PromptMQ and of mosquitto, in turns;
 * without mosquitto, PromptMQ alone. Medians are shown, and the ratio of what was measured one after the other.
 * Exits with 1 when users and rules take more than 5 % of the throughput. About three minutes.
 *
 *   --rounds N    of each pair of runs (5)
 *   --seconds N   of each run, after a second of warm-up (3)
 *   --only WORD   rules or tls
 *   --json        print JSON instead of tables
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { messageOf } from '../lib/errors.ts';
import { root } from '../lib/prepare.js';
import { formatCount } from './lib/bench-package.ts';
import { findBrokers, type OwnBroker, promptmq, startBroker } from './lib/brokers.ts';
import { generate } from './lib/generator.ts';
import { machine, median, table } from './lib/report.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = positiveNumber('--rounds', values.rounds);
const seconds = positiveNumber('--seconds', values.seconds);
const { only } = values;
if (!['', 'rules', 'tls'].includes(only)) refuse('--only takes rules or tls');

const GOAL = 0.05;
const RULES = 1000;
const USER = 'bench';
/** No secret: it is the user of a broker that lives for some seconds. */
const PASSWORD = 'bench';
const TIMEOUT_SECONDS = 120;
const PAIRS = ['pairs', '--pairs', '50', '--warmup', '1', '--seconds', String(seconds)];

/** Two things that are measured in turns. */
interface Comparison {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly others: number;
  /** The median of the ratios within each round. */
  readonly ratio: number;
}

await runMain('security', main);

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'promptmq-security-'));
  try {
    const rules = only === 'tls' ? [] : await compareRules(directory);
    const tls = only === 'rules' ? [] : await compareTls(directory);
    if (values.json) console.log(JSON.stringify({ machine: machine(), rules, tls }));
    else console.log(describe(rules, tls));
    const worst = Math.min(1, ...rules.map(({ ratio }) => ratio));
    if (worst < 1 - GOAL) throw new Error(`users and rules take ${percent(1 - worst)}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

// ------------------------------------------------------------------------------ users and rules

async function compareRules(directory: string): Promise<Comparison[]> {
  const passwords = join(directory, 'passwords');
  const rules = join(directory, 'acl.yaml');
  writeFileSync(passwords, passwordLine());
  writeFileSync(rules, rulesFile());
  const guarded = promptmq([
    ...['--auth-password-file', passwords, '--auth-acl-file', rules],
    ...['--auth-allow-anonymous', 'false'],
  ]);
  const credentials = ['--username', USER, '--password', PASSWORD];
  const comparisons: Comparison[] = [];
  for (const qos of ['0', '1']) {
    const load = [...PAIRS, '--qos', qos, '--prefix', 'bench'];
    comparisons.push(
      await inTurns(
        `50 pairs, QoS ${qos}`,
        'messages/s',
        () => rateOf(guarded, [...load, ...credentials]),
        () => rateOf(promptmq(), load),
      ),
    );
  }
  return comparisons;
}

function passwordLine(): string {
  const program = join(root, 'packages/server/bin/promptmq.js');
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, 'passwd', USER], {
    input: `${PASSWORD}\n`,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`promptmq passwd: ${stderr.trim()}`);
  return stdout;
}

/** A rule for the user's topics among those of others, as a file that has grown has them. */
function rulesFile(): string {
  const others = Array.from(
    { length: RULES - 1 },
    (_, index) =>
      `  - { user: user-${index}, publish: site/${index}/#, subscribe: site/${index}/# }`,
  );
  const own = `  - { user: ${USER}, publish: "bench/#", subscribe: "bench/#" }`;
  return ['rules:', ...others.slice(0, RULES / 2), own, ...others.slice(RULES / 2), ''].join('\n');
}

// ----------------------------------------------------------------------------------------- TLS

async function compareTls(directory: string): Promise<Comparison[]> {
  const certificate = makeCertificate(directory);
  const { cert, key } = certificate;
  const ours: OwnBroker = {
    ...promptmq(),
    command: (port, _, metricsPort) => [
      process.execPath,
      [
        join(root, 'packages/server/bin/promptmq.js'),
        ...['--bind', 'none', '--ws-bind', 'none', '--tls-bind', `127.0.0.1:${port}`],
        ...['--tls-cert', cert, '--tls-key', key, '--metrics-bind', `127.0.0.1:${metricsPort}`],
      ],
    ],
  };
  const mosquitto = mosquittoOverTls(directory, certificate);
  const comparisons: Comparison[] = [];
  const trust = ['--ca', cert];
  const tasks: (readonly [string, string, readonly string[]])[] = [
    ['TLS, 50 pairs, QoS 0', 'messages/s', [...PAIRS, ...trust]],
    ['TLS, 50 pairs, QoS 1', 'messages/s', [...PAIRS, '--qos', '1', ...trust]],
    [
      'TLS, connections with CONNECT',
      'connections/s',
      ['connect', '--connections', '20', '--warmup', '1', '--seconds', String(seconds), ...trust],
    ],
  ];
  for (const [what, unit, load] of tasks) {
    const measure = (broker: OwnBroker) => rateOf(broker, load, 'mqtts');
    comparisons.push(
      await inTurns(
        what,
        unit,
        () => measure(ours),
        mosquitto === null ? null : () => measure(mosquitto),
      ),
    );
  }
  return comparisons;
}

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Of the kind that most servers have: P-256, good for this machine for a day. */
function makeCertificate(directory: string): Certificate {
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const { status, stderr } = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-days', '1', '-keyout', key, '-out', cert],
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`openssl: ${stderr.trim()}`);
  return { cert, key };
}

/** Null where it is not installed. */
function mosquittoOverTls(directory: string, { cert, key }: Certificate): OwnBroker | null {
  const [plain] = findBrokers(['mosquitto'], [], directory);
  if (plain === undefined || plain.url !== undefined) return null;
  return {
    ...plain,
    command: (port, home, metricsPort) => {
      const command = plain.command(port, home, metricsPort);
      const file = join(home, 'mosquitto.conf');
      const lines = [`certfile ${cert}`, `keyfile ${key}`, 'tls_version tlsv1.2', 'user root'];
      const limits = ['max_inflight_messages 0', 'max_queued_messages 0', 'set_tcp_nodelay true'];
      writeFileSync(
        file,
        [...limits, `listener ${port} 127.0.0.1`, 'allow_anonymous true', ...lines, ''].join('\n'),
      );
      return command;
    },
  };
}

// ----------------------------------------------------------------------------------- measuring

/** @param measureOther - null where there is nothing to compare with */
async function inTurns(
  what: string,
  unit: string,
  measureOurs: () => Promise<number>,
  measureOther: (() => Promise<number>) | null,
): Promise<Comparison> {
  const ours: number[] = [];
  const others: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const isOursFirst = round % 2 === 0;
    if (isOursFirst) ours.push(await measureOurs());
    if (measureOther !== null) others.push(await measureOther());
    if (!isOursFirst) ours.push(await measureOurs());
    const other = others.at(-1);
    const beside = other === undefined ? '' : ` beside ${formatCount(other)}`;
    console.error(
      `security: ${what}, ${round + 1}/${rounds}: ${formatCount(ours.at(-1) as number)}${beside} ${unit}`,
    );
  }
  const ratios = ours.map((value, round) => value / (others[round] ?? Number.NaN));
  return {
    what,
    unit,
    ours: median(ours),
    others: others.length === 0 ? Number.NaN : median(others),
    ratio: others.length === 0 ? Number.NaN : median(ratios),
  };
}

/** @returns what it measured: messages or connections a second */
async function rateOf(
  broker: OwnBroker,
  load: readonly string[],
  scheme: 'mqtt' | 'mqtts' = 'mqtt',
): Promise<number> {
  const running = await startBroker(broker);
  const url = running.url.replace(/^mqtt:\/\/127\.0\.0\.1/, `${scheme}://localhost`);
  try {
    const { ratePerSecond } = await generate(load, { url, pid: running.pid }, TIMEOUT_SECONDS);
    return ratePerSecond;
  } catch (error) {
    throw new Error(running.failure() ?? messageOf(error));
  } finally {
    await running.stop();
  }
}

function describe(rules: readonly Comparison[], tls: readonly Comparison[]): string {
  const rows = (comparisons: readonly Comparison[]) =>
    comparisons.map(({ what, unit, ours, others, ratio }) => [
      what,
      `${formatCount(ours)} ${unit}`,
      Number.isNaN(others) ? 'not there' : `${formatCount(others)} ${unit}`,
      Number.isNaN(ratio) ? '' : ratio.toFixed(2),
    ]);
  const sections = [
    rules.length === 0
      ? []
      : [table(['', `passwords and ${RULES} rules`, 'neither', 'ratio'], rows(rules))],
    tls.length === 0 ? [] : [table(['', 'PromptMQ', 'mosquitto', 'ratio'], rows(tls))],
  ];
  return [`On ${machine()}; medians of ${rounds} rounds in turns.`, ...sections.flat()].join(
    '\n\n',
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
