import { Access } from '../access/index.ts';
import type { Broker } from '../broker.ts';
import { type Config, type ConfigOption, changedOptions, valueAt } from '../config/index.ts';
import type { CertificateWatch } from '../listeners/certificate-watch.ts';
import type { BoundListener } from '../listeners/listener.ts';
import { type LoadedListener, loadListeners } from '../listeners/loaded-listener.ts';
import { loadAdminTls } from '../listeners/tls/admin-tls.ts';
import type { Monitor } from '../monitor/index.ts';
import { checkMeteredTopics, type Observability } from '../observability/index.ts';

/** What came of a new configuration. */
export interface Reconfiguration {
  /** Keys whose new value is in force, such as `mqtt.max-qos`. */
  readonly changed: readonly string[];
  /** Keys that keep their former value until the broker is started again. */
  readonly needRestart: readonly string[];
}

/**
 * Puts a new configuration in force, as far as that can be done while clients are connected. Files that it names are
 * read again, whether their names have changed or not. It happens whole, between two packets, or not at all.
 *
 * The configuration object of a broker is the same for its life: new values are written into it, so that
 * whoever reads them from there has them at once.
 *
 * @throws {ConfigError} when a file or a topic filter can't be used; nothing was changed
 */
export function reconfigure(
  broker: Broker,
  listeners: readonly BoundListener[],
  certificates: CertificateWatch,
  observability: Observability,
  monitor: Monitor,
  next: Config,
): Reconfiguration {
  const { config } = broker;
  const loaded = loadListeners(next);
  const adminTls = loadAdminTls(next);
  const access = Access.load(next, broker.accessTools);
  checkMeteredTopics(next.metrics);
  const taken = takeOver(config, next);
  for (const listener of listeners) {
    const one = loaded.find(({ profile }) => profile.terms.name === listener.name);
    if (one?.profile.kind === listener.opened.kind) listener.reconfigure(one);
  }
  certificates.set(loaded, adminTls);
  broker.reconfigure(access);
  broker.journal.reconfigure();
  observability.reconfigure();
  monitor.reconfigure();
  return {
    changed: taken.changed,
    needRestart: [...taken.needRestart, ...listenersToRestart(listeners, loaded)],
  };
}

/** Writes what is new of a configuration into the one in force, as far as that can be done while the process runs. */
export function takeOver(config: Config, next: Config): Reconfiguration {
  const options = changedOptions(config, next);
  const live = options.filter(({ needsRestart }) => !needsRestart);
  for (const option of live) setValue(config, option, valueAt(next, option.path));
  return {
    changed: live.map(({ key }) => key),
    needRestart: options.filter(({ needsRestart }) => needsRestart).map(({ key }) => key),
  };
}

/** Where the list of listeners differs from what is open: it is opened only at a start. */
function listenersToRestart(
  open: readonly BoundListener[],
  loaded: readonly LoadedListener[],
): string[] {
  const listed = loaded.map(({ profile }) => profile).filter(isListed);
  const isGone = open.some(
    ({ name, opened }) => isListed(opened) && !listed.some(({ terms }) => terms.name === name),
  );
  const keys = listed.flatMap(({ terms, prefix, kind, addresses }) => {
    const former = open.find(({ name }) => name === terms.name)?.opened;
    if (former === undefined) return [prefix.slice(0, -1)];
    if (former.kind !== kind) return [`${prefix}kind`];
    const isSame = JSON.stringify(former.addresses) === JSON.stringify(addresses);
    return isSame ? [] : [`${prefix}bind`];
  });
  return isGone ? ['listeners', ...keys] : keys;
}

function isListed({ prefix }: { readonly prefix: string }): boolean {
  return prefix !== 'server.';
}

function setValue(config: Config, { path }: ConfigOption, value: unknown): void {
  const section = valueAt(config, path.slice(0, -1)) as Record<string, unknown>;
  section[path.at(-1) as string] = value;
}
