import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { BanKind } from '@promptmq/auth';
import { EmbedError } from '../embed/calls/embed-error.ts';
import type { AccessQuestion } from '../embed/explain/explain-access.ts';
import type { RunningBroker } from '../embed/running-broker.ts';
import type { UserCommand } from '../embed/users/users.ts';
import type { MessageInfo } from '../tracing/message-info.ts';

/** Bytes of a message that is published over the socket. */
const BODY_BYTES_MAX = 1_048_576;

/** Bytes of users, groups and roles that are taken over at once. */
const FILE_BYTES_MAX = 67_108_864;

/** What an answer may say beside success. */
export class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A request that is a call of the broker. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST';
  /** All that there are. */
  readonly parameters: readonly string[];
  /** Whether it may take as long as it takes: for what waits for the disk, or has many turns. */
  readonly isLong: boolean;
  /** Of a POST that may change nothing: it says itself what `refuseReadOnly` does. */
  readonly isQuestion?: boolean;
  /**
   * @returns what is answered as JSON
   * @throws {RequestError} and whatever the call throws
   */
  answer(
    broker: RunningBroker,
    parameters: URLSearchParams,
    request: IncomingMessage,
  ): unknown | Promise<unknown>;
}

/** By path: everything that `RunningBroker` offers to operators, under the same names. */
export const API_REQUESTS: Readonly<Record<string, ApiRequest>> = {
  '/clients/list': {
    method: 'GET',
    parameters: ['like', 'user', 'cursor', 'limit'],
    isLong: false,
    answer: ({ clients }, given) =>
      clients.list({
        like: text(given, 'like'),
        user: text(given, 'user'),
        cursor: text(given, 'cursor'),
        limit: number(given, 'limit'),
      }),
  },
  '/clients/get': {
    method: 'GET',
    parameters: ['client'],
    isLong: false,
    answer: ({ clients }, given) => {
      const clientId = needed(given, 'client');
      const client = clients.get(clientId);
      if (client === null) throw new RequestError(404, `${clientId} has no session`);
      return { client, subscriptions: clients.subscriptions(clientId) };
    },
  },
  '/clients/disconnect': {
    method: 'POST',
    parameters: ['client', 'reasonCode', 'dropSession', 'preventWill'],
    isLong: true,
    answer: async ({ clients }, given) => ({
      isDone: await clients.disconnect(needed(given, 'client'), {
        reasonCode: number(given, 'reasonCode'),
        dropSession: flag(given, 'dropSession'),
        preventWill: flag(given, 'preventWill'),
      }),
    }),
  },
  '/retained/get': {
    method: 'GET',
    parameters: ['topic'],
    isLong: false,
    answer: ({ retained }, given) => {
      const topic = needed(given, 'topic');
      const message = retained.get(topic);
      if (message === null) throw new RequestError(404, `${topic} has no retained message`);
      return shownMessage(message);
    },
  },
  '/retained/match': {
    method: 'GET',
    parameters: ['filter', 'cursor', 'limit'],
    isLong: false,
    answer: ({ retained }, given) => {
      const { messages, cursor } = retained.match(needed(given, 'filter'), {
        cursor: text(given, 'cursor'),
        limit: number(given, 'limit'),
      });
      return { messages: messages.map(shownMessage), cursor };
    },
  },
  '/retained/clear': {
    method: 'POST',
    parameters: ['filter'],
    isLong: true,
    answer: async ({ retained }, given) => ({
      count: await retained.clear(needed(given, 'filter')),
    }),
  },
  '/bans/list': {
    method: 'GET',
    parameters: [],
    isLong: false,
    answer: ({ bans }) => ({ bans: bans.list() }),
  },
  '/bans/add': {
    method: 'POST',
    parameters: ['kind', 'who', 'reason', 'by', 'seconds'],
    isLong: true,
    answer: ({ bans }, given) =>
      bans.add({
        kind: needed(given, 'kind') as BanKind,
        who: needed(given, 'who'),
        reason: text(given, 'reason'),
        by: text(given, 'by'),
        seconds: number(given, 'seconds'),
      }),
  },
  '/bans/remove': {
    method: 'POST',
    parameters: ['kind', 'who'],
    isLong: true,
    answer: async ({ bans }, given) => ({
      isDone: await bans.remove(needed(given, 'kind') as BanKind, needed(given, 'who')),
    }),
  },
  '/explain/access': {
    method: 'GET',
    parameters: [
      'user',
      'client',
      'action',
      'topic',
      'qos',
      'retain',
      'address',
      'groups',
      'roles',
    ],
    isLong: false,
    answer: (broker, given) =>
      broker.explainAccess({
        userName: text(given, 'user') ?? null,
        clientId: needed(given, 'client'),
        action: needed(given, 'action') as AccessQuestion['action'],
        topic: needed(given, 'topic'),
        qos: number(given, 'qos') as 0 | 1 | 2 | undefined,
        retain: flag(given, 'retain'),
        address: text(given, 'address'),
        groups: names(given, 'groups'),
        roles: names(given, 'roles'),
      }),
  },
  '/explain/publish': {
    method: 'GET',
    parameters: ['topic', 'qos', 'retain', 'from'],
    isLong: false,
    answer: (broker, given) =>
      broker.explainPublish({
        topic: needed(given, 'topic'),
        qos: number(given, 'qos') as 0 | 1 | 2 | undefined,
        retain: flag(given, 'retain'),
        from: text(given, 'from'),
      }),
  },
  '/users/ask': {
    method: 'POST',
    parameters: [],
    isLong: true,
    isQuestion: true,
    answer: async (broker, _given, request) => {
      const commands = commandsOf(await bodyOf(request, FILE_BYTES_MAX));
      if (!commands.every(isUserQuestion)) refuseReadOnly(broker);
      return { responses: await broker.users.ask(commands) };
    },
  },
  '/users/export': {
    method: 'GET',
    parameters: [],
    isLong: false,
    answer: ({ users }) => JSON.parse(users.export()) as unknown,
  },
  '/users/import': {
    method: 'POST',
    parameters: [],
    isLong: true,
    answer: async ({ users }, _given, request) => {
      await users.import((await bodyOf(request, FILE_BYTES_MAX)).toString());
      return {};
    },
  },
  '/publish': {
    method: 'POST',
    parameters: ['topic', 'qos', 'retain'],
    isLong: true,
    answer: async (broker, given, request) => {
      const payload = await bodyOf(request);
      const qos = number(given, 'qos');
      const retain = flag(given, 'retain');
      return broker.publish({
        topic: needed(given, 'topic'),
        payload,
        ...(qos === undefined ? {} : { qos: qos as 0 | 1 | 2 }),
        ...(retain === undefined ? {} : { retain }),
      });
    },
  },
};

/**
 * For what would change something.
 *
 * @throws {RequestError} 403 in read-only mode
 */
export function refuseReadOnly({ config }: RunningBroker): void {
  if (!config.admin.readOnly) return;
  throw new RequestError(403, 'nothing can be changed here: admin.read-only is on');
}

/** Whether a command of dynamic security changes nothing: `listClients`, `getRole` and the like. */
function isUserQuestion(command: unknown): boolean {
  const name = (command as UserCommand | null)?.['command'];
  return typeof name === 'string' && /^(?:list|get)[A-Z]/.test(name);
}

/** The status with which an error is answered. */
export function statusOf(error: unknown): number | null {
  if (error instanceof RequestError) return error.status;
  if (!(error instanceof EmbedError)) return null;
  switch (error.code) {
    case 'storage-full':
    case 'retained-full':
    case 'queue-full':
    case 'too-many':
    case 'stopped':
      return 503;
    case 'cursor-expired':
      return 410;
    default:
      return 400;
  }
}

/** A message as JSON has it: bytes are text where they are UTF-8, else in Base64. */
export interface ShownMessage
  extends Omit<MessageInfo, 'payload' | 'properties'>,
    ShownBytes<'payload'> {
  /** Bytes. */
  readonly payloadSize: number;
  readonly properties: object;
}

type ShownBytes<N extends string> = {
  readonly [name in N | `${N}Base64`]?: string;
};

function shownMessage({ topic, payload, qos, retain, properties }: MessageInfo): ShownMessage {
  const { correlationData, ...others } = properties;
  return {
    topic,
    qos,
    retain,
    payloadSize: payload.length,
    ...(isUtf8(payload)
      ? { payload: payload.toString() }
      : { payloadBase64: payload.toString('base64') }),
    properties: {
      ...others,
      ...(correlationData === undefined
        ? {}
        : { correlationDataBase64: Buffer.from(correlationData).toString('base64') }),
    },
  };
}

function text(given: URLSearchParams, name: string): string | undefined {
  return given.get(name) ?? undefined;
}

function needed(given: URLSearchParams, name: string): string {
  const value = given.get(name);
  if (value === null) throw new RequestError(400, `${name} is missing`);
  return value;
}

/** A list of texts, in JSON. */
function names(given: URLSearchParams, name: string): string[] {
  const value = given.get(name);
  if (value === null) return [];
  try {
    const list: unknown = JSON.parse(value);
    if (Array.isArray(list) && list.every((one) => typeof one === 'string')) return list;
  } catch {
    // Said below.
  }
  throw new RequestError(
    400,
    `${name} takes a list of texts in JSON, not ${JSON.stringify(value)}`,
  );
}

/** Decimal, or hexadecimal from 0x on. */
function number(given: URLSearchParams, name: string): number | undefined {
  const value = given.get(name);
  if (value === null) return undefined;
  if (!/^(\d{1,10}|0x[\da-f]{1,8})$/i.test(value)) {
    throw new RequestError(400, `${name} takes a number, not ${JSON.stringify(value)}`);
  }
  return Number(value);
}

function flag(given: URLSearchParams, name: string): boolean | undefined {
  const value = given.get(name);
  if (value === null) return undefined;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new RequestError(400, `${name} takes true or false, not ${JSON.stringify(value)}`);
}

function commandsOf(body: Buffer): UserCommand[] {
  try {
    const { commands } = JSON.parse(body.toString()) as { commands: UserCommand[] };
    if (Array.isArray(commands)) return commands;
  } catch {
    // Said below.
  }
  throw new RequestError(400, 'it takes {"commands": [...]} as JSON');
}

async function bodyOf(request: IncomingMessage, sizeMax = BODY_BYTES_MAX): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > sizeMax) {
      throw new RequestError(413, `a payload may have ${sizeMax} bytes here`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
