import {
  type ClusterEngine,
  type NatsCredentials,
  NatsEngine,
  PostgresEngine,
} from '@promptmq/cluster';
import type { Config } from '../../config/index.ts';

/** The engine of a configuration, which is not connected yet. */
export function engineOf({ cluster }: Pick<Config, 'cluster'>): ClusterEngine {
  const { name, engineUrl, engineCredentials, replicas, logMax } = cluster;
  if (cluster.engine === 'postgres') {
    const urls = engineUrl.map((url) => withCredentials(url, engineCredentials));
    return new PostgresEngine({ urls, name, replicas, logBytesMax: logMax });
  }
  const { engineSync: sync, engineMonitors: monitors, engineSystemCredentials } = cluster;
  return new NatsEngine({
    ...{ servers: engineUrl, name, replicas: replicas as 1 | 3 | 5, sync, logBytesMax: logMax },
    ...(engineCredentials === '' ? {} : { credentials: credentialsOf(engineCredentials) }),
    ...(monitors.length === 0 ? {} : { monitors }),
    ...(engineSystemCredentials === ''
      ? {}
      : { systemCredentials: credentialsOf(engineSystemCredentials) }),
  });
}

/** `USER:PASSWORD`, or a token, which has no colon. */
function credentialsOf(text: string): NatsCredentials {
  const colon = text.indexOf(':');
  if (colon === -1) return { token: text };
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** An address of PostgreSQL with who asks; one that says so itself stays as it is. */
function withCredentials(text: string, credentials: string): string {
  if (credentials === '' || !URL.canParse(text)) return text;
  const url = new URL(text);
  if (url.username !== '') return text;
  const colon = credentials.indexOf(':');
  url.username = encodeURIComponent(colon === -1 ? credentials : credentials.slice(0, colon));
  if (colon !== -1) url.password = encodeURIComponent(credentials.slice(colon + 1));
  return url.href;
}
