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
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readArguments, refuse, wholeNumber } from '../lib/arguments.ts';
import { buildIfNeeded, root } from '../lib/prepare.js';

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
const number = (name) => wholeNumber(`--${name}`, values[name]);
const [messages, retained, size] = ['messages', 'retained', 'size'].map(number);
const [protocol, settleMs] = ['protocol', 'settle'].map(number);
if (protocol !== 4 && protocol !== 5) refuse(`--protocol ${protocol}: should be 4 or 5`);
const SCENARIOS = {
  queue: { messages, retained: 0 },
  retained: { messages: 0, retained },
  both: { messages, retained },
};
for (const name of values.scenario) {
  if (SCENARIOS[name] === undefined) {
    refuse(`--scenario ${name}: should be one of ${Object.keys(SCENARIOS).join(', ')}`);
  }
}
buildIfNeeded();
const { encode, FrameDecoder } = await import('../../packages/codec/dist/index.js');
const { readProcessUsage } = await import('../../packages/bench/dist/process-usage.js');

/** Messages of the publisher that wait for their acknowledgement. */
const WINDOW = 1000;
const PACKET_IDS = 65_535;
const PUBLISH = 3;
const PUBACK = 4;
const BIN = join(root, 'packages', 'server', 'bin', 'promptmq.js');
const payload = new Uint8Array(size).fill(0x78);
const results = {};
for (const name of values.scenario) results[name] = await measure(name, SCENARIOS[name]);
if (values.json) console.log(JSON.stringify({ messages, retained, size, results }));
else printTable();

/** One scenario. Memory in bytes, times in milliseconds. */
async function measure(name, state) {
  const directory = mkdtempSync(join(values.dir, 'promptmq-memory-'));
  let broker = null;
  const figures = {};
  const note = (what, value) => {
    figures[what] = value;
  };
  const restart = async (signal) => {
    progress(name, `${signal}, and started again`);
    await end(broker, signal);
    broker = await start(directory);
    note(`start after ${signal}`, broker.startMs);
    await delay(settleMs);
    note(`memory after ${signal}`, residentBytes(broker) - figures['memory idle']);
  };
  try {
    progress(name, 'starting');
    broker = await start(directory);
    await delay(Math.min(settleMs, 1000));
    note('memory idle', residentBytes(broker));
    const startedAt = performance.now();
    await fill(name, broker, state);
    note('stored a second', rate(state.messages + state.retained, startedAt));
    note('memory when stored', residentBytes(broker) - figures['memory idle']);
    await delay(settleMs);
    note('memory settled', residentBytes(broker) - figures['memory idle']);
    await restart('SIGKILL');
    await restart('SIGTERM');
    await drain(name, broker, state, note);
    note('memory when sent', residentBytes(broker) - figures['memory idle']);
  } finally {
    if (broker !== null) await end(broker, 'SIGTERM');
    rmSync(directory, { recursive: true, force: true });
    progress(name, null);
  }
  return figures;
}

async function start(directory) {
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
  const port = await new Promise((resolve, reject) => {
    let output = '';
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
  const broker = { child, port, startMs: 0 };
  const client = await openClient(broker, { clientId: 'first' });
  broker.startMs = Math.round(performance.now() - startedAt);
  client.end();
  await client.closed;
  return broker;
}

async function end({ child }, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

function residentBytes({ child }) {
  return readProcessUsage(child.pid)?.residentBytes ?? Number.NaN;
}

function cpuSeconds({ child }) {
  return readProcessUsage(child.pid)?.cpuSeconds ?? Number.NaN;
}

function rate(count, startedAt) {
  return Math.round((count / (performance.now() - startedAt)) * 1000);
}

/** Has the broker store what the scenario says. */
async function fill(name, broker, state) {
  if (state.messages > 0) {
    const subscriber = await openClient(broker, {
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

async function publish(broker, count, topicOf, retain, onProgress) {
  if (count === 0) return;
  let sent = 0;
  let acknowledged = 0;
  const send = (client) => {
    const packets = [];
    for (; sent < count && sent - acknowledged < WINDOW; sent++) {
      const packetId = (sent % PACKET_IDS) + 1;
      const topic = topicOf(sent);
      packets.push(encode({ cmd: 'publish', topic, payload, qos: 1, retain, messageId: packetId }));
    }
    if (packets.length > 0) client.write(Buffer.concat(packets));
  };
  const client = await openClient(broker, {
    clientId: 'publisher',
    onPacket: (buffer, start) => {
      if (buffer[start] >> 4 === PUBACK) acknowledged++;
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
async function drain(name, broker, state, note) {
  const receive = async (what, count, clientId, isClean, topicFilter) => {
    if (count === 0) return;
    let received = 0;
    let acks = [];
    const startedAt = performance.now();
    const cpuBefore = cpuSeconds(broker);
    const client = await openClient(broker, {
      clientId,
      isClean,
      protocol,
      onPacket: (buffer, start, bodyStart) => {
        if (buffer[start] >> 4 !== PUBLISH) return;
        received++;
        const at = bodyStart + 2 + ((buffer[bodyStart] << 8) | buffer[bodyStart + 1]);
        acks.push(0x40, 2, buffer[at], buffer[at + 1]);
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

function subscribeFrame(topic, protocolVersion) {
  const subscriptions = [{ topic, qos: 1 }];
  return encode({ cmd: 'subscribe', messageId: 1, subscriptions }, { protocolVersion });
}

/**
 * Connects.
 *
 * @param onPacket - gets each packet behind CONNACK
 * @param onChunkEnd - called when all packets of a chunk were handled, with the client
 */
async function openClient(broker, options) {
  const { clientId, isClean = true, protocol: protocolVersion = 4 } = options;
  const { onPacket = () => {}, onChunkEnd = () => {} } = options;
  const socket = connect({ host: '127.0.0.1', port: broker.port, noDelay: true });
  await once(socket, 'connect');
  const client = {
    closed: once(socket, 'close'),
    write: (bytes) => socket.write(bytes),
    end: () => socket.end(encode({ cmd: 'disconnect' }, { protocolVersion })),
  };
  await new Promise((resolve) => {
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
    socket.write(
      encode({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion,
        clientId,
        clean: isClean,
        keepalive: 0,
        ...(protocolVersion === 5 && !isClean ? { properties } : {}),
      }),
    );
  });
  return client;
}

/** One line that is written over, on a terminal; null clears it. */
function progress(name, what) {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\x1b[K${what === null ? '' : `${name}: ${what}`}`);
}

function printTable() {
  const names = Object.keys(results);
  const rows = [...new Set(names.flatMap((name) => Object.keys(results[name])))];
  const cell = (what, value) => {
    if (value === undefined) return '-';
    if (what.startsWith('memory')) return `${(value / 1_048_576).toFixed(1)} MB`;
    if (what.startsWith('start')) return `${value.toLocaleString('en')} ms`;
    return value.toLocaleString('en');
  };
  const title = 'memory: above an idle broker';
  const table = [
    [title, ...names],
    ...rows.map((what) => [what, ...names.map((name) => cell(what, results[name][what]))]),
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) {
    const cells = row.map((text, column) =>
      column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]),
    );
    console.log(cells.join('  '));
  }
}
