import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ApiError } from '../api/api-error.ts';
import type { Caller } from '../api/operation.ts';
import type { ServingProcess } from './host.ts';
import { CALLER_HEADER, callerText } from './passed-caller.ts';

/** How long a process may take to answer a question, and to carry out a change, in milliseconds: it may wait for its disk. */
const QUESTION_MS = 10_000;
const CHANGE_MS = 70_000;

/** What a process is asked. */
export interface ProcessQuestion {
  readonly method: string;
  /** Path and parameters, from the host on. */
  readonly target: string;
  /** JSON; empty for none. */
  readonly body: string;
  /** For whom it is asked. */
  readonly caller: Caller;
  /** Whoever asks has gone. */
  readonly signal: AbortSignal;
}

export interface ProcessAnswer {
  readonly process: ServingProcess;
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** A process did not answer: it isn't there any more, or hangs. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly process: ServingProcess;

  constructor(process: ServingProcess, why: string) {
    super(`${process.name} did not answer: ${why}`);
    this.process = process;
  }
}

/**
 * Asks a process, and waits for its whole answer.
 *
 * @throws {NoAnswer} by rejection; the signal's reason
 */
export async function askProcess(
  process: ServingProcess,
  question: ProcessQuestion,
): Promise<ProcessAnswer> {
  const limit = question.method === 'GET' ? QUESTION_MS : CHANGE_MS;
  const tooLong = AbortSignal.timeout(limit);
  const signal = AbortSignal.any([question.signal, tooLong]);
  try {
    const response = await send(process, { ...question, signal });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return {
      process,
      status: response.statusCode as number,
      type: response.headers['content-type'] ?? '',
      headers: passedHeaders(response),
      text: Buffer.concat(chunks).toString(),
    };
  } catch (error) {
    question.signal.throwIfAborted();
    const why = tooLong.aborted ? `for ${limit / 1000} s` : (error as Error).message;
    throw new NoAnswer(process, why);
  }
}

/**
 * Asks a process for what continues.
 *
 * @throws {NoAnswer} by rejection; {ApiError} as it refuses
 */
export async function openStream(
  process: ServingProcess,
  question: ProcessQuestion,
): Promise<IncomingMessage> {
  let response: IncomingMessage;
  try {
    response = await send(process, question);
  } catch (error) {
    question.signal.throwIfAborted();
    throw new NoAnswer(process, (error as Error).message);
  }
  if (response.statusCode === 200) return response;
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  throw refusalOf(response.statusCode as number, Buffer.concat(chunks).toString());
}

/** The error that an answer is. */
export function refusalOf(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): ApiError {
  const { code, message } = JSON.parse(text) as { readonly code: string; readonly message: string };
  return new ApiError(status, code, message, headers);
}

function send(
  { at }: ServingProcess,
  { method, target, body, caller, signal }: ProcessQuestion,
): Promise<IncomingMessage> {
  const isSecure = 'protocol' in at;
  const headers = {
    ...(isSecure ? at.headers : {}),
    host: 'localhost',
    [CALLER_HEADER]: callerText(caller),
    ...(body === '' ? {} : { 'content-type': 'application/json' }),
    'content-length': `${Buffer.byteLength(body)}`,
  };
  const options = { ...at, method, path: target, headers, signal, agent: false } as RequestOptions;
  return new Promise((resolve, reject) => {
    const request = isSecure ? httpsRequest(options) : httpRequest(options);
    request.once('response', resolve);
    request.once('error', reject);
    request.end(body);
  });
}

/** Of an answer, what is for whoever has asked. */
const PASSED = ['allow', 'retry-after', 'content-disposition'];

function passedHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    PASSED.filter((name) => headers[name] !== undefined).map((name) => [name, `${headers[name]}`]),
  );
}
