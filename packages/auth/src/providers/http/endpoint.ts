import { ProviderOptionError } from '../option-error.ts';
import { Template, type TemplateValues } from '../template.ts';
import type { HttpAnswer, HttpClient } from '../web/http-client.ts';
import { httpUrl } from '../web/http-client.ts';

/** What an endpoint is asked with: by name, in the order in which it is sent. */
export type Fields = Readonly<Record<string, unknown>>;

/** A URL that is asked. */
export interface EndpointOptions {
  /** The option that has the URL. */
  readonly option: string;
  readonly url: string;
  readonly method: 'get' | 'post';
  readonly encoding: 'json' | 'form';
  readonly headers: Readonly<Record<string, string>>;
  /** Null for none. */
  readonly authorization: string | null;
  /** The placeholders that there are. */
  readonly placeholders: readonly string[];
}

/** What a client is called can't be sent. The message names no value. */
export class UnsendableError extends Error {
  override readonly name = 'UnsendableError';
}

/**
 * A URL of an HTTP server, with its placeholders filled for each request. Nothing that a client says can lead elsewhere: values are escaped
 * where they stand, and a URL that would be read in another way than it was written isn't asked.
 */
export class Endpoint {
  /** Where it is, without what is asked. */
  readonly origin: URL;
  readonly #options: EndpointOptions;
  readonly #client: HttpClient;
  readonly #url: Template;
  readonly #headers: readonly (readonly [name: string, value: Template])[];

  /**
   * @param clientFor - gives the client of a server
   * @throws {ProviderOptionError}
   */
  constructor(options: EndpointOptions, clientFor: (origin: URL) => HttpClient) {
    const { option, url, headers, placeholders } = options;
    this.#options = options;
    this.origin = originOf(option, url);
    this.#url = templateOf(option, normalized(this.origin, url), placeholders);
    this.#headers = Object.entries(headers).map(([name, value]) => {
      checkHeader(name, value);
      return [name.toLowerCase(), templateOf('headers', value, placeholders)];
    });
    this.#client = clientFor(this.origin);
  }

  /**
   * Sends one request.
   *
   * @param fields - texts, numbers, booleans, null; in JSON also what is made of them
   * @param headers - others that are sent along
   * @throws {UnsendableError} when a value can't stand where it has to
   * @throws {HttpClientError} when there is no answer
   */
  ask(
    fields: Fields,
    values: TemplateValues,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer> {
    const { method, encoding, authorization } = this.#options;
    const url = this.#filledUrl(values);
    const sent: Record<string, string> = { accept: 'application/json', 'user-agent': 'promptmq' };
    for (const [name, value] of this.#headers) {
      sent[name] = value.fill(values, headerText, '') as string;
    }
    Object.assign(sent, headers);
    if (authorization !== null) sent['authorization'] = authorization;
    if (method === 'get') {
      const query = formOf(fields);
      if (query !== '') url.search = url.search === '' ? query : `${url.search}&${query}`;
      return this.#client.request({ method: 'GET', url, headers: sent, body: null }, signal);
    }
    sent['content-type'] =
      encoding === 'json' ? 'application/json' : 'application/x-www-form-urlencoded';
    const body = encoding === 'json' ? JSON.stringify(fields) : formOf(fields);
    return this.#client.request({ method: 'POST', url, headers: sent, body }, signal);
  }

  #filledUrl(values: TemplateValues): URL {
    let text: string;
    try {
      text = this.#url.fill(values, urlText, '') as string;
    } catch {
      throw new UnsendableError('a value is no text of Unicode');
    }
    const url = new URL(text);
    // `..` in the place of a level of the path would lead to another one.
    if (url.href !== text) {
      throw new UnsendableError('a value would change the way that the URL is read');
    }
    return url;
  }
}

/** @throws {ProviderOptionError} when a template of an option has a placeholder that there isn't */
export function templateOf(
  option: string,
  text: string,
  placeholders: readonly string[],
): Template {
  try {
    return new Template(text, placeholders);
  } catch (error) {
    throw new ProviderOptionError(option, (error as Error).message);
  }
}

function originOf(option: string, text: string): URL {
  const begin = text.indexOf('//');
  const end = text.slice(begin + 2).search(/[/?#]/);
  const origin = begin < 0 || end < 0 ? text : text.slice(0, begin + 2 + end);
  if (origin.includes('${')) {
    throw new ProviderOptionError(option, 'the host and port have no placeholders');
  }
  if (text.includes('#')) throw new ProviderOptionError(option, 'a URL with # in it is not taken');
  return httpUrl(option, origin);
}

/** The URL as `URL` writes it, with its placeholders where they were. */
function normalized(origin: URL, text: string): string {
  const marked = text.replaceAll('${', '__promptmq_').replaceAll('}', '__end');
  const { pathname, search } = new URL(marked);
  return `${origin.origin}${pathname}${search}`
    .replaceAll('__promptmq_', '${')
    .replaceAll('__end', '}');
}

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** Headers that would be another request, and those that have secrets. */
const RESERVED: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'expect',
]);
const SECRET: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

function checkHeader(name: string, value: string): void {
  const lower = name.toLowerCase();
  if (!TOKEN.test(name) || RESERVED.has(lower)) {
    throw new ProviderOptionError('headers', `${JSON.stringify(name)} is not a header to be set`);
  }
  if (SECRET.has(lower)) {
    throw new ProviderOptionError(
      'headers',
      `${name} is a secret; authorization-file names the file that has it`,
    );
  }
  if (!/^[\t\x20-\x7e]*$/.test(value)) {
    throw new ProviderOptionError('headers', `the value of ${name} has to be ASCII`);
  }
}

/** A value as it may stand in a path or a query: all but unreserved characters (RFC 3986, 2.3) is percent-encoded. */
function urlText(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A value as it may stand in a header (RFC 9110, 5.5): all but visible ASCII is percent-encoded. */
function headerText(value: string): string {
  return value.replace(/[^\x21-\x24\x26-\x7e]+/gu, encodeURIComponent);
}

function formOf(fields: Fields): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value ?? ''));
  return form.toString();
}
