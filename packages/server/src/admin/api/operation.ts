import { z } from 'zod';
import type { EventStream } from '../streams/event-stream.ts';
import type { ApiBase, ApiHost } from './api-host.ts';
import type { Scope } from './scopes.ts';

export { ApiError } from './api-error.ts';
export { SCOPES, type Scope } from './scopes.ts';

/** Who asks. */
export interface Caller {
  /** Such as the name of an API key; `socket` for who may open the Unix domain socket. */
  readonly name: string;
  readonly kind: 'key' | 'console' | 'socket' | 'nobody';
  readonly scopes: ReadonlySet<Scope>;
  /** Where the request comes from; null on the Unix domain socket. */
  readonly address: string | null;
}

/** A request that was checked: its parts are as the operation's schemas give them. */
export interface Call<P, Q, B, H extends ApiBase = ApiHost> {
  readonly host: H;
  readonly caller: Caller;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly headers: Headers;
  /** As it came, for whoever passes it on. */
  readonly sent: SentCall;
  /** Whether it came by HTTPS. */
  readonly isSecure: boolean;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** A request before its parts are read. */
export interface SentCall {
  readonly method: string;
  /** Path and parameters, from the host on. */
  readonly target: string;
  /** Empty for none. */
  readonly body: string;
}

/** What is answered; a `ReadableStream` continues until one side ends it, without a limit in time. */
export interface Answer {
  readonly status: number;
  /** JSON; undefined for none. */
  readonly body?: unknown;
  /** In the place of JSON. */
  readonly text?: string;
  readonly stream?: { readonly type: string; readonly bytes: ReadableStream<Uint8Array> };
  readonly headers?: Readonly<Record<string, string>>;
  /** Who asked, for the audit, where that is known only by the answer. */
  readonly who?: Pick<Caller, 'name' | 'kind'>;
}

/** What the answers of one status have, for the OpenAPI document. */
export interface AnswerShape {
  readonly description: string;
  /** Null for none. */
  readonly schema: z.ZodType | null;
  /** Of what isn't JSON. */
  readonly type?: string;
}

type Fields = z.ZodObject;
type NoFields = z.ZodObject<Record<never, never>>;
type NoBody = z.ZodUndefined;

/** One thing that can be asked for: what serves it, describes it and checks what is sent is made of this. */
export interface OperationDefinition<
  P extends Fields,
  Q extends Fields,
  B extends z.ZodType,
  H extends ApiBase = ApiHost,
> {
  /** Its name in the OpenAPI document, in camel case and unique, such as `listClients`. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v5`, such as `/clients/{clientid}`. */
  readonly path: string;
  /** What a key needs. What isn't GET is refused in read-only mode, and is in the audit. */
  readonly scope: Scope;
  /**
   * Of a POST that changes nothing, or says by its body whether it would: then it is neither audited nor refused in read-only
   * mode.
   */
  readonly isQuestion?: boolean | ((body: z.output<B>) => boolean);
  /** Whether it is for those who have no key yet. Read-only mode doesn't refuse it. */
  readonly isOpen?: boolean;
  /** Whether who has no key gets an answer, too; one that is sent is checked. It says itself what is for which scope. */
  readonly isForAll?: boolean;
  /** The chapter of the document. */
  readonly tag: string;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Answers that are no errors, by status. */
  readonly answers: Readonly<Record<number, AnswerShape>>;
  /** Errors beside 400, 401, 403 and 429, by status. */
  readonly errors?: Readonly<Record<number, string>>;
  /** Whether it may take as long as it takes: for what waits for the disk, or has many turns. */
  readonly isLong?: boolean;
  /** @throws {ApiError} and {EmbedError}, which are answered; whatever else is 500, and logged */
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>, H>): Answer | Promise<Answer>;
}

/** One of any shape. */
export type Operation<H extends ApiBase = ApiHost> = OperationDefinition<
  Fields,
  Fields,
  z.ZodType,
  H
>;

/**
 * Whether it could change something.
 *
 * @param body - as it was checked; undefined while it isn't known
 */
export function isChange(
  { method, isQuestion }: Pick<Operation, 'method' | 'isQuestion'>,
  body?: unknown,
): boolean {
  if (typeof isQuestion === 'function') return body === undefined || !isQuestion(body);
  return method !== 'GET' && isQuestion !== true;
}

/** Notes the types of an operation's parts. */
export function operation<
  P extends Fields = NoFields,
  Q extends Fields = NoFields,
  B extends z.ZodType = NoBody,
>(definition: OperationDefinition<P, Q, B>): Operation {
  return definition as unknown as Operation;
}

/** The same of one that needs no broker in this process. */
export function baseOperation<
  P extends Fields = NoFields,
  Q extends Fields = NoFields,
  B extends z.ZodType = NoBody,
>(definition: OperationDefinition<P, Q, B, ApiBase>): Operation<ApiBase> {
  return definition as unknown as Operation<ApiBase>;
}

export const errorSchema = z.object({
  code: z.string().describe('what kind of error it is, such as NOT_FOUND'),
  message: z.string().describe('what was wrong, where, and what to do'),
});

export function json(body: unknown, status = 200): Answer {
  return { status, body };
}

export const NO_CONTENT: Answer = { status: 204 };

/** An answer of events, which continues until one side ends it. */
export function eventsAnswer(stream: EventStream): Answer {
  return {
    status: 200,
    stream: { type: 'text/event-stream', bytes: stream.bytes },
    headers: { 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  };
}
