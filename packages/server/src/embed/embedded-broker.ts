import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { isValidTopicFilter } from '@promptmq/topics';
import type { Broker } from '../broker.ts';
import type { Config } from '../config/index.ts';
import type { WhyAnswer } from '../history/why/answer.ts';
import type { InsidePublication } from '../inside/inside-message.ts';
import type { InsidePublished } from '../inside/inside-publish.ts';
import type { InsidePublisher } from '../inside/inside-publisher.ts';
import type { CertificateWatch } from '../listeners/certificate-watch.ts';
import type { BoundListener } from '../listeners/listener.ts';
import type { BrokerMonitor, Monitor } from '../monitor/index.ts';
import {
  type Observability,
  type SlowSubscriber,
  slowSubscribers,
} from '../observability/index.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { TraceListener } from '../tracing/client-traces.ts';
import {
  type BrokerEventListener,
  type BrokerEventName,
  EVENT_NAMES,
  type EventOptions,
} from '../tracing/event-types.ts';
import type { AdminEndpoint } from './admin-endpoint.ts';
import { Arguments, shown } from './calls/arguments.ts';
import { BanList, type BrokerBanList } from './clients/ban-list.ts';
import { BrokerClients, type Clients } from './clients/clients.ts';
import type { InsideSubscribeOptions } from './consume/inside-options.ts';
import type { InsideSubscription } from './consume/inside-subscription.ts';
import { subscribeInside } from './consume/subscribe-inside.ts';
import {
  explainPublish,
  type PublishExplanation,
  type PublishQuestion,
} from './explain/explain.ts';
import {
  type AccessExplanation,
  type AccessQuestion,
  explainAccess,
} from './explain/explain-access.ts';
import { type DeliveryQuestion, explainDelivery } from './explain/explain-delivery.ts';
import { type HistoryOptions, type HistoryPage, listHistory } from './explain/list-history.ts';
import { ListenerSwitch } from './listener-switch.ts';
import { type Reconfiguration, reconfigure } from './reconfigure.ts';
import { BrokerRetained, type Retained } from './retained/retained.ts';
import type { RunningBroker } from './running-broker.ts';
import { type StorageInfo, storageInfoOf } from './storage-info.ts';
import { type ClientOrigin, type StreamOptions, Streams } from './streams/streams.ts';
import { BrokerTopics, type Topics } from './topics/topics.ts';
import { type BrokerUsers, LiveBrokerUsers } from './users/users.ts';

/** A broker that was started, as its program sees it. */
export class EmbeddedBroker implements RunningBroker {
  readonly listeners: readonly BoundListener[];
  readonly clients: Clients;
  readonly retained: Retained;
  readonly topics: Topics;
  readonly users: BrokerUsers;
  readonly bans: BrokerBanList;
  readonly monitor: BrokerMonitor;
  readonly #broker: Broker;
  readonly #certificates: CertificateWatch;
  readonly #observability: Observability;
  readonly #watch: Monitor;
  readonly #publisher: InsidePublisher;
  readonly #streams: Streams;
  readonly #switch: ListenerSwitch;
  readonly #stopOnce: () => Promise<void>;
  #stopped: Promise<void> | null;
  #admin: AdminEndpoint | null;

  /** @param stop - called once at most; resolves when nothing is left open */
  constructor(
    broker: Broker,
    listeners: readonly BoundListener[],
    certificates: CertificateWatch,
    observability: Observability,
    monitor: Monitor,
    publisher: InsidePublisher,
    stop: () => Promise<void>,
  ) {
    this.#broker = broker;
    this.#certificates = certificates;
    this.#publisher = publisher;
    this.#streams = new Streams(broker);
    this.clients = new BrokerClients(broker);
    this.retained = new BrokerRetained(broker);
    this.topics = new BrokerTopics(broker);
    this.users = new LiveBrokerUsers(broker);
    this.bans = new BanList(broker);
    this.listeners = listeners;
    this.#switch = new ListenerSwitch(broker, listeners);
    this.#observability = observability;
    this.monitor = monitor;
    this.#watch = monitor;
    this.#stopOnce = stop;
    this.#stopped = null;
    this.#admin = null;
  }

  get url(): string | null {
    return this.#urlOf('mqtt');
  }

  get wsUrl(): string | null {
    return this.#urlOf('ws');
  }

  get tlsUrl(): string | null {
    return this.#urlOf('mqtts');
  }

  get wssUrl(): string | null {
    return this.#urlOf('wss');
  }

  get metricsUrl(): string | null {
    return this.#observability.url;
  }

  get config(): Readonly<Config> {
    return this.#broker.config;
  }

  get adminUrl(): string | null {
    return this.#admin?.url ?? null;
  }

  /** From now on it is told of reloads, and closed with the broker. */
  serveAdmin(admin: AdminEndpoint): void {
    this.#admin = admin;
  }

  stopListener(name: string): Promise<void> {
    return this.#switch.stop(name);
  }

  startListener(name: string): Promise<void> {
    return this.#switch.start(name);
  }

  get stats(): Readonly<BrokerStats> {
    return this.#broker.stats;
  }

  publish(publication: InsidePublication): Promise<InsidePublished> {
    return this.#publisher.publish(publication);
  }

  subscribe(
    filters: string | readonly string[],
    options?: InsideSubscribeOptions,
  ): InsideSubscription {
    return subscribeInside(this.#broker, filters, options);
  }

  on<N extends BrokerEventName>(
    name: N,
    listener: BrokerEventListener<N>,
    options: EventOptions = {},
  ): this {
    this.#listen('on', name, listener, limitOf('on', options), options);
    return this;
  }

  once<N extends BrokerEventName>(
    name: N,
    listener: BrokerEventListener<N>,
    options: EventOptions = {},
  ): this {
    this.#listen('once', name, listener, 1, options);
    return this;
  }

  off<N extends BrokerEventName>(name: N, listener: BrokerEventListener<N>): this {
    checkListener('off', name, listener);
    this.#broker.events.remove(name, listener);
    return this;
  }

  #listen<N extends BrokerEventName>(
    method: string,
    name: N,
    listener: BrokerEventListener<N>,
    limit: number,
    options: EventOptions,
  ): void {
    checkListener(method, name, listener);
    const filter = filterOf(method, name, options);
    this.#broker.events.add(name, listener, limit, filter);
  }

  attach(duplex: Duplex, options?: StreamOptions): void {
    this.#streams.attach(duplex, options);
  }

  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    options?: ClientOrigin,
  ): void {
    this.#streams.handleUpgrade(request, socket, head, options);
  }

  connect(options?: ClientOrigin): Duplex {
    return this.#streams.connect(options);
  }

  explainAccess(question: AccessQuestion): AccessExplanation {
    return explainAccess(this.#broker, question);
  }

  explainPublish(question: PublishQuestion): PublishExplanation {
    return explainPublish(this.#broker, question);
  }

  explainDelivery(question: DeliveryQuestion): WhyAnswer {
    return explainDelivery(this.#broker, question);
  }

  history(options: HistoryOptions = {}): HistoryPage {
    return listHistory(this.#broker, options);
  }

  get storage(): StorageInfo | null {
    return storageInfoOf(this.#broker);
  }

  slowSubscribers(limit = 10): SlowSubscriber[] {
    return slowSubscribers(this.#broker, limit);
  }

  traceClient(clientId: string, listener: TraceListener): () => void {
    return this.#broker.traceClient(clientId, listener);
  }

  noteUncaught(error: unknown): void {
    this.#broker.faults.note(null, 'unknown', error);
  }

  reconfigure(config: Config): Reconfiguration {
    const useAdmin = this.#admin?.load(config);
    const result = reconfigure(
      this.#broker,
      this.listeners,
      this.#certificates,
      this.#observability,
      this.#watch,
      config,
    );
    useAdmin?.();
    return result;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stopAll(): Promise<void> {
    // Both at once: whoever asks for something just now is answered while clients are told.
    await Promise.all([this.#admin?.close(), this.#stopOnce()]);
  }

  #urlOf(scheme: string): string | null {
    const urls = this.listeners.flatMap((listener) => listener.urls);
    return urls.find((url) => url.startsWith(`${scheme}:`)) ?? null;
  }
}

function checkListener(method: string, name: string, listener: unknown): void {
  const args = new Arguments(method);
  if (!EVENT_NAMES.includes(name as BrokerEventName)) {
    args.refuse(`${shown(name)} is no event; there are ${EVENT_NAMES.join(', ')}`);
  }
  if (typeof listener !== 'function') {
    args.refuse(`the listener of ${name} takes a function, not ${shown(listener)}`);
  }
}

function limitOf(method: string, { limit }: EventOptions): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return new Arguments(method).wholeNumber('limit', limit, 1, Number.MAX_SAFE_INTEGER);
}

function filterOf(method: string, name: BrokerEventName, options: EventOptions): string | null {
  const args = new Arguments(method);
  args.options(options, ['filter', 'limit']);
  if (options.filter === undefined) return null;
  const filter = args.text('filter', options.filter);
  if (name !== 'publish') args.refuse(`filter is for publish, not for ${name}`);
  if (!isValidTopicFilter(filter)) args.refuse(`filter takes a topic filter, not ${shown(filter)}`);
  return filter;
}
