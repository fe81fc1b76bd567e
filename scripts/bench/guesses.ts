/**
 * What guesses of passwords cost others: how long the acknowledgement of a durable message takes while 500 clients connect at once with
 * wrong passwords, beside how long it takes in quiet.
 *
 *   node scripts bench/guesses [options]
 *
 * For each kind of hash that a password file may have: a client publishes at QoS 1 to a stored session, one message after the other, while
 * nothing else happens, and while there are such floods, in turns. Each of the 500 comes from an address of its own and names a user
 * of its own, so that no throttle spares the hashing. Shows the 99th percentiles, and the median of their ratios.
 * Exits with 1 when the latter is above 2. About three minutes. Linux only: it needs many loopback addresses. Not under a real-time policy
 * (chrt): threads that hash would have no lower priority there than the broker. On a loaded machine the figures say little.
 *
 *   --rounds N    of each kind (5)
 *   --seconds N   of each part of a round (3)
 *   --only WORD   none, scrypt, pbkdf2, sha512, bcrypt or argon2id
 *   --json        print JSON instead of a table
 *   --flood PORT  only flood the broker at this port, until standard input ends: it does so to itself, in a process beside it
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { encode, type Packet, PacketDecoder } from '../../packages/codec/dist/index.js';
import { positiveNumber, readArguments, refuse, runMain } from '../lib/arguments.ts';
import { root } from '../lib/prepare.js';
import { owned, promptmq, startBroker } from './lib/brokers.ts';
import { machine, median, table } from './lib/report.ts';

const { values } = readArguments(import.meta.url, {
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    flood: { type: 'string' },
  },
});
const rounds = positiveNumber('--rounds', values.rounds);
const seconds = positiveNumber('--seconds', values.seconds);

const GOAL = 2;
const CLIENTS = 500;
const PASSWORD = 'open sesame';

/** As the tools make them that people have, with their own defaults: all of `PASSWORD`. Null: whoever connects is let in. */
const HASHES: Readonly<Record<string, string | null>> = {
  none: null,
  scrypt:
    '$scrypt$ln=15,r=8,p=1$UyDOp1UgFnROjDlVTBXw+A==$EDJR78+vh6w8ms3NYKN1JhnoUn4kyDYicxe9RPRksKA=',
  pbkdf2:
    '$7$2000$o+O6jUdxzJYxG1OU$I6BAWmaX/ojol80BjGHAwGhCUJXpsRNlyvhpkaHJgsTBRv/8VTI9/Q3ypW+N3AgmgCw6mL7oeRLT0SGqSS+7MQ==',
  sha512:
    '$6$iqZ8BlKkwdkOxlQ9$fAahkqRNE9eVu0ydDe0xIO/NpiO7MZWimwt7cp7NN0w6V2t2aJVqt4o0a24L8fCQQe5kzX7ETOokh4R8C091vw==',
  bcrypt: '$2y$10$1Ulr5QbCYElbhR2Q5Act.Oy1x4gbz4Pz4IpKUYQ5X6vRHmApWWsri',
  argon2id:
    '$argon2id$v=19$m=47104,t=1,p=1$c2FsdHNhbHRzYWx0MTZieQ$dnXy1EPzBBTwgE7f/Ie26wJ6TzrydmghNW12/81Cnc4',
};

interface Figures {
  readonly hash: string;
  /** Microseconds, medians over the rounds. */
  readonly quietP99: number;
  readonly floodP99: number;
  /** Median over the rounds of the ratio within each. */
  readonly ratio: number;
  /** Guesses that were answered. */
  readonly guesses: number;
}

const kinds = Object.keys(HASHES).filter((kind) => values.only === '' || kind === values.only);
if (kinds.length === 0) refuse(`--only takes one of ${Object.keys(HASHES).join(', ')}`);

async function main(): Promise<void> {
  if (values.flood !== undefined) {
    console.log(await flood(Number(values.flood)));
    return;
  }
  const figures: Figures[] = [];
  for (const kind of kinds) figures.push(await measure(kind));
  if (values.json) console.log(JSON.stringify({ machine: machine(), figures }));
  else console.log(describe(figures));
  const worst = Math.max(...figures.map(({ ratio }) => ratio));
  if (worst > GOAL)
    throw new Error(`guesses make the 99th percentile ${worst.toFixed(1)} times as long`);
}

async function measure(kind: string): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-guesses-'));
  const file = join(folder, 'passwords');
  const hash = HASHES[kind] ?? null;
  if (hash !== null) writeFileSync(file, `user:${hash}\n`);
  const users = hash === null ? [] : ['--password-file', file, '--allow-anonymous', 'false'];
  const broker = await startBroker(promptmq([...users, '--connect-timeout', '60s']));
  try {
    const port = Number(new URL(broker.url).port);
    const publisher = await Publisher.open(port);
    const parts: { quiet: number; flood: number }[] = [];
    let guesses = 0;
    for (let round = 0; round < rounds; round++) {
      const quiet = await publisher.run(seconds * 1000);
      const flooder = new Flooder(port);
      await flooder.begun;
      const flooded = await publisher.run(seconds * 1000);
      guesses += await flooder.stop();
      parts.push({ quiet: p99(quiet), flood: p99(flooded) });
      const shown = `${formatMicros(p99(quiet))} in quiet, ${formatMicros(p99(flooded))} beside ${guesses} guesses`;
      console.error(`guesses: ${kind}, ${round + 1}/${rounds}: ${shown}`);
    }
    publisher.close();
    return {
      hash: kind,
      quietP99: median(parts.map(({ quiet }) => quiet)),
      floodP99: median(parts.map(({ flood }) => flood)),
      ratio: median(parts.map(({ quiet, flood }) => flood / quiet)),
      guesses,
    };
  } finally {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Publishes to its own stored session, one message after the other. */
class Publisher {
  readonly #socket: Socket;
  readonly #decoder: PacketDecoder;
  #onPuback: () => void;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#decoder = new PacketDecoder({ protocolVersion: 4, receiver: 'client' });
    this.#onPuback = () => {};
  }

  static async open(port: number): Promise<Publisher> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const publisher = new Publisher(socket);
    const waiting = new Set(['connack', 'suback']);
    await new Promise<void>((resolve, reject) => {
      socket.once('close', () => reject(new Error('the broker closed the connection')));
      socket.on('data', (chunk) => {
        for (const packet of publisher.#decoder.push(chunk)) {
          if (packet.cmd === 'puback') publisher.#onPuback();
          if (packet.cmd === 'publish' && packet.messageId !== undefined) {
            publisher.#send({ cmd: 'puback', messageId: packet.messageId });
          }
          if (waiting.delete(packet.cmd) && waiting.size === 0) resolve();
        }
      });
      publisher.#send(connectPacket('publisher', 'user', PASSWORD, false));
      publisher.#send({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: [{ topic: 'guesses', qos: 1 }],
      });
    });
    return publisher;
  }

  /** @returns how long each PUBACK took, in microseconds */
  async run(milliseconds: number): Promise<number[]> {
    const times: number[] = [];
    const end = performance.now() + milliseconds;
    for (let messageId = 1; performance.now() < end; messageId = (messageId % 1000) + 1) {
      const begin = performance.now();
      await new Promise<void>((resolve) => {
        this.#onPuback = resolve;
        const payload = Buffer.alloc(64);
        this.#send({
          cmd: 'publish',
          topic: 'guesses',
          payload,
          qos: 1,
          messageId,
          dup: false,
          retain: false,
        });
      });
      times.push((performance.now() - begin) * 1000);
    }
    return times;
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #send(packet: Packet): void {
    this.#socket.write(encode(packet) as Uint8Array);
  }
}

/** A process that floods a broker. */
class Flooder {
  readonly #child: ChildProcess;
  /** Resolves when the first flood begins. */
  readonly begun: Promise<unknown>;

  constructor(port: number) {
    const program = join(root, 'scripts/index.js');
    this.#child = owned(
      spawn(process.execPath, [program, 'bench/guesses', '--flood', `${port}`], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    this.begun = once(this.#child.stdout as Readable, 'data');
  }

  /** @returns guesses that were answered; those that weren't are given up */
  async stop(): Promise<number> {
    this.#child.stdin?.end();
    const count = Number(await text(this.#child.stdout as Readable));
    if (!Number.isInteger(count)) throw new Error('the process that floods has failed');
    return count;
  }
}

/** Has 500 clients connect at once; again when all of them are answered, and a second has passed. */
async function flood(port: number): Promise<number> {
  let isStopped = false;
  let answered = 0;
  const stopped = once(process.stdin.resume(), 'end').then(() => {
    isStopped = true;
  });
  console.log();
  for (let number = 0; !isStopped; number++) {
    const sockets: Socket[] = [];
    const all = Array.from({ length: CLIENTS }, async (_, index) => {
      // An address of its own.
      const localAddress = `127.${1 + (number % 250)}.${index >> 7}.${1 + (index & 127)}`;
      const socket = connect({ port, host: '127.0.0.1', localAddress });
      sockets.push(socket);
      socket.on('error', () => {});
      await once(socket, 'connect');
      const user = `user-${process.pid}-${number}-${index}`;
      socket.write(encode(connectPacket(user, user, 'wrong', true)) as Uint8Array);
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      if (!ANSWERS.some((answer) => chunk.equals(answer))) {
        throw new Error(`a wrong password was answered by ${chunk.toString('hex')}`);
      }
      answered++;
    });
    const done = Promise.all([...all, new Promise((resolve) => setTimeout(resolve, 1000))]);
    await Promise.race([done, stopped]);
    done.catch(() => {});
    for (const socket of sockets) socket.destroy();
  }
  return answered;
}

/**
 * CONNACK of a wrong password, and of a broker where too many wait: guesses of a flood that was given up wait on. Then, that of one
 * who is let in, as none is asked for a password.
 */
const ANSWERS = [Buffer.of(0x20, 2, 0, 4), Buffer.of(0x20, 2, 0, 3), Buffer.of(0x20, 2, 0, 0)];

function connectPacket(
  clientId: string,
  username: string,
  password: string,
  clean: boolean,
): Packet {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean,
    clientId,
    keepalive: 0,
    username,
    password: Buffer.from(password),
  };
}

function p99(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}

function formatMicros(micros: number): string {
  return micros >= 1000 ? `${(micros / 1000).toFixed(2)} ms` : `${micros.toFixed(0)} us`;
}

function describe(figures: readonly Figures[]): string {
  const rows = figures.map(({ hash, quietP99, floodP99, ratio, guesses }) => [
    hash,
    formatMicros(quietP99),
    formatMicros(floodP99),
    ratio.toFixed(2),
    `${guesses}`,
  ]);
  return [
    `On ${machine()}; medians of ${rounds} rounds in turns.`,
    table(['hash', 'p99 in quiet', 'p99 beside guesses', 'ratio', 'guesses'], rows),
  ].join('\n\n');
}

await runMain('guesses', main);
