/** Requests to the admin API. Each throws {@link ApiFailure}, and nothing else. */
import { ApiFailure } from './api-failure.ts';
import { noteAnswer, noteSilence } from './connection.ts';
import { session } from './session.ts';

const BASE = '/api/v5';
/** A broker that takes longer is as good as gone. */
const WAIT_MS_MAX = 15_000;

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface RequestOptions {
  /** Parameters; those that are null, undefined or empty are left out. */
  readonly query?: Query;
  readonly signal?: AbortSignal;
  /** Null for as long as it takes. */
  readonly waitMs?: number | null;
}

/** A list, as the API answers each. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly meta: {
    readonly page: number;
    readonly limit: number;
    /** Of all pages; absent where the broker didn't count. */
    readonly count?: number;
    readonly hasnext: boolean;
  };
}

/** A path whose parts are written for a URL: ``path`/clients/${clientId}` ``. */
export function path(texts: TemplateStringsArray, ...parts: readonly string[]): string {
  return texts.reduce(
    (whole, text, index) => `${whole}${encodeURIComponent(parts[index - 1] ?? '')}${text}`,
  );
}

export function get<T>(at: string, options: RequestOptions = {}): Promise<T> {
  return ask<T>('GET', at, undefined, options);
}

export function post<T>(at: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
  return ask<T>('POST', at, body, options);
}

export function put<T>(at: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
  return ask<T>('PUT', at, body, options);
}

/** DELETE. */
export function remove<T = void>(at: string, options: RequestOptions = {}): Promise<T> {
  return ask<T>('DELETE', at, undefined, options);
}

/** For what isn't JSON, such as a stream: an answer that is no error. */
export async function request(
  method: string,
  at: string,
  body: unknown,
  { query, signal, waitMs = WAIT_MS_MAX }: RequestOptions = {},
): Promise<Response> {
  const signals = [signal, waitMs === null ? undefined : AbortSignal.timeout(waitMs)];
  let response: Response;
  try {
    response = await fetch(`${BASE}${at}${queryText(query)}`, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: headersOf(method, body),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any(signals.filter((one) => one !== undefined)),
    });
  } catch (error) {
    if (signal?.aborted === true) throw new ApiFailure(0, 'ABORTED', 'not asked any more');
    noteSilence();
    const isLate = (error as Error).name === 'TimeoutError';
    const what = isLate ? 'did not answer in time' : 'can not be reached';
    throw new ApiFailure(0, 'UNREACHABLE', `the broker ${what}`);
  }
  noteAnswer();
  if (response.ok) return response;
  const failure = await failureOf(response);
  if (failure.status === 401) session.value = null;
  throw failure;
}

async function ask<T>(
  method: string,
  at: string,
  body: unknown,
  options: RequestOptions,
): Promise<T> {
  const response = await request(method, at, body, options);
  const text = await textOf(response, options.signal);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function textOf(response: Response, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await response.text();
  } catch {
    if (signal?.aborted === true) throw new ApiFailure(0, 'ABORTED', 'not asked any more');
    noteSilence();
    throw new ApiFailure(0, 'UNREACHABLE', 'the broker went away in the middle of an answer');
  }
}

function headersOf(method: string, body: unknown): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const csrf = session.value?.csrf;
  if (method !== 'GET' && csrf !== undefined) headers['x-csrf-token'] = csrf;
  return headers;
}

function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value != null && value !== '') parameters.set(name, `${value}`);
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

async function failureOf(response: Response): Promise<ApiFailure> {
  if (response.status === 431) {
    const why = 'a name in it is too long to be asked for';
    return new ApiFailure(431, 'TOO_LONG', why);
  }
  try {
    const { code, message } = (await response.json()) as { code: string; message: string };
    return new ApiFailure(response.status, code, message);
  } catch {
    const what = `${response.status} ${response.statusText}`.trim();
    return new ApiFailure(response.status, 'UNKNOWN', what);
  }
}
