import { resolve } from 'node:path';
import type { AuthenticationMethod } from '@promptmq/auth';
import { ReasonCode } from '@promptmq/codec';
import { nodeFiles } from '@promptmq/wal';
import { Broker, type Interceptor } from '../broker.ts';
import {
  type Config,
  type ConfigInput,
  hasListeners,
  isKeptLocal,
  parseConfig,
} from '../config/index.ts';
import type { Hooks } from '../hooks/hooks.ts';
import { InsidePublisher } from '../inside/inside-publisher.ts';
import { ProcessGauge } from '../limits/overload/process-gauge.ts';
import { CertificateWatch } from '../listeners/certificate-watch.ts';
import { type BoundListener, listen } from '../listeners/listener.ts';
import { type LoadedListener, loadListeners } from '../listeners/loaded-listener.ts';
import { loadAdminTls } from '../listeners/tls/admin-tls.ts';
import { type Logger, noopLogger } from '../log/index.ts';
import { MachineWindow, Monitor, NO_PROCESS } from '../monitor/index.ts';
import { Observability, storageSourceOf } from '../observability/index.ts';
import { nodeRuntime, type Runtime } from '../runtime/runtime.ts';
import { refuseWorkersLayout } from '../service/data-layout.ts';
import type { StorageResources } from '../storage/storage.ts';
import { EmbeddedBroker } from './embedded-broker.ts';
import { localAddresses, unlessMissing } from './local-only.ts';
import type { RunningBroker } from './running-broker.ts';
import { processDescriptors } from './shared-descriptors.ts';
import { nameFolder, naming } from './start-errors.ts';

export interface BrokerExtras {
  /** Where events go; by default nowhere. */
  readonly logger?: Logger;
  /** What the broker asks its program: who may connect, and what clients may do; by default nothing. */
  readonly hooks?: Hooks;
  /** Methods of enhanced authentication that clients may use (§4.12); by default none. */
  readonly authenticationMethods?: readonly AuthenticationMethod[];
  /** In the place of the operating system's files and clock, for tests of crashes. */
  readonly storage?: StorageResources;
  /** Called when the storage has failed for good. The broker then acknowledges nothing more: end the process. */
  readonly onStorageFailed?: (why: string) => void;
}

/**
 * Starts a broker in this process, for tests and for embedding. Unlike the command line, it listens on
 * free loopback ports unless the options say otherwise, so that any number can run side by side.
 *
 * @param options - as in the configuration file, with camelCase keys
 * @throws {ConfigError} when an option or a hook is wrong; the system's error when an address can't be bound
 *
 * @example
 * const broker = await createBroker({ mqtt: { maxQos: 1 } });
 * const client = await mqtt.connectAsync(broker.url);
 * await client.endAsync();
 * await broker.stop();
 */
export async function createBroker(
  options: ConfigInput = {},
  extras: BrokerExtras = {},
): Promise<RunningBroker> {
  return startBroker(parseEmbeddedConfig(options), extras);
}

/** The configuration of a broker that is a part of another program. @throws {ConfigError} when an option is wrong */
export function parseEmbeddedConfig(options: ConfigInput): Config {
  return parseConfig(withEmbeddedDefaults(options));
}

/**
 * What differs when a broker is a part of another program: free loopback ports, nothing on disk and no
 * HTTP endpoints, unless the caller gives the section.
 */
function withEmbeddedDefaults(options: ConfigInput): ConfigInput {
  const flat = hasListeners(options) ? {} : { bind: '127.0.0.1:0', wsBind: '127.0.0.1:0' };
  return {
    ...options,
    server: { ...flat, ...options.server },
    storage: options.storage ?? { enabled: false },
    admin:
      options.admin === undefined
        ? { bind: 'none', keyFile: 'none' }
        : { bind: '127.0.0.1:0', keyFile: 'none', ...options.admin },
    metrics:
      options.metrics === undefined
        ? { enabled: false }
        : { bind: '127.0.0.1:0', ...options.metrics },
  };
}

/** Starts a broker with a configuration that has been parsed. */
export async function startBroker(
  config: Config,
  extras: BrokerExtras = {},
): Promise<RunningBroker> {
  if (config.cluster.enabled) {
    throw new Error(
      'cluster.enabled: a node of a cluster has several processes, which the command promptmq runs',
    );
  }
  const { running } = await openBroker(config, extras);
  const { admin, storage } = config;
  const hasFile = admin.keyFile !== 'none' && (admin.keyFile !== 'auto' || storage.enabled);
  if (admin.bind.length === 0 || (admin.keys.length === 0 && !hasFile)) return running;
  try {
    const { Admin } = await import('../admin/admin.ts');
    const endpoint = await Admin.start(running, extras.logger ?? noopLogger);
    running.serveAdmin(endpoint);
    if (endpoint.problem !== null) throw endpoint.problem;
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}

/** What a broker gets in the place of the machine's, as the tests of programs have it (`testing/`), and what only the command says. */
export interface BrokerSeams {
  readonly runtime?: Runtime;
  /** Stands between each transport and the broker. */
  readonly intercept?: Interceptor;
  /**
   * Whether `auth.without-users` holds: addresses without a host are this machine's only while nobody has to prove who he is. A program that
   * says where its broker listens means it.
   */
  readonly heedsWithoutUsers?: boolean;
  /** Whether the time is the machine's, also where `runtime` isn't its own. */
  readonly isMachine?: boolean;
  /** Called when there is a broker that knows nothing yet. */
  readonly beforeRecovery?: (broker: Broker) => void;
  /** Called when the state is there, before anything listens. */
  readonly beforeListening?: (broker: Broker) => Promise<void>;
  /** Called at the stop, before its log is closed. */
  readonly beforeStop?: () => void;
  /** Called at the stop, when its clients are gone, before what is left of connections is cut. */
  readonly beforeCut?: () => Promise<void>;
}

/** A broker that was started, with what its program doesn't see. */
export interface OpenedBroker {
  readonly running: EmbeddedBroker;
  readonly broker: Broker;
  /**
   * Leaves the broker as a process does that is killed: it does nothing more in order, and nothing of it stays open but
   * the connections, which whoever intercepts them cuts.
   */
  abandon(): Promise<void>;
}

/** Starts a broker, and lets its caller take the place of the machine. */
export async function openBroker(
  config: Config,
  extras: BrokerExtras = {},
  seams: BrokerSeams = {},
): Promise<OpenedBroker> {
  const { runtime = nodeRuntime, intercept, heedsWithoutUsers = false } = seams;
  const { isMachine = runtime === nodeRuntime, beforeRecovery, beforeListening } = seams;
  const log = extras.logger ?? noopLogger;
  const loaded = loadListeners(config);
  const adminTls = loadAdminTls(config);
  const broker = new Broker(config, runtime, log, extras.authenticationMethods, extras.hooks);
  broker.intercept = intercept ?? null;
  broker.onStorageFailed = extras.onStorageFailed ?? (() => {});
  // A broker whose time is a test's isn't looked at by the machine's.
  const gauge = isMachine ? new ProcessGauge(broker.overload, log) : null;
  const listeners: BoundListener[] = [];
  const observability = new Observability(broker, listeners);
  const descriptors = processDescriptors.join(broker.sockets);
  broker.descriptorsMax = descriptors.max;
  let unlockDataDir = async () => {};
  try {
    if (config.storage.enabled) observability.expectStorage();
    await observability.start();
    if (config.storage.enabled && extras.storage === undefined) {
      refuseWorkersLayout(config.storage);
      unlockDataDir = await lockDataDir(config.storage);
    }
    beforeRecovery?.(broker);
    await broker.recover(extras.storage);
    if (broker.storage !== null) observability.useStorage(storageSourceOf(broker.storage.log));
    observability.follow();
    await beforeListening?.(broker);
    await openListeners(broker, loaded, listeners, heedsWithoutUsers);
  } catch (error) {
    await stopAll(broker, listeners, observability, 0);
    await unlockDataDir();
    descriptors.leave();
    gauge?.stop();
    nameFolder(error, config.storage);
    throw error;
  }
  for (const { protocol, address } of listeners) log.info('listening', { protocol, address });
  for (const address of observability.addresses) {
    log.info('listening', { protocol: 'http', address, path: config.metrics.path });
  }
  const certificates = new CertificateWatch(broker, loaded, adminTls);
  observability.serve();
  const monitor = new Monitor(broker, {
    listeners,
    topicMetrics: observability.topicMetrics,
    storage: broker.storage === null ? null : storageSourceOf(broker.storage.log),
    openProcess: () => (isMachine ? new MachineWindow() : NO_PROCESS),
    random: Math.random,
  });
  monitor.serve();

  const publisher = new InsidePublisher(broker);
  const close = (stopped: Promise<void>) => {
    monitor.stop();
    publisher.stop();
    return stopped.then(unlockDataDir).finally(() => {
      publisher.end();
      descriptors.leave();
      gauge?.stop();
    });
  };
  const stop = () =>
    close(stopAll(broker, listeners, observability, config.server.shutdownTimeout, seams)).then(
      () => log.info('stopped'),
    );
  return {
    running: new EmbeddedBroker(
      broker,
      listeners,
      certificates,
      observability,
      monitor,
      publisher,
      stop,
    ),
    broker,
    abandon: () => close(abandonAll(broker, listeners, observability)),
  };
}

/**
 * Opens all addresses of all listeners, in their order.
 *
 * @param heedsWithoutUsers - whether those without a host are this machine's only while nobody has to prove who he is
 */
async function openListeners(
  broker: Broker,
  loaded: readonly LoadedListener[],
  opened: BoundListener[],
  heedsWithoutUsers: boolean,
): Promise<void> {
  const all = loaded.flatMap(({ profile }) => profile.addresses);
  for (const one of loaded) {
    const { addresses, bindKey, bindHint, terms } = one.profile;
    const isLocal = heedsWithoutUsers && isKeptLocal(broker.config, terms.name);
    for (const address of addresses) {
      const [first, second] = isLocal ? localAddresses(address) : [address];
      opened.push(await naming(bindKey, bindHint, () => listen(broker, one, first, all)));
      if (second === undefined) continue;
      const beside = await unlessMissing(() => listen(broker, one, second, all));
      if (beside !== null) opened.push(beside);
    }
  }
}

/**
 * Keeps other brokers out of the folder of the index: the log has a lock of its own, but two brokers with one index
 * and a log each would ruin it.
 */
export async function lockDataDir({
  dataDir,
  walDir,
}: Config['storage']): Promise<() => Promise<void>> {
  if (resolve(dataDir) === resolve(walDir)) return async () => {};
  await nodeFiles.makeDirectory(dataDir);
  return nodeFiles.lock(dataDir);
}

/**
 * The order of a shutdown: no new clients, then a DISCONNECT to those that are there, then close. The HTTP
 * endpoint is closed last: until then it answers that the broker isn't ready.
 */
async function stopAll(
  broker: Broker,
  listeners: readonly BoundListener[],
  observability: Observability,
  timeoutMs: number,
  { beforeStop, beforeCut }: Pick<BrokerSeams, 'beforeStop' | 'beforeCut'> = {},
): Promise<void> {
  observability.stopPublishing();
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  beforeStop?.();
  await broker.stop(timeoutMs, ReasonCode.ServerShuttingDown);
  await beforeCut?.();
  for (const listener of listeners) listener.cut();
  await closed;
  await observability.close();
}

/** Closes what would stay open, and nothing else. */
async function abandonAll(
  broker: Broker,
  listeners: readonly BoundListener[],
  observability: Observability,
): Promise<void> {
  observability.stopPublishing();
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  for (const listener of listeners) listener.cut();
  await Promise.all([closed, observability.close(), broker.access.stop()]);
}
