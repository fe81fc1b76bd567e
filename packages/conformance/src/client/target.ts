/** Where a broker listens, or a node of one. */
export interface TargetAddress {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://HOST:PORT[/PATH]`: how every case connects that says nothing of it. */
  readonly url: string;
  /** For the cases of WebSocket, such as `ws://127.0.0.1:8080/mqtt`; null when there is none. */
  readonly wsUrl: string | null;
}

/** The broker under test: where it listens, and what it wants of its clients. */
export interface Target extends TargetAddress {
  /** Its other nodes, where it has several: the connections of a case are to one after the other. */
  readonly others: readonly TargetAddress[];
  /** A certificate authority in PEM; null for those of Node.js. */
  readonly ca: string | null;
  /** Whether a certificate that can't be verified is refused. */
  readonly rejectsUnverified: boolean;
  /** What goes with each CONNECT that names nobody; null for nothing. */
  readonly credentials: Credentials | null;
  /** How long a message may take from one client to another, in milliseconds: 0 where it is there with its acknowledgement. */
  readonly settleMs: number;
}

export interface Credentials {
  readonly username: string;
  readonly password: string | null;
}

export interface TargetOptions {
  /** The address of the WebSocket; by default that of the target, where it is one. */
  readonly wsUrl?: string | null;
  readonly ca?: string | null;
  readonly isInsecure?: boolean;
  readonly username?: string | null;
  readonly password?: string | null;
  /** By default 0. */
  readonly settleMs?: number;
  /** Of the same broker; by default none. */
  readonly others?: readonly TargetAddress[];
}

/** The address of a target is none, or it can't be reached or used; one line that says why. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

const PORTS: Readonly<Record<string, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };
const ADDRESS = 'mqtt, mqtts, ws or wss://HOST[:PORT][/PATH]';

/**
 * Reads the address of a broker; without a scheme it is `mqtt://`.
 *
 * @throws {TargetError} when it is none, or names a password without a user name
 */
export function parseTarget(text: string, options: TargetOptions = {}): Target {
  const { ca = null, isInsecure = false, settleMs = 0, others = [] } = options;
  const url = readUrl(text, ADDRESS, Object.keys(PORTS));
  const isWebSocket = url.protocol.startsWith('ws');
  if (!isWebSocket && !['', '/'].includes(url.pathname)) {
    throw new TargetError(`${text} is not an address: only WebSocket has a path`);
  }
  const own = options.wsUrl ?? null;
  const wsUrl = own === null ? null : readUrl(own, 'ws or wss://HOST[:PORT][/PATH]', ['ws', 'wss']);
  const username = options.username ?? (url.username === '' ? null : decode(url.username));
  const password = options.password ?? (url.password === '' ? null : decode(url.password));
  if (username === null && password !== null) {
    throw new TargetError('a password needs a user name');
  }
  const main = addressOf(url);
  return {
    url: main,
    wsUrl: wsUrl === null ? (isWebSocket ? main : null) : addressOf(wsUrl),
    ca,
    rejectsUnverified: !isInsecure,
    credentials: username === null ? null : { username, password },
    settleMs,
    others: others.map(({ url, wsUrl }) => ({ url, wsUrl })),
  };
}

/** Host, without brackets, and port of a target's address. */
export function hostAndPort(url: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url);
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (PORTS[protocol.slice(0, -1)] as number) : Number(port),
  };
}

function readUrl(text: string, form: string, schemes: readonly string[]): URL {
  const withScheme = text.includes('://') ? text : `mqtt://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null;
  if (url === null || url.hostname === '' || !schemes.includes(url.protocol.slice(0, -1))) {
    throw new TargetError(`${text} is not an address: ${form}`);
  }
  return url;
}

/** Without credentials, which belong in no report. */
function addressOf(url: URL): string {
  const { host, port } = hostAndPort(url.href);
  const path = url.protocol.startsWith('ws') ? `${url.pathname}${url.search}` : '';
  return `${url.protocol}//${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
