import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request as a server has got it. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export type Answerer = (request: SeenRequest, response: ServerResponse) => void;

/** A real HTTP or HTTPS server on the loopback that notes what it is asked. */
export class WebServer {
  readonly requests: SeenRequest[] = [];
  /** How many connections were made to it. */
  connectionCount = 0;
  answer: Answerer;
  readonly #server: Server;

  private constructor(server: Server, answer: Answerer) {
    this.#server = server;
    this.answer = answer;
    server.on('connection', () => {
      this.connectionCount++;
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const seen: SeenRequest = {
          method: request.method as string,
          path: request.url as string,
          headers: request.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        };
        this.requests.push(seen);
        this.answer(seen, response);
      });
    });
  }

  /** @param tls - its certificate and key, for HTTPS */
  static async start(
    answer: Answerer,
    tls: { readonly cert: string; readonly key: string } | null = null,
  ): Promise<WebServer> {
    const server = tls === null ? createServer() : createTlsServer(tls);
    const web = new WebServer(server as Server, answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return web;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Begins with `http:`. */
  url(path = '/'): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** Ends it, with all its connections. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    return closed;
  }
}

/** Answers with JSON. */
export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answerer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };
}
