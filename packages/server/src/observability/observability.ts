import {
  type Check,
  type MetricsServer,
  type MetricsServerOptions,
  ProcessMonitor,
  startMetricsServer,
} from '@promptmq/metrics';
import { isValidTopicFilter, parseSharedFilter } from '@promptmq/topics';
import type { Broker } from '../broker.ts';
import { type Address, type Config, ConfigError, isIPv6Only } from '../config/index.ts';
import type { Listener } from '../listeners/listener.ts';
import { TopicMeter } from '../routing/topic-meter.ts';
import { version } from '../version.ts';
import { type BrokerRegistry, brokerMetrics } from './broker-metrics.ts';
import type { brokerCatalogue } from './catalogue.ts';
import {
  addStorageMetrics,
  checkDisk,
  checkStorage,
  type StorageMetricsSource,
} from './storage-metrics.ts';
import { SystemTopics } from './system-topics.ts';

/**
 * What can be seen of a running broker from outside: metrics, health and readiness over HTTP, and the
 * topics below `$SYS`.
 *
 * It is started before the listeners, so that readiness can be asked for while storage recovers.
 */
export class Observability {
  readonly #broker: Broker;
  readonly #systemTopics: SystemTopics;
  readonly #checks: Record<string, Check>;
  #monitor: ProcessMonitor | null;
  #registry: BrokerRegistry | null;
  /** One for each address. */
  readonly #servers: MetricsServer[];

  constructor(broker: Broker, listeners: readonly Listener[]) {
    this.#broker = broker;
    this.#systemTopics = new SystemTopics(broker, version);
    this.#monitor = null;
    this.#registry = null;
    this.#servers = [];
    this.#checks = {
      listening: () => ({
        isOk: broker.isServing && listeners.length > 0,
        detail: broker.isServing
          ? listeners.map(({ protocol, address }) => `${protocol} ${address}`).join(', ')
          : 'stopping',
      }),
    };
  }

  /** Of the HTTP endpoint, the first if there are several, without a path; null when there is none. */
  get url(): string | null {
    return this.#servers[0]?.url ?? null;
  }

  /** Where the HTTP endpoint listens. */
  get addresses(): string[] {
    return this.#servers.map(({ address }) => address);
  }

  /**
   * Starts the HTTP endpoint where there is to be one.
   *
   * @throws {ConfigError} when a filter or the path is wrong; the system's error, with the option that
   * it comes from, when the address can't be bound
   */
  async start(): Promise<void> {
    const { metrics } = this.#broker.config;
    checkMeteredTopics(metrics);
    this.#meterTopics(metrics);
    if (!metrics.enabled || metrics.bind.length === 0) return;
    const { bind, path, maxConnections } = metrics;
    this.#monitor = new ProcessMonitor();
    this.#registry = brokerMetrics(this.#broker, this.#monitor, { version });
    const registry = this.#registry;
    const open = async (listen: MetricsAddress) => {
      const server = await startMetricsServer({
        registry,
        listen,
        path,
        checks: this.#checks,
        connectionsMax: maxConnections,
        onError: (error) => this.#broker.log.error('metrics-failed', { error: String(error) }),
      });
      this.#servers.push(server);
    };
    registry.add('promptmq_http_connections_cut_total', () =>
      (['room', 'late', 'pipelined'] as const).map((why) => ({
        labels: { why },
        value: this.#servers.reduce((sum, { cut }) => sum + cut[why], 0),
      })),
    );
    try {
      for (const address of bind) await open(metricsAddress(address, bind));
    } catch (error) {
      this.#monitor.close();
      if (error instanceof TypeError) {
        throw configError('metrics.path', path, 'a path such as /metrics, not /health or /ready');
      }
      throw new Error(
        `metrics.bind: ${(error as Error).message} (--metrics-bind chooses another, or none)`,
        { cause: error },
      );
    }
  }

  /** Storage is being opened: until `useStorage` the broker isn't ready. */
  expectStorage(): void {
    this.#checks['storage'] = () => ({ isOk: false, detail: 'recovering' });
  }

  /** Storage has been recovered: from here on its metrics and its health are shown. */
  useStorage(source: StorageMetricsSource): void {
    this.#checks['storage'] = () => checkStorage(source);
    this.#checks['disk'] = () => checkDisk(source);
    if (this.#registry !== null) {
      const { runtime } = this.#broker;
      addStorageMetrics(this.#registry, source, () => runtime.uptimeMs);
    }
  }

  /** The broker serves: begins to publish the topics below `$SYS`. */
  serve(): void {
    this.#systemTopics.setInterval(this.#broker.config.metrics.sysInterval);
  }

  /** Takes over what has changed in the broker's configuration: `topics`, checked, and `sys-interval`. */
  reconfigure(): void {
    const { metrics } = this.#broker.config;
    this.#meterTopics(metrics);
    this.#systemTopics.setInterval(metrics.sysInterval);
  }

  /** Ends what goes on by itself; the endpoint still answers, and says that the broker isn't ready. */
  stopPublishing(): void {
    this.#systemTopics.stop();
  }

  async close(): Promise<void> {
    this.#systemTopics.stop();
    await Promise.all(this.#servers.map((server) => server.close()));
    this.#monitor?.close();
  }

  #meterTopics({ topics }: Config['metrics']): void {
    const { router } = this.#broker;
    if (topics.length === 0) {
      router.topicMeter = null;
      return;
    }
    router.topicMeter ??= new TopicMeter();
    router.topicMeter.setFilters(topics);
  }
}

type MetricsAddress = MetricsServerOptions<typeof brokerCatalogue>['listen'];

function metricsAddress(address: Address, all: readonly Address[]): MetricsAddress {
  if (address.kind === 'unix') return { path: address.path };
  const { host, port } = address;
  return host === '' ? { port } : { host, port, ipv6Only: isIPv6Only(address, all) };
}

/** @throws {ConfigError} when messages can't be counted by one of the filters */
export function checkMeteredTopics({ topics }: Config['metrics']): void {
  for (const filter of topics) {
    if (isValidTopicFilter(filter) && parseSharedFilter(filter) === null) continue;
    throw configError('metrics.topics', filter, 'topic filters that are not shared');
  }
}

function configError(key: string, value: string, allowed: string): ConfigError {
  return new ConfigError([
    {
      key,
      source: 'options',
      message: `${JSON.stringify(value)} is not allowed; it takes ${allowed}`,
    },
  ]);
}
