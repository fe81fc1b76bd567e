import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { BoundedServer } from '@promptmq/metrics';
import type { Context, Hono } from 'hono';
import type { ApiGate } from '../api/admin-api.ts';
import type { ApiBase } from '../api/api-host.ts';
import { ApiError } from '../api/operation.ts';
import type { AdminGate, Admission, Admitted } from '../gate/admin-gate.ts';
import { endRefused, readBody } from './request-body.ts';

/** Of all connections, those whose answers may continue: whoever comes then still finds a place. */
const LONG_PART = 0.5;

/** Bytes of a request of the operator on this machine at least: users, groups and roles are taken over at once. */
const SOCKET_BODY_BYTES_MAX = 67_108_864;

/** A request that is being answered. */
interface UnderWay {
  readonly admitted: Admitted;
  readonly startedAt: number;
  readonly keepOpen: BoundedServer['keepOpen'];
}

type Incoming = IncomingMessage & { rawBody?: Buffer };

/** Serves the API to requests of Node.js, wherever they come from. */
export class ApiFront {
  readonly #host: ApiBase;
  readonly #gate: AdminGate;
  readonly #underWay: WeakMap<IncomingMessage, UnderWay>;
  readonly #listener: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Those whose answers continue. */
  readonly #long: Map<ServerResponse, Admitted>;

  /**
   * @param open - makes the API, given who lets requests in
   * @param onError - hears what an operation has thrown that no caller can have caused
   */
  constructor(
    host: ApiBase,
    gate: AdminGate,
    open: (gate: ApiGate) => Hono,
    onError: (error: unknown) => void,
  ) {
    this.#host = host;
    this.#gate = gate;
    this.#underWay = new WeakMap();
    this.#long = new Map();
    const api = open({
      admit: (context, operation) => {
        const { request, admitted } = this.#of(context);
        if (!isOfSocket(admitted)) gate.check(request, admitted, operation);
        return admitted.caller;
      },
      onLong: (context) => this.#onLong(context),
      onDone: (context, operation, path, { status, who }) => {
        const { request, admitted, startedAt } = this.#of(context);
        // Whoever has passed it on has noted it.
        if (admitted.isPassedOn === true) return;
        const ms = Math.round(performance.now() - startedAt);
        const caller = { ...admitted.caller, ...who };
        gate.note(caller, operation, `${request.method}`, path, status, ms);
      },
      onError,
    });
    this.#listener = getRequestListener(api.fetch, { overrideGlobalObjects: false });
  }

  /**
   * Answers a request whose sender is known.
   *
   * @throws {ApiError} 401, 413 and 415, for `refuseRequest`
   * @param keepOpen - has the connection's server leave it open for as long as its answer takes
   */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    admitted: Admitted,
    keepOpen: BoundedServer['keepOpen'],
  ): Promise<void> {
    const startedAt = performance.now();
    const { maxBodySize } = this.#host.config.admin;
    const bytesMax = isOfSocket(admitted)
      ? Math.max(maxBodySize, SOCKET_BODY_BYTES_MAX)
      : maxBodySize;
    const body = await readBody(request, bytesMax);
    if (body === null) {
      const why = `the body has more than ${bytesMax} bytes: admin.max-body-size`;
      throw new ApiError(413, 'TOO_LARGE', why);
    }
    // While it arrived, the key may have been deleted.
    if (!this.#gate.isStillIn(admitted)) {
      throw new ApiError(401, 'UNAUTHORIZED', `${admitted.caller.name} is not let in any more`);
    }
    if (body.length > 0 && !isJson(request.headers['content-type'])) {
      throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', 'content-type has to be application/json');
    }
    (request as Incoming).rawBody = body;
    this.#underWay.set(request, { admitted, startedAt, keepOpen });
    await this.#listener(request, response);
  }

  /** Says who sends a request, of what its head says. @throws {ApiError} 401 and 429 */
  admit(request: IncomingMessage, admission: Admission): Admitted {
    return this.#gate.admit(request, admission);
  }

  /** Keys have changed, or a session has ended: ends the answers that continue for those who would not be let in any more. */
  endRefused(): void {
    for (const [response, admitted] of this.#long) {
      if (!this.#gate.isStillIn(admitted)) response.destroy();
    }
  }

  #onLong(context: Context): void {
    const { response, admitted, keepOpen } = this.#of(context);
    if (this.#long.size >= Math.max(1, this.#host.config.admin.maxConnections * LONG_PART)) {
      this.#host.stats.streamsRefused++;
      throw new ApiError(
        503,
        'TOO_MANY_STREAMS',
        `${this.#long.size} answers continue already: half of admin.max-connections`,
      );
    }
    this.#long.set(response, admitted);
    response.once('close', () => this.#long.delete(response));
    keepOpen(response);
  }

  #of(context: Context): UnderWay & { request: IncomingMessage; response: ServerResponse } {
    const { incoming: request, outgoing: response } = context.env as {
      incoming: IncomingMessage;
      outgoing: ServerResponse;
    };
    return { ...(this.#underWay.get(request) as UnderWay), request, response };
  }
}

/** Whether it needs no check: it came by a Unix domain socket, or was checked before it was passed on. */
function isOfSocket({ caller, isPassedOn }: Admitted): boolean {
  return caller.kind === 'socket' || isPassedOn === true;
}

function isJson(type: string | undefined): boolean {
  return type === undefined || /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
}

/** Answers with an error as the API has them, and ends the connection. */
export function refuseRequest(
  request: IncomingMessage,
  response: ServerResponse,
  { status, code, message, headers }: ApiError,
): void {
  const json = { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers };
  endRefused(request, response, status, json, `${JSON.stringify({ code, message })}\n`);
}
