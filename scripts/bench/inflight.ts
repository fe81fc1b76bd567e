/**
 * What `mqtt.max-inflight` costs and gives: messages a second and processor time, with clients of MQTT 3.1.1, which
 * can't say how many they take. In turns, so that what else the machine does concerns all values alike.
 *
 *   node scripts bench/inflight [options]
 *
 *   pairs       50 pairs, window 100, at QoS 1 and 2, and with sessions that are kept
 *   distant     one pair at QoS 1 whose subscriber acknowledges 50 ms late
 *   lazy        one that acknowledges nothing for a while: bytes that it is sent at once, of messages of 10 KB
 *
 *   --value N     a value of max-inflight; may be given several times (20, 100, 200, 1000)
 *   --rounds N    of all values (3)
 *   --seconds N   of each measurement, after one of warm-up (3)
 *   --json        print JSON instead of a table
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Packet } from '../../packages/codec/dist/index.js';
import { positiveNumber, readArguments, runMain } from '../lib/arguments.ts';
import { promptmq, type Running, startBroker } from './lib/brokers.ts';
import { generate } from './lib/generator.ts';
import { median } from './lib/report.ts';

const { encode, PacketDecoder } = await import('../../packages/codec/dist/index.js');

const { values } = readArguments(import.meta.url, {
  options: {
    value: { type: 'string', multiple: true, default: ['20', '100', '200', '1000'] },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = positiveNumber('--rounds', values.rounds);
const seconds = positiveNumber('--seconds', values.seconds);
const TIMEOUT_SECONDS = 90;
const DISTANCE_MS = 50;
const LAZY_PAYLOAD = 10_000;

const PAIRS = ['--pairs', '50', '--window', '100', '--warmup', '1', '--seconds', String(seconds)];
/** Figures, by what comes after the name of the case. */
type Figures = Readonly<Record<string, number>>;

const CASES: Readonly<Record<string, (broker: Running) => Promise<Figures>>> = {
  'QoS 1, 50 pairs': (broker) => generated(broker, ['pairs', '--qos', '1']),
  'QoS 2, 50 pairs': (broker) => generated(broker, ['pairs', '--qos', '2']),
  'QoS 1, kept sessions': (broker) => generated(broker, ['persistent', '--qos', '1']),
  [`acknowledged ${DISTANCE_MS} ms late`]: async (broker) => ({ '': await distant(broker) }),
  'bytes at once': async (broker) => ({ '': await lazy(broker) }),
};

/** A client without a session that is kept. */
interface Client {
  send(packet: Packet): void;
  close(): void;
}

await runMain('inflight', async () => {
  const results: Record<string, Record<string, number[]>> = {};
  for (let round = 0; round < rounds; round++) {
    for (const value of round % 2 === 0 ? values.value : [...values.value].reverse()) {
      const broker = await startBroker(promptmq(['--max-inflight', value]));
      try {
        for (const [name, measure] of Object.entries(CASES)) {
          for (const [of, number] of Object.entries(await measure(broker))) {
            const byValue = results[name + of] ?? {};
            results[name + of] = byValue;
            byValue[value] = [...(byValue[value] ?? []), number];
          }
          console.error(`inflight: ${round + 1}/${rounds}, ${value}, ${name}`);
        }
      } finally {
        await broker.stop();
      }
    }
  }
  if (values.json) {
    console.log(JSON.stringify(results));
    return;
  }
  console.log(
    `| | ${values.value.join(' | ')} |\n|---|${values.value.map(() => '--:').join('|')}|`,
  );
  for (const [name, byValue] of Object.entries(results)) {
    const cells = values.value.map((value) =>
      Math.round(median(byValue[value] ?? [])).toLocaleString('en'),
    );
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
});

/** Messages a second, and for each second of the broker's processor time: the latter says more on a machine that has other work. */
async function generated({ url, pid }: Running, args: readonly string[]): Promise<Figures> {
  const all = [...args, ...PAIRS, '--protocol', '4'];
  const { ratePerSecond, broker } = await generate(all, { url, pid }, TIMEOUT_SECONDS);
  return {
    '': ratePerSecond,
    ', for each second of processor time': ratePerSecond / (broker?.cpu ?? Number.NaN),
  };
}

/** Messages a second to a subscriber that acknowledges late; the publisher has 2,000 under way. */
async function distant({ url }: Running): Promise<number> {
  let received = 0;
  const subscriber = await open(url, 'distant', (packet) => {
    if (packet.cmd !== 'publish') return;
    received++;
    const { messageId = 0 } = packet;
    setTimeout(() => subscriber.send({ cmd: 'puback', messageId }), DISTANCE_MS);
  });
  subscriber.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: 'distant', qos: 1 }],
  });
  let underWay = 0;
  const publisher = await open(url, 'publisher', (packet) => {
    if (packet.cmd !== 'puback') return;
    underWay--;
    fill();
  });
  let messageId = 0;
  const fill = () => {
    for (; underWay < 2000; underWay++) {
      messageId = (messageId % 60_000) + 1;
      publisher.send(publication('distant', 64, messageId));
    }
  };
  fill();
  await delay(1000);
  const before = received;
  await delay(seconds * 1000);
  const perSecond = (received - before) / seconds;
  subscriber.close();
  publisher.close();
  return perSecond;
}

/** Bytes that a client gets which takes them, and acknowledges nothing. */
async function lazy({ url }: Running): Promise<number> {
  let bytes = 0;
  const subscriber = await open(url, 'lazy', (packet) => {
    if (packet.cmd === 'publish') bytes += packet.payload.length;
  });
  subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'lazy', qos: 1 }] });
  let acknowledged = 0;
  const publisher = await open(url, 'publisher', (packet) => {
    if (packet.cmd === 'puback') acknowledged++;
  });
  for (let messageId = 1; messageId <= 1500; messageId++) {
    publisher.send(publication('lazy', LAZY_PAYLOAD, messageId));
  }
  while (acknowledged < 1500) await delay(20);
  await delay(500);
  subscriber.close();
  publisher.close();
  return bytes;
}

function publication(topic: string, size: number, messageId: number): Packet {
  const flags = { qos: 1, dup: false, retain: false } as const;
  return { cmd: 'publish', topic, payload: Buffer.alloc(size), ...flags, messageId };
}

async function open(
  url: string,
  clientId: string,
  onPacket: (packet: Packet) => void,
): Promise<Client> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), noDelay: true });
  await once(socket, 'connect');
  const decoder = new PacketDecoder({ protocolVersion: 4, receiver: 'client' });
  const client = {
    send: (packet: Packet) => {
      if (!socket.destroyed) socket.write(encode(packet, { protocolVersion: 4 }) as Uint8Array);
    },
    close: () => {
      socket.destroy();
    },
  };
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      for (const packet of decoder.push(chunk)) {
        if (packet.cmd === 'connack') resolve();
        else onPacket(packet);
      }
    });
    const fields = { protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 } as const;
    client.send({ cmd: 'connect', clientId, ...fields });
  });
  return client;
}
