import type { IncomingMessage, ServerResponse } from 'node:http';
import { negotiateFormat } from './accept.ts';
import { BoundedServer, type CutConnections, type ListenAddress } from './bounded-server.ts';
import type { Catalogue } from './definition.ts';
import type { ExpositionFormat, MetricsRegistry } from './metrics-registry.ts';
import { type Checks, runChecks } from './readiness.ts';

const CHECK_MS_MAX = 5000;

export interface MetricsServerOptions<C extends Catalogue> {
  readonly registry: MetricsRegistry<C>;
  /** Where to listen: a port, 0 for any free one, or the path of a Unix domain socket. */
  readonly listen: ListenAddress;
  /** Where the metrics are; `/metrics` by default. */
  readonly path?: string;
  /** By name; what has to be in order for `/ready`. None by default. */
  readonly checks?: Checks;
  /** Called when reading a metric fails: the scraper only gets 500. */
  readonly onError?: (error: unknown) => void;
  /** How long a request with its answer may take, in milliseconds; 10,000 by default. */
  readonly exchangeMsMax?: number;
  /** Connections at a time; 64 by default. Beyond, the one that has been idle for longest is closed. */
  readonly connectionsMax?: number;
}

export interface MetricsServer {
  /** Without a path, such as `http://127.0.0.1:9090`; a wildcard address is given as localhost. */
  readonly url: string;
  /** Host and port, or the path of the socket. */
  readonly address: string;
  /** Connections that were cut. Live: it changes while the server runs. */
  readonly cut: Readonly<CutConnections>;
  /** Stops accepting, gives requests that are under way a second, and resolves when no handle is left. */
  close(): Promise<void>;
}

type Route = (request: IncomingMessage) => Promise<{ status: number; type: string; body: string }>;

/**
 * Serves metrics, `/health` (an answer means that the event loop turns) and `/ready` (each check,
 * and 503 if one fails) over HTTP. GET and HEAD only.
 *
 * A scrape is rendered once for all who ask at the same time, and who doesn't take the answer in time
 * is cut off.
 *
 * @throws {TypeError} when the path isn't one or is taken; the system's error (EADDRINUSE, EACCES …)
 */
export async function startMetricsServer<C extends Catalogue>(
  options: MetricsServerOptions<C>,
): Promise<MetricsServer> {
  const { path = '/metrics' } = options;
  if (!/^\/[^?#\s]+$/.test(path) || path === '/health' || path === '/ready') {
    throw new TypeError(`the metrics can't be at ${JSON.stringify(path)}`);
  }
  const routes: ReadonlyMap<string, Route> = new Map([
    ['/health', async () => json(200, { status: 'ok', uptimeSeconds: process.uptime() })],
    ['/ready', () => ready(options.checks ?? {})],
    [path, metricsRoute(options.registry)],
  ]);
  const { onError, exchangeMsMax, connectionsMax } = options;
  const server = new BoundedServer({
    answer: (request, response) => answer(routes, path, request, response),
    ...(onError === undefined ? {} : { onError }),
    ...(exchangeMsMax === undefined ? {} : { exchangeMsMax }),
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
  });
  await server.listen(options.listen);
  return describe(server);
}

const TEXT = 'text/plain; charset=utf-8';

async function answer(
  routes: ReadonlyMap<string, Route>,
  metricsPath: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = (request.url ?? '/').split('?', 1)[0] as string;
  const route = routes.get(target);
  if (route === undefined) {
    const body = `not found; there are ${metricsPath}, /health and /ready\n`;
    end(response, { status: 404, type: TEXT, body });
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    end(response, { status: 405, type: TEXT, body: 'GET or HEAD only\n' });
  } else {
    end(response, await route(request));
  }
}

function end(
  response: ServerResponse,
  { status, type, body }: { status: number; type: string; body: string },
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

function json(status: number, value: unknown) {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

async function ready(checks: Checks) {
  const { isReady, checks: results } = await runChecks(checks, CHECK_MS_MAX);
  const shown = Object.fromEntries(
    Object.entries(results).map(([name, { isOk, detail }]) => [
      name,
      { status: isOk ? 'ok' : 'failed', ...(detail === undefined ? {} : { detail }) },
    ]),
  );
  return json(isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', checks: shown });
}

function metricsRoute<C extends Catalogue>(registry: MetricsRegistry<C>): Route {
  const underWay = new Map<ExpositionFormat, Promise<string>>();
  return async ({ headers }) => {
    const format = negotiateFormat(headers.accept);
    let rendering = underWay.get(format);
    if (rendering === undefined) {
      rendering = registry.render(format).finally(() => underWay.delete(format));
      underWay.set(format, rendering);
    }
    return { status: 200, type: registry.contentType(format), body: await rendering };
  };
}

function describe(server: BoundedServer): MetricsServer {
  const bound = server.address;
  const { cut } = server;
  const close = () => server.close();
  if (typeof bound === 'string') return { url: `http+unix://${bound}`, address: bound, cut, close };
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  const isWildcard = bound.address === '0.0.0.0' || bound.address === '::';
  return {
    url: `http://${isWildcard ? 'localhost' : host}:${bound.port}`,
    address: `${host}:${bound.port}`,
    cut,
    close,
  };
}
