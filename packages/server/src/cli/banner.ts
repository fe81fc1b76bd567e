import { type Address, allowsAnonymous, type LoadedConfig } from '../config/index.ts';
import type { RunningBroker } from '../embed/running-broker.ts';

/** What somebody who has just started a broker wants to know, for people. */
export function startBanner({ config, file }: LoadedConfig, broker: RunningBroker): string {
  const { storage } = config;
  const lines = [
    ...broker.listeners.map(({ protocol, url }) => `  ${`${protocol}:`.padEnd(9)}${url}`),
    ...(broker.metricsUrl === null
      ? []
      : [`  ${'metrics:'.padEnd(9)}${broker.metricsUrl}${config.metrics.path}`]),
    `  ${'data:'.padEnd(9)}${
      storage.enabled
        ? `${storage.dataDir} and ${storage.walDir}, synced ${SYNC_WORDS[storage.wal.syncMode]}`
        : 'in memory only: it ends with the process (storage.enabled)'
    }`,
    `  ${'config:'.padEnd(9)}${file ?? 'defaults, flags and environment; promptmq.yaml would be read'}`,
    ...(broker.url === null ? [] : ['', ...howToConnect(broker.url)]),
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

function howToConnect(url: string): string[] {
  const { hostname, port } = new URL(url);
  const where = `-h ${hostname.replace(/^\[|\]$/g, '')} -p ${port}`;
  return [
    `  Try:     mosquitto_sub ${where} -t 'hello/#' -v`,
    `           mosquitto_pub ${where} -t hello/world -m 'Hi!'`,
  ];
}

/** What makes a configuration unsafe, and what would help. */
export interface Risk {
  readonly why: string;
  readonly remedy: string;
}

/** What is unsafe about a configuration. */
export function risksOf({ server, auth, storage }: LoadedConfig['config']): Risk[] {
  const risks: Risk[] = [];
  const open = [...server.bind, ...server.wsBind].filter(isReachable);
  const all = [...open, ...[...server.tlsBind, ...server.wssBind].filter(isReachable)];
  const asksForCertificate =
    server.tls.clientCertificates === 'require' && open.length === 0 && all.length > 0;
  if (all.length > 0 && allowsAnonymous({ server, auth }) && !asksForCertificate) {
    risks.push({
      why: 'anyone who reaches this machine may connect',
      remedy: 'set auth.password-file and auth.allow-anonymous: false, or bind to 127.0.0.1',
    });
  }
  if (open.length > 0 && auth.passwordFile !== null) {
    risks.push({
      why: 'passwords go over the network unencrypted',
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

function isReachable(address: Address): boolean {
  if (address.kind !== 'tcp') return false;
  return !/^(127\.|localhost$|::1$)/.test(address.host);
}
