#!/usr/bin/env node
/**
 * A first load generator: publishers and subscribers over real sockets, in a process of their own,
 * with frames built beforehand.
 *
 *   node scripts/bench/throughput.mjs [--target 127.0.0.1:1883] [--pairs 1] [--qos 0] [--size 64]
 *     [--seconds 4] [--window 100] [--metrics none] [--start]
 *
 * `--start` runs a broker for the measurement, on its own core where `taskset` can pin it. QoS 0 is held
 * back by a window of bytes, so that nothing is lost unnoticed; what was sent and didn't arrive is
 * reported. `--metrics` says where that broker serves its metrics. Prints one line of JSON.
 */
import { spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: '127.0.0.1:1883' },
    pairs: { type: 'string', default: '1' },
    qos: { type: 'string', default: '0' },
    size: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '4' },
    window: { type: 'string', default: '100' },
    metrics: { type: 'string', default: 'none' },
    start: { type: 'boolean', default: false },
  },
});
const pairCount = Number(values.pairs);
const qos = Number(values.qos);
const seconds = Number(values.seconds);

/** QoS 0: bytes on their way between one publisher and its subscriber. */
const FLIGHT_BYTES = 1_048_576;
const BLOCK_BYTES = 65_536;

let target = values.target;
let broker = null;
if (values.start) ({ target, broker } = await startBroker());
const [host, port] = [
  target.slice(0, target.lastIndexOf(':')),
  Number(target.slice(target.lastIndexOf(':') + 1)),
];

const pairs = await Promise.all(
  Array.from({ length: pairCount }, (_, index) => (qos === 0 ? pairQos0(index) : pairQos1(index))),
);

// A second to warm up, then the measurement.
for (const pair of pairs) pair.start();
await elapse(1000);
const before = snapshot();
await elapse(seconds * 1000);
const after = snapshot();
for (const pair of pairs) pair.stop();
await elapse(500);

const durationSeconds = (after.at - before.at) / 1000;
const totals = snapshot();
console.log(
  JSON.stringify({
    qos,
    pairs: pairCount,
    payloadBytes: Number(values.size),
    deliveredPerSecond: Math.round((after.received - before.received) / durationSeconds),
    sent: totals.sent,
    lost: totals.sent - totals.received,
    generatorCpu: Number(((after.cpu - before.cpu) / 1e6 / durationSeconds).toFixed(2)),
  }),
);
for (const pair of pairs) pair.close();
broker?.kill('SIGTERM');

function snapshot() {
  const { user, system } = process.cpuUsage();
  let sent = 0;
  let received = 0;
  for (const pair of pairs) {
    sent += pair.sent;
    received += pair.received;
  }
  return { at: performance.now(), cpu: user + system, sent, received };
}

/** A publisher that keeps FLIGHT_BYTES under way to its subscriber. */
async function pairQos0(index) {
  const topic = `bench/${index}`;
  const frame = publishFrame(topic, 0, 0);
  const framesPerBlock = Math.max(1, Math.floor(BLOCK_BYTES / frame.length));
  const block = Buffer.concat(Array.from({ length: framesPerBlock }, () => frame));
  const { publisher, subscriber } = await openPair(index, topic);
  const pair = { sent: 0, received: 0, start, stop, close: closer(publisher, subscriber) };
  let receivedBytes = 0;
  let isStopped = false;
  subscriber.on('data', (chunk) => {
    receivedBytes += chunk.length;
    pair.received = Math.floor(receivedBytes / frame.length);
    fill();
  });
  publisher.on('drain', fill);
  function fill() {
    while (
      !isStopped &&
      !publisher.writableNeedDrain &&
      (pair.sent - pair.received) * frame.length < FLIGHT_BYTES
    ) {
      pair.sent += framesPerBlock;
      publisher.write(block);
    }
  }
  function start() {
    fill();
  }
  function stop() {
    isStopped = true;
  }
  return pair;
}

/** A publisher that keeps a window of unacknowledged messages, and a subscriber that acknowledges. */
async function pairQos1(index) {
  const topic = `bench/${index}`;
  const { publisher, subscriber } = await openPair(index, topic);
  const pair = { sent: 0, received: 0, start, stop, close: closer(publisher, subscriber) };
  const frame = publishFrame(topic, 1, 1);
  const idOffset = frame.length - Number(values.size) - 2;
  let isStopped = false;
  let packetId = 0;
  publisher.on(
    'data',
    splitter(null, (count) => publish(count)),
  );
  subscriber.on(
    'data',
    splitter(
      () => {
        pair.received++;
      },
      null,
      idOffset,
      subscriber,
    ),
  );
  function publish(count) {
    if (isStopped) return;
    const bytes = Buffer.allocUnsafe(frame.length * count);
    for (let index = 0; index < count; index++) {
      packetId = packetId === 0xffff ? 1 : packetId + 1;
      frame.writeUInt16BE(packetId, idOffset);
      frame.copy(bytes, index * frame.length);
    }
    pair.sent += count;
    publisher.write(bytes);
  }
  function start() {
    publish(Number(values.window));
  }
  function stop() {
    isStopped = true;
  }
  return pair;
}

/**
 * Walks the frames of a stream. PUBLISH calls `onPublish` and is acknowledged on `socket`; PUBACKs are
 * counted a chunk and reported to `onAcks`.
 */
function splitter(onPublish, onAcks, idOffset, socket) {
  let rest = null;
  return (data) => {
    const chunk = rest === null ? data : Buffer.concat([rest, data]);
    let start = 0;
    let acks = 0;
    const ids = [];
    for (let size = sizeAt(chunk, start); size > 0; size = sizeAt(chunk, start)) {
      const type = chunk[start] >> 4;
      if (type === 3 && onPublish !== null) {
        onPublish();
        ids.push(chunk[start + idOffset], chunk[start + idOffset + 1]);
      } else if (type === 4) {
        acks++;
      }
      start += size;
    }
    rest = start < chunk.length ? chunk.subarray(start) : null;
    if (acks > 0) onAcks(acks);
    if (ids.length > 0) socket.write(pubacks(ids));
  };
}

/** The size of the packet at `start` when it is there whole, else 0; of those below 16 KB. */
function sizeAt(chunk, start) {
  if (start + 2 > chunk.length) return 0;
  const isLong = chunk[start + 1] >= 0x80;
  if (isLong && start + 3 > chunk.length) return 0;
  const size = isLong
    ? 3 + (chunk[start + 1] & 0x7f) + chunk[start + 2] * 128
    : 2 + chunk[start + 1];
  return start + size <= chunk.length ? size : 0;
}

/** A PUBACK for each packet identifier, given as pairs of bytes. */
function pubacks(ids) {
  const bytes = Buffer.allocUnsafe(ids.length * 2);
  for (let index = 0; index < ids.length; index += 2) {
    bytes[index * 2] = 0x40;
    bytes[index * 2 + 1] = 2;
    bytes[index * 2 + 2] = ids[index];
    bytes[index * 2 + 3] = ids[index + 1];
  }
  return bytes;
}

async function openPair(index, topic) {
  const subscriber = await openClient(`bench-sub-${index}`);
  const filter = Buffer.from(topic);
  const subscribed = once(subscriber, 5);
  subscriber.write(
    packet(
      0x82,
      Buffer.concat([Buffer.from([0, 1, 0, filter.length]), filter, Buffer.from([qos])]),
    ),
  );
  await subscribed;
  return { subscriber, publisher: await openClient(`bench-pub-${index}`) };
}

async function openClient(clientId) {
  const socket = connect({ host, port, noDelay: true });
  const id = Buffer.from(clientId);
  const connected = once(socket, 4);
  socket.write(
    packet(
      0x10,
      Buffer.concat([Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, id.length]), id]),
    ),
  );
  await connected;
  return socket;
}

/** Waits for the first packet, of `size` bytes. */
function once(socket, size) {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', (chunk) => {
      if (chunk.length === size) resolve();
      else reject(new Error(`expected ${size} bytes, got ${chunk.length}`));
    });
  });
}

function publishFrame(topic, publishQos, packetId) {
  const name = Buffer.from(topic);
  const parts = [Buffer.from([0, name.length]), name];
  if (publishQos > 0) parts.push(Buffer.from([packetId >> 8, packetId & 0xff]));
  parts.push(Buffer.alloc(Number(values.size), 0x78));
  return packet(0x30 | (publishQos << 1), Buffer.concat(parts));
}

function packet(firstByte, body) {
  const header = [firstByte];
  let length = body.length;
  do {
    header.push(length > 127 ? (length & 0x7f) | 0x80 : length);
    length >>= 7;
  } while (length > 0);
  return Buffer.concat([Buffer.from(header), body]);
}

function closer(...sockets) {
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

function elapse(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Starts a broker on a free port, pinned to the first core; this process takes the second. */
async function startBroker() {
  const bin = fileURLToPath(new URL('../../packages/server/bin/promptmq.js', import.meta.url));
  const args = [
    bin,
    '--bind',
    '127.0.0.1:0',
    '--ws-bind',
    'none',
    '--metrics-bind',
    values.metrics,
    '--log-format',
    'json',
  ];
  const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
  if (canPin) spawnSync('taskset', ['-cp', '1', String(process.pid)]);
  const child = canPin
    ? spawn('taskset', ['-c', '0', process.execPath, ...args])
    : spawn(process.execPath, args);
  child.stderr.pipe(process.stderr);
  return new Promise((resolve, reject) => {
    let output = '';
    child.on('exit', (code) => reject(new Error(`the broker ended with ${code}`)));
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const match = /"address":"([^"]+)"/.exec(output);
      if (match !== null) resolve({ target: match[1], broker: child });
    });
  });
}
