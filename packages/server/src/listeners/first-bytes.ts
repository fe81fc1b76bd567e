import type { Arrival } from './arrival.ts';
import { type ProxyVersions, parseProxyHeader } from './proxy/proxy-header.ts';

/** What a listener's clients have to begin with. */
export type Opening = 'mqtt' | 'tls' | 'http';

export interface FirstBytesOptions {
  readonly opening: Opening;
  /** Which PROXY protocol header comes before; null when none does. */
  readonly proxyVersions: ProxyVersions | null;
}

const TLS_HANDSHAKE = 0x16;
const MQTT_CONNECT = 0x10;
const PROXY_V2_START = 0x0d;

/**
 * Reads the PROXY protocol header, if one has to come, and the first bytes after it; what obviously is another protocol
 * than the listener's is refused here, in plain words. The socket then is as if nothing but the header had been read.
 *
 * A peer that closes before is closed, too, without a word.
 */
export function readFirstBytes(
  arrival: Arrival,
  { opening, proxyVersions }: FirstBytesOptions,
  onReady: () => void,
): void {
  const { socket } = arrival;
  let received: Buffer = Buffer.alloc(0);
  let isHeaderDue = proxyVersions !== null;
  socket.on('readable', onReadable);

  function onReadable(): void {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null || !arrival.isUnderWay) return;
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    if (isHeaderDue && !takeHeader()) return;
    if (received.length === 0) return;
    const stranger = strangerAt(opening, received);
    if (stranger !== null) {
      arrival.refuse('protocol', stranger);
      return;
    }
    socket.off('readable', onReadable);
    socket.unshift(received);
    onReady();
  }

  function takeHeader(): boolean {
    arrival.enter('proxy-header');
    const header = parseProxyHeader(received, proxyVersions as ProxyVersions);
    if (header.status === 'invalid') arrival.refuse('proxy', header.why);
    if (header.status !== 'complete') return false;
    isHeaderDue = false;
    if (header.source !== null) arrival.address = header.source;
    received = received.subarray(header.size);
    arrival.enter('first-bytes');
    return arrival.locate();
  }
}

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
    case 'http':
      if (/^[A-Z]$/.test(String.fromCharCode(first)) && looksLikeProxy(bytes) === null) return null;
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
