import type { Message } from '@promptmq/session';
import type { ObservedBroker, SystemFigures } from './host.ts';
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
  /** The most clients that all processes together had when that was looked at. */
  #mostClients: number;
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
    this.#mostClients = 0;
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
    const own = this.#figures();
    const { figuresOfOthers, faults } = this.#broker;
    if (figuresOfOthers === null) {
      this.#show(own);
      return;
    }
    figuresOfOthers.exchange(own, (others) => {
      if (this.#intervalMs === 0) return;
      faults.contain(null, 'observing', () => this.#show(this.#together(own, others)));
    });
  }

  #show(figures: SystemFigures): void {
    const published = this.#broker.router.retained;
    const figure = (name: string) => figures[name] as number;
    this.#publish('$SYS/broker/version', `promptmq version ${this.#version}`);
    for (const [name, value] of Object.entries(figures)) {
      if (!OF_OTHERS.has(name)) this.#publish(`$SYS/broker/${name}`, textOf(name, value));
    }
    const stored = figure('queued') + published.count;
    this.#publish('$SYS/broker/messages/stored', `${stored}`);
    this.#publish('$SYS/broker/store/messages/count', `${stored}`);
    const bytes = figure('queuedBytes') + published.bytes;
    this.#publish('$SYS/broker/store/messages/bytes', `${bytes}`);
    this.#publish('$SYS/broker/retained messages/count', `${published.count}`);
  }

  /** The figures of all processes. */
  #together(own: SystemFigures, others: readonly SystemFigures[]): SystemFigures {
    const together: Record<string, number> = { ...own };
    for (const other of others) {
      for (const [name, value] of Object.entries(other)) {
        const known = together[name] ?? 0;
        together[name] = OF_THE_MOST.has(name) ? Math.max(known, value) : known + value;
      }
    }
    const most = together['clients/maximum'] ?? 0;
    this.#mostClients = Math.max(this.#mostClients, most, together['clients/connected'] ?? 0);
    together['clients/maximum'] = this.#mostClients;
    return together;
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

  /** Those of this process. */
  #figures(): SystemFigures {
    const { stats, router, runtime } = this.#broker;
    const now = runtime.uptimeMs;
    const { queued, queuedBytes, inflight } = this.#census.totals;
    const clients = stats.sessionsCurrent - stats.insideSessionsCurrent;
    const disconnected = clients - stats.connectionsCurrent;
    const totals = this.#totals();
    const loads: Record<string, number> = {};
    for (const [name, average] of this.#loads) {
      const averages = average.update(totals[name], now - this.#updatedAt);
      for (const [index, value] of averages.entries()) {
        loads[`load/${name}/${LOAD_PERIODS[index]}`] = value;
      }
    }
    this.#updatedAt = now;
    return {
      uptime: Math.floor(now / 1000),
      'clients/total': clients,
      'clients/connected': stats.connectionsCurrent,
      'clients/active': stats.connectionsCurrent,
      'clients/disconnected': disconnected,
      'clients/inactive': disconnected,
      'clients/maximum': stats.connectionsMaximum,
      'clients/expired': stats.sessionsExpired,
      'messages/received': totals['messages/received'],
      'messages/sent': totals['messages/sent'],
      'messages/inflight': inflight,
      'publish/messages/received': stats.messagesReceived,
      'publish/messages/sent': stats.messagesSent,
      'publish/messages/dropped': totals['publish/dropped'],
      'publish/bytes/received': stats.payloadBytesReceived,
      'publish/bytes/sent': stats.payloadBytesSent,
      'bytes/received': stats.bytesReceived,
      'bytes/sent': stats.bytesSent,
      'subscriptions/count': router.trie.subscriptionCount,
      'shared_subscriptions/count': router.trie.groupCount,
      'heap/current': process.memoryUsage().heapUsed,
      queued,
      queuedBytes,
      ...loads,
    };
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

/** Figures that topics are made of, and have none of their own. */
const OF_OTHERS: ReadonlySet<string> = new Set(['queued', 'queuedBytes']);

/** Of these, that of all processes is the highest of one. */
const OF_THE_MOST: ReadonlySet<string> = new Set(['uptime', 'clients/maximum']);

function textOf(name: string, value: number): string {
  if (name === 'uptime') return `${value} seconds`;
  return name.startsWith('load/') ? value.toFixed(2) : `${value}`;
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}
