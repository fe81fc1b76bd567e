import type { Authorization } from '../../authorization.ts';
import type { Provider, ProviderAnswer, ProviderTools } from '../../provider.ts';
import { readOptionFile, readSecretFile } from '../files.ts';
import { BusyError, Gate } from '../gate.ts';
import { ProviderOptionError } from '../option-error.ts';
import { HttpClient } from '../web/http-client.ts';
import { emqxFormat } from './emqx-format.ts';
import { Endpoint, UnsendableError } from './endpoint.ts';
import { goAuthFormat } from './go-auth-format.ts';
import type { HttpFormat, HttpParts } from './http-format.ts';
import {
  CLIENT_PLACEHOLDERS,
  type HttpFormatName,
  type HttpOptions,
  REQUEST_PLACEHOLDERS,
} from './http-options.ts';
import { vernemqFormat } from './vernemq-format.ts';

/** Server busy, and Quota exceeded (§2.4). */
const SERVER_BUSY = 0x89;
const QUOTA_EXCEEDED = 0x97;

const THROTTLED: ProviderAnswer = {
  result: 'deny',
  reasonCode: QUOTA_EXCEEDED,
  why: 'too many wrong passwords',
};

const FORMATS: Readonly<Record<HttpFormatName, (parts: HttpParts) => HttpFormat>> = {
  emqx: emqxFormat,
  vernemq: vernemqFormat,
  'go-auth': goAuthFormat,
};

/**
 * Asks an HTTP server who clients are and, with `authorizeUrl`, what they may do.
 *
 * No answer, one that can't be understood and one with a status of the server's own failure (5xx) are failures, which the chain
 * has refused or passed over. Too many requests at once are answered that the broker is busy.
 *
 * @param mayAsk - whether one more password of an address for a user may be shown to the server: asked when its turn comes
 * @throws {ProviderOptionError} when options contradict each other, or name a file that can't be used
 */
export function createHttpProvider(
  options: HttpOptions,
  _tools: ProviderTools,
  mayAsk: (address: string, userName: string) => boolean = () => true,
): Provider {
  checkOptions(options);
  const clients = new HttpClients(options);
  const format = FORMATS[options.format](partsOf(options, (origin) => clients.for(origin)));
  const { authorize } = format;
  const { url, method, encoding, body, superuserUrl, responseMode } = options;
  const asked = [options.format, url, method, encoding, body, superuserUrl, responseMode];
  const belief = JSON.stringify(asked);
  // Clients that connect wait here: those who are connected are asked about before most of them.
  const gate = new Gate(options.connectionsMax, options.waitingMax);
  return {
    name: 'http',
    authenticate: async (credentials, signal): Promise<ProviderAnswer> => {
      try {
        return await gate.run(signal, async () => {
          const { address, userName, password } = credentials;
          const isGuess = userName !== null && password !== null;
          // Again: others may have been wrong while this one waited.
          if (isGuess && !mayAsk(address, userName)) return THROTTLED;
          const answer = await format.authenticate(credentials, signal);
          return answer.result === 'allow' ? { ...answer, ticket: belief } : answer;
        });
      } catch (error) {
        if (error instanceof UnsendableError) {
          return { result: 'pass', why: `http: ${error.message}` };
        }
        if (error instanceof BusyError) {
          return { result: 'deny', reasonCode: SERVER_BUSY, why: `http: ${error.message}` };
        }
        throw error;
      }
    },
    ...(authorize === undefined
      ? {}
      : {
          authorize: async (request, signal): Promise<Authorization> => {
            try {
              return await authorize(request, signal);
            } catch (error) {
              // What clients cause is no failure of the server, which may be passed over.
              const isTheirs =
                error instanceof UnsendableError ||
                (error instanceof BusyError && options.onError === 'pass');
              if (!isTheirs) throw error;
              return { result: 'deny', holdsMs: 0 };
            }
          },
        }),
    mayStay: (_userName, ticket) => ticket === belief,
    close: () => clients.close(),
  };
}

/** One for each server that is asked. */
class HttpClients {
  readonly #options: HttpOptions;
  readonly #ca: Buffer | null;
  readonly #clients: Map<string, HttpClient>;

  constructor(options: HttpOptions) {
    const { caFile } = options;
    this.#options = options;
    this.#ca = caFile === null ? null : readOptionFile('ca', caFile, 1024 * 1024);
    this.#clients = new Map();
  }

  for(url: URL): HttpClient {
    const { timeout, connectionsMax, waitingMax, answerBytesMax } = this.#options;
    let client = this.#clients.get(url.origin);
    if (client === undefined) {
      const ca = this.#ca;
      client = new HttpClient(url, { timeout, connectionsMax, waitingMax, answerBytesMax, ca });
      this.#clients.set(url.origin, client);
    }
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}

function partsOf(options: HttpOptions, clientFor: (origin: URL) => HttpClient): HttpParts {
  const { url, authorizeUrl, superuserUrl, headers, method, encoding } = options;
  const authorization =
    options.authorizationFile === null ? null : authorizationOf(options.authorizationFile);
  const endpoint = (option: string, text: string, placeholders: readonly string[]) =>
    new Endpoint(
      { option, url: text, method, encoding, headers, authorization, placeholders },
      clientFor,
    );
  return {
    options,
    clients: endpoint('url', url, CLIENT_PLACEHOLDERS),
    actions:
      authorizeUrl === null ? null : endpoint('authorize-url', authorizeUrl, REQUEST_PLACEHOLDERS),
    superusers:
      superuserUrl === null ? null : endpoint('superuser-url', superuserUrl, CLIENT_PLACEHOLDERS),
  };
}

function authorizationOf(path: string): string {
  const value = readSecretFile('authorization-file', path);
  if (/^[\x20-\x7e]+$/.test(value)) return value;
  throw new ProviderOptionError(
    'authorization-file',
    `${path} has to have one line of ASCII, such as Bearer TOKEN`,
  );
}

/** Options that belong to one format, and what they are where nobody set them. */
function checkOptions(options: HttpOptions): void {
  const { format, method, encoding, headers } = options;
  const only = (option: string, name: HttpFormatName, isSet: boolean) => {
    if (!isSet || format === name) return;
    throw new ProviderOptionError(option, `it goes with format: ${name}`);
  };
  only('body', 'emqx', options.body !== null);
  only('authorize-body', 'emqx', options.authorizeBody !== null);
  only('superuser-url', 'go-auth', options.superuserUrl !== null);
  only('response-mode', 'go-auth', options.responseMode !== 'status');
  if (format === 'vernemq' && (method !== 'post' || encoding !== 'json')) {
    throw new ProviderOptionError('method', 'format: vernemq posts JSON');
  }
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() !== 'content-type') continue;
    const isForm = value.toLowerCase().startsWith('application/x-www-form-urlencoded');
    if (isForm === (encoding === 'form')) continue;
    throw new ProviderOptionError('headers', `${name} is set by encoding: json or form`);
  }
}
