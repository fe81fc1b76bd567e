import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { BoundedServer, MetricsRegistry, negotiateFormat } from '@promptmq/metrics';
import { type Address, type Config, isIPv6Only } from '../config/index.ts';
import type { Logger } from '../log/index.ts';
import {
  addAdminMetrics,
  addCertificateMetrics,
  certificatesOfAdmin,
} from '../observability/admin/admin-metrics.ts';
import type { AdminStats } from '../runtime/stats.ts';
import { mergeMetrics, type WorkerMetrics } from './merge-metrics.ts';
import { nodeCatalogue } from './node/node-catalogue.ts';
import { addNodeMetrics, type ObservedNode } from './node/node-metrics.ts';
import { metricsSocket, type WorkerLabel } from './worker-messages.ts';
import { workersCatalogue } from './workers-catalogue.ts';

/** How long a worker may take to answer, in milliseconds. */
const ANSWER_MS = 5000;

/** What the hub shows of the supervisor. */
export interface ObservedWorkers {
  /** The folder of the workers' sockets. */
  readonly directory: string;
  readonly workers: readonly { readonly label: WorkerLabel; readonly isReady: boolean }[];
  /** Those that have to be there so that all clients are served. */
  readonly awaited: readonly WorkerLabel[];
  /** Whether clients that connect are taken. */
  readonly isTakingClients: boolean;
  /** What keeps it from serving as it should, beside its workers; empty while it is well. */
  readonly problems: readonly string[];
  /** What is not as it should be, and keeps it from nothing. */
  readonly warnings: readonly string[];
  /** What people are to do about problems that don't go by themselves. */
  readonly remedies: readonly string[];
  readonly restarts: number;
}

/** What else it shows. */
export interface ObservedHouse {
  /** Null where the workers are no node of a cluster. */
  readonly node: ObservedNode | null;
  /** Of the admin API that the supervisor has. */
  readonly admin: AdminStats;
}

interface WorkerAnswer {
  readonly worker: WorkerLabel;
  /** 0 where there was no answer. */
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Metrics, health and readiness of all workers, at the addresses of `metrics.bind`. */
export class MetricsHub {
  readonly #supervisor: ObservedWorkers;
  readonly #path: string;
  readonly #servers: BoundedServer[] = [];
  readonly #registry = new MetricsRegistry({ ...workersCatalogue, ...nodeCatalogue });

  private constructor(supervisor: ObservedWorkers, { node, admin }: ObservedHouse, path: string) {
    this.#supervisor = supervisor;
    this.#path = path;
    this.#registry.add('promptmq_worker_up', () =>
      supervisor.workers.map(({ label, isReady }) => ({
        labels: { worker: label },
        value: isReady ? 1 : 0,
      })),
    );
    this.#registry.add('promptmq_worker_restarts_total', () => supervisor.restarts);
    addAdminMetrics(this.#registry, admin);
    const certificates = () => [certificatesOfAdmin(admin)];
    addCertificateMetrics(this.#registry, certificates, () => Date.now());
    if (node !== null) addNodeMetrics(this.#registry, node);
  }

  /**
   * @throws the system's error, with the option that it comes from, when an address can't be bound
   */
  static async open(
    supervisor: ObservedWorkers,
    house: ObservedHouse,
    { bind, path, maxConnections }: Config['metrics'],
    log: Logger,
  ): Promise<MetricsHub> {
    const self = new MetricsHub(supervisor, house, path);
    try {
      for (const address of bind) {
        const server = new BoundedServer({
          answer: (request, response) => self.#answer(request, response),
          connectionsMax: maxConnections,
          onError: (error) => log.error('metrics-failed', { error: String(error) }),
        });
        await server.listen(listenAddress(address, bind));
        self.#servers.push(server);
      }
    } catch (error) {
      await self.close();
      throw new Error(
        `metrics.bind: ${(error as Error).message} (--metrics-bind chooses another, or none)`,
        { cause: error },
      );
    }
    return self;
  }

  /** The first address, without a path; null when there is none. */
  get url(): string | null {
    const bound = this.#servers[0]?.address;
    if (bound === undefined) return null;
    if (typeof bound === 'string') return `http+unix://${bound}`;
    const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
    const isWildcard = bound.address === '0.0.0.0' || bound.address === '::';
    return `http://${isWildcard ? 'localhost' : host}:${bound.port}`;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = (request.url ?? '/').split('?', 1)[0] as string;
    if (![this.#path, '/health', '/ready'].includes(target)) {
      end(response, 404, 'text/plain', `not found; there are ${this.#path}, /health and /ready\n`);
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      end(response, 405, 'text/plain', 'GET or HEAD only\n');
    } else if (target === this.#path) {
      await this.#answerMetrics(request, response);
    } else {
      await this.#answerState(target, response);
    }
  }

  async #answerMetrics({ headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { accept } = headers;
    const labels = this.#supervisor.workers.map(({ label }) => label);
    const answers = await this.#askAll(labels, this.#path, accept);
    // One that is being started again has none; `promptmq_worker_up` says so.
    const workers: WorkerMetrics[] = answers
      .filter(({ status }) => status === 200)
      .map(({ worker, body }) => ({ worker, text: body }));
    const format = negotiateFormat(accept);
    const own = await this.#registry.render(format);
    end(response, 200, this.#registry.contentType(format), mergeMetrics(workers, own));
  }

  /** It is well, or ready, when each worker is that clients need. */
  async #answerState(path: string, response: ServerResponse): Promise<void> {
    const { awaited, isTakingClients, problems, warnings, remedies } = this.#supervisor;
    const answers = await this.#askAll(awaited, path);
    const isHealth = path === '/health';
    const isWell = isHealth ? problems.length === 0 : isTakingClients;
    const isOk = isWell && answers.every(({ status }) => status === 200);
    const ok = isHealth ? 'ok' : 'ready';
    const workers = answers.map(({ body }) => parsed(body));
    const said = {
      ...(problems.length === 0 ? {} : { problems }),
      ...(warnings.length === 0 ? {} : { warnings }),
      ...(remedies.length === 0 ? {} : { remedies }),
    };
    const text = JSON.stringify({ status: isOk ? ok : `not ${ok}`, ...said, workers });
    end(response, isOk ? 200 : 503, 'application/json', `${text}\n`);
  }

  #askAll(labels: readonly WorkerLabel[], path: string, accept?: string): Promise<WorkerAnswer[]> {
    const { directory } = this.#supervisor;
    return Promise.all(
      labels.map((label) => ask(join(directory, metricsSocket(label)), path, label, accept)),
    );
  }
}

function ask(
  socketPath: string,
  path: string,
  worker: WorkerLabel,
  accept: string | undefined,
): Promise<WorkerAnswer> {
  return new Promise((resolve) => {
    const none = (why: string) =>
      resolve({ worker, status: 0, type: '', body: JSON.stringify({ status: why }) });
    const headers = accept === undefined ? {} : { accept };
    const request = httpRequest({ socketPath, path, headers, timeout: ANSWER_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => none('its answer broke off'));
      response.on('end', () => {
        const type = response.headers['content-type'] ?? '';
        const body = Buffer.concat(chunks).toString();
        resolve({ worker, status: response.statusCode ?? 0, type, body });
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => none('it does not answer'));
    request.end();
  });
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

function listenAddress(address: Address, all: readonly Address[]) {
  if (address.kind === 'unix') return { path: address.path };
  const { host, port } = address;
  return host === '' ? { port } : { host, port, ipv6Only: isIPv6Only(address, all) };
}
