import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { negotiateFormat } from './accept.ts';
import type { Catalogue } from './definition.ts';
import type { ExpositionFormat, MetricsRegistry } from './metrics-registry.ts';
import { type Checks, runChecks } from './readiness.ts';

/** A request and its answer together may take this long; then the connection is cut. */
const EXCHANGE_MS_MAX = 10_000;
const CHECK_MS_MAX = 5000;
const KEEP_ALIVE_MS = 30_000;
const HEADER_BYTES_MAX = 8192;
/** How long requests that are under way may still take when the server closes. */
const CLOSE_MS_MAX = 1000;
/** Scrapers, probes and people at a time. More are turned away, not queued. */
const CONNECTIONS_MAX = 64;

export interface MetricsServerOptions<C extends Catalogue> {
  readonly registry: MetricsRegistry<C>;
  /** Where to listen: a port, 0 for any free one, or the path of a Unix domain socket. */
  readonly listen: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Where the metrics are; `/metrics` by default. */
  readonly path?: string;
  /** By name; what has to be in order for `/ready`. None by default. */
  readonly checks?: Checks;
  /** Told when reading a metric fails: the scraper hears 500 only. */
  readonly onError?: (error: unknown) => void;
  /** How long a request with its answer may take, in milliseconds; 10,000 by default. */
  readonly exchangeMsMax?: number;
}

export interface MetricsServer {
  /** Without a path, such as `http://127.0.0.1:9090`; a wildcard address is given as localhost. */
  readonly url: string;
  /** Host and port, or the path of the socket. */
  readonly address: string;
  /** Stops accepting, gives requests that are under way a second, and resolves when no handle is left. */
  close(): Promise<void>;
}

type Route = (request: IncomingMessage) => Promise<{ status: number; type: string; body: string }>;

/**
 * Serves metrics, `/health` (the event loop turns: whoever hears this knows) and `/ready` (each check,
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
  const { path = '/metrics', exchangeMsMax = EXCHANGE_MS_MAX } = options;
  if (!/^\/[^?#\s]+$/.test(path) || path === '/health' || path === '/ready') {
    throw new TypeError(`the metrics can't be at ${JSON.stringify(path)}`);
  }
  const routes: ReadonlyMap<string, Route> = new Map([
    ['/health', async () => json(200, { status: 'ok', uptimeSeconds: process.uptime() })],
    ['/ready', () => ready(options.checks ?? {})],
    [path, metricsRoute(options.registry)],
  ]);
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: exchangeMsMax,
      requestTimeout: exchangeMsMax,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(exchangeMsMax, 1000),
    },
    (request, response) => {
      cutWhenLate(response, exchangeMsMax);
      answer(routes, path, request, response).catch((error: unknown) => {
        options.onError?.(error);
        if (response.headersSent) response.destroy();
        else end(response, { status: 500, type: TEXT, body: 'reading the metrics failed\n' });
      });
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, options.listen);
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
  // What comes with a request is of no interest, and mustn't hold its connection up.
  request.resume();
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

function cutWhenLate(response: ServerResponse, exchangeMsMax: number): void {
  const timer = setTimeout(() => response.destroy(), exchangeMsMax);
  response.once('close', () => clearTimeout(timer));
}

function listen(server: Server, where: { host: string; port: number } | { path: string }) {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function describe(server: Server): MetricsServer {
  const bound = server.address() as AddressInfo | string;
  const close = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      server.closeIdleConnections();
    });
  if (typeof bound === 'string') return { url: `http+unix://${bound}`, address: bound, close };
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  const isWildcard = bound.address === '0.0.0.0' || bound.address === '::';
  return {
    url: `http://${isWildcard ? 'localhost' : host}:${bound.port}`,
    address: `${host}:${bound.port}`,
    close,
  };
}
