/**
 * What clients can make a broker hold: each attack runs against a broker process of its own, while another client
 * (the canary) asks it something all the time. Prints memory before and at its highest, and the canary's longest wait.
 *
 *   node scripts bench/hostile [options]
 *
 *   searches   many SUBSCRIBEs of # with Retain Handling 0, nothing is read
 *   filters    the same with as many different filters
 *   stored     the same at QoS 1 by a session that is stored
 *   fan-out    300 subscribers that read nothing, 12 MB published at QoS 0
 *   trickle    the same in messages of one byte, each in a turn of its own
 *   topics     QoS 0 to 8,000 topics of 65 KB
 *   answers    PUBRELs whose answers are not read, for some seconds
 *   pings      PINGREQs, likewise
 *   records    the same SUBSCRIBE of a long filter again and again by a stored session, for some seconds
 *   wills      60 clients leave wills with 16 MB of properties
 *   subscriptions  a client with 10,000 filters of 60 KB
 *   partial    100 clients begin packets of 16 MB, and don't end them
 *
 *   nothing    no attack: how long the canary waits on this machine
 *   chunk      8 MB of PINGREQs at once
 *   frame      the same in one WebSocket frame
 *   tiny       8 MB of the smallest PUBLISHes, to a filter of the sender's own
 *   many       SUBSCRIBE and UNSUBSCRIBE of 9,999 short filters, again and again
 *   too-many   SUBSCRIBE of 1 MB of short filters
 *   connect    CONNECT with 16 MB of user properties, and with as many as fit
 *   pubacks    PUBACKs with 1 MB of user properties
 *   rules      1,000 rules, SUBSCRIBE of 1,000 filters of 250 levels
 *   long       2,400 filters of 16,400 characters, and PUBLISHes to such topics
 *   plus       8,192 filters with + and a in all places, and PUBLISHes to topics that visit them all
 *   retained   a SUBSCRIBE of #, and of +/+/+, of a client that reads
 *
 *   --attack NAME      one of them; may be given several times; all when left out
 *   --retained N       retained messages for searches, filters and stored (50000)
 *   --seconds N        of the floods (10)
 *   --broker-arg A     an argument for the broker; may be given several times
 *   --json             the figures as JSON
 *
 * Memory is what /proc says of the process, so it takes a Linux.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { readArguments, refuse, wholeNumber } from '../lib/arguments.ts';
import { buildIfNeeded, launcher, root } from '../lib/prepare.js';
import { readProcessUsage } from './lib/bench-package.ts';

/** A broker process. */
interface Target {
  readonly child: ChildProcess;
  readonly port: number;
  readonly wsPort: number;
}

interface Attack {
  readonly prepare?: (port: number) => Promise<void>;
  /** Resolves to what there is to say of it, where that is a text. */
  readonly run: (port: number, broker: Target) => Promise<unknown>;
  /** Arguments of the broker. */
  readonly args?: (directory: string) => readonly string[];
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  searches: { prepare: retain, run: (port) => searches(port, 1000, () => '#') },
  filters: { prepare: retain, run: (port) => searches(port, 1000, filterOf) },
  stored: { prepare: retain, run: (port) => searches(port, 200, () => '#', 1, 1000) },
  'fan-out': { run: (port) => fanOut(port, 4096, 12_000_000, false) },
  trickle: { run: (port) => fanOut(port, 1, 20_000, true) },
  topics: { run: topics },
  answers: { run: (port) => flood(port, [0x62, 0x02, 0x00, 0x01]) },
  pings: { run: (port) => flood(port, [0xc0, 0x00]) },
  records: { run: (port) => flood(port, subscribe(1, `${'f'.repeat(60_000)}/+`), 1000) },
  wills: { run: wills },
  subscriptions: { run: subscriptions },
  partial: { run: partial },
  nothing: { run: () => delay(3000) },
  chunk: { run: (port) => chunk(port, Buffer.alloc(8_000_000, Uint8Array.of(0xc0, 0))) },
  frame: { run: frame },
  tiny: { run: tiny },
  many: { run: many },
  'too-many': { run: (port) => chunk(port, subscribeAll(1, shortFilters(250_000))) },
  connect: { run: connects },
  pubacks: { run: pubacks },
  rules: { run: rules, args: ruleArguments },
  long: { run: longTopics },
  plus: { run: plus },
  retained: { prepare: retain, run: searchAndRead },
};

const { values } = readArguments(import.meta.url, {
  options: {
    attack: { type: 'string', multiple: true, default: Object.keys(ATTACKS) },
    retained: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '10' },
    'broker-arg': { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});
const retainedCount = wholeNumber('--retained', values.retained);
const floodMs = wholeNumber('--seconds', values.seconds) * 1000;
const attacks = values.attack.map((name) => {
  const attack = Object.hasOwn(ATTACKS, name) ? ATTACKS[name] : undefined;
  return { name, ...(attack ?? refuse(`--attack ${name}: ${Object.keys(ATTACKS).join(', ')}`)) };
});
buildIfNeeded();

const sockets = new Set<Socket>();
const results = [];
for (const attack of attacks) results.push(await measure(attack));
if (values.json) console.log(JSON.stringify(results));

async function measure({ name, prepare, run, args }: Attack & { readonly name: string }) {
  const directory = mkdtempSync(join(tmpdir(), 'promptmq-hostile-'));
  const broker = await startBroker(directory, args?.(directory) ?? []);
  try {
    await prepare?.(broker.port);
    await delay(1000);
    const before = residentBytes(broker);
    let peak = before;
    const sampling = setInterval(() => {
      peak = Math.max(peak, residentBytes(broker));
    }, 20);
    const canary = await startCanary(broker.port);
    const note = await run(broker.port, broker);
    await delay(2000);
    clearInterval(sampling);
    const longestMs = await canary.end();
    const megabytes = (bytes: number) => Math.round(bytes / 1e6);
    const result = {
      attack: name,
      before: megabytes(before),
      growth: megabytes(peak - before),
      canaryMs: Math.round(longestMs),
      note: typeof note === 'string' ? note : '',
    };
    const { growth, canaryMs } = result;
    console.error(
      `${name.padEnd(14)} +${growth} MB of ${result.before}, canary ${canaryMs} ms ${result.note}`,
    );
    return result;
  } finally {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    broker.child.kill('SIGKILL');
    if (broker.child.exitCode === null) await once(broker.child, 'exit').catch(() => {});
    rmSync(directory, { recursive: true, force: true });
  }
}

// -------------------------------------------------------------------------- the broker

async function startBroker(directory: string, more: readonly string[]): Promise<Target> {
  const args = [
    join(root, 'packages/server/bin/promptmq.js'),
    ...['--bind', '127.0.0.1:0', '--ws-bind', '127.0.0.1:0', '--metrics-bind', 'none'],
    ...['--data-dir', join(directory, 'data'), '--wal-dir', join(directory, 'wal')],
    ...['--log-format', 'json', ...more, ...values['broker-arg']],
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let wsPort = 0;
  const found = new Promise<number>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      text += chunk;
      wsPort = Number(/"protocol":"ws","address":"127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? 0);
      const match = /"protocol":"mqtt","address":"127\.0\.0\.1:(\d+)/.exec(text);
      if (match !== null && text.includes('"ready"')) resolve(Number(match[1]));
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => reject(new Error(`the broker ended with ${code}: ${text}`)));
  });
  found.catch(() => {});
  const port = await found;
  return { child, port, wsPort };
}

function residentBytes({ child }: Target): number {
  return readProcessUsage(child.pid ?? -1)?.residentBytes ?? 0;
}

/** A client in a thread of its own, so that it measures the broker, not this program. */
async function startCanary(port: number): Promise<{ end(): Promise<number> }> {
  const worker = new Worker(launcher, { argv: ['bench/lib/canary'], workerData: { port } });
  await once(worker, 'message');
  return {
    end: async () => {
      worker.postMessage('end');
      const [longestMs] = await once(worker, 'message');
      await worker.terminate();
      return longestMs;
    },
  };
}

// -------------------------------------------------------------------------- packets

function packet(firstByte: number, body: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = body.length; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Uint8Array.of(firstByte, ...length), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}

function properties(bytes: Uint8Array): Buffer {
  return packet(0, bytes).subarray(1);
}

function number32(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = id;
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

/** @param will - bytes of user properties in the will; 0: no will */
function connectPacket(clientId: string, expiry: number, will: number): Buffer {
  const flags = expiry > 0 ? 0 : 2;
  const head = Buffer.concat([text('MQTT'), Uint8Array.of(5, will > 0 ? flags | 4 : flags, 0, 0)]);
  const own = properties(expiry > 0 ? number32(0x11, expiry) : Buffer.alloc(0));
  if (will === 0) return packet(0x10, Buffer.concat([head, own, text(clientId)]));
  const pair = Buffer.concat([Uint8Array.of(0x26), text('k'.repeat(60_000)), text('v')]);
  const pairs = Array.from({ length: Math.ceil(will / pair.length) }, () => pair);
  const willProperties = properties(Buffer.concat([number32(0x18, 0xffff_ffff), ...pairs]));
  return packet(
    0x10,
    Buffer.concat([head, own, text(clientId), willProperties, text('w'), text('')]),
  );
}

function subscribe(packetId: number, filter: string, options = 0): Buffer {
  return packet(
    0x82,
    Buffer.concat([
      Uint8Array.of(packetId >> 8, packetId & 0xff, 0),
      text(filter),
      Uint8Array.of(options),
    ]),
  );
}

function publish(topic: string, payload: Uint8Array): Buffer {
  return packet(0x30, Buffer.concat([text(topic), Uint8Array.of(0), payload]));
}

/** Connects, and has read CONNACK. */
async function open(port: number, clientId: string, will: Lasting = {}): Promise<Socket> {
  return (await answered(port, clientId, will)).socket;
}

/** What outlives the connection: a session, for `expiry` seconds, and a will. */
interface Lasting {
  readonly expiry?: number;
  readonly will?: number;
}

/** As `open`, with the reason code of CONNACK; null when it was closed instead. */
async function answered(
  port: number,
  clientId: string,
  { expiry = 0, will = 0 }: Lasting,
): Promise<{ readonly socket: Socket; readonly reasonCode: number | null }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  sockets.add(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(connectPacket(clientId, expiry, will));
  const closed = once(socket, 'close').then(() => null);
  const answer = once(socket, 'data') as Promise<[Buffer]>;
  answer.catch(() => {});
  const first = await Promise.race([answer, closed]);
  return { socket, reasonCode: first?.[0][3] ?? null };
}

/** Sends, and waits a while when the broker doesn't read. */
async function send(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed || !socket.writable) return;
  socket.write(bytes);
  const endAt = Date.now() + 500;
  while (socket.writableLength > 1_000_000 && !socket.destroyed && Date.now() < endAt)
    await delay(1);
}

// -------------------------------------------------------------------------- attacks

async function retain(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  sockets.add(socket);
  // MQTT 3.1.1, which has no Receive Maximum.
  const head = Buffer.concat([text('MQTT'), Uint8Array.of(4, 2, 0, 0)]);
  socket.write(packet(0x10, Buffer.concat([head, text('retainer')])));
  let onAnswered = () => {};
  socket.on('data', (chunk) => {
    if (chunk.includes(0xd0)) onAnswered();
  });
  for (let first = 0; first < retainedCount; first += 500) {
    const packets: Buffer[] = [];
    for (let index = first; index < first + 500; index++) {
      const topic = text(`r/${index % 100}/${index}`);
      const body = Buffer.concat([topic, Uint8Array.of(0, 1), Buffer.alloc(100, 1)]);
      packets.push(packet(0x33, body));
    }
    // PINGREQ is answered when all has been taken.
    socket.write(Buffer.concat([...packets, Uint8Array.of(0xc0, 0)]));
    await new Promise<void>((resolve) => {
      onAnswered = resolve;
    });
  }
  socket.destroy();
}

/** Filters that match everything that is retained, each with others beside. */
function filterOf(index: number): string {
  return Array.from({ length: 3 }, (_, level) =>
    (index >> level) & 1 ? '+' : ['r', '+', '+'][level],
  )
    .slice(0, 1 + (index % 3))
    .join('/')
    .concat('/#'.repeat(index % 3 < 2 ? 1 : 0));
}

async function searches(
  port: number,
  count: number,
  filter: (index: number) => string,
  qos = 0,
  expiry = 0,
): Promise<string> {
  const socket = await open(port, 'searcher', { expiry });
  let refused = 0;
  socket.pause();
  for (let index = 0; index < count; index++) {
    await send(socket, subscribe(1 + index, filter(index), qos));
  }
  await delay(4000);
  socket.on('data', (chunk) => {
    if (chunk.at(-1) === 0x97) refused++;
  });
  return refused > 0 ? `refused ${refused}` : '';
}

async function fanOut(port: number, size: number, bytes: number, isSlow: boolean): Promise<void> {
  for (let index = 0; index < 300; index++) {
    const socket = await open(port, `subscriber ${index}`);
    socket.write(subscribe(1, '#'));
    await once(socket, 'data');
    socket.pause();
  }
  const publisher = await open(port, 'publisher');
  publisher.on('data', () => {});
  const message = publish('t', Buffer.alloc(size, 1));
  for (let sent = 0; sent < bytes; sent += size) {
    await send(publisher, message);
    if (isSlow) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

async function topics(port: number): Promise<void> {
  const socket = await open(port, 'publisher');
  for (let index = 0; index < 8000; index++) {
    await send(socket, publish(`${index}/${'t'.repeat(65_000)}`, Buffer.alloc(1)));
  }
}

async function flood(
  port: number,
  bytes: Uint8Array | readonly number[],
  expiry = 0,
): Promise<string> {
  const socket = await open(port, 'flood', { expiry });
  socket.pause();
  const one = Uint8Array.from(bytes);
  const chunk = Buffer.concat(
    Array.from({ length: Math.max(1, Math.floor(65_536 / one.length)) }, () => one),
  );
  const endAt = Date.now() + floodMs;
  let sent = 0;
  while (Date.now() < endAt && !socket.destroyed) {
    await send(socket, chunk);
    sent += chunk.length;
  }
  return `${Math.round(sent / 1e6)} MB sent`;
}

async function wills(port: number): Promise<string> {
  const answers: Record<string, number> = {};
  for (let index = 0; index < 60; index++) {
    const lasting = { expiry: 0xffff_ffff, will: 16_000_000 };
    const { socket, reasonCode } = await answered(port, `will ${index}`, lasting);
    answers[`${reasonCode}`] = (answers[`${reasonCode}`] ?? 0) + 1;
    socket.destroy();
  }
  return `CONNACK ${JSON.stringify(answers)}`;
}

async function subscriptions(port: number): Promise<string> {
  const socket = await open(port, 'subscriber');
  const answers: Record<number, number> = {};
  socket.on('data', (chunk) => {
    const code = chunk.at(-1) ?? 0;
    answers[code] = (answers[code] ?? 0) + 1;
  });
  for (let index = 0; index < 10_000; index++) {
    await send(socket, subscribe(1 + index, `${index}/${'f'.repeat(60_000)}`));
  }
  return `SUBACK ${JSON.stringify(answers)}`;
}

async function partial(port: number): Promise<void> {
  for (let index = 0; index < 100; index++) {
    const socket = await open(port, `partial ${index}`);
    await send(socket, publish('t', Buffer.alloc(16_000_000)).subarray(0, 15_900_000));
  }
  await delay(1000);
}

/** Sends so much at once, and waits until it is answered or refused. */
async function chunk(port: number, bytes: Uint8Array): Promise<string> {
  const socket = await open(port, 'chunk');
  let received = 0;
  socket.on('data', ({ length }) => {
    received += length;
  });
  socket.write(bytes);
  await settled(socket, () => received);
  return socket.destroyed ? 'refused' : `${received} bytes answered`;
}

/** Until nothing has come for a second, or it is closed. */
async function settled(socket: Socket, count: () => number): Promise<void> {
  for (let before = -1; before !== count() && !socket.destroyed; await delay(1000))
    before = count();
}

async function frame(_port: number, { wsPort }: Target): Promise<string> {
  const socket = connect({ port: wsPort, host: '127.0.0.1', noDelay: true });
  sockets.add(socket);
  socket.on('error', () => {});
  const headers = ['Host: x', 'Upgrade: websocket', 'Connection: Upgrade'];
  const more = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: mqtt'];
  const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
  socket.write(`GET /mqtt HTTP/1.1\r\n${[...headers, ...more, key].join('\r\n')}\r\n\r\n`);
  await once(socket, 'data');
  socket.write(webSocketFrame(connectPacket('frame', 0, 0)));
  await once(socket, 'data');
  let received = 0;
  socket.on('data', ({ length }) => {
    received += length;
  });
  socket.write(webSocketFrame(Buffer.alloc(8_000_000, Uint8Array.of(0xc0, 0))));
  await settled(socket, () => received);
  return socket.destroyed ? 'refused' : `${received} bytes answered`;
}

/** A binary frame, masked with zeros. */
function webSocketFrame(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 0x82;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(bytes.length), 2);
  return Buffer.concat([head, bytes]);
}

async function tiny(port: number): Promise<string> {
  const socket = await open(port, 'tiny');
  let received = 0;
  socket.on('data', ({ length }) => {
    received += length;
  });
  socket.write(subscribe(1, 't'));
  await once(socket, 'data');
  socket.write(Buffer.alloc(8_000_000, publish('t', Buffer.alloc(2))));
  await settled(socket, () => received);
  return `${Math.round(received / 1e6)} MB received`;
}

function shortFilters(count: number): string[] {
  return Array.from({ length: count }, (_, index) => index.toString(36));
}

function subscribeAll(packetId: number, filters: readonly string[]): Buffer {
  const parts = filters.map((filter) => Buffer.concat([text(filter), Uint8Array.of(0)]));
  return packet(0x82, Buffer.concat([Uint8Array.of(packetId >> 8, packetId & 0xff, 0), ...parts]));
}

function unsubscribeAll(packetId: number, filters: readonly string[]): Buffer {
  const parts = filters.map(text);
  return packet(0xa2, Buffer.concat([Uint8Array.of(packetId >> 8, packetId & 0xff, 0), ...parts]));
}

async function many(port: number): Promise<string> {
  const filters = shortFilters(9999);
  const both = [subscribeAll(1, filters), unsubscribeAll(2, filters)];
  return await chunk(port, Buffer.concat(Array.from({ length: 10 }, () => both).flat()));
}

function userProperties(bytes: number): Buffer {
  const one = Buffer.concat([Uint8Array.of(0x26), text('k1234567'), text('v')]);
  const count = Math.floor(bytes / one.length);
  const all = Buffer.alloc(count * one.length, one);
  for (let index = 0; index < count; index++) {
    all.write(index.toString(36).padStart(8, '0'), index * one.length + 3, 'latin1');
  }
  return all;
}

async function connects(port: number): Promise<string> {
  const answers: string[] = [];
  for (const bytes of [16_000_000, 130_000, 130_000, 130_000, 250_000]) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    sockets.add(socket);
    socket.on('error', () => {});
    const head = Buffer.concat([text('MQTT'), Uint8Array.of(5, 2, 0, 0)]);
    socket.write(packet(0x10, Buffer.concat([head, properties(userProperties(bytes)), text('c')])));
    const closed = once(socket, 'close').then(() => null);
    const answer = once(socket, 'data') as Promise<[Buffer]>;
    answer.catch(() => {});
    const first = await Promise.race([answer, closed]);
    answers.push(first === null ? 'closed' : String(first[0][3]));
  }
  return `CONNACK ${answers.join(', ')}`;
}

async function pubacks(port: number): Promise<string> {
  const one = Buffer.concat([Uint8Array.of(0, 1, 0), properties(userProperties(1_000_000))]);
  return await chunk(port, packet(0x40, one));
}

function ruleArguments(directory: string): string[] {
  const filter = (index: number) => `${'level/'.repeat(248)}${index}/+`;
  const lines = Array.from({ length: 1000 }, (_, index) => `  - subscribe: ${filter(index)}`);
  const path = join(directory, 'acl.yaml');
  writeFileSync(path, `rules:\n${lines.join('\n')}\n`);
  return ['--acl-file', path];
}

async function rules(port: number): Promise<string> {
  const filters = Array.from({ length: 500 }, (_, index) => `${'level/'.repeat(249)}${index}`);
  return await chunk(
    port,
    Buffer.concat([subscribeAll(1, filters), subscribeAll(2, filters.reverse())]),
  );
}

async function longTopics(port: number): Promise<void> {
  const socket = await open(port, 'long');
  let received = 0;
  socket.on('data', ({ length }) => {
    received += length;
  });
  const name = (index: number) => `${'l'.repeat(16_394)}${100_000 + index}`;
  for (let index = 0; index < 2400; index++) await send(socket, subscribe(1 + index, name(index)));
  await settled(socket, () => received);
  for (let index = 0; index < 1000; index++) {
    await send(socket, publish(name(5000 + index), Buffer.alloc(1)));
  }
  await settled(socket, () => received);
}

async function plus(port: number): Promise<void> {
  const levels = (bits: number) =>
    Array.from({ length: 13 }, (_, level) => ((bits >> level) & 1 ? '+' : 'a')).join('/');
  const socket = await open(port, 'plus');
  let received = 0;
  socket.on('data', ({ length }) => {
    received += length;
  });
  socket.write(
    subscribeAll(
      1,
      Array.from({ length: 8192 }, (_, bits) => levels(bits)),
    ),
  );
  await settled(socket, () => received);
  const topic = (index: number) => `${'a/'.repeat(12)}${index}`;
  const all = Array.from({ length: 1000 }, (_, index) => publish(topic(index), Buffer.alloc(1)));
  socket.write(Buffer.concat(all));
  await settled(socket, () => received);
}

async function searchAndRead(port: number): Promise<string> {
  let all = 0;
  for (const expiry of [0, 1000]) {
    const socket = await open(port, `reader ${expiry}`, { expiry });
    let received = 0;
    socket.on('data', ({ length }) => {
      received += length;
    });
    socket.write(subscribe(1, '#'));
    socket.write(subscribe(2, '+/+/+', 1));
    await settled(socket, () => received);
    all += received;
  }
  return `${Math.round(all / 1e6)} MB received`;
}
