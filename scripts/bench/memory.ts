/**
 * What a large state costs a broker: memory, and time to start and to send it.
 *
 *   node scripts bench/memory [options]
 *
 * For each scenario, a broker process gets a state to keep, in a directory that is removed afterwards; it is
 * killed and started again, stopped and started again, and then has to send everything.
 *
 *   queue     messages of QoS 1 for a session whose client isn't there
 *   retained  retained messages, each with a topic of its own
 *   both      all of these
 *
 *   --messages N     queued messages (1000000)
 *   --retained N     retained messages (100000)
 *   --size BYTES     of a payload (1024)
 *   --scenario NAME  queue, retained or both; may be given several times; all three when left out
 *   --protocol 4|5   of the client that gets everything: MQTT 3.1.1, or 5.0 with Receive Maximum 65535 (5)
 *   --settle MS      how long a broker is left alone before its memory is read (5000)
 *   --dir DIRECTORY  where temporary directories are made (the system's)
 *   --node-option O  an option for the broker's Node; may be given several times
 *   --broker-arg A   an argument for the broker; may be given several times
 *   --json           the figures as JSON
 *
 * Memory is what /proc says of the process, so it takes a Linux.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Packet } from '../../packages/codec/dist/index.js';
import { readArguments, refuse, wholeNumber } from '../lib/arguments.ts';
import { buildIfNeeded, root } from '../lib/prepare.js';
import { readProcessUsage } from './lib/bench-package.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    messages: { type: 'string', default: '1000000' },
    retained: { type: 'string', default: '100000' },
    size: { type: 'string', default: '1024' },
    scenario: { type: 'string', multiple: true, default: ['queue', 'retained', 'both'] },
    protocol: { type: 'string', default: '5' },
    settle: { type: 'string', default: '5000' },
    dir: { type: 'string', default: tmpdir() },
    'node-option': { type: 'string', multiple: true, default: [] },
    'broker-arg': { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});
const messages = wholeNumber('--messages', values.messages);
const retained = wholeNumber('--retained', values.retained);
const size = wholeNumber('--size', values.size);
const settleMs = wholeNumber('--settle', values.settle);
const protocol = protocolOf(values.protocol);

function protocolOf(text: string): 4 | 5 {
  if (text === '4') return 4;
  return text === '5' ? 5 : refuse(`--protocol ${text}: should be 4 or 5`);
}

/** What a broker keeps: queued messages, and retained ones. */
interface State {
  readonly messages: number;
  readonly retained: number;
}

interface Broker {
  readonly child: ChildProcess;
  readonly port: number;
  startMs: number;
}

interface Client {
  readonly closed: Promise<unknown>;
  write(bytes: Uint8Array): void;
  end(): void;
}

interface ClientOptions {
  readonly clientId: string;
  readonly isClean?: boolean;
  readonly protocol?: 4 | 5;
  /** Gets each packet after CONNACK. */
  readonly onPacket?: (buffer: Uint8Array, start: number, bodyStart: number) => void;
  /** Called when all packets of a chunk were handled. */
  readonly onChunkEnd?: (client: Client) => void;
}

/** Memory in bytes, times in milliseconds. */
type Figures = Record<string, number>;

const SCENARIOS: Readonly<Record<string, State>> = {
  queue: { messages, retained: 0 },
  retained: { messages: 0, retained },
  both: { messages, retained },
};
const scenarios = values.scenario.map((name) => {
  const state = Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined;
  const all = Object.keys(SCENARIOS).join(', ');
  return { name, state: state ?? refuse(`--scenario ${name}: should be one of ${all}`) };
});
buildIfNeeded();
const { encode, FrameDecoder } = await import('../../packages/codec/dist/index.js');

/** Messages of the publisher that wait for their acknowledgement. */
const WINDOW = 1000;
const PACKET_IDS = 65_535;
const PUBLISH = 3;
const PUBACK = 4;
const BIN = join(root, 'packages', 'server', 'bin', 'promptmq.js');
const payload = new Uint8Array(size).fill(0x78);
const results: Record<string, Figures> = {};
for (const { name, state } of scenarios) results[name] = await measure(name, state);
if (values.json) console.log(JSON.stringify({ messages, retained, size, results }));
else printTable();

/** One scenario. */
async function measure(name: string, state: State): Promise<Figures> {
  const directory = mkdtempSync(join(values.dir, 'promptmq-memory-'));
  let broker: Broker | null = null;
  const figures: Figures = {};
  const note = (what: string, value: number) => {
    figures[what] = value;
  };
  const noteMemory = (what: string, of: Broker) => {
    note(what, residentBytes(of) - (figures['memory idle'] ?? 0));
  };
  const restart = async (former: Broker, signal: NodeJS.Signals): Promise<Broker> => {
    progress(name, `${signal}, and started again`);
    await end(former, signal);
    const next = await start(directory);
    note(`start after ${signal}`, next.startMs);
    await delay(settleMs);
    noteMemory(`memory after ${signal}`, next);
    return next;
  };
  try {
    progress(name, 'starting');
    broker = await start(directory);
    await delay(Math.min(settleMs, 1000));
    note('memory idle', residentBytes(broker));
    const startedAt = performance.now();
    await fill(name, broker, state);
    note('stored a second', rate(state.messages + state.retained, startedAt));
    noteMemory('memory when stored', broker);
    await delay(settleMs);
    noteMemory('memory settled', broker);
    broker = await restart(broker, 'SIGKILL');
    broker = await restart(broker, 'SIGTERM');
    await drain(name, broker, state, note);
    noteMemory('memory when sent', broker);
  } finally {
    if (broker !== null) await end(broker, 'SIGTERM');
    rmSync(directory, { recursive: true, force: true });
    progress(name, null);
  }
  return figures;
}

async function start(directory: string): Promise<Broker> {
  const args = [
    ...['--bind', '127.0.0.1:0', '--ws-bind', 'none', '--metrics-bind', 'none'],
    ...['--log-format', 'json', '--max-inflight', '65535'],
    ...['--data-dir', join(directory, 'data'), '--wal-dir', join(directory, 'wal')],
    ...values['broker-arg'],
  ];
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...values['node-option'], BIN, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    let output: string | null = '';
    child.on('exit', (code) => reject(new Error(`the broker ended with ${code}: ${output}`)));
    child.stdout.on('data', (chunk) => {
      if (output === null) return;
      output += chunk;
      const address = /"protocol":"mqtt","address":"[^"]+:(\d+)"/.exec(output);
      if (address === null) return;
      output = null;
      resolve(Number(address[1]));
    });
  });
  const broker: Broker = { child, port, startMs: 0 };
  const client = await openClient(broker, { clientId: 'first' });
  broker.startMs = Math.round(performance.now() - startedAt);
  client.end();
  await client.closed;
  return broker;
}

async function end({ child }: Broker, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

function residentBytes({ child }: Broker): number {
  return readProcessUsage(child.pid ?? -1)?.residentBytes ?? Number.NaN;
}

function cpuSeconds({ child }: Broker): number {
  return readProcessUsage(child.pid ?? -1)?.cpuSeconds ?? Number.NaN;
}

function rate(count: number, startedAt: number): number {
  return Math.round((count / (performance.now() - startedAt)) * 1000);
}

/** Has the broker store what the scenario says. */
async function fill(name: string, broker: Broker, state: State): Promise<void> {
  if (state.messages > 0) {
    const subscriber: Client = await openClient(broker, {
      clientId: 'offline',
      isClean: false,
      onPacket: () => subscriber.end(), // It is SUBACK.
    });
    subscriber.write(subscribeFrame('queue/#', 4));
    await subscriber.closed;
    await publish(
      broker,
      state.messages,
      () => 'queue/topic',
      false,
      (count) => progress(name, `${count.toLocaleString('en')} messages queued`),
    );
  }
  await publish(
    broker,
    state.retained,
    (index) => `retained/${index}`,
    true,
    (count) => progress(name, `${count.toLocaleString('en')} retained`),
  );
}

async function publish(
  broker: Broker,
  count: number,
  topicOf: (index: number) => string,
  retain: boolean,
  onProgress: (acknowledged: number) => void,
): Promise<void> {
  if (count === 0) return;
  let sent = 0;
  let acknowledged = 0;
  const send = (client: Client) => {
    const packets: Uint8Array[] = [];
    for (; sent < count && sent - acknowledged < WINDOW; sent++) {
      const packetId = (sent % PACKET_IDS) + 1;
      const topic = topicOf(sent);
      const flags = { qos: 1, dup: false, retain } as const;
      packets.push(encoded({ cmd: 'publish', topic, payload, ...flags, messageId: packetId }, 4));
    }
    if (packets.length > 0) client.write(Buffer.concat(packets));
  };
  const client = await openClient(broker, {
    clientId: 'publisher',
    onPacket: (buffer, start) => {
      if (typeOf(buffer, start) === PUBACK) acknowledged++;
    },
    // The chunk with CONNACK is the first one.
    onChunkEnd: (one) => {
      onProgress(acknowledged);
      if (acknowledged === count) one.end();
      else send(one);
    },
  });
  await client.closed;
}

/** Has the broker send everything, at QoS 1. */
async function drain(
  name: string,
  broker: Broker,
  state: State,
  note: (what: string, value: number) => void,
): Promise<void> {
  const receive = async (
    what: string,
    count: number,
    clientId: string,
    isClean: boolean,
    topicFilter: string | null,
  ) => {
    if (count === 0) return;
    let received = 0;
    let acks: number[] = [];
    const startedAt = performance.now();
    const cpuBefore = cpuSeconds(broker);
    const client = await openClient(broker, {
      clientId,
      isClean,
      protocol,
      onPacket: (buffer, start, bodyStart) => {
        if (typeOf(buffer, start) !== PUBLISH) return;
        received++;
        const [high = 0, low = 0] = buffer.subarray(bodyStart, bodyStart + 2);
        const at = bodyStart + 2 + ((high << 8) | low);
        acks.push(0x40, 2, buffer[at] ?? 0, buffer[at + 1] ?? 0);
      },
      onChunkEnd: (one) => {
        if (acks.length > 0) one.write(Uint8Array.from(acks));
        acks = [];
        progress(name, `${received.toLocaleString('en')} received`);
        if (received === count) one.end();
      },
    });
    if (topicFilter !== null) client.write(subscribeFrame(topicFilter, protocol));
    await client.closed;
    note(`${what}: sent a second`, rate(count, startedAt));
    const cpu = cpuSeconds(broker) - cpuBefore;
    note(`${what}: CPU microseconds each`, Number(((cpu / count) * 1e6).toFixed(2)));
  };
  await receive('queue', state.messages, 'offline', false, null);
  await receive('retained', state.retained, 'reader', true, 'retained/#');
}

function subscribeFrame(topic: string, protocolVersion: 4 | 5): Uint8Array {
  const subscriptions = [{ topic, qos: 1 } as const];
  return encoded({ cmd: 'subscribe', messageId: 1, subscriptions }, protocolVersion);
}

function encoded(packet: Packet, protocolVersion: 4 | 5): Uint8Array {
  return encode(packet, { protocolVersion }) as Uint8Array;
}

/** The type of the packet that starts there. */
function typeOf(buffer: Uint8Array, start: number): number {
  return (buffer[start] ?? 0) >> 4;
}

async function openClient(broker: Broker, options: ClientOptions): Promise<Client> {
  const { clientId, isClean = true, protocol: protocolVersion = 4 } = options;
  const { onPacket = () => {}, onChunkEnd = () => {} } = options;
  const socket = connect({ host: '127.0.0.1', port: broker.port, noDelay: true });
  await once(socket, 'connect');
  const client: Client = {
    closed: once(socket, 'close'),
    write: (bytes) => {
      socket.write(bytes);
    },
    end: () => {
      socket.end(encoded({ cmd: 'disconnect' }, protocolVersion));
    },
  };
  await new Promise<void>((resolve) => {
    let isConnected = false;
    const decoder = new FrameDecoder({
      onFrame: (buffer, start, bodyStart) => {
        if (isConnected) onPacket(buffer, start, bodyStart);
        isConnected = true;
        return true;
      },
    });
    socket.on('data', (chunk) => {
      decoder.push(chunk);
      resolve();
      onChunkEnd(client);
    });
    const properties = { receiveMaximum: PACKET_IDS, sessionExpiryInterval: 0xffff_ffff };
    const own = protocolVersion === 5 && !isClean ? { properties } : {};
    const base = { protocolId: 'MQTT', protocolVersion, keepalive: 0 } as const;
    client.write(
      encoded({ cmd: 'connect', ...base, clientId, clean: isClean, ...own }, protocolVersion),
    );
  });
  return client;
}

/** One line that is written over, on a terminal; null clears it. */
function progress(name: string, what: string | null): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\x1b[K${what === null ? '' : `${name}: ${what}`}`);
}

function printTable(): void {
  const names = Object.keys(results);
  const rows = [...new Set(names.flatMap((name) => Object.keys(results[name] ?? {})))];
  const cell = (what: string, value: number | undefined) => {
    if (value === undefined) return '-';
    if (what.startsWith('memory')) return `${(value / 1_048_576).toFixed(1)} MB`;
    if (what.startsWith('start')) return `${value.toLocaleString('en')} ms`;
    return value.toLocaleString('en');
  };
  const title = 'memory: above an idle broker';
  const table = [
    [title, ...names],
    ...rows.map((what) => [what, ...names.map((name) => cell(what, results[name]?.[what]))]),
  ];
  const widths = [title, ...names].map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of table) {
    const cells = row.map((text, column) =>
      column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
    );
    console.log(cells.join('  '));
  }
}
