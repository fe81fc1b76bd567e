import createClient, { type Client, defaultPathSerializer, type Middleware } from 'openapi-fetch';
import { AdminError } from './admin-error.ts';
import type { paths } from './generated/api.ts';
import { socketFetch } from './socket-fetch.ts';

/** A broker whose admin listener is asked over HTTP. */
export interface HttpTarget {
  /** Such as `http://127.0.0.1:18083`. */
  readonly url: string;
  /** The name of an API key. */
  readonly key: string;
  /** What `promptmq admin key create` has printed. */
  readonly secret: string;
  /** In the place of that of Node.js. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** A broker on this machine, whose admin socket only its own user and root may open; no key is needed. */
export interface SocketTarget {
  /** Such as `data/admin.sock`. */
  readonly socketPath: string;
}

/**
 * The operations of the admin API, by method and path below `/api/v5`: `admin.GET('/clients', { params: { query: { limit: 10 } } })`. What
 * is sent and answered has the types of the OpenAPI document.
 *
 * A promise resolves with `{ data, response }`, and rejects with an `AdminError` where the broker answers with an error, and with what `fetch`
 * throws where there is no answer. `parseAs: 'stream'` gives the body of one that continues.
 */
export type AdminClient = Client<paths>;

const API_PATH = '/api/v5';

/** Makes a client; nothing is sent before something is asked for. */
export function createAdminClient(target: HttpTarget | SocketTarget): AdminClient {
  if ('socketPath' in target) {
    // The host is nobody's: requests go to the socket.
    const fetch = socketFetch(target.socketPath);
    return refusing(
      createClient<paths>({ baseUrl: `http://localhost${API_PATH}`, fetch, pathSerializer }),
    );
  }
  const { url, key, secret, fetch } = target;
  const credentials = Buffer.from(`${key}:${secret}`).toString('base64');
  return refusing(
    createClient<paths>({
      baseUrl: `${url.replace(/\/+$/, '')}${API_PATH}`,
      headers: { authorization: `Basic ${credentials}` },
      pathSerializer,
      ...(fetch === undefined ? {} : { fetch }),
    }),
  );
}

/** What an operation answers, which has something to say: `const page = await dataOf(admin.GET('/clients'))`. */
export async function dataOf<T>(
  answer: Promise<{ readonly data?: T }>,
): Promise<Exclude<T, undefined>> {
  const { data } = await answer;
  if (data === undefined) throw new TypeError('this operation answers nothing');
  return data as Exclude<T, undefined>;
}

function refusing(client: AdminClient): AdminClient {
  client.use(THROWS);
  return client;
}

/** Stands in a path for what a parameter of the same name gives. */
const IN_QUERY = '~';

/** Whether it can't be a part of a URL, however it is written (RFC 3986, 5.2.4). */
function isDots(value: unknown): boolean {
  return value === '.' || value === '..';
}

function pathSerializer(pathname: string, parts: Record<string, unknown>): string {
  const written = Object.entries(parts).map(([name, value]) => [
    name,
    isDots(value) ? IN_QUERY : value,
  ]);
  return defaultPathSerializer(pathname, Object.fromEntries(written));
}

const THROWS: Middleware = {
  onRequest({ request, params }) {
    const dots = Object.entries(params.path ?? {}).filter(([, value]) => isDots(value));
    if (dots.length === 0) return undefined;
    const url = new URL(request.url);
    for (const [name, value] of dots) url.searchParams.append(name, `${value}`);
    return new Request(url, request);
  },
  async onResponse({ response }) {
    if (!response.ok) throw await AdminError.of(response);
  },
};
