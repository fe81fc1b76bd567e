import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { threadId } from 'node:worker_threads';
import { BoundedServer } from '@promptmq/metrics';
import type { RunningBroker } from '../embed/running-broker.ts';
import { noopLogger } from '../log/index.ts';
import { Admin } from './admin.ts';
import { SOCKET_PATH_BYTES_MAX } from './admin-socket.ts';
import { API_PATH } from './api/admin-api.ts';
import { ApiError, SCOPES } from './api/operation.ts';
import type { Admitted } from './gate/admin-gate.ts';
import { CALLER_HEADER, callerOf } from './processes/passed-caller.ts';
import { refuseRequest } from './web/api-front.ts';

/** Whoever may open the socket may do everything. */
const SOCKET: Admitted = {
  caller: { name: 'socket', kind: 'socket', scopes: new Set(SCOPES), address: null },
  key: null,
  session: null,
};

/**
 * The admin API for an operator on this machine, over a Unix domain socket that only the broker's own user (and root) can open. It
 * needs no key.
 */
export class AdminServer {
  readonly #path: string;
  readonly #server: BoundedServer;
  readonly #admin: Admin;
  /** Whether nobody else has the API. */
  readonly #isOwn: boolean;
  /** Whether it is another process of this broker that asks, for callers of its own. */
  readonly #isForProcess: boolean;

  private constructor(
    path: string,
    onError: (error: unknown) => void,
    admin: Admin,
    isOwn: boolean,
    isForProcess: boolean,
  ) {
    this.#isForProcess = isForProcess;
    this.#path = path;
    this.#admin = admin;
    this.#isOwn = isOwn;
    this.#server = new BoundedServer({
      answer: (request, response) => this.#onRequest(request, response),
      onError,
      readsBodies: true,
      // The other process has limits of its own.
      ...(isForProcess ? { connectionsMax: admin.host.config.admin.maxConnections } : {}),
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
    const open = () => (given === null ? Admin.start(broker, noopLogger) : given);
    return AdminServer.#listenAt(path, onError, open, given === null, false);
  }

  /** The same with an API that there is, and that whoever has it closes. */
  static serve(
    admin: Admin,
    path: string,
    onError: (error: unknown) => void,
  ): Promise<AdminServer> {
    return AdminServer.#listenAt(path, onError, () => admin, false, false);
  }

  /** The same for another process of this broker, which passes requests on: it says whose they are, and has checked them. */
  static serveProcess(
    admin: Admin,
    path: string,
    onError: (error: unknown) => void,
  ): Promise<AdminServer> {
    return AdminServer.#listenAt(path, onError, () => admin, false, true);
  }

  static async #listenAt(
    path: string,
    onError: (error: unknown) => void,
    open: () => Admin | Promise<Admin>,
    isOwn: boolean,
    isForProcess: boolean,
  ): Promise<AdminServer> {
    if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
      throw new Error(
        `${path} is longer than the ${SOCKET_PATH_BYTES_MAX} bytes that the path of a socket may have`,
      );
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    await removeStale(path);
    const admin = await open();
    const server = new AdminServer(path, onError, admin, isOwn, isForProcess);
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

  /** Says to those who follow something that the broker stops, and closes; a reader that doesn't read can't hold it up. */
  async close(): Promise<void> {
    const closed = this.#server.close();
    this.#admin.host.streams.endAll();
    if (this.#isOwn) await this.#admin.close();
    await closed;
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      // No URL is made of what isn't the API's: there are texts of which none can be made.
      if (!request.url?.startsWith(`${API_PATH}/`)) {
        throw new ApiError(404, 'NOT_FOUND', `everything is below ${API_PATH}`);
      }
      const admitted = this.#isForProcess ? passedOn(request) : SOCKET;
      await this.#admin.front.answer(request, response, admitted, (longer) =>
        this.#server.keepOpen(longer),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refuseRequest(request, response, error);
    }
  }
}

/** For whom another process of this broker asks. */
function passedOn({ headers }: IncomingMessage): Admitted {
  const given = headers[CALLER_HEADER];
  return given === undefined
    ? { ...SOCKET, isPassedOn: true }
    : { caller: callerOf(`${given}`), key: null, session: null, isPassedOn: true };
}

/**
 * Removes a socket on which nobody listens. It is looked at by a big stat: see `isStream` in standard-output.ts.
 *
 * @throws when somebody does, or may, or when something else is there
 */
async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there, and is no socket`);
  const refusal = await connectionError(path);
  if (refusal === null) throw new Error(`another process listens on ${path}`);
  if (refusal !== 'ECONNREFUSED') throw new Error(`${path} can't be asked: ${refusal}`);
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
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
