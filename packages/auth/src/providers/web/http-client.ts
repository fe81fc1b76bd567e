import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { Gate } from '../gate.ts';
import { ProviderOptionError } from '../option-error.ts';
import { HostLookup } from './host-lookup.ts';

export interface HttpClientOptions {
  /** Milliseconds from when a request has its turn to when the whole answer must be there. */
  readonly timeout: number;
  /** Connections, and so requests at the same time. */
  readonly connectionsMax: number;
  /** Requests that wait for a connection. */
  readonly waitingMax: number;
  /** Bytes of an answer. */
  readonly answerBytesMax: number;
  /** Certificates to be trusted, in PEM, instead of the system's; null for those. */
  readonly ca: Uint8Array | null;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Of the host that the client is for. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for none. */
  readonly body: string | null;
}

export interface HttpAnswer {
  readonly status: number;
  /** A header of it, by its name in lower case; null when there is none. */
  header(name: string): string | null;
  readonly body: Buffer;
}

/** There was no answer, or none that can be used. Its message has no query and no body. */
export class HttpClientError extends Error {
  override readonly name = 'HttpClientError';
}

/** How long a connection is kept that nobody uses, in milliseconds: less than the 5 s after which many servers close theirs. */
const IDLE_MS = 4000;

/**
 * Asks one HTTP server. Connections are used again; requests that are under way and that wait, time and the size of answers are bounded.
 * Redirects aren't followed, as they would lead to a server that nobody configured.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #agent: HttpAgent;
  readonly #gate: Gate;
  readonly #lookup: HostLookup;
  readonly #origin: string;

  /** @param url - of the server */
  constructor(url: URL, options: HttpClientOptions) {
    this.#options = options;
    this.#origin = url.origin;
    this.#lookup = new HostLookup();
    const kept = { keepAlive: true, maxSockets: options.connectionsMax, timeout: IDLE_MS };
    this.#agent =
      url.protocol === 'https:'
        ? new HttpsAgent(options.ca === null ? kept : { ...kept, ca: Buffer.from(options.ca) })
        : new HttpAgent(kept);
    this.#gate = new Gate(options.connectionsMax, options.waitingMax);
  }

  /**
   * @param signal - ends the request when it is aborted
   * @throws {HttpClientError} when there is no answer that can be used
   * @throws {BusyError} when too many requests wait
   */
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    if (request.url.origin !== this.#origin) throw new Error('a URL of another server');
    return this.#gate.run(signal, async () => {
      try {
        return await this.#exchange(request, signal);
      } catch (error) {
        if (!(error instanceof StaleConnectionError)) throw error;
        // The server closed the connection when the request was on its way: it hasn't seen it.
        return await this.#exchange(request, signal);
      }
    });
  }

  /** Ends all connections, and what is under way. */
  close(): void {
    this.#agent.destroy();
  }

  #exchange({ method, url, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { timeout, answerBytesMax } = this.#options;
    const isTls = url.protocol === 'https:';
    const host = url.hostname.replace(/^\[|\]$/g, '');
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        request.destroy();
        reject(new HttpClientError(`${this.#origin} ${why}`));
      };
      const request = (isTls ? requestHttps : requestHttp)(url, {
        method,
        agent: this.#agent,
        headers: {
          ...headers,
          'accept-encoding': 'identity',
          ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        },
        ...(isIP(host) === 0 ? { lookup: this.#lookup.lookup } : {}),
      });
      const timer = setTimeout(() => fail(`has not answered within ${timeout} ms`), timeout);
      const onAbort = () => fail('is no longer asked');
      signal.addEventListener('abort', onAbort, { once: true });
      request.on('close', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        reject(new HttpClientError(`${this.#origin} closed the connection without an answer`));
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (request.reusedSocket && error.code === 'ECONNRESET') {
          reject(new StaleConnectionError());
        } else {
          reject(new HttpClientError(`${this.#origin} can't be asked: ${error.message}`));
        }
      });
      request.on('response', (response) => {
        takeAnswer(response, answerBytesMax, resolve, fail);
      });
      request.end(body ?? undefined);
    });
  }
}

/** The server has closed a connection that was idle. */
class StaleConnectionError extends Error {}

function takeAnswer(
  response: IncomingMessage,
  sizeMax: number,
  onAnswer: (answer: HttpAnswer) => void,
  onFailure: (why: string) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > sizeMax) onFailure(`answered with more than ${sizeMax} bytes`);
    else chunks.push(chunk);
  });
  response.on('error', (error) => onFailure(`broke off its answer: ${error.message}`));
  response.on('end', () => {
    onAnswer({
      status: response.statusCode as number,
      header: (name) => {
        const value = response.headers[name];
        return typeof value === 'string' ? value : null;
      },
      body: Buffer.concat(chunks, size),
    });
  });
}

/**
 * A URL of an option.
 *
 * @throws {ProviderOptionError} when it is none of HTTP, or has a user or password in it
 */
export function httpUrl(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ProviderOptionError(option, 'it takes a URL with http:// or https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new ProviderOptionError(option, 'a URL with a user name or password in it is not taken');
  }
  return url;
}
