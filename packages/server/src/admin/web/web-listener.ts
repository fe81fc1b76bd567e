import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { BoundedServer, type ListenAddress } from '@promptmq/metrics';
import { type Address, type Config, isIPv6Only } from '../../config/index.ts';
import { type Logger, rateLimited } from '../../log/index.ts';

/** Answers a request of the listener. */
export type AnswerWeb = (
  request: IncomingMessage,
  response: ServerResponse,
  keepOpen: BoundedServer['keepOpen'],
) => Promise<void>;

/** When an address that could not be opened is tried again: after this time, then twice that, and so on up to the other one. */
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 60_000;

/**
 * The addresses of the admin listener: they are open while somebody could be let in, and only then. Changes are made one
 * after the other. An address that can't be opened is tried again as long as it is wanted; the log has it once.
 */
export class WebListener {
  readonly #config: Config['admin'];
  readonly #answer: AnswerWeb;
  readonly #log: Logger;
  readonly #cuts: { readonly log: Logger };
  #tls: SecureContextOptions | null;
  /** By address, in the order of the configuration. */
  #servers: ReadonlyMap<Address, BoundedServer>;
  /** The last change, which never rejects. */
  #changing: Promise<void>;
  #isWanted: boolean;
  #problem: Error | null;
  #retry: NodeJS.Timeout | null;
  #retryMs: number;

  /**
   * @param config - live
   * @param tls - null: HTTP
   */
  constructor(
    config: Config['admin'],
    tls: SecureContextOptions | null,
    answer: AnswerWeb,
    log: Logger,
  ) {
    this.#config = config;
    this.#tls = tls;
    this.#answer = answer;
    this.#log = log;
    this.#cuts = { log: rateLimited(log, { perSecond: 1, now: () => performance.now() }) };
    this.#servers = new Map();
    this.#changing = Promise.resolve();
    this.#isWanted = false;
    this.#problem = null;
    this.#retry = null;
    this.#retryMs = RETRY_MS_MIN;
  }

  /** Why an address could not be opened the last time; null when all were. */
  get problem(): Error | null {
    return this.#problem;
  }

  /** Such as `http://127.0.0.1:18083`; null while it is closed. */
  get url(): string | null {
    for (const { address } of this.#servers.values()) {
      if (typeof address === 'object') return this.#urlOf(address.address, address.port);
    }
    return null;
  }

  /** Opens or closes it. @returns resolves when that is done; what fails is in the log */
  want(isWanted: boolean): Promise<void> {
    this.#isWanted = isWanted;
    this.#changing = this.#changing.then(() => this.#change());
    return this.#changing;
  }

  /** Connections that come from now on get another certificate; null, or one where there was none, needs a restart. */
  setTls(tls: SecureContextOptions | null): void {
    if (tls === null || this.#tls === null) return;
    this.#tls = tls;
    for (const server of this.#servers.values()) server.setTls(tls);
  }

  close(): Promise<void> {
    return this.want(false);
  }

  async #change(): Promise<void> {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    if (this.#isWanted) await this.#open();
    else await this.#close();
  }

  async #close(): Promise<void> {
    const servers = this.#servers;
    this.#servers = new Map();
    this.#problem = null;
    this.#retryMs = RETRY_MS_MIN;
    if (servers.size === 0) return;
    await Promise.all(Array.from(servers.values(), (server) => server.close()));
    this.#log.info('admin-closed', {});
  }

  /** Opens the addresses that aren't open. */
  async #open(): Promise<void> {
    const former = this.#problem?.message;
    const servers = new Map<Address, BoundedServer>();
    this.#problem = null;
    for (const address of this.#config.bind) {
      const server = this.#servers.get(address) ?? (await this.#listen(address, former));
      if (server !== null) servers.set(address, server);
    }
    this.#servers = servers;
    if (this.#problem === null) {
      this.#retryMs = RETRY_MS_MIN;
      return;
    }
    this.#retry = setTimeout(() => void this.want(this.#isWanted), this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
  }

  /**
   * @param former - what went wrong the last time, and is in the log
   * @returns null when it can't be opened
   */
  async #listen(address: Address, former: string | undefined): Promise<BoundedServer | null> {
    const server = this.#newServer();
    try {
      await server.listen(whereOf(address, this.#config.bind));
      this.#tell(address, server);
      return server;
    } catch (error) {
      const why = `admin.bind: ${(error as Error).message}`;
      this.#problem ??= new Error(why, { cause: error });
      if (why !== former) this.#log.error('admin-failed', { error: why });
      return null;
    }
  }

  #newServer(): BoundedServer {
    const { maxConnections, requestTimeout } = this.#config;
    const keepOpen: BoundedServer['keepOpen'] = (response) => server.keepOpen(response);
    const server: BoundedServer = new BoundedServer({
      answer: (request, response) => this.#answer(request, response, keepOpen),
      onError: (error) => this.#log.error('admin-failed', { error: String(error) }),
      exchangeMsMax: requestTimeout,
      connectionsMax: maxConnections,
      onCut: (why) => this.#cuts.log.warn('admin-connection-cut', { why }),
      readsBodies: true,
      ...(this.#tls === null ? {} : { tls: this.#tls }),
    });
    return server;
  }

  #tell(address: Address, { address: bound }: BoundedServer): void {
    if (typeof bound === 'string') {
      this.#log.info('listening', { protocol: 'admin', address: bound });
      return;
    }
    const url = this.#urlOf(bound.address, bound.port);
    this.#log.info('listening', { protocol: 'admin', address: url });
    if (this.#tls === null && address.kind === 'tcp' && !isLoopback(bound.address)) {
      this.#log.warn('admin-unencrypted', { address: url });
    }
  }

  #urlOf(address: string, port: number): string {
    const host = isIP(address) === 6 ? `[${address}]` : address;
    const isWildcard = address === '0.0.0.0' || address === '::';
    const scheme = this.#tls === null ? 'http' : 'https';
    return `${scheme}://${isWildcard ? 'localhost' : host}:${port}`;
  }
}

function whereOf(address: Address, all: readonly Address[]): ListenAddress {
  if (address.kind === 'unix') return { path: address.path };
  const { host, port } = address;
  const ipv6Only = isIPv6Only(address, all);
  return { port, ...(host === '' ? {} : { host }), ...(ipv6Only ? { ipv6Only } : {}) };
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}
