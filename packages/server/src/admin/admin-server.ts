import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { threadId } from 'node:worker_threads';
import { BoundedServer } from '@promptmq/metrics';
import { EmbedError, withoutMethod } from '../embed/calls/embed-error.ts';
import type { RunningBroker } from '../embed/running-broker.ts';
import { noopLogger } from '../log/index.ts';
import { version } from '../version.ts';
import { Admin } from './admin.ts';
import type { AdminStatus } from './admin-client.ts';
import { SOCKET_PATH_BYTES_MAX } from './admin-socket.ts';
import { API_PATH } from './api/admin-api.ts';
import { ApiError, SCOPES } from './api/operation.ts';
import { API_REQUESTS, type ApiRequest, refuseReadOnly, statusOf } from './api-requests.ts';
import type { Admitted } from './gate/admin-gate.ts';
import { TraceStream } from './trace-stream.ts';
import { refuseRequest } from './web/api-front.ts';

/** Traces at the same time. Each costs encoding its client's packets once more. */
const TRACES_MAX = 16;

const SLOW_SUBSCRIBERS_MAX = 10_000;

/** Whoever may open the socket may do everything. */
const SOCKET: Admitted = {
  caller: { name: 'socket', kind: 'socket', scopes: new Set(SCOPES), address: null },
  key: null,
  session: null,
};

/**
 * What an operator on this machine may ask of the broker, over a Unix domain socket that only the broker's
 * own user (and root) can open: `GET /status?top=N`, `GET /trace?client=ID`, and the calls of `API_REQUESTS`. It is a user of
 * `RunningBroker`, and knows nothing of the broker beside it.
 */
export class AdminServer {
  readonly #broker: RunningBroker;
  readonly #startedAt: number;
  readonly #path: string;
  readonly #server: BoundedServer;
  readonly #traces: Set<TraceStream>;
  readonly #admin: Admin;

  private constructor(
    broker: RunningBroker,
    path: string,
    onError: (error: unknown) => void,
    admin: Admin,
  ) {
    this.#broker = broker;
    this.#path = path;
    this.#startedAt = performance.now();
    this.#traces = new Set();
    this.#admin = admin;
    this.#server = new BoundedServer({
      answer: (request, response) => this.#onRequest(request, response),
      onError,
      readsBodies: true,
    });
  }

  /**
   * Listens. A socket that a broker left behind when it was killed is taken over.
   *
   * @param onError - called with what went wrong while a request was answered
   * @param given - whose API is served, and who closes it; by default one without keys and listener
   * @throws when another process listens there, or the system refuses the path
   */
  static async start(
    broker: RunningBroker,
    path: string,
    onError: (error: unknown) => void = () => {},
    given: Admin | null = null,
  ): Promise<AdminServer> {
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
      throw new Error(
        `${path} is longer than the ${SOCKET_PATH_BYTES_MAX} bytes that the path of a socket may have`,
      );
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    await removeStale(path);
    const admin = given ?? (await Admin.start(broker, noopLogger));
    const server = new AdminServer(broker, path, onError, admin);
    await server.#listen();
    return server;
  }

  /** The socket has its mode from the beginning: nobody else can open it in between. */
  async #listen(): Promise<void> {
    // Worker threads can't change the mask; there the mode comes a moment later.
    const mask = threadId === 0 ? process.umask(0o177) : null;
    let listening: Promise<void>;
    try {
      listening = this.#server.listen({ path: this.#path });
    } finally {
      if (mask !== null) process.umask(mask);
    }
    await listening;
    if (mask === null) chmodSync(this.#path, 0o600);
  }

  /** Says to those who trace that the broker stops, and closes; a reader that doesn't read can't hold it up. */
  async close(): Promise<void> {
    const closed = this.#server.close();
    for (const trace of this.#traces) trace.end();
    await closed;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void | Promise<void> {
    // No URL is made of it: there are texts of which none can be made.
    const target = request.url ?? '/';
    if (target.startsWith(API_PATH)) {
      const keepOpen = (longer: ServerResponse) => this.#server.keepOpen(longer);
      return this.#admin.front.answer(request, response, SOCKET, keepOpen).catch((error) => {
        if (!(error instanceof ApiError)) throw error;
        refuseRequest(request, response, error);
      });
    }
    const queryAt = target.indexOf('?');
    const path = queryAt === -1 ? target : target.slice(0, queryAt);
    const parameters = new URLSearchParams(queryAt === -1 ? '' : target.slice(queryAt));
    const call = Object.hasOwn(API_REQUESTS, path) ? API_REQUESTS[path] : undefined;
    const method = call?.method ?? 'GET';
    if (request.method !== method) {
      refuse(response, 405, `only ${method}`);
    } else if (call !== undefined) {
      return this.#onCall(path, call, parameters, request, response);
    } else if (path === '/status') {
      this.#onStatus(parameters.get('top') ?? '10', response);
    } else if (path === '/trace') {
      this.#onTrace(parameters.get('client') ?? '', response);
    } else {
      const paths = ['/status', '/trace', ...Object.keys(API_REQUESTS)];
      refuse(response, 404, `there are ${paths.join(', ')}`);
    }
  }

  async #onCall(
    path: string,
    call: ApiRequest,
    parameters: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const unknown = [...parameters.keys()].find((name) => !call.parameters.includes(name));
    if (unknown !== undefined) {
      refuse(response, 400, `${unknown} is no parameter; there are ${call.parameters.join(', ')}`);
      return;
    }
    if (call.isLong) this.#server.keepOpen(response);
    const startedAt = performance.now();
    let code = 200;
    try {
      if (call.method === 'POST' && call.isQuestion !== true) refuseReadOnly(this.#broker);
      answerJson(response, await call.answer(this.#broker, parameters, request));
    } catch (error) {
      const status = statusOf(error);
      code = status ?? 500;
      if (status === null) throw error;
      const why = error instanceof EmbedError ? withoutMethod(error) : (error as Error).message;
      refuse(response, status, why);
    } finally {
      if (call.method === 'POST') {
        const id = path.slice(1);
        this.#admin.front.note(SOCKET, { id }, call.method, path, code, startedAt);
      }
    }
  }

  #onStatus(top: string, response: ServerResponse): void {
    const limit = /^\d{1,5}$/.test(top) ? Number(top) : Number.NaN;
    if (!(limit <= SLOW_SUBSCRIBERS_MAX)) {
      refuse(response, 400, `top takes a whole number from 0 to ${SLOW_SUBSCRIBERS_MAX}`);
      return;
    }
    const { stats, listeners } = this.#broker;
    const status: AdminStatus = {
      pid: process.pid,
      version,
      uptimeSeconds: Math.floor((performance.now() - this.#startedAt) / 1000),
      listeners: listeners.map(
        ({ name, protocol, address, clientCount }) =>
          `${protocol} ${address} (${name}, ${clientCount} connected)`,
      ),
      connections: stats.connectionsCurrent,
      sessions: stats.sessionsCurrent,
      subscriptions: stats.subscriptionsCurrent,
      retained: stats.retainedCurrent,
      slowSubscribers: this.#broker.slowSubscribers(limit),
    };
    answerJson(response, status);
  }

  #onTrace(clientId: string, response: ServerResponse): void {
    if (clientId === '') {
      refuse(response, 400, 'client takes a client identifier');
      return;
    }
    if (this.#traces.size >= TRACES_MAX) {
      refuse(response, 503, `${TRACES_MAX} traces are open already`);
      return;
    }
    this.#server.keepOpen(response);
    const stream = new TraceStream(response);
    this.#traces.add(stream);
    const stop = this.#broker.traceClient(clientId, (event) => stream.write(event));
    response.on('close', () => {
      stop();
      this.#traces.delete(stream);
    });
  }
}

function answerJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(value)}\n`);
}

function refuse(response: ServerResponse, code: number, why: string): void {
  response.writeHead(code, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify({ error: why })}\n`);
}

/**
 * Removes a socket on which nobody listens.
 *
 * @throws when somebody does, or may, or when something else is there
 */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there, and is no socket`);
  const refusal = await connectionError(path);
  if (refusal === null) throw new Error(`another process listens on ${path}`);
  if (refusal !== 'ECONNREFUSED') throw new Error(`${path} can't be asked: ${refusal}`);
  rmSync(path, { force: true });
}

/** The code of the error with which a Unix domain socket refuses a connection; null when it doesn't. */
function connectionError(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
