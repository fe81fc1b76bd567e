import { EngineError } from '../engine.ts';
import { openConnection } from './nats-connection.ts';
import type { NatsModules } from './nats-modules.ts';
import type { SetNatsOptions } from './nats-options.ts';

/** The oldest server that syncs its log of Raft once for all that is under way, and so can do it before it acknowledges. */
const LEAST = [2, 15] as const;

/** After the last answer that was needed, others may still come for this time, in milliseconds. */
const OTHERS_MS = 300;

/** What a server says of itself. */
export interface NatsServerFacts {
  readonly name: string;
  readonly version: string;
  /** Null when the server doesn't say. */
  readonly syncsAlways: boolean | null;
}

/**
 * Asks each server that answers whether it is new enough, and syncs before it acknowledges.
 *
 * @throws {EngineError} `unavailable`, `unsuitable`
 */
export async function verifyServers(modules: NatsModules, options: SetNatsOptions): Promise<void> {
  const { systemCredentials, monitors = [] } = options;
  let servers: NatsServerFacts[];
  if (systemCredentials !== undefined) servers = await askSystem(modules, options);
  else if (monitors.length > 0) servers = await Promise.all(monitors.map(askMonitor));
  else {
    throw new EngineError(
      'unsuitable',
      'nobody can see whether the NATS servers sync before they acknowledge: name a user of their system account or ' +
        'their monitoring addresses, or vouch for it',
    );
  }
  if (servers.length === 0) {
    throw new EngineError('unavailable', 'no NATS server with JetStream has answered');
  }
  const why = whyUnsuitable(servers);
  if (why !== null) throw new EngineError('unsuitable', why);
}

/** Why servers can't keep what a cell acknowledges; null when they can. */
export function whyUnsuitable(servers: readonly NatsServerFacts[]): string | null {
  for (const { name, version } of servers) {
    const why = whyTooOld(version);
    if (why !== null) return `NATS server ${name}: ${why}`;
  }
  const relaxed = servers.filter(({ syncsAlways }) => syncsAlways !== true).map(({ name }) => name);
  if (relaxed.length === 0) return null;
  return (
    `NATS server ${relaxed.join(', ')} acknowledges before it syncs: ` +
    'set `sync_interval: always` in the section `jetstream` of each server'
  );
}

/** Why a version can't be used; null when it can. */
export function whyTooOld(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  if (major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])) return null;
  return `version ${version} is too slow when it syncs before it acknowledges; use ${LEAST.join('.')} or newer`;
}

async function askMonitor(url: string): Promise<NatsServerFacts> {
  try {
    const [varz, jsz] = await Promise.all(
      ['varz', 'jsz'].map(async (path) => {
        const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(5_000) });
        if (!response.ok) throw new Error(`answers ${response.status}`);
        return (await response.json()) as Record<string, unknown>;
      }),
    );
    const config = jsz?.['config'] as { sync_always?: boolean } | undefined;
    return {
      name: `${varz?.['server_name']}`,
      version: `${varz?.['version']}`,
      syncsAlways: config?.sync_always ?? null,
    };
  } catch (cause) {
    throw new EngineError('unavailable', `${url}: ${(cause as Error).message}`, { cause });
  }
}

async function askSystem(
  modules: NatsModules,
  options: SetNatsOptions,
): Promise<NatsServerFacts[]> {
  const { systemCredentials } = options;
  const as = systemCredentials === undefined ? {} : { credentials: systemCredentials };
  const connection = await openConnection(modules, { ...options, ...as }, 'system');
  try {
    const answers = await connection.requestMany('$SYS.REQ.SERVER.PING.JSZ', '{}', {
      strategy: 'stall',
      stall: OTHERS_MS,
      maxWait: 3_000,
    });
    const servers: NatsServerFacts[] = [];
    for await (const answer of answers) {
      const { server, data } = answer.json<{
        server?: { name?: string; ver?: string };
        data?: { disabled?: boolean; config?: { sync_always?: boolean } };
      }>();
      // One without JetStream keeps nothing.
      if (data?.disabled === true || data?.config === undefined) continue;
      servers.push({
        name: `${server?.name}`,
        version: `${server?.ver}`,
        syncsAlways: data.config.sync_always ?? null,
      });
    }
    return servers;
  } catch (cause) {
    const text = `the servers of NATS can't be asked by their system account: ${(cause as Error).message}`;
    throw new EngineError('unavailable', text, { cause });
  } finally {
    await connection.close();
  }
}
