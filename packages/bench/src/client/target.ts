import { BenchError } from '../bench-error.ts';

/** A broker to measure. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** Of the WebSocket; null for MQTT over TCP or TLS alone. */
  readonly path: string | null;
  /** A certificate authority in PEM; null for those of the system. */
  readonly ca: string | null;
  /** Whether a certificate that can't be verified is refused. */
  readonly rejectsUnverified: boolean;
  readonly username: string | null;
  readonly password: string | null;
}

const PORTS: Readonly<Record<string, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

export interface TargetOptions {
  readonly ca?: string | null;
  readonly isInsecure?: boolean;
  readonly username?: string | null;
  readonly password?: string | null;
}

/**
 * Reads `mqtt://`, `mqtts://`, `ws://` or `wss://HOST[:PORT][/PATH]`; without a scheme it is `mqtt://`.
 *
 * @throws {BenchError} when it is none of these
 */
export function parseTarget(text: string, options: TargetOptions = {}): Target {
  const withScheme = text.includes('://') ? text : `mqtt://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null;
  const scheme = url?.protocol.slice(0, -1) ?? '';
  const defaultPort = PORTS[scheme];
  if (url === null || defaultPort === undefined || url.hostname === '') {
    throw new BenchError(`${text} is not an address: mqtt, mqtts, ws or wss://HOST[:PORT][/PATH]`);
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? defaultPort : Number(url.port),
    isTls: scheme === 'mqtts' || scheme === 'wss',
    path: scheme.startsWith('ws') ? `${url.pathname}${url.search}` : null,
    ca: options.ca ?? null,
    rejectsUnverified: options.isInsecure !== true,
    username: options.username ?? (url.username === '' ? null : decodeURIComponent(url.username)),
    password: options.password ?? (url.password === '' ? null : decodeURIComponent(url.password)),
  };
}

/** At most this number of connections from one address to one port: a client has about 28,000 ports for them. */
const CONNECTIONS_PER_SOURCE = 20_000;

/**
 * The address to connect from: for a broker on the loopback interface, each of 127.0.0.1, 127.0.0.2 and
 * so on has ports of its own. Undefined leaves it to the system.
 *
 * @param sourceCount - addresses to take turns; 0 takes as many as the connections need
 * @throws {BenchError} when the connections don't fit, because the broker is not at 127.x
 */
export function sourceAddress(
  target: Target,
  index: number,
  connectionCount: number,
  sourceCount: number,
): string | undefined {
  const needed = Math.ceil(connectionCount / CONNECTIONS_PER_SOURCE);
  const count = sourceCount > 0 ? sourceCount : needed;
  if (count <= 1) return undefined;
  if (!target.host.startsWith('127.')) {
    throw new BenchError(
      `${connectionCount} connections need ${count} source addresses, which only works with a broker at 127.x`,
    );
  }
  return `127.0.${(index % count) >> 8}.${((index % count) & 0xff) + 1}`;
}
