import {
  type Address,
  allowsAnonymous,
  chainAt,
  isKeptLocal,
  type LoadedConfig,
  listenerName,
} from '../config/index.ts';
import type { Listener } from '../listeners/listener.ts';
import { type ListenerProfile, listenerProfiles } from '../listeners/profile.ts';

/** What is shown of a broker, or of all its workers. */
export interface ShownBroker {
  readonly listeners: readonly Pick<Listener, 'name' | 'protocol' | 'url' | 'urls'>[];
  readonly metricsUrl: string | null;
  readonly adminUrl: string | null;
}

/** What somebody who has just started a broker wants to know, for people. */
export function startBanner({ config, file }: LoadedConfig, broker: ShownBroker): string {
  const { storage } = config;
  const lines = [
    ...broker.listeners.map(
      (listener) =>
        `  ${`${listener.protocol}:`.padEnd(9)}${listener.url}${pathOf(listener, config)}`,
    ),
    ...(broker.metricsUrl === null
      ? []
      : [`  ${'metrics:'.padEnd(9)}${broker.metricsUrl}${config.metrics.path}`]),
    ...(broker.adminUrl === null ? [] : [`  ${'console:'.padEnd(9)}${broker.adminUrl}`]),
    `  ${'data:'.padEnd(9)}${
      storage.enabled
        ? `${storage.dataDir} and ${storage.walDir}, synced ${SYNC_WORDS[storage.wal.syncMode]}`
        : 'in memory only: it ends with the process (storage.enabled)'
    }`,
    `  ${'config:'.padEnd(9)}${file ?? 'defaults, flags and environment; promptmq.yaml would be read'}`,
    ...howToConnect(broker),
    ...(keepsSomeLocal(config)
      ? ['', `  Note:    ${LOCAL_ONLY.why}`, `           ${LOCAL_ONLY.remedy}`]
      : []),
    ...risksOf(config).flatMap(({ why, remedy }) => [
      '',
      `  Unsafe:  ${why}`,
      `           ${remedy}`,
    ]),
  ];
  return `PromptMQ is ready.\n${lines.join('\n')}\n`;
}

const SYNC_WORDS = {
  immediate: 'before each acknowledgement',
  batch: 'in batches',
  periodic: 'periodically',
} as const;

/** Of a WebSocket listener that isn't at `/`, too: its URL alone leads nowhere then. */
function pathOf(
  { name, protocol, url }: Pick<Listener, 'name' | 'protocol' | 'url'>,
  config: LoadedConfig['config'],
): string {
  const profile = listenerProfiles(config).find(({ terms }) => terms.name === name);
  const paths = profile?.webSocket.paths ?? [];
  const isElsewhere = protocol.startsWith('ws') && !url.includes('+unix:') && !paths.includes('/');
  return isElsewhere ? (paths[0] ?? '') : '';
}

/** By the first listener that takes MQTT without TLS; a Unix domain socket where there is no other. */
function howToConnect({ listeners }: ShownBroker): string[] {
  const urls = listeners.flatMap((listener) => listener.urls);
  const url = urls.find((text) => text.startsWith('mqtt:'));
  const socket = urls.find((text) => text.startsWith('mqtt+unix:'));
  if (url === undefined && socket === undefined) return [];
  const where =
    url === undefined ? `--unix ${socket?.slice('mqtt+unix://'.length)}` : hostAndPort(url);
  return [
    '',
    `  Try:     mosquitto_sub ${where} -t 'hello/#' -v`,
    `           mosquitto_pub ${where} -t hello/world -m 'Hi!'`,
  ];
}

function hostAndPort(url: string): string {
  const { hostname, port } = new URL(url);
  return `-h ${hostname.replace(/^\[|\]$/g, '')} -p ${port}`;
}

/** What makes a configuration unsafe, and what would help. */
export interface Risk {
  readonly why: string;
  readonly remedy: string;
}

/** Providers to which clients show passwords or tokens as they are. */
const SENT_SECRETS = ['passwordFile', 'dynamicSecurity', 'jwt', 'http', 'ldap'] as const;

/** Whether nobody can connect from elsewhere at addresses without a host, of which there are some. */
export function keepsSomeLocal(config: LoadedConfig['config']): boolean {
  return listenerProfiles(config).some(
    ({ terms, addresses }) =>
      addresses.some((address) => address.kind === 'tcp' && address.host === '') &&
      isKeptLocal(config, terms.name),
  );
}

/** What a broker says that has just been installed: else nobody would know why no other machine can connect. */
export const LOCAL_ONLY: Risk = {
  why: 'only this machine can connect, as nobody has to prove who he is',
  remedy:
    'for others, set auth.password-file (promptmq passwd makes it); or auth.allow-anonymous: true, and anyone may connect',
};

/** What is unsafe about a configuration. */
export function risksOf(config: LoadedConfig['config']): Risk[] {
  const { storage } = config;
  const risks: Risk[] = [];
  const reachable = listenerProfiles(config)
    .map((profile) => ({ ...profile, chain: chainAt(config, profile.terms.name) }))
    .filter(({ addresses, terms }) =>
      addresses.some((address) => isReachable(address, isKeptLocal(config, terms.name))),
    );
  const open = reachable.filter(
    (profile) => isForAnybody(profile) && allowsAnonymous(config, profile.chain),
  );
  if (open.length > 0) {
    // Users don't help where a listener says that nobody is asked.
    const unasked = open.filter(
      ({ terms }) => config.auth.allowAnonymous !== true && asksNobody(config, terms.name),
    );
    const names = unasked.map(({ terms }) => terms.name).join(', ');
    risks.push({
      why: 'ANYONE WHO REACHES THIS MACHINE MAY CONNECT, read all messages and send any',
      remedy:
        unasked.length === open.length
          ? `leave "auth: none" out of listeners (${names}), or bind to 127.0.0.1`
          : 'set auth.password-file (promptmq passwd makes it) and leave auth.allow-anonymous out, or bind to 127.0.0.1',
    });
  }
  const sendsPlain = reachable.some(
    ({ kind, tls, chain }) =>
      (tls === null || kind === 'auto') &&
      chain.some((provider) => SENT_SECRETS.some((kind) => provider[kind] !== undefined)),
  );
  if (sendsPlain) {
    risks.push({
      why: 'passwords and tokens go over the network unencrypted',
      remedy: 'set server.tls-bind and server.tls, and server.bind and server.ws-bind to none',
    });
  }
  if (storage.enabled && storage.wal.syncMode !== 'immediate' && !storage.wal.forceFsync) {
    risks.push({
      why: 'a power cut may lose messages that were acknowledged (storage.wal.sync-mode)',
      remedy: 'set storage.wal.sync-mode: immediate',
    });
  }
  return risks;
}

/**
 * What a reload has changed about who can connect, and can't put right: where the broker listens was decided when it started.
 *
 * @param wasLocal - whether only this machine could connect since then
 */
export function risksOfReload(config: LoadedConfig['config'], wasLocal: boolean): Risk[] {
  const isLocal = keepsSomeLocal(config);
  if (isLocal === wasLocal) return [];
  return wasLocal
    ? [{ why: 'still only this machine can connect', remedy: 'start the broker again' }]
    : [
        {
          why: 'ANYONE WHO REACHES THIS MACHINE MAY CONNECT: nobody has to prove who he is any more',
          remedy: 'set auth.password-file, or start the broker again for this machine only',
        },
      ];
}

/** Whether a listener has `auth: none`. */
function asksNobody(config: LoadedConfig['config'], name: string): boolean {
  return config.listeners.some(
    (listener) => listenerName(listener) === name && listener.auth?.length === 0,
  );
}

/** Whether a listener takes clients that have shown in TLS neither a certificate nor a key. */
function isForAnybody({ kind, tls }: ListenerProfile): boolean {
  if (kind === 'auto' || tls === null) return true;
  return tls.certificates.length > 0 && tls.clientCertificates !== 'require';
}

function isReachable(address: Address, isLocal: boolean): boolean {
  if (address.kind !== 'tcp' || (isLocal && address.host === '')) return false;
  return !/^(127\.|localhost$|::1$)/.test(address.host);
}
