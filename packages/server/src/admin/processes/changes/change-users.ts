import { z } from 'zod';
import { API_PATH } from '../../api/admin-api.ts';
import { type Caller, json, type Operation, operation, SCOPES } from '../../api/operation.ts';
import { askProcess, NoAnswer, type ProcessAnswer } from '../ask-process.ts';
import type { ServingProcess, ServingProcesses } from '../host.ts';

/** A request of a client to change users, groups and roles. */
export interface UsersRequest {
  /** `{"commands": [...]}`, as the client has sent it. */
  readonly payload: string;
  readonly clientId: string;
  readonly userName: string | null;
}

const PATH = '/process/users';

/**
 * The part of one process in it, which isn't part of the API.
 *
 * @param carryOut - does it here. @returns what is answered
 */
export function changeUsersOperation(
  carryOut: (request: UsersRequest) => Promise<string>,
): Operation {
  return operation({
    id: 'changeUsers',
    method: 'POST',
    path: PATH,
    scope: 'auth',
    tag: 'Processes',
    summary: 'What a client of any process has asked to change of users, groups and roles',
    body: z.strictObject({
      payload: z.string(),
      clientId: z.string(),
      userName: z.string().nullable(),
    }),
    answers: { 200: { description: 'What it is answered', schema: z.unknown() } },
    isLong: true,
    handle: async ({ body }) => json(JSON.parse(await carryOut(body))),
  });
}

const ASKER: Caller = { name: 'users', kind: 'socket', scopes: new Set(SCOPES), address: null };

/**
 * Has all processes of a broker carry out what clients of any of them ask to change of users, groups and roles, one request after the other: the one of the lowest
 * cell first, so that where two nodes do that at a time, all of them do what comes first there.
 */
export class UsersChanges {
  readonly #processes: ServingProcesses;
  #last: Promise<unknown> = Promise.resolve();

  constructor(processes: ServingProcesses) {
    this.#processes = processes;
  }

  /**
   * @returns what is answered: `{"responses": [...]}`
   * @throws {Error} by rejection, when a process isn't there, and nothing is changed; or when it is not known whether all have changed it
   */
  ask(request: UsersRequest): Promise<string> {
    const answer = this.#last.then(() => this.#askAll(request));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #askAll(request: UsersRequest): Promise<string> {
    const { serving, cellCount } = this.#processes;
    const [first, ...others] = serving;
    if (first === undefined || serving.length < cellCount) {
      throw new Error(`${this.#missing(serving)} not there just now: nothing is changed`);
    }
    const response = await askOne(first, request);
    await Promise.all(others.map((process) => askOne(process, request)));
    return response;
  }

  #missing(serving: readonly ServingProcess[]): string {
    const there = new Set(serving.map(({ cell }) => cell));
    const names: string[] = [];
    for (let cell = 0; cell < this.#processes.cellCount; cell++) {
      if (!there.has(cell)) names.push(this.#processes.nameOf(cell));
    }
    return `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'}`;
  }
}

/** @throws {Error} when it is not known whether it has done it */
async function askOne(process: ServingProcess, request: UsersRequest): Promise<string> {
  let answer: ProcessAnswer;
  try {
    answer = await askProcess(process, {
      method: 'POST',
      target: API_PATH + PATH,
      body: JSON.stringify(request),
      caller: ASKER,
      signal: new AbortController().signal,
    });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    throw new Error(`${error.message}: ask again`, { cause: error });
  }
  const { status, text } = answer;
  if (status !== 200) throw new Error(`${process.name} has not done it (${text}): ask again`);
  return text;
}
