import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BoundedServer } from '@promptmq/metrics';
import type { Config } from '../../config/index.ts';
import type { AdminStats } from '../../embed/admin-endpoint.ts';
import { type Logger, rateLimited } from '../../log/index.ts';
import { API_PATH } from '../api/admin-api.ts';
import { ApiError } from '../api/operation.ts';
import type { Admission } from '../gate/admin-gate.ts';
import { OPERATIONS } from '../routes/index.ts';
import { type ApiFront, refuseRequest } from './api-front.ts';
import { allowOrigin, secure } from './security-headers.ts';

/** What is served beside the API. */
export interface Pages {
  /** Answers a GET or HEAD of a path that is not below the API's. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}

/** Of what was refused: those who cause the lines are known to nobody. */
const LINES_PER_SECOND = 5;

/** Of paths that take more than keys: `POST /login` and the like. */
const ADMISSIONS: ReadonlyMap<string, Admission> = new Map([
  ...OPERATIONS.filter(({ isOpen }) => isOpen === true).map(
    ({ path }) => [API_PATH + path, 'open'] as const,
  ),
  ...OPERATIONS.filter(({ isForAll }) => isForAll === true).map(
    ({ path }) => [API_PATH + path, 'all'] as const,
  ),
]);

/** What EMQX has beside its API: what asks whether a broker is there asks for this. */
const SHORT_PATHS: ReadonlyMap<string, string> = new Map([['/status', `${API_PATH}/status`]]);

/** Paths that lead elsewhere than they seem to: empty parts, dots, zeros and backslashes, also in percent encoding. */
const TRICKY_PATH = /\/\/|\/(?:\.|%2e){1,2}(?:\/|$)|%00|%5c|\\/i;

type StatusClass = keyof AdminStats['requests'];

/** Answers what comes to the admin listener: the API, its documentation and the console. */
export class WebFront {
  readonly #config: Config['admin'];
  readonly #api: ApiFront;
  readonly #pages: Pages;
  readonly #log: Logger;
  readonly #stats: AdminStats;

  /** @param config - live */
  constructor(
    config: Config['admin'],
    api: ApiFront,
    pages: Pages,
    log: Logger,
    stats: AdminStats,
  ) {
    this.#config = config;
    this.#stats = stats;
    this.#api = api;
    this.#pages = pages;
    this.#log = rateLimited(log, { perSecond: LINES_PER_SECOND, now: () => performance.now() });
  }

  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    keepOpen: BoundedServer['keepOpen'],
  ): Promise<void> {
    secure(response);
    response.once('close', () => this.#count(response));
    try {
      const [asked = '/', ...query] = (request.url ?? '/').split('?');
      const path = SHORT_PATHS.get(asked) ?? asked;
      if (path !== asked) request.url = [path, ...query].join('?');
      if (!path.startsWith('/') || TRICKY_PATH.test(path)) {
        throw new ApiError(
          400,
          'BAD_REQUEST',
          'the path has an empty part, a dot alone, or a zero; a name that is . or .. is ~ there, and a parameter of its name gives it',
        );
      }
      if (path !== API_PATH && !path.startsWith(`${API_PATH}/`)) {
        if (request.method !== 'GET' && request.method !== 'HEAD') {
          const allow = { allow: 'GET, HEAD' };
          throw new ApiError(405, 'METHOD_NOT_ALLOWED', `${path} takes GET`, allow);
        }
        request.resume();
        await this.#pages.answer(path, request, response);
      } else if (!allowOrigin(request, response, this.#config.origins)) {
        const admitted = this.#api.admit(request, ADMISSIONS.get(path) ?? 'key');
        await this.#api.answer(request, response, admitted, keepOpen);
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, code } = error;
      const address = request.socket.remoteAddress ?? null;
      if (status !== 404 && status !== 405)
        this.#log.info('admin-refused', { address, status, code });
      refuseRequest(request, response, error);
    }
  }

  #count({ headersSent, statusCode }: ServerResponse): void {
    // A connection that was cut before has no answer.
    if (headersSent) this.#stats.requests[`${Math.floor(statusCode / 100)}xx` as StatusClass]++;
  }
}
