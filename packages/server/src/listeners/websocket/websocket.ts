import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ListenerTerms } from '../../connection/transport.ts';
import type { Arrival } from '../arrival.ts';
import type { ListenerHost } from '../host.ts';
import type { WebSocketProfile } from '../profile.ts';
import { plainResponse } from './plain-page.ts';
import { WebSocketTransport } from './websocket-transport.ts';
import { answerUpgrade, refusalResponse } from './websocket-upgrade.ts';

/** What holds for the WebSockets of a listener; asked for each request, as a reload may have changed it. */
export interface WebSocketStage {
  readonly terms: ListenerTerms;
  readonly webSocket: WebSocketProfile;
  readonly takesMqtt: boolean;
  forwardedAddress(address: string, header: string): string | null;
}

/** Reads the HTTP requests of the sockets of a listener, and opens WebSockets (chapter 6). */
export class WebSocketServer {
  readonly #server: Server;
  readonly #arrivals: WeakMap<Socket, Arrival>;

  constructor(host: ListenerHost, stage: WebSocketStage) {
    this.#arrivals = new WeakMap();
    this.#server = httpServer(host, this.#arrivals, stage);
  }

  /** What comes from a socket is HTTP from here on. */
  take(arrival: Arrival, socket: Socket): void {
    this.#arrivals.set(socket, arrival);
    arrival.enter('http');
    this.#server.emit('connection', socket);
  }
}

const CLOSED_BY_PEER: readonly string[] = ['ECONNRESET', 'EPIPE', 'HPE_INVALID_EOF_STATE'];

/** Reads requests of sockets that it is given; it doesn't listen by itself. The arrivals own its time-outs. */
function httpServer(
  host: ListenerHost,
  arrivals: WeakMap<Socket, Arrival>,
  stage: WebSocketStage,
): Server {
  const refuse = (
    socket: Socket,
    status: string,
    why: string,
    response = refusalResponse(status, why),
  ) => {
    const arrival = arrivals.get(socket);
    // Requests that came with a refused one get no answer.
    if (arrival?.isUnderWay !== true || arrival.isAnswered || socket.destroyed) return;
    arrival.report('http', `${status}: ${why}`);
    socket.end(response);
    // Whether the client reads it or not.
    socket.destroySoon();
  };
  const noteForwarded = (arrival: Arrival | undefined, { headers }: IncomingMessage) => {
    const header = headers['x-forwarded-for'];
    if (arrival === undefined || typeof header !== 'string') return;
    arrival.address = stage.forwardedAddress(arrival.address, header) ?? arrival.address;
  };
  const server = createServer({ headersTimeout: 0, requestTimeout: 0 }, (request) => {
    noteForwarded(arrivals.get(request.socket), request);
    const why = 'an HTTP request that is no upgrade to WebSocket';
    refuse(request.socket, '426 Upgrade Required', why, plainResponse(request, stage));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // Who has closed in the midst of a request gets no answer.
    if (CLOSED_BY_PEER.includes(error.code ?? '')) socket.destroy();
    else refuse(socket as Socket, '400 Bad Request', `not a valid HTTP request (${error.code})`);
  });
  // Node.js would answer, and keep the connection.
  server.on('checkExpectation', ({ socket }) => {
    refuse(socket, '417 Expectation Failed', 'an expectation that no WebSocket has');
  });
  server.on('connect', (_request, socket) => {
    refuse(socket as Socket, '405 Method Not Allowed', 'no proxy is here');
  });
  server.on('upgrade', (request: IncomingMessage, stream, head: Buffer) => {
    const socket = stream as Socket;
    // HTTP has let go of the socket: without a listener, a reset would end the process.
    socket.on('error', () => socket.destroy());
    const arrival = arrivals.get(socket);
    noteForwarded(arrival, request);
    const answer = answerUpgrade(request, stage.webSocket);
    if (!answer.isAccepted) {
      refuse(socket, answer.status, answer.why);
    } else if (arrival?.isUnderWay === true && !arrival.isAnswered && !socket.destroyed) {
      if (!arrival.locate()) return;
      socket.write(answer.head);
      const transport = new WebSocketTransport(host, socket, arrival, {
        terms: stage.terms,
        deflate: answer.deflate,
        deflatedBytesMax: stage.webSocket.deflatedBytesMax,
      });
      const handler = host.accept(transport);
      if (handler !== null) transport.start(handler, head);
      arrival.handOver();
    }
  });
  return server;
}
