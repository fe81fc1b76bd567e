import {
  type Check,
  type MetricsServer,
  type MetricsServerOptions,
  ProcessMonitor,
  startMetricsServer,
} from '@promptmq/metrics';
import { type Address, isIPv6Only } from '../config/index.ts';
import type { Listener } from '../listeners/listener.ts';
import { version } from '../version.ts';
import { addListenerMetrics, type BrokerRegistry, brokerMetrics } from './broker-metrics.ts';
import type { brokerCatalogue } from './catalogue.ts';
import { configError } from './config-error.ts';
import type { ObservedBroker } from './host.ts';
import { addStorageMetrics, type StorageMetricsSource } from './storage-metrics.ts';

/** The metrics of a broker, its health and readiness over HTTP, at the addresses of `metrics.bind`. */
export class MetricsEndpoint {
  readonly #broker: ObservedBroker;
  readonly #monitor: ProcessMonitor;
  readonly #registry: BrokerRegistry;
  /** One for each address. */
  readonly #servers: MetricsServer[];

  private constructor(broker: ObservedBroker, listeners: readonly Listener[]) {
    this.#broker = broker;
    this.#monitor = new ProcessMonitor();
    this.#registry = brokerMetrics(broker, this.#monitor, { version });
    addListenerMetrics(this.#registry, broker, listeners);
    this.#servers = [];
    this.#registry.add('promptmq_http_connections_cut_total', () =>
      (['room', 'late', 'pipelined'] as const).map((why) => ({
        labels: { why },
        value: this.#servers.reduce((sum, { cut }) => sum + cut[why], 0),
      })),
    );
  }

  /**
   * Begins to serve.
   *
   * @param listeners - those that are open; read at each request
   * @param checks - what `/ready` looks at, by name; read at each request
   * @throws {ConfigError} when the path is wrong; the system's error, with the option that it comes from, when an
   * address can't be bound
   */
  static async open(
    broker: ObservedBroker,
    listeners: readonly Listener[],
    checks: Readonly<Record<string, Check>>,
  ): Promise<MetricsEndpoint> {
    const self = new MetricsEndpoint(broker, listeners);
    const { bind, path } = broker.config.metrics;
    try {
      for (const address of bind) await self.#listen(listenAddress(address, bind), checks);
    } catch (error) {
      await self.close();
      if (error instanceof TypeError) {
        throw configError('metrics.path', path, 'a path such as /metrics, not /health or /ready');
      }
      throw new Error(
        `metrics.bind: ${(error as Error).message} (--metrics-bind chooses another, or none)`,
        { cause: error },
      );
    }
    return self;
  }

  async #listen(listen: ListenAddress, checks: Readonly<Record<string, Check>>): Promise<void> {
    const { log, config } = this.#broker;
    const server = await startMetricsServer({
      registry: this.#registry,
      listen,
      path: config.metrics.path,
      checks,
      connectionsMax: config.metrics.maxConnections,
      onError: (error) => log.error('metrics-failed', { error: String(error) }),
    });
    this.#servers.push(server);
  }

  /** The first address, without a path. */
  get url(): string {
    return (this.#servers[0] as MetricsServer).url;
  }

  /** Where it listens. */
  get addresses(): string[] {
    return this.#servers.map(({ address }) => address);
  }

  /** Has the metrics of the storage shown, too. */
  addStorage(source: StorageMetricsSource): void {
    const { runtime } = this.#broker;
    addStorageMetrics(this.#registry, source, () => runtime.uptimeMs);
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
    this.#monitor.close();
  }
}

type ListenAddress = MetricsServerOptions<typeof brokerCatalogue>['listen'];

function listenAddress(address: Address, all: readonly Address[]): ListenAddress {
  if (address.kind === 'unix') return { path: address.path };
  const { host, port } = address;
  return host === '' ? { port } : { host, port, ipv6Only: isIPv6Only(address, all) };
}
