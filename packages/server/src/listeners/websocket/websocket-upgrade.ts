import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { WebSocketProfile } from '../profile.ts';
import { agreeOnDeflate, type DeflateTerms } from './deflate-offer.ts';

/** The subprotocols that are served, the preferred one first; old clients of MQTT 3.1 ask for the second. */
const SUBPROTOCOLS: readonly string[] = ['mqtt', 'mqttv3.1'];

/** RFC 6455, 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** What a request to open a WebSocket is answered. */
export type UpgradeAnswer =
  | { readonly isAccepted: true; readonly head: string; readonly deflate: DeflateTerms | null }
  | { readonly isAccepted: false; readonly status: string; readonly why: string };

/**
 * Answers a request to open a WebSocket (RFC 6455, 4.2) for MQTT (chapter 6).
 *
 * @param paths - where it is looked for; null: whoever brings the request has decided on that
 */
export function answerUpgrade(
  request: IncomingMessage,
  {
    paths,
    allowedOrigins,
    originsKey,
    deflatedBytesMax,
  }: Omit<WebSocketProfile, 'paths'> & { readonly paths: readonly string[] | null },
): UpgradeAnswer {
  const { headers, method, httpVersion } = request;
  if ((headers.upgrade ?? '').toLowerCase() !== 'websocket') {
    return refusal('426 Upgrade Required', 'an upgrade to another protocol than websocket');
  }
  if (method !== 'GET') {
    return refusal('405 Method Not Allowed', `a WebSocket is opened by GET, not by ${method}`);
  }
  if (httpVersion.startsWith('0.') || httpVersion === '1.0') {
    return refusal('400 Bad Request', `a WebSocket needs HTTP/1.1, not HTTP/${httpVersion}`);
  }
  if (paths !== null && !paths.includes(pathOf(request.url ?? '/'))) {
    return refusal('404 Not Found', `no MQTT at this path: use ${paths.join(' or ')}`);
  }
  const { origin } = headers;
  if (origin !== undefined && allowedOrigins.length > 0 && !isAllowed(origin, allowedOrigins)) {
    return refusal('403 Forbidden', `this Origin is not in ${originsKey}`);
  }
  if (headers['sec-websocket-version'] !== '13') {
    return refusal('426 Upgrade Required', 'a WebSocket version other than 13');
  }
  const key = headers['sec-websocket-key'] ?? '';
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    return refusal('400 Bad Request', 'no valid Sec-WebSocket-Key');
  }
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const subprotocol = SUBPROTOCOLS.find((name) => offered.includes(name));
  if (subprotocol === undefined) {
    // [MQTT-6.0.0-3]
    return refusal('400 Bad Request', 'the client does not offer the subprotocol "mqtt"');
  }
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64');
  const deflate =
    deflatedBytesMax === 0 ? null : agreeOnDeflate(headers['sec-websocket-extensions']);
  const extensions = deflate === null ? '' : `Sec-WebSocket-Extensions: ${deflate.answer}\r\n`;
  return {
    isAccepted: true,
    deflate,
    head:
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n${extensions}Sec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`, // [MQTT-6.0.0-4]
  };
}

function refusal(status: string, why: string): UpgradeAnswer {
  return { isAccepted: false, status, why };
}

/** Without the query, which is the client's affair, and with one slash where several are, or none after it. */
function pathOf(url: string): string {
  const [path = ''] = url.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  const names = path.split('/').filter((name) => name !== '');
  return path.startsWith('/') || path === '' ? `/${names.join('/')}` : path;
}

function isAllowed(origin: string, allowed: readonly string[]): boolean {
  const asked = origin.toLowerCase();
  return allowed.some((entry) => entry === '*' || entry.toLowerCase().replace(/\/$/, '') === asked);
}

/** What a client may do, by status. */
const FIELDS_OF_STATUS: Readonly<Record<string, string>> = {
  '405': 'Allow: GET\r\n',
  '426': 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n',
};

/** An HTTP response that says why a request was refused, and ends the connection. */
export function refusalResponse(status: string, why: string): string {
  const body = `${why}\nThis is an MQTT broker: connect by WebSocket with the subprotocol "mqtt".\n`;
  const expected = FIELDS_OF_STATUS[status.slice(0, 3)] ?? '';
  return (
    `HTTP/1.1 ${status}\r\n${expected}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
