import type { Check } from '@promptmq/metrics';
import { isValidTopicFilter, parseSharedFilter } from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import type { Listener } from '../listeners/listener.ts';
import { version } from '../version.ts';
import { configError } from './config-error.ts';
import type { ObservedBroker } from './host.ts';
import type { MetricsEndpoint } from './metrics-endpoint.ts';
import { Presence } from './presence/presence.ts';
import { checkDisk, checkStorage, type StorageMetricsSource } from './storage-metrics.ts';
import { SystemTopics } from './system-topics.ts';
import { TopicMetrics } from './topics/topic-metrics.ts';

/**
 * What can be seen of a running broker from outside: metrics, health and readiness over HTTP, and the
 * topics below `$SYS`.
 *
 * It is started before the listeners, so that readiness can be asked for while storage recovers.
 */
export class Observability {
  /** The topic filters by which messages are counted. */
  readonly topicMetrics: TopicMetrics;
  readonly #broker: ObservedBroker;
  readonly #listeners: readonly Listener[];
  readonly #systemTopics: SystemTopics;
  readonly #checks: Record<string, Check>;
  /** Null where metrics aren't served: then it isn't even loaded. */
  #endpoint: MetricsEndpoint | null;

  constructor(broker: ObservedBroker, listeners: readonly Listener[]) {
    this.#broker = broker;
    this.#listeners = listeners;
    this.#systemTopics = new SystemTopics(broker, version);
    this.topicMetrics = new TopicMetrics(broker);
    this.#endpoint = null;
    this.#checks = {
      listening: () => ({
        isOk: broker.isServing && listeners.some(({ isRunning }) => isRunning),
        detail: broker.isServing ? listenersText(listeners) : 'stopping',
      }),
      load: () => {
        const { text } = broker.overload;
        return text === '' ? { isOk: true } : { isOk: false, detail: text };
      },
    };
  }

  /** Of the HTTP endpoint, the first if there are several, without a path; null when there is none. */
  get url(): string | null {
    return this.#endpoint?.url ?? null;
  }

  /** Where the HTTP endpoint listens. */
  get addresses(): string[] {
    return this.#endpoint?.addresses ?? [];
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
    this.topicMetrics.refresh();
    if (!metrics.enabled || metrics.bind.length === 0) return;
    const { MetricsEndpoint } = await import('./metrics-endpoint.ts');
    this.#endpoint = await MetricsEndpoint.open(this.#broker, this.#listeners, this.#checks);
  }

  /** Storage is being opened: until `useStorage` the broker isn't ready. */
  expectStorage(): void {
    this.#checks['storage'] = () => ({ isOk: false, detail: 'recovering' });
  }

  /** Storage has been recovered: from here on its metrics and its health are shown. */
  useStorage(source: StorageMetricsSource): void {
    this.#checks['storage'] = () => checkStorage(source);
    this.#checks['disk'] = () => checkDisk(source);
    this.#endpoint?.addStorage(source);
  }

  /**
   * The broker is about to listen: from here on clients that may know it are told what others do, where that is asked for.
   */
  follow(): void {
    if (!Presence.isWanted(this.#broker)) return;
    const presence = new Presence(this.#broker);
    this.#broker.clientEvents.presence = presence;
    presence.begin();
  }

  /** The broker serves: begins to publish the topics below `$SYS`. */
  serve(): void {
    this.#systemTopics.setInterval(this.#broker.config.metrics.sysInterval);
  }

  /** Takes over what has changed in the broker's configuration: `topics`, checked, and `sys-interval`. */
  reconfigure(): void {
    const { metrics } = this.#broker.config;
    this.topicMetrics.refresh();
    this.#systemTopics.setInterval(metrics.sysInterval);
  }

  /** Ends what happens by itself; the endpoint still answers, and says that the broker isn't ready. */
  stopPublishing(): void {
    this.#broker.clientEvents.presence = null;
    this.#systemTopics.stop();
  }

  async close(): Promise<void> {
    this.#systemTopics.stop();
    await this.#endpoint?.close();
  }
}

/** Those that take connections. */
function listenersText(listeners: readonly Listener[]): string {
  const running = listeners.filter(({ isRunning }) => isRunning);
  if (running.length === 0 && listeners.length > 0) return 'all listeners are stopped';
  return running.map(({ protocol, address }) => `${protocol} ${address}`).join(', ');
}

/** @throws {ConfigError} when messages can't be counted by one of the filters */
export function checkMeteredTopics({ topics }: Config['metrics']): void {
  for (const filter of topics) {
    if (isValidTopicFilter(filter) && parseSharedFilter(filter) === null) continue;
    throw configError('metrics.topics', filter, 'topic filters that are not shared');
  }
}
