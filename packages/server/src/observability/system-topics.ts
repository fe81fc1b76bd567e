import type { Message } from '@promptmq/session';
import type { ObservedBroker } from './host.ts';
import { LOAD_PERIODS, LoadAverage } from './load-average.ts';
import { SessionCensus } from './session-totals.ts';

const EMPTY = new Uint8Array(0);

/** Read together with the others that are averaged: `load/NAME/1min` and so on. */
type LoadName =
  | 'connections'
  | 'sockets'
  | 'messages/received'
  | 'messages/sent'
  | 'publish/received'
  | 'publish/sent'
  | 'publish/dropped'
  | 'bytes/received'
  | 'bytes/sent';

/**
 * Publishes what the broker counts as retained messages below `$SYS/broker/`, under the names that are
 * known from mosquitto. A topic whose value has not changed is not published again.
 */
export class SystemTopics {
  readonly #broker: ObservedBroker;
  readonly #census: SessionCensus;
  readonly #version: string;
  readonly #loads: ReadonlyMap<LoadName, LoadAverage>;
  readonly #published: Map<string, string>;
  #updatedAt: number;
  #intervalMs: number;
  #cancelTimer: () => void;

  constructor(broker: ObservedBroker, version: string) {
    this.#broker = broker;
    this.#census = new SessionCensus(broker);
    this.#version = version;
    this.#updatedAt = broker.runtime.uptimeMs;
    this.#loads = new Map(
      Object.entries(this.#totals()).map(([name, total]) => [
        name as LoadName,
        new LoadAverage(total),
      ]),
    );
    this.#published = new Map();
    this.#intervalMs = 0;
    this.#cancelTimer = () => {};
  }

  /**
   * Publishes at once, and then at an interval.
   *
   * @param intervalMs - 0 ends it; what was published stays
   */
  setInterval(intervalMs: number): void {
    if (intervalMs === this.#intervalMs) return;
    this.stop();
    this.#intervalMs = intervalMs;
    if (intervalMs > 0) this.#tick();
  }

  stop(): void {
    this.#cancelTimer();
    this.#intervalMs = 0;
  }

  #tick(): void {
    const { faults } = this.#broker;
    faults.contain(null, 'observing', () => this.publish());
    this.#cancelTimer = this.#broker.runtime.setTimer(this.#intervalMs, () => this.#tick());
  }

  publish(): void {
    for (const [name, value] of this.#values()) this.#publish(`$SYS/broker/${name}`, `${value}`);
  }

  #publish(topic: string, value: string): void {
    if (this.#published.get(topic) === value) return;
    this.#published.set(topic, value);
    const message: Message = {
      topic,
      topicBytes: Buffer.from(topic),
      properties: EMPTY,
      payload: Buffer.from(value),
      qos: 0,
      retain: true,
      expiresAt: Number.POSITIVE_INFINITY,
      publisherId: '',
    };
    this.#broker.router.publishMessage(message);
  }

  *#values(): Generator<readonly [string, string | number]> {
    const { stats, router, runtime } = this.#broker;
    const now = runtime.uptimeMs;
    const { queued, queuedBytes, inflight } = this.#census.totals;
    const clients = stats.sessionsCurrent - stats.insideSessionsCurrent;
    const disconnected = clients - stats.connectionsCurrent;
    yield ['version', `promptmq version ${this.#version}`];
    yield ['uptime', `${Math.floor(now / 1000)} seconds`];
    yield ['clients/total', clients];
    yield ['clients/connected', stats.connectionsCurrent];
    yield ['clients/active', stats.connectionsCurrent];
    yield ['clients/disconnected', disconnected];
    yield ['clients/inactive', disconnected];
    yield ['clients/maximum', stats.connectionsMaximum];
    yield ['clients/expired', stats.sessionsExpired];
    const totals = this.#totals();
    yield ['messages/received', totals['messages/received']];
    yield ['messages/sent', totals['messages/sent']];
    yield ['messages/inflight', inflight];
    yield ['messages/stored', queued + router.retained.count];
    yield ['store/messages/count', queued + router.retained.count];
    yield ['store/messages/bytes', queuedBytes + router.retained.bytes];
    yield ['publish/messages/received', stats.messagesReceived];
    yield ['publish/messages/sent', stats.messagesSent];
    yield ['publish/messages/dropped', totals['publish/dropped']];
    yield ['publish/bytes/received', stats.payloadBytesReceived];
    yield ['publish/bytes/sent', stats.payloadBytesSent];
    yield ['bytes/received', stats.bytesReceived];
    yield ['bytes/sent', stats.bytesSent];
    yield ['subscriptions/count', router.trie.subscriptionCount];
    yield ['shared_subscriptions/count', router.trie.groupCount];
    yield ['retained messages/count', router.retained.count];
    yield ['heap/current', process.memoryUsage().heapUsed];
    for (const [name, average] of this.#loads) {
      const averages = average.update(totals[name], now - this.#updatedAt);
      for (const [index, value] of averages.entries()) {
        yield [`load/${name}/${LOAD_PERIODS[index]}`, value.toFixed(2)];
      }
    }
    this.#updatedAt = now;
  }

  #totals(): Record<LoadName, number> {
    const { stats } = this.#broker;
    return {
      connections: stats.connectionsTotal,
      sockets: stats.socketsAccepted,
      // Messages are control packets of any type here, PUBLISH alone is below publish.
      'messages/received': sumOf(stats.packetsReceived),
      'messages/sent': sumOf(stats.packetsSent) + stats.messagesSent,
      'publish/received': stats.messagesReceived,
      'publish/sent': stats.messagesSent,
      'publish/dropped': sumOf(Object.values(stats.dropped)),
      'bytes/received': stats.bytesReceived,
      'bytes/sent': stats.bytesSent,
    };
  }
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}
