/**
 * The operations that `micro.ts` measures. Each case is made once: `run` does its operation `count`
 * times, `after` what has to follow and isn't measured, `close` ends it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  Packet,
  ProtocolVersion,
  PublishPacket,
  QoS,
} from '../../../packages/codec/dist/index.js';
import type {
  Transport,
  TransportHandler,
} from '../../../packages/server/dist/connection/transport.js';
import type { Hooks } from '../../../packages/server/dist/hooks/hooks.js';
import type { Runtime } from '../../../packages/server/dist/runtime/runtime.js';
import { buildIfNeeded } from '../../lib/prepare.js';

buildIfNeeded();

const { Acl, Permissions } = await import('../../../packages/auth/dist/index.js');
const codec = await import('../../../packages/codec/dist/index.js');
const { NO_IDENTIFIERS, SubscriptionTrie, TopicCache } = await import(
  '../../../packages/topics/dist/index.js'
);
const { Log } = await import('../../../packages/wal/dist/index.js');
const { parseConfig } = await import('../../../packages/server/dist/index.js');
const { Broker } = await import('../../../packages/server/dist/broker.js');
const { Analytics } = await import('../../../packages/server/dist/monitor/analytics/analytics.js');
const { History } = await import('../../../packages/server/dist/history/history.js');
const { noopLogger } = await import('../../../packages/server/dist/log/index.js');
const { Presence } = await import(
  '../../../packages/server/dist/observability/presence/presence.js'
);
const { nodeRuntime } = await import('../../../packages/server/dist/runtime/runtime.js');
const { countReceived, countSent, createStats } = await import(
  '../../../packages/server/dist/runtime/stats.js'
);

/** An operation that is measured. */
export interface MicroCase {
  /** Does it `count` times. */
  readonly run: (count: number) => void;
  /** What has to follow, and isn't measured. */
  readonly after?: () => Promise<void>;
  /** Whether something was done. */
  readonly check: () => boolean;
  readonly close?: () => Promise<void>;
  /** Operations at most before `after`. */
  readonly countMax?: number;
}

const PAYLOAD = Buffer.alloc(64, 0x78);
const FRAMES_PER_CHUNK = 100;

/** Hooks that answer at once, after a look at the topic. */
const PUBLISH_HOOK: Hooks = { authorizePublish: (_client, { topic }) => topic.length > 1 };
const DELIVER_HOOK: Hooks = { authorizeDeliver: (_client, { topic }) => topic.length > 1 };

/** Every case by its name; each is a function that makes it. */
export const CASES: Readonly<Record<string, () => MicroCase | Promise<MicroCase>>> = {
  'decode PUBLISH, QoS 0': () => decodeCase(publish({ qos: 0 }), 4),
  'decode PUBLISH, QoS 1': () => decodeCase(publish({ qos: 1, messageId: 7 }), 4),
  'decode PUBLISH, MQTT 5, two user properties, expiry': () =>
    decodeCase(
      publish({
        qos: 1,
        messageId: 7,
        properties: { messageExpiryInterval: 60, userProperties: { one: 'first', two: 'second' } },
      }),
      5,
    ),
  'decode PUBACK': decodeAckCase,
  'encode PUBLISH, QoS 1': () => encodeCase(4, -1, 0),
  'encode PUBLISH, MQTT 5, expiry, alias': () => encodeCase(5, 60, 3),
  'encode PUBACK': encodeAckCase,
  'encode CONNACK, MQTT 5': encodeConnackCase,
  'match, cached, 1,000 topics': () => cachedMatchCase(1000),
  'match, not cached, 100,000 wildcard subscriptions': () => trieMatchCase(100_000),
  'deliver, QoS 0': () => deliverCase(0, 1),
  'deliver, QoS 0, with authorizePublish': () => deliverCase(0, 1, PUBLISH_HOOK),
  'deliver, QoS 0, with authorizeDeliver': () => deliverCase(0, 1, DELIVER_HOOK),
  'deliver, QoS 0, with analytics': () => deliverCase(0, 1, null, 'none', true),
  'deliver, QoS 0, to each of 100': () => deliverCase(0, 100),
  'deliver, QoS 0, to each of 100, with analytics': () => deliverCase(0, 100, null, 'none', true),
  'deliver, QoS 1, with both acknowledgements': () => deliverCase(1, 1),
  'deliver, QoS 2, with both exchanges': () => deliverCase(2, 1),
  'rules, 1,000 of them, a decision that is known': () => rulesCase(100),
  'rules, 1,000 of them, a decision that is not known': () => rulesCase(1000),
  'deliver, QoS 0, with 1,000 rules': () => guardedDeliverCase(0),
  'deliver, QoS 0, with 1,000 rules, one of which denies a part of it': () =>
    guardedDeliverCase(0, '  - { permission: deny, receive: bench/+/secret }\n'),
  'deliver, QoS 1, with 1,000 rules': () => guardedDeliverCase(1),
  'append, 100 bytes': appendCase,
  'metrics, one message received and sent': metricsCase,
  'history, a drop that is like the one before': () => historyCase(1),
  'history, a drop of another topic': () => historyCase(50),
  'presence, a connect or disconnect that nobody has subscribed': presenceCase,
};

function publish(fields: Pick<PublishPacket, 'qos' | 'messageId' | 'properties'>): Uint8Array {
  const packet = { dup: false, retain: false, topic: 'bench/0001/t', ...fields };
  const protocolVersion = fields.properties === undefined ? 4 : 5;
  return encoded({ cmd: 'publish', ...packet, payload: PAYLOAD }, protocolVersion);
}

function encoded(packet: Packet, protocolVersion: ProtocolVersion = 4): Uint8Array {
  return codec.encode(packet, { protocolVersion }) as Uint8Array;
}

function repeated(frame: Uint8Array, count = FRAMES_PER_CHUNK): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => frame));
}

function decodeCase(frame: Uint8Array, version: ProtocolVersion): MicroCase {
  const chunk = repeated(frame);
  const view = new codec.PublishView();
  let bytes = 0;
  const decoder = new codec.FrameDecoder({
    onFrame(buffer, start, bodyStart, end) {
      view.read(buffer, start, bodyStart, end, version, 'server');
      bytes += view.payloadEnd - view.payloadStart;
      return true;
    },
  });
  return {
    run: (count: number) => inChunks(count, () => decoder.push(chunk)),
    check: () => bytes > 0,
  };
}

function decodeAckCase(): MicroCase {
  const chunk = repeated(Buffer.from([0x40, 2, 0, 7]));
  const view = new codec.AckView();
  let sum = 0;
  const decoder = new codec.FrameDecoder({
    onFrame(buffer, start, bodyStart, end) {
      view.read(buffer, start, bodyStart, end, 4);
      sum += view.packetId;
      return true;
    },
  });
  return {
    run: (count: number) => inChunks(count, () => decoder.push(chunk)),
    check: () => sum > 0,
  };
}

/** Cases that work on chunks do a hundred operations at a time. */
function inChunks(count: number, work: () => void): void {
  for (let done = 0; done < count; done += FRAMES_PER_CHUNK) work();
}

function encodeCase(version: ProtocolVersion, expiry: number, alias: number): MicroCase {
  const target = Buffer.alloc(4096);
  const message = new codec.MessageBytes();
  message.set(Buffer.from('bench/0001/t'), Buffer.alloc(0), PAYLOAD);
  const own = new codec.PublishOwn();
  Object.assign(own, { version, flags: 2, expiry, alias, identifiers: NO_IDENTIFIERS });
  let sum = 0;
  const run = (count: number) => {
    for (let index = 0; index < count; index++) {
      own.packetId = (index & 0x7fff) + 1;
      sum += codec.writePublish(target, 0, message, own);
    }
  };
  return { run, check: () => sum > 0 };
}

function encodeAckCase(): MicroCase {
  const target = Buffer.alloc(16);
  let sum = 0;
  const run = (count: number) => {
    for (let index = 0; index < count; index++) {
      sum += codec.writeAck(target, 0, codec.PacketType.PUBACK, (index & 0x7fff) + 1, 0, 4);
    }
  };
  return { run, check: () => sum > 0 };
}

function encodeConnackCase(): MicroCase {
  const packet: Packet = {
    cmd: 'connack',
    sessionPresent: false,
    reasonCode: 0,
    properties: { receiveMaximum: 1000, topicAliasMaximum: 10, maximumQoS: 1 },
  };
  let sum = 0;
  const run = (count: number) => {
    for (let index = 0; index < count; index++) {
      sum += (codec.encode(packet, { protocolVersion: 5 }) as Uint8Array).length;
    }
  };
  return { run, check: () => sum > 0 };
}

/** A trie with a subscription of each filter, by a session of its own. */
function filledTrie(filters: readonly string[]) {
  const trie = new SubscriptionTrie<{ isConnected: boolean; isReady: boolean }>();
  for (const topicFilter of filters) {
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const session = { isConnected: true, isReady: true };
    trie.subscribe(session, { topicFilter, qos: 0, ...options, subscriptionIdentifier: 0 });
  }
  return trie;
}

function cachedMatchCase(topicCount: number): MicroCase {
  const topics = Array.from({ length: topicCount }, (_, index) => `bench/${index}/t`);
  const cache = new TopicCache(filledTrie(topics), codec.decodeTopicName);
  const bytes = topics.map((topic) => Buffer.from(topic));
  let found = 0;
  const run = (count: number) => {
    for (let index = 0; index < count; index++) {
      // A step that shares no factor with the number of topics reaches all of them, out of order.
      const topic = bytes[(index * 389) % topicCount] as Buffer;
      found += cache.lookup(topic, 0, topic.length).recipients.length;
    }
  };
  return { run, check: () => found > 0 };
}

function trieMatchCase(subscriptionCount: number): MicroCase {
  const trie = filledTrie(
    Array.from({ length: subscriptionCount }, (_, index) => `site/${index}/+/state/#`),
  );
  const topics = Array.from({ length: 1000 }, (_, index) => `site/${index * 97}/room/state/x`);
  let found = 0;
  const run = (count: number) => {
    for (let index = 0; index < count; index++) {
      found += trie.match(topics[index % 1000] as string).recipients.length;
    }
  };
  return { run, check: () => found > 0 };
}

/** Time that stands still, and turns that end when told to. */
class StillRuntime implements Runtime {
  deferred: (() => void)[] = [];
  now = () => 1_000_000;
  wallNow = () => 1_000_000;
  uniqueId = () => 'unique';
  setTimer = () => () => {};
  defer(callback: () => void): void {
    this.deferred.push(callback);
  }
  endTurn(): void {
    while (this.deferred.length > 0) for (const callback of this.deferred.splice(0)) callback();
  }
}

/** The same where time passes, as if each turn took a tenth of a millisecond: what is done some times a second is done as often. */
class PassingRuntime extends StillRuntime {
  #time = 1_000_000;
  override now = () => this.#time;
  override endTurn(): void {
    this.#time += 0.1;
    super.endTurn();
  }
}

/** A client's end of a connection without a socket: it takes everything at once. */
class Peer implements Transport {
  readonly protocol = 'tcp';
  readonly remoteAddress = 'bench';
  chunks: Uint8Array[] = [];
  written: Uint8Array[] = [];
  handler: TransportHandler;
  constructor(broker: InstanceType<typeof Broker>) {
    this.handler = broker.accept(this) as TransportHandler;
  }
  write(chunk: Uint8Array): void {
    this.written.push(chunk);
  }
  /** What has come since the last call; its memory may be used again by the broker after `release`. */
  take(): Uint8Array[] {
    this.chunks = this.written.splice(0);
    return this.chunks;
  }
  release(): void {
    for (const chunk of this.chunks.splice(0)) this.handler.onWritten(chunk);
  }
  cork() {}
  uncork() {}
  pause() {}
  resume() {}
  end() {}
  destroy() {}
}

/**
 * From the bytes of a publisher to the bytes for its subscribers, and the acknowledgements of both; at
 * QoS 0 an operation is one delivery, else one message. In memory, without the log.
 */
function deliverCase(
  qos: QoS,
  subscriberCount: number,
  hooks: Hooks | null = null,
  aclFile = 'none',
  isAnalysed = false,
): MicroCase {
  const config = parseConfig({
    storage: { enabled: false },
    metrics: { enabled: false },
    auth: { aclFile },
    analytics: { enabled: isAnalysed },
  });
  const runtime = isAnalysed ? new PassingRuntime() : new StillRuntime();
  const broker = new Broker(config, runtime, noopLogger, [], hooks);
  new Analytics(broker, Math.random).refresh();
  const open = (clientId: string) => {
    const peer = new Peer(broker);
    const connect = { protocolId: 'MQTT', protocolVersion: 4, clean: true } as const;
    send(peer, encoded({ cmd: 'connect', ...connect, clientId, keepalive: 0 }));
    return peer;
  };
  const send = (peer: Peer, bytes: Uint8Array) => {
    peer.handler.onData(bytes);
    runtime.endTurn();
  };
  const settle = (peer: Peer) => {
    peer.take();
    peer.release();
  };
  const subscribers = Array.from({ length: subscriberCount }, (_, index) => open(`sub-${index}`));
  const publisher = open('pub');
  // With rules, one of which they may deny a part.
  const subscriptions = [{ topic: aclFile === 'none' ? 'bench/0001/t' : 'bench/0001/+', qos }];
  for (const peer of subscribers) {
    send(peer, encoded({ cmd: 'subscribe', messageId: 1, subscriptions }));
    settle(peer);
  }
  settle(publisher);
  // As many as a client may have under way by default.
  const batch = qos === 0 ? FRAMES_PER_CHUNK / subscriberCount : 20;
  const frames = Array.from({ length: batch }, (_, index) =>
    publish({ qos, messageId: index + 1 }),
  );
  const chunk = Buffer.concat(frames);
  const acks = (type: number) =>
    Buffer.concat(Array.from({ length: batch }, (_, i) => Buffer.from([type, 2, 0, i + 1])));
  const own = { pubrel: acks(0x62), puback: acks(0x40), pubrec: acks(0x50), pubcomp: acks(0x70) };
  const frameSize = (frames[0] as Uint8Array).length;
  const idOffset = frameSize - PAYLOAD.length - 2;
  let bytes = 0;

  /** Acknowledges the PUBLISH packets that have come, in place of those in `answer`. */
  const answer = (peer: Peer, packets: Buffer, size: number, offset: number) => {
    let index = 0;
    for (const taken of peer.take()) {
      bytes += taken.length;
      for (let at = 0; at < taken.length; at += size) {
        packets[index + 2] = taken[at + offset] as number;
        packets[index + 3] = taken[at + offset + 1] as number;
        index += 4;
      }
    }
    peer.release();
    send(peer, packets);
  };
  const first = subscribers[0] as Peer;
  const turn = () => {
    send(publisher, chunk);
    if (qos === 0) {
      for (const peer of subscribers) {
        for (const taken of peer.take()) bytes += taken.length;
        peer.release();
      }
      return;
    }
    settle(publisher);
    answer(first, qos === 1 ? own.puback : own.pubrec, frameSize, idOffset);
    if (qos === 1) return;
    answer(first, own.pubcomp, 4, 2);
    send(publisher, own.pubrel);
    settle(publisher);
  };
  const operations = qos === 0 ? FRAMES_PER_CHUNK : batch;
  const run = (count: number) => {
    for (let done = 0; done < count; done += operations) turn();
  };
  return { run, check: () => bytes > 0 && broker.stats.messagesSent > 0 };
}

/** Whether somebody may publish to topics that are asked for by turns: more than 256 are not remembered. */
function rulesCase(topicCount: number): MicroCase {
  const rules = Array.from({ length: 1000 }, (_, index) => ({
    permission: 'allow' as const,
    actions: ['publish' as const],
    filters: [{ filter: `site/${index}/+/data` }],
    source: `rule ${index}`,
  }));
  const permissions = new Permissions([new Acl(rules)], { clientId: 'c', userName: null });
  const topics = Array.from({ length: topicCount }, (_, index) => `site/${index}/device/data`);
  let allowed = 0;
  return {
    run: (count) => {
      for (let index = 0; index < count; index++) {
        if (permissions.mayPublish(topics[index % topicCount] as string, 1, false)) allowed++;
      }
    },
    check: () => allowed > 0,
  };
}

/** @param more - rules beside those that allow all, as lines of a file */
function guardedDeliverCase(qos: QoS, more = ''): MicroCase {
  const directory = mkdtempSync(join(tmpdir(), 'promptmq-micro-'));
  const aclFile = join(directory, 'acl.yaml');
  const others = Array.from({ length: 999 }, (_, index) => `  - { publish: site/${index}/# }\n`);
  writeFileSync(aclFile, `rules:\n  - { publish: "#", subscribe: "#" }\n${others.join('')}${more}`);
  const close = async () => rmSync(directory, { recursive: true });
  return { ...deliverCase(qos, 1, null, aclFile), close };
}

/** Appending alone: what is written follows outside of the measured time. */
async function appendCase(): Promise<MicroCase> {
  const directory = mkdtempSync(join(tmpdir(), 'promptmq-micro-'));
  const log = await Log.open({ directory, syncMode: 'periodic' });
  const data = Buffer.alloc(100, 0x78);
  let committed = 0;
  const onCommitted = (error: Error | null) => {
    if (error === null) committed++;
  };
  return {
    countMax: 2000,
    run: (count: number) => {
      for (let index = 0; index < count; index++) log.append(data, onCommitted);
    },
    after: async () => {
      await log.flush();
      await log.trim(log.head);
    },
    check: () => committed > 0,
    close: async () => {
      await log.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function metricsCase(): MicroCase {
  const stats = createStats();
  return {
    run: (count: number) => {
      for (let index = 0; index < count; index++) {
        countReceived(stats, (index & 1) as QoS, 64 + (index & 63));
        countSent(stats, (index & 1) as QoS, 64);
      }
    },
    check: () => stats.messagesReceived > 0,
  };
}

/** Drops of one client, by turns of as many topics. */
function historyCase(topicCount: number): MicroCase {
  const config = parseConfig({});
  const history = new History({ config, runtime: nodeRuntime });
  const topics = Array.from({ length: topicCount }, (_, index) => `bench/${index}/t`);
  return {
    run: (count) => {
      for (let index = 0; index < count; index++) {
        history.noteRepeated('drop', 'c', topics[index % topicCount] as string, 'output-full');
      }
    },
    check: () => history.length === topicCount,
  };
}

/** As the broker does it: what happens in a turn is published at its end. */
function presenceCase(): MicroCase {
  const config = parseConfig({ storage: { enabled: false }, presence: { events: 'connections' } });
  const runtime = new StillRuntime();
  const broker = new Broker(config, runtime, noopLogger);
  const presence = new Presence(broker);
  const client = {
    clientId: 'device-0001',
    userName: 'alice',
    version: 5,
    openedAt: runtime.now(),
    cleanStart: true,
    session: { expiryInterval: 0 },
    timeouts: { keepAlive: 60_000 },
    transport: { remoteAddress: '127.0.0.1:50000', protocol: 'tcp', localPort: 1883 },
  } as const;
  const perTurn = 100;
  return {
    run: (count) => {
      for (let done = 0; done < count; done += perTurn) {
        for (let index = 0; index < perTurn / 2; index++) {
          presence.connected(client);
          presence.disconnected(client, 'client', 0);
        }
        runtime.endTurn();
      }
    },
    check: () => broker.stats.presenceLeftOut === 0,
  };
}
