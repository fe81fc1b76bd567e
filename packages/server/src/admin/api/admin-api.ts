import { type Context, Hono } from 'hono';
import { EmbedError, withoutMethod } from '../../embed/calls/embed-error.ts';
import type { ApiBase } from './api-host.ts';
import { jsonBody } from './body/json-body.ts';
import { fieldProblem } from './field-problem.ts';
import {
  type Answer,
  ApiError,
  type Caller,
  isChange,
  type Operation,
  type SentCall,
} from './operation.ts';

/** Where all paths of the API begin. */
export const API_PATH = '/api/v5';

/** How requests are let in. */
export interface ApiGate {
  /**
   * Says who asks.
   *
   * @throws {ApiError} 401 when nobody is known who does, 403 when he may not, 429 when he has asked too often
   */
  admit(context: Context, operation: Operation): Caller | Promise<Caller>;
  /**
   * The answer takes as long as it takes.
   *
   * @throws {ApiError} 503 when there are too many of these
   */
  onLong(context: Context): void;
  /**
   * A request that could change something was answered.
   *
   * @param path - with what it is about, also where a parameter said that
   */
  onDone(context: Context, operation: Operation, path: string, answer: Answer): void;
  /** What an operation has thrown that no caller can have caused. */
  onError(error: unknown): void;
}

/**
 * Serves operations.
 *
 * @param host - what all of them need
 */
export function createApi<H extends ApiBase>(
  given: readonly Operation<H>[],
  host: H,
  gate: ApiGate,
): Hono {
  // What an operation needs of its host has been checked by now.
  const operations = given as readonly unknown[] as readonly Operation<ApiBase>[];
  const api = new Hono();
  for (const operation of operations) {
    const path = API_PATH + operation.path.replaceAll(/\{(\w+)\}/g, ':$1');
    api.on(operation.method, path, async (context) => {
      let caller: Caller | null = null;
      let body: unknown;
      let stream: Answer['stream'];
      let answer: Answer;
      try {
        caller = await gate.admit(context, operation);
        refuseForbidden(caller, operation);
        body = await allowedBody(host, operation, context);
        if (operation.isLong === true) gate.onLong(context);
        answer = await answerOf(host, caller, operation, context, body);
        stream = answer.stream;
        if (stream !== undefined && operation.isLong !== true) gate.onLong(context);
      } catch (error) {
        answer = answerOfError(error, gate);
      }
      if (stream !== undefined) answer = await readable(answer, stream, context);
      if (caller !== null && isChange(operation, body)) {
        gate.onDone(context, operation, pathOf(operation, context), answer);
      }
      return responseOf(answer);
    });
  }
  api.notFound((context) => responseOf(notFound(operations, context)));
  api.onError((error) => responseOf(answerOfError(error, gate)));
  return api;
}

/**
 * Ends a stream that nobody would read, or end: with HEAD, and where an error is answered in its place.
 *
 * @returns the answer, without it there
 */
async function readable(
  answer: Answer,
  { bytes, type }: NonNullable<Answer['stream']>,
  { req }: Context,
): Promise<Answer> {
  const isRefused = answer.stream === undefined;
  if (!isRefused && req.method !== 'HEAD') return answer;
  await bytes.cancel();
  if (isRefused) return answer;
  return { status: answer.status, headers: { 'content-type': type, ...answer.headers } };
}

/** @throws {ApiError} 403 */
function refuseForbidden({ name, scopes }: Caller, operation: Operation): void {
  const { isOpen, isForAll, scope } = operation;
  if (isOpen === true || isForAll === true || scopes.has(scope)) return;
  throw new ApiError(403, 'NOT_ALLOWED', `${name} does not have the scope ${scope}`);
}

/**
 * Reads what comes with a request that read-only mode allows.
 *
 * @throws {ApiError} 400 and 403
 */
async function allowedBody(
  host: ApiBase,
  operation: Operation<ApiBase>,
  context: Context,
): Promise<unknown> {
  const saysByBody = typeof operation.isQuestion === 'function';
  if (!saysByBody) refuseReadOnly(host, operation, undefined);
  if (operation.body === undefined) return undefined;
  const body = await bodyOf(operation, context);
  if (saysByBody) refuseReadOnly(host, operation, body);
  return body;
}

/** @throws {ApiError} 403 */
function refuseReadOnly({ config }: ApiBase, operation: Operation<ApiBase>, body: unknown): void {
  const { isOpen, isForAll } = operation;
  if (!config.admin.readOnly || isOpen === true || isForAll === true) return;
  if (!isChange(operation, body)) return;
  throw new ApiError(403, 'READ_ONLY', 'nothing can be changed here: admin.read-only is on');
}

async function answerOf(
  host: ApiBase,
  caller: Caller,
  operation: Operation<ApiBase>,
  context: Context,
  body: unknown,
): Promise<Answer> {
  const { req } = context;
  const { params, query } = partsOf(context);
  return operation.handle({
    host,
    caller,
    params: checked(operation.params, params, 'path'),
    query: checked(operation.query, query, 'query'),
    body,
    headers: req.raw.headers,
    sent: await sentOf(context, operation),
    isSecure: req.url.startsWith('https:'),
    signal: req.raw.signal,
  });
}

/** Stands in a path for what a parameter of the same name gives: `.` and `..` can't be parts of a URL, whatever they are written as. */
const IN_QUERY = '~';

type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The parts of the path that name something, and the other parameters; those that are given several times are arrays. */
function partsOf({ req }: Context): { readonly params: Parameters; readonly query: Parameters } {
  const path = Object.entries(req.param() as Readonly<Record<string, string>>);
  const query = new Map(
    Object.entries(req.queries()).map(([name, values]) => [
      name,
      values.length === 1 ? values[0] : values,
    ]),
  );
  const params = path.map(([name, part]) => {
    const given = part === IN_QUERY ? query.get(name) : undefined;
    if (given === undefined) return [name, part] as const;
    query.delete(name);
    return [name, given] as const;
  });
  return { params: Object.fromEntries(params), query: Object.fromEntries(query) };
}

/** The path of a request as it would be if all parts of it could be written there. */
function pathOf({ path }: Operation, context: Context): string {
  const { params } = partsOf(context);
  const part = (name: string) => encodeURIComponent(`${params[name]}`);
  return API_PATH + path.replaceAll(/\{(\w+)\}/g, (_, name: string) => part(name));
}

/** What came, as far as an operation takes it. */
async function sentOf({ req }: Context, { body }: Operation<ApiBase>): Promise<SentCall> {
  const { pathname, search } = new URL(req.url);
  const text = body === undefined ? '' : await req.text();
  return { method: req.method, target: pathname + search, body: text };
}

async function bodyOf(operation: Operation<ApiBase>, { req }: Context): Promise<unknown> {
  return checked(operation.body, jsonBody(await req.text()), 'body');
}

/** @throws {ApiError} 400, with the field and what it takes */
function checked(schema: Operation['params'] | Operation['body'], value: unknown, where: string) {
  if (schema === undefined) return {};
  const result = schema.safeParse(value);
  if (result.success) return result.data as Record<string, unknown>;
  throw new ApiError(400, 'BAD_REQUEST', fieldProblem(schema, value, result.error, where));
}

/** 405 where there are other methods for the path. */
function notFound(operations: readonly Operation<ApiBase>[], { req }: Context): Answer {
  const methods = operations
    .filter(({ path }) => pattern(path).test(req.path))
    .map(({ method }) => method);
  if (methods.length === 0) {
    return errorAnswer(404, 'NOT_FOUND', `there is nothing at ${req.path}; see /api-docs`);
  }
  const allow = methods.join(', ');
  return {
    ...errorAnswer(405, 'METHOD_NOT_ALLOWED', `${req.path} takes ${allow}`),
    headers: { allow },
  };
}

function pattern(path: string): RegExp {
  return new RegExp(`^${API_PATH}${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

function answerOfError(error: unknown, gate: ApiGate): Answer {
  if (error instanceof ApiError) {
    const { status, code, message, headers } = error;
    return { ...errorAnswer(status, code, message), headers };
  }
  if (error instanceof EmbedError) {
    const [status, code] = statusOfCode(error.code);
    return errorAnswer(status, code, withoutMethod(error));
  }
  gate.onError(error);
  return errorAnswer(500, 'INTERNAL_ERROR', 'the broker could not answer; its log says why');
}

function statusOfCode(code: EmbedError['code']): [number, string] {
  switch (code) {
    case 'storage-full':
    case 'retained-full':
    case 'queue-full':
    case 'stopped':
      return [503, code.toUpperCase().replaceAll('-', '_')];
    case 'too-many':
      return [429, 'TOO_MANY_REQUESTS'];
    case 'cursor-expired':
      return [410, 'CURSOR_EXPIRED'];
    default:
      return [400, 'BAD_REQUEST'];
  }
}

function errorAnswer(status: number, code: string, message: string): Answer {
  return { status, body: { code, message } };
}

function responseOf({ status, body, text, stream, headers }: Answer): Response {
  if (stream !== undefined) {
    return new Response(stream.bytes, {
      status,
      headers: { 'content-type': stream.type, ...headers },
    });
  }
  if (text !== undefined) {
    const type = { 'content-type': 'text/plain; charset=utf-8' };
    return new Response(text, { status, headers: { ...type, ...headers } });
  }
  if (body === undefined) return new Response(null, { status, ...(headers && { headers }) });
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  });
}
