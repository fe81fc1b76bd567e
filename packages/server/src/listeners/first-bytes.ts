import type { Socket } from 'node:net';
import type { Arrival } from './arrival.ts';
import { mayBeProxyHeader, type ProxyVersions, parseProxyHeader } from './proxy/proxy-header.ts';

/** What comes over a connection. */
export type Content = 'mqtt' | 'tls' | 'http';

/** What a listener's clients have to begin with; `any` and, in TLS, `any-inside`: they choose. */
export type Opening = Content | 'any' | 'any-inside';

export interface FirstBytesOptions {
  readonly opening: Opening;
  /** Which PROXY protocol header may come before; null when none may. */
  readonly proxyVersions: ProxyVersions | null;
  /** Whether it may be left out. */
  readonly isProxyOptional: boolean;
}

const TLS_HANDSHAKE = 0x16;
const MQTT_CONNECT = 0x10;
const PROXY_V2_START = 0x0d;

/**
 * Reads the PROXY protocol header, if one has to come, and the first bytes after it; what obviously is another protocol
 * than the listener's is refused here, in plain words. The stream then is as if nothing but the header had been read.
 *
 * A peer that closes before is closed, too, without a word.
 *
 * @param stream - the socket itself, or what TLS makes of it
 */
export function readFirstBytes(
  arrival: Arrival,
  stream: Socket,
  { opening, proxyVersions, isProxyOptional }: FirstBytesOptions,
  onReady: (content: Content) => void,
): void {
  let received: Buffer = Buffer.alloc(0);
  let isHeaderDue = proxyVersions !== null;
  stream.on('readable', onReadable);

  function onReadable(): void {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null || !arrival.isUnderWay) return;
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    if (isHeaderDue && !takeHeader(proxyVersions as ProxyVersions)) return;
    if (received.length === 0) return;
    const stranger = strangerAt(opening, received);
    if (stranger !== null) {
      arrival.refuse('protocol', stranger);
      return;
    }
    // A request that begins as a header does is told by what follows.
    if (isHeaderUnclear(opening, received)) return;
    stream.off('readable', onReadable);
    stream.unshift(received);
    onReady(contentOf(opening, received[0] as number));
  }

  /** @returns false when the next bytes aren't there, or were refused */
  function takeHeader(versions: ProxyVersions): boolean {
    if (isProxyOptional && !mayBeProxyHeader(received, versions)) {
      isHeaderDue = false;
      return arrival.locate();
    }
    arrival.enter('proxy-header');
    const header = parseProxyHeader(received, versions);
    if (header.status === 'invalid') arrival.refuse('proxy', header.why);
    if (header.status !== 'complete') return false;
    isHeaderDue = false;
    if (header.source !== null) arrival.address = header.source;
    received = received.subarray(header.size);
    arrival.enter('first-bytes');
    return arrival.locate();
  }
}

function isHeaderUnclear(opening: Opening, bytes: Buffer): boolean {
  const isChosen = opening === 'any' || opening === 'any-inside';
  return isChosen && bytes.length < 6 && mayBeProxyHeader(bytes, 'any');
}

function contentOf(opening: Opening, first: number): Content {
  if (opening !== 'any' && opening !== 'any-inside') return opening;
  if (opening === 'any' && first === TLS_HANDSHAKE) return 'tls';
  // Whatever else isn't a CONNECT is refused by MQTT's own rules.
  return isCapital(first) ? 'http' : 'mqtt';
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

const NO_PROXY_HERE =
  'looks like a PROXY protocol header: the listener takes none from this address (proxy-protocol, proxy-trusted)';

/** What the first bytes look like, if it isn't what the listener is for; null when they may be. */
function strangerAt(opening: Opening, bytes: Buffer): string | null {
  const first = bytes[0] as number;
  switch (opening) {
    case 'mqtt':
      // Whatever else isn't a CONNECT is refused by MQTT's own rules.
      return first === MQTT_CONNECT ? null : (looksLikeTls(first) ?? looksLikeOther(bytes));
    case 'tls':
      if (first === TLS_HANDSHAKE) return null;
      return (
        looksLikeMqtt(first) ?? looksLikeOther(bytes) ?? 'not TLS: this listener takes TLS only'
      );
    case 'any':
      return looksLikeProxy(bytes) === null ? null : NO_PROXY_HERE;
    case 'any-inside':
      if (looksLikeProxy(bytes) !== null) return NO_PROXY_HERE;
      return first === TLS_HANDSHAKE ? 'looks like TLS within TLS' : null;
    case 'http':
      if (isCapital(first) && looksLikeProxy(bytes) === null) return null;
      return (
        looksLikeTls(first) ??
        looksLikeMqtt(first) ??
        looksLikeProxy(bytes) ??
        'not HTTP: this listener takes WebSocket only'
      );
  }
}

function looksLikeTls(first: number): string | null {
  return first === TLS_HANDSHAKE
    ? 'looks like TLS: this listener takes connections without TLS (server.tls-bind and server.wss-bind take TLS)'
    : null;
}

function looksLikeMqtt(first: number): string | null {
  return first === MQTT_CONNECT
    ? 'looks like MQTT without TLS or WebSocket: server.bind takes that, this listener does not'
    : null;
}

function looksLikeOther(bytes: Buffer): string | null {
  return looksLikeProxy(bytes) ?? looksLikeHttp(bytes);
}

function looksLikeHttp(bytes: Buffer): string | null {
  const isHttp = /^(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) /.test(
    bytes.toString('latin1', 0, 8),
  );
  return isHttp
    ? 'looks like HTTP: this listener takes no HTTP (server.ws-bind and server.wss-bind take WebSocket)'
    : null;
}

function looksLikeProxy(bytes: Buffer): string | null {
  const isProxy =
    bytes.toString('latin1', 0, 6) === 'PROXY ' ||
    (bytes[0] === PROXY_V2_START && bytes[1] === 0x0a);
  return isProxy ? 'looks like a PROXY protocol header: server.proxy-protocol is off' : null;
}
