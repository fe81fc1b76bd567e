import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionPlace } from '../../limits/connection-places.ts';
import { Arrival } from '../arrival.ts';
import type { ListenerHost } from '../host.ts';
import { addressOf } from '../peer-address.ts';
import { WebSocketTransport } from './websocket-transport.ts';
import { answerUpgrade, refusalResponse } from './websocket-upgrade.ts';

/** How long a client may take to take its refusal, in milliseconds, when nothing of the broker runs any more. */
const ANSWER_MS = 2000;

/** What the program says of a client whose upgrade it hands over; null: nothing. */
export interface UpgradeOrigin {
  readonly remoteAddress: string | null;
  readonly userName: string | null;
}

/**
 * Takes a request to open a WebSocket that came to an HTTP server of the program. Whatever is wrong with it is answered and
 * closed; the path is the program's to check. The socket counts as the listeners' own do.
 *
 * @param head - what came after the request
 */
export function takeUpgrade(
  host: ListenerHost,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  { remoteAddress, userName }: UpgradeOrigin,
): void {
  // HTTP has let go of the socket: without a listener, a reset would end the process.
  socket.on('error', () => socket.destroy());
  if (socket.destroyed) return;
  // Its server closes it no more when it is idle: from here on that is up to keep alive.
  const { tcpKeepAlive } = host.config.server;
  socket.setTimeout(0);
  socket.setNoDelay(true);
  if (tcpKeepAlive > 0) socket.setKeepAlive(true, tcpKeepAlive);
  const address = remoteAddress ?? addressOf(socket);
  const place = placeFor(host, address);
  if (typeof place === 'string') {
    host.onSocketRefused('limit', address, place);
    answer(socket, '503 Service Unavailable', place);
    return;
  }
  socket.once('close', () => host.sockets.release());
  const arrival = new Arrival(host, socket, place);
  arrival.address = address;
  const verdict = answerUpgrade(request, {
    paths: null,
    allowedOrigins: host.config.server.wsAllowedOrigins,
    originsKey: 'server.ws-allowed-origins',
    deflatedBytesMax: 0,
  });
  if (!verdict.isAccepted) {
    arrival.report('http', `${verdict.status}: ${verdict.why}`);
    answer(socket, verdict.status, verdict.why);
    return;
  }
  socket.write(verdict.head);
  const transport = new WebSocketTransport(host, socket, arrival, { userName });
  const handler = host.accept(transport);
  if (handler !== null) transport.start(handler, head);
  arrival.handOver();
}

/** A socket and a place for one more, or why there is none. */
function placeFor(host: ListenerHost, address: string): ConnectionPlace | string {
  if (!host.isServing) return 'the broker has stopped';
  const place = host.places.take();
  if (typeof place === 'string') return `too many that have not connected (${place})`;
  const limit = place.locate(address);
  if (limit === null && host.sockets.take()) return place;
  place.release();
  return limit === null
    ? 'too many open sockets'
    : `too many connections from the address (${limit})`;
}

/** Whether the client reads it or not, the socket is closed. */
function answer(socket: Socket, status: string, why: string): void {
  socket.setTimeout(ANSWER_MS, () => socket.destroy());
  socket.end(refusalResponse(status, why));
  socket.destroySoon();
}
