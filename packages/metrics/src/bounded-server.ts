import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';

/** A request and its answer together may take this long; then the connection is cut. */
const EXCHANGE_MS_MAX = 10_000;
const KEEP_ALIVE_MS = 30_000;
const HEADER_BYTES_MAX = 8192;
/** Connections at a time: scrapers, probes and people, each with a few. */
const CONNECTIONS_MAX = 64;
/** Requests that a connection may send before the one under way is answered: few clients send any. */
const WAITING_REQUESTS_MAX = 16;
/** How long requests that are under way may still take when the server closes. */
const CLOSE_MS_MAX = 1000;

/** Answers a request; when it throws or rejects, the client gets 500. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Connections that the server has cut, by reason. */
export interface CutConnections {
  /** To make room for others. */
  room: number;
  /** The answer was not made, or not taken, in time. */
  late: number;
  /** Too many requests at once. */
  pipelined: number;
}

export interface BoundedServerOptions {
  readonly answer: Answer;
  /** Told of what went wrong while a request was answered or a connection accepted. */
  readonly onError?: (error: unknown) => void;
  /** How long a request with its answer may take, in milliseconds; 10,000 by default. */
  readonly exchangeMsMax?: number;
  /** 64 by default. */
  readonly connectionsMax?: number;
  /** Whether answers read what comes with a request; by default it is thrown away. */
  readonly readsBodies?: boolean;
  /** Told of each connection that is cut. */
  readonly onCut?: (why: keyof CutConnections) => void;
  /** Certificate and key of HTTPS; without them it is HTTP. */
  readonly tls?: SecureContextOptions;
}

export type ListenAddress =
  | { readonly host?: string; readonly port: number; readonly ipv6Only?: boolean }
  | { readonly path: string };

interface Connection {
  readonly socket: Socket;
  readonly waiting: ServerResponse[];
  isBusy: boolean;
  /** Whether its answer continues until one side ends it. */
  isEndless: boolean;
}

/**
 * An HTTP server for those who observe a program: nothing that they send or leave out ends the program, and none keeps
 * others from being answered. Times and sizes of requests are limited. A connection has one request answered at a
 * time, so that a reader who is slow holds one answer. When there are too many connections, the one that has been
 * idle for longest is closed, and when none is idle, the one whose answer has taken longest.
 */
export class BoundedServer {
  /** Live: it changes while the server runs. */
  readonly cut: CutConnections = { room: 0, late: 0, pipelined: 0 };
  readonly #answer: Answer;
  readonly #onError: (error: unknown) => void;
  readonly #exchangeMsMax: number;
  readonly #connectionsMax: number;
  readonly #readsBodies: boolean;
  readonly #onCut: (why: keyof CutConnections) => void;
  readonly #server: Server | TlsServer;
  /** Sockets that have not finished their handshake, by address and port of the peer. */
  readonly #handshakes: Map<string, Socket>;
  /** In the order in which they became what they are, idle or busy: the first are the first to go. */
  readonly #connections: Map<Socket, Connection>;

  constructor(options: BoundedServerOptions) {
    const { answer, onError, exchangeMsMax, connectionsMax, readsBodies, onCut, tls } = options;
    this.#onCut = onCut ?? (() => {});
    this.#answer = answer;
    this.#onError = onError ?? (() => {});
    this.#exchangeMsMax = exchangeMsMax ?? EXCHANGE_MS_MAX;
    this.#connectionsMax = connectionsMax ?? CONNECTIONS_MAX;
    this.#readsBodies = readsBodies ?? false;
    this.#connections = new Map();
    this.#handshakes = new Map();
    const limits = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: this.#exchangeMsMax,
      requestTimeout: this.#exchangeMsMax,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(this.#exchangeMsMax, 1000),
    };
    const onRequest = (request: IncomingMessage, response: ServerResponse) =>
      this.#onRequest(request, response);
    if (tls === undefined) {
      this.#server = createServer(limits, onRequest);
      this.#server.on('connection', (socket) => this.#onConnection(socket));
    } else {
      const handshakeTimeout = this.#exchangeMsMax;
      this.#server = createTlsServer({ ...limits, ...tls, handshakeTimeout }, onRequest);
      this.#server.on('connection', (socket) => this.#onHandshake(socket));
      this.#server.on('secureConnection', (socket) => {
        this.#handshakes.delete(peerOf(socket));
        this.#onConnection(socket);
      });
    }
  }

  /** Connections that come from now on are shown another certificate; only for a server that was made with one. */
  setTls(tls: SecureContextOptions): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(tls);
  }

  /** @throws the system's error (EADDRINUSE, EACCES …) */
  listen(where: ListenAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(where, () => {
        this.#server.off('error', reject);
        // Such as too many open files when a connection is accepted: without a listener it would end the process.
        this.#server.on('error', this.#onError);
        resolve();
      });
    });
  }

  /** Where it listens: an address, or the path of a socket. */
  get address(): AddressInfo | string {
    return this.#server.address() as AddressInfo | string;
  }

  /** For an answer that continues until one side ends it: it has no time limit, and isn't cut to make room. */
  keepOpen({ socket }: ServerResponse): void {
    const connection = socket === null ? undefined : this.#connections.get(socket);
    if (connection !== undefined) connection.isEndless = true;
  }

  /** Stops accepting, gives requests that are under way a second, and resolves when no handle is left. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS_MAX);
      this.#server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      this.#server.closeIdleConnections();
    });
  }

  /** What never finishes its handshake has as many places as what has: the oldest makes room. */
  #onHandshake(socket: Socket): void {
    const peer = peerOf(socket);
    this.#handshakes.set(peer, socket);
    socket.once('close', () => {
      if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer);
    });
    if (this.#handshakes.size <= this.#connectionsMax) return;
    for (const [oldest, victim] of this.#handshakes) {
      this.#handshakes.delete(oldest);
      this.cut.room++;
      this.#onCut('room');
      victim.destroy();
      return;
    }
  }

  #onConnection(socket: Socket): void {
    this.#connections.set(socket, { socket, waiting: [], isBusy: false, isEndless: false });
    socket.once('close', () => this.#connections.delete(socket));
    if (this.#connections.size > this.#connectionsMax) this.#makeRoom(socket);
  }

  #makeRoom(newcomer: Socket): void {
    let victim: Connection | null = null;
    for (const connection of this.#connections.values()) {
      if (connection.socket === newcomer || connection.isEndless) continue;
      victim ??= connection;
      if (connection.isBusy) continue;
      victim = connection;
      break;
    }
    this.#cut(victim?.socket ?? newcomer, 'room');
  }

  #cut(socket: Socket, why: keyof CutConnections): void {
    this.cut[why]++;
    this.#onCut(why);
    this.#connections.delete(socket);
    socket.destroy();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => response.destroy());
    // What comes with a request is of no interest, and mustn't hold its connection up.
    if (!this.#readsBodies) request.resume();
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) response.destroy();
    else if (!connection.isBusy) this.#begin(connection, response);
    else if (connection.waiting.length < WAITING_REQUESTS_MAX) {
      connection.waiting.push(response);
    } else this.#cut(connection.socket, 'pipelined');
  }

  #begin(connection: Connection, response: ServerResponse): void {
    this.#become(connection, true);
    const timer = setTimeout(() => {
      if (!connection.isEndless) this.#cut(connection.socket, 'late');
    }, this.#exchangeMsMax);
    response.once('close', () => {
      clearTimeout(timer);
      connection.isEndless = false;
      this.#become(connection, false);
      const next = connection.waiting.shift();
      if (next !== undefined) this.#begin(connection, next);
    });
    // In a promise's function, so that what throws at once is caught like what rejects.
    new Promise<void>((resolve) => resolve(this.#answer(response.req, response))).catch((error) =>
      this.#fail(response, error),
    );
  }

  #become(connection: Connection, isBusy: boolean): void {
    connection.isBusy = isBusy;
    // Cut or closed: not to come back.
    if (!this.#connections.delete(connection.socket)) connection.waiting.length = 0;
    else this.#connections.set(connection.socket, connection);
  }

  #fail(response: ServerResponse, error: unknown): void {
    this.#onError(error);
    if (response.headersSent) response.destroy();
    else {
      response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
      response.end('the answer failed\n');
    }
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
