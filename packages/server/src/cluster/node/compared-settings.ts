import { createHmac } from 'node:crypto';
import type { Settings } from '@promptmq/cluster';
import {
  type Config,
  type ConfigOption,
  configOptions,
  mapItems,
  readFileBytes,
  type ValueKind,
  valueAt,
} from '../../config/index.ts';

/** Sections, and single options, that have to be the same on all nodes: a client may come to any, and a cell move to any. */
const COMPARED: readonly string[] = [
  ...['mqtt', 'limits', 'auth', 'presence', 'listeners', 'cluster', 'storage.max-queued-bytes'],
  ...['storage.compaction.max-message-age', 'storage.wal.max-pending-bytes', 'hooks.timeout'],
  ...['server.tls.client-certificates', 'server.tls.use-subject-as-user-name'],
  'server.tls.min-version',
];

/** What in these is of each node: its name and addresses, its way to the engine, and what depends on its machine. */
const OWN: readonly string[] = [
  ...['cluster.enabled', 'cluster.node-id', 'cluster.bind', 'cluster.advertise'],
  ...['cluster.engine-url', 'cluster.engine-monitors', 'cluster.engine-sync', 'cluster.tls'],
  ...['cluster.engine-credentials', 'cluster.engine-system-credentials', 'limits.overload'],
  'cluster.advertise-clients',
];

/** What a listener asks of its clients; where it listens, and with which certificate, is each node's own. */
const LISTENER_FIELDS = ['kind', 'clientCertificates', 'pskFile', 'auth', 'versions', 'mountPoint'];

/** Characters of a hash: 72 bits, so that no two values share one by chance. */
const HASH_LENGTH = 12;

/**
 * Of what has to agree among nodes, a hash by key. They are made with `cluster.secret`: who reads them in the engine without knowing that can't try values
 * until one fits. Of files it is what they contain, not where they are.
 *
 * @param running - what the node has begun with: options that need a restart are still as they were there
 */
export function comparedSettings(config: Config, running: Config): Settings {
  const { secret } = running.cluster;
  const key = createHmac('sha256', secret).update('promptmq configuration').digest();
  const settings: Record<string, string> = {};
  for (const option of configOptions) {
    if (!isIn(option.key, COMPARED) || isIn(option.key, OWN)) continue;
    const value = valueAt(option.needsRestart ? running : config, option.path);
    const text = JSON.stringify([option.key, sorted(comparedValue(option, value))]);
    settings[option.key] = createHmac('sha256', key)
      .update(text)
      .digest('base64url')
      .slice(0, HASH_LENGTH);
  }
  return settings;
}

/** One hash over all of them. */
export function fingerprintOf(settings: Settings): string {
  return createHmac('sha256', 'promptmq configuration')
    .update(JSON.stringify(sorted(settings)))
    .digest('base64url')
    .slice(0, HASH_LENGTH);
}

function isIn(key: string, parts: readonly string[]): boolean {
  return parts.some((part) => key === part || key.startsWith(`${part}.`));
}

function comparedValue({ key, kind }: ConfigOption, value: unknown): unknown {
  const whole = withContents(key, kind, value);
  if (key !== 'listeners') return whole;
  const asked = (whole as Record<string, unknown>[]).map((listener) =>
    JSON.stringify(sorted(LISTENER_FIELDS.map((field) => listener[field] ?? null))),
  );
  return [...new Set(asked)].sort();
}

/** With what files contain in the place of their names. */
function withContents(key: string, kind: ValueKind, value: unknown): unknown {
  if (kind.kind === 'path' && typeof value === 'string') return contentOf(value, key);
  if (kind.kind !== 'objects') return value;
  return mapItems(kind, value, (inner, leaf) => withContents(key, leaf.kind, inner));
}

function contentOf(path: string, key: string): string {
  try {
    return createHmac('sha256', '').update(readFileBytes(path, key)).digest('base64url');
  } catch {
    // Who needs the file says what is wrong with it.
    return 'unreadable';
  }
}

/** With the keys of all objects in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
