import { cellOf } from '@promptmq/cluster';
import { API_PATH } from '../api/admin-api.ts';
import type { ApiBase } from '../api/api-host.ts';
import { type Answer, ApiError, type Call } from '../api/operation.ts';
import { askProcess, NoAnswer, type ProcessAnswer, refusalOf } from './ask-process.ts';
import type { ServingProcess, ServingProcesses } from './host.ts';

/** A request of which the parts are not looked at. */
// biome-ignore lint/suspicious/noExplicitAny: an operation's rule knows what its schemas have made of the parts
export type AnyCall = Call<any, any, any, ApiBase>;

/** What processes are asked, where it isn't what came. */
export interface Asked {
  readonly method?: string;
  /** Below `/api/v5`, with parameters. */
  readonly target?: string;
  readonly body?: unknown;
}

/** What one process has answered. */
export interface Part<T> {
  readonly process: ServingProcess;
  readonly data: T;
}

/** Names of cells that nobody serves just now, in an answer of which they are no part. */
const MISSING_HEADER = 'x-promptmq-missing';

/** Has processes answer a request that came here. */
export class Asking {
  readonly call: AnyCall;
  readonly #processes: ServingProcesses;
  /** Those of which there is nothing in the answer. */
  readonly #missing: Set<string>;

  constructor(processes: ServingProcesses, call: AnyCall) {
    this.#processes = processes;
    this.call = call;
    this.#missing = new Set();
  }

  get cellCount(): number {
    return this.#processes.cellCount;
  }

  /** Those that serve now, by cell; of others, the answer will say that there is nothing of them in it. */
  get serving(): readonly ServingProcess[] {
    const { serving, cellCount } = this.#processes;
    const there = new Set(serving.map(({ cell }) => cell));
    for (let cell = 0; cell < cellCount; cell++) {
      if (!there.has(cell)) this.#missing.add(this.#processes.nameOf(cell));
    }
    return serving;
  }

  /** The process that has a client. @throws {ApiError} 503 while nobody does */
  ofClient(clientId: string): ServingProcess {
    return this.ofCell(cellOf(clientId, this.cellCount));
  }

  /** @throws {ApiError} 503 while nobody serves it */
  ofCell(cell: number): ServingProcess {
    const found = this.#processes.serving.find((one) => one.cell === cell);
    if (found !== undefined) return found;
    throw away([this.#processes.nameOf(cell)]);
  }

  /** The one of a topic, so that what is asked of one topic is done in order; another one while that isn't there. */
  ofTopic(topic: string): ServingProcess {
    const cell = cellOf(topic, this.cellCount);
    return this.#processes.serving.find((one) => one.cell === cell) ?? this.any();
  }

  /** The first that serves. @throws {ApiError} 503 when none does */
  any(): ServingProcess {
    const [first] = this.#processes.serving;
    if (first !== undefined) return first;
    throw away(this.#names());
  }

  /** All, for what has to be done by all. @throws {ApiError} 503 while one isn't there */
  everyone(): readonly ServingProcess[] {
    const { serving } = this.#processes;
    if (serving.length === this.cellCount) return serving;
    throw away(this.#names().filter((name) => this.serving.every((one) => one.name !== name)));
  }

  #names(): string[] {
    return Array.from({ length: this.cellCount }, (_, cell) => this.#processes.nameOf(cell));
  }

  /** Asks one process, and takes its answer as it is, refusals included. @throws {ApiError} 503 */
  async pass(process: ServingProcess, asked: Asked = {}): Promise<Answer> {
    const { status, type, headers, text } = await this.#whole(process, asked);
    if (text === '') return { status, headers };
    if (!type.startsWith('application/json')) return { status, text, headers };
    return { status, body: JSON.parse(text), headers };
  }

  /** Asks one process. @throws {ApiError} as it refuses; 503 */
  async ask<T>(process: ServingProcess, asked: Asked = {}): Promise<T> {
    return dataOf<T>(await this.#whole(process, asked));
  }

  /**
   * Asks those that serve; one that doesn't answer is left out, and the answer will say so.
   *
   * @param askedOf - null: it isn't asked
   * @throws {ApiError} as one refuses; 503 when none answers
   */
  async askAll<T>(
    askedOf: (process: ServingProcess) => Asked | null = () => ({}),
  ): Promise<Part<T>[]> {
    const answers = await this.answersOf(askedOf);
    return answers.map((answer) => ({ process: answer.process, data: dataOf<T>(answer) }));
  }

  /** The same with their refusals. @throws {ApiError} 503 when none answers */
  async answersOf(
    askedOf: (process: ServingProcess) => Asked | null = () => ({}),
  ): Promise<ProcessAnswer[]> {
    const answers = await Promise.all(
      this.serving.map(async (process) => {
        const asked = askedOf(process);
        if (asked === null) return null;
        try {
          return await this.#send(process, asked);
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw error;
          this.#missing.add(process.name);
          return null;
        }
      }),
    );
    const parts = answers.filter((answer) => answer !== null);
    if (parts.length === 0 && this.#missing.size > 0) throw away([...this.#missing]);
    return parts;
  }

  /** A page of all of it, with those of which there is nothing in it. */
  page(data: readonly unknown[], meta: object): Answer {
    const missing = [...this.#missing];
    const body = { data, meta: missing.length === 0 ? meta : { ...meta, missing } };
    return { status: 200, body, headers: this.headers };
  }

  /** Something else. */
  whole(body: unknown, status = 200): Answer {
    return { status, body, headers: this.headers };
  }

  get headers(): Readonly<Record<string, string>> {
    if (this.#missing.size === 0) return {};
    return { [MISSING_HEADER]: [...this.#missing].join(', ') };
  }

  async #whole(process: ServingProcess, asked: Asked): Promise<ProcessAnswer> {
    try {
      return await this.#send(process, asked);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      throw new ApiError(
        503,
        'NO_ANSWER',
        `${error.message}; whether it is done is not known`,
        AGAIN,
      );
    }
  }

  #send(process: ServingProcess, { method, target, body }: Asked): Promise<ProcessAnswer> {
    const { sent, caller, signal } = this.call;
    return askProcess(process, {
      method: method ?? (sent.method === 'HEAD' ? 'GET' : sent.method),
      target: target === undefined ? sent.target : API_PATH + target,
      body: body === undefined ? (target === undefined ? sent.body : '') : JSON.stringify(body),
      caller,
      signal,
    });
  }
}

const AGAIN = { 'retry-after': '1' };

function away(names: readonly string[]): ApiError {
  const are = names.length === 1 ? "isn't" : "aren't";
  const why = `${names.join(', ')} ${are} there just now; ask again`;
  return new ApiError(503, 'PROCESS_AWAY', why, AGAIN);
}

/** What an answer has. @throws {ApiError} as it refuses */
export function dataOf<T>({ status, text, headers }: ProcessAnswer): T {
  if (status >= 400) throw refusalOf(status, text, headers);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** The parameters that came, for another question. */
export function parametersOf({ sent }: AnyCall): URLSearchParams {
  const at = sent.target.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : sent.target.slice(at + 1));
}

/** A path with the parameters that came, but for some. @param changes - null: left out */
export function targetWith(
  call: AnyCall,
  path: string,
  changes: Readonly<Record<string, string | number | null>>,
): string {
  const parameters = parametersOf(call);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) parameters.delete(name);
    else parameters.set(name, `${value}`);
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}
