import { z } from 'zod';
import { EmbedError, withoutMethod } from '../../embed/calls/embed-error.ts';
import type { RunningBroker } from '../../embed/running-broker.ts';
import type { UserCommand } from '../../embed/users/users.ts';
import { ApiError, json, NO_CONTENT, type Operation, operation } from '../api/operation.ts';
import { pageOf, pageQuery } from '../api/page.ts';

const roleRefs = z.array(
  z.strictObject({ rolename: z.string(), priority: z.number().int().optional() }),
);
const groupRefs = z.array(
  z.strictObject({ groupname: z.string(), priority: z.number().int().optional() }),
);
const userRefs = z.array(
  z.strictObject({ username: z.string(), priority: z.number().int().optional() }),
);

const texts = {
  textname: z.string().optional(),
  textdescription: z.string().optional(),
};

const acls = z.array(
  z.strictObject({
    acltype: z.enum([
      'publishClientSend',
      'publishClientReceive',
      'subscribeLiteral',
      'subscribePattern',
      'unsubscribeLiteral',
      'unsubscribePattern',
    ]),
    topic: z.string(),
    allow: z.boolean().default(true),
    priority: z.number().int().optional(),
  }),
);

/** What mosquitto's dynamic security has of it, and answers. */
const shownSchema = z.looseObject({});

interface Kind {
  /** As the paths have it. */
  readonly path: string;
  /** As the commands have it: `createClient`. */
  readonly command: string;
  /** The field with its name. */
  readonly key: 'username' | 'groupname' | 'rolename';
  readonly what: string;
  /** What can be set of it. */
  readonly fields: z.ZodRawShape;
}

const KINDS: readonly Kind[] = [
  {
    path: 'users',
    command: 'Client',
    key: 'username',
    what: 'user',
    fields: {
      password: z.string().optional(),
      clientid: z.string().optional().describe('the only client identifier that it may have'),
      disabled: z.boolean().optional(),
      ...texts,
      roles: roleRefs.optional(),
      groups: groupRefs.optional(),
    },
  },
  {
    path: 'groups',
    command: 'Group',
    key: 'groupname',
    what: 'group',
    fields: { ...texts, roles: roleRefs.optional(), clients: userRefs.optional() },
  },
  {
    path: 'roles',
    command: 'Role',
    key: 'rolename',
    what: 'role',
    fields: { ...texts, acls: acls.optional() },
  },
];

const ERRORS = { 404: 'There is none of that name, or no dynamic-security in auth.chain' };

/** Commands that change nothing: `listClients`, `getRole` and the like. */
const QUESTION = /^(?:list|get)[A-Z]/;

/** Whether commands change nothing. */
export function isQuestionOfUsers(commands: readonly { readonly command: string }[]): boolean {
  return commands.every(({ command }) => QUESTION.test(command));
}

const responsesSchema = z.object({ responses: z.array(shownSchema) });

export const userOperations: readonly Operation[] = [
  ...KINDS.flatMap(operationsOf),
  operation({
    id: 'askDynamicSecurity',
    method: 'POST',
    path: '/dynamic_security',
    scope: 'auth',
    isQuestion: ({ commands }) => isQuestionOfUsers(commands),
    tag: 'Users',
    summary: 'Commands of mosquitto’s dynamic security, one after the other; each has its answer',
    body: z.strictObject({ commands: z.array(z.looseObject({ command: z.string() })).max(10_000) }),
    answers: { 200: { description: 'They were asked', schema: responsesSchema } },
    errors: ERRORS,
    isLong: true,
    handle: async ({ host: { broker }, body }) =>
      json({ responses: await available(() => broker.users.ask(body.commands)) }),
  }),
  operation({
    id: 'exportDynamicSecurity',
    method: 'GET',
    path: '/dynamic_security/export',
    scope: 'auth',
    tag: 'Users',
    summary: 'All users, groups and roles as mosquitto’s dynamic-security.json, hashes included',
    answers: { 200: { description: 'The file', schema: shownSchema } },
    errors: ERRORS,
    handle: async ({ host: { broker } }) =>
      json(JSON.parse(await available(() => broker.users.export()))),
  }),
  operation({
    id: 'importDynamicSecurity',
    method: 'POST',
    path: '/dynamic_security/import',
    scope: 'auth',
    tag: 'Users',
    summary: 'Take over a dynamic-security.json of mosquitto, while there is nobody yet',
    body: shownSchema,
    answers: { 204: { description: 'It is taken over', schema: null } },
    errors: ERRORS,
    isLong: true,
    handle: async ({ host: { broker }, body }) => {
      await available(() => broker.users.import(JSON.stringify(body)));
      return NO_CONTENT;
    },
  }),
];

function operationsOf({ path, command, key, what, fields }: Kind): Operation[] {
  const tag = 'Users';
  const params = z.object({ name: z.string().min(1) });
  return [
    operation({
      id: `list${command}s`.replace('Client', 'User'),
      method: 'GET',
      path: `/${path}`,
      scope: 'auth',
      tag,
      summary: `All ${path} of dynamic security`,
      query: pageQuery,
      answers: { 200: { description: 'A page of them', schema: pageOf(shownSchema) } },
      errors: { 404: ERRORS[404] },
      isLong: true,
      handle: async ({ host: { broker }, query: { page, limit } }) => {
        const offset = (page - 1) * limit;
        const asked = { command: `list${command}s`, verbose: true, count: limit, offset };
        const data = (await ask(broker, asked)) as { totalCount: number };
        const list = (data as unknown as Record<string, unknown[]>)[`${command.toLowerCase()}s`];
        const count = data.totalCount;
        return json({
          data: list ?? [],
          meta: { page, limit, count, hasnext: offset + limit < count },
        });
      },
    }),
    operation({
      id: `create${command}`.replace('Client', 'User'),
      method: 'POST',
      path: `/${path}`,
      scope: 'auth',
      tag,
      summary: `Make a ${what}; answered when it is committed`,
      body: z.strictObject({ [key]: z.string().min(1), ...fields }),
      answers: { 201: { description: 'It is made', schema: shownSchema } },
      errors: { ...ERRORS, 409: 'There is one already' },
      isLong: true,
      handle: async ({ host: { broker }, body }) => {
        const { disabled, ...given } = body as Record<string, unknown>;
        const name = given[key] as string;
        await ask(broker, { command: `create${command}`, ...given });
        if (disabled === true) await ask(broker, { command: 'disableClient', username: name });
        return json(await one(broker, command, key, name), 201);
      },
    }),
    operation({
      id: `get${command}`.replace('Client', 'User'),
      method: 'GET',
      path: `/${path}/{name}`,
      scope: 'auth',
      tag,
      summary: `One ${what}`,
      params,
      answers: { 200: { description: 'It', schema: shownSchema } },
      errors: ERRORS,
      isLong: true,
      handle: async ({ host: { broker }, params: { name } }) =>
        json(await one(broker, command, key, name)),
    }),
    operation({
      id: `modify${command}`.replace('Client', 'User'),
      method: 'PUT',
      path: `/${path}/{name}`,
      scope: 'auth',
      tag,
      summary: `Change a ${what}: what is left out stays as it is, and a list replaces the former`,
      params,
      body: z.strictObject(fields),
      answers: { 200: { description: 'It is changed', schema: shownSchema } },
      errors: ERRORS,
      isLong: true,
      handle: async ({ host: { broker }, params: { name }, body }) => {
        const { disabled, ...given } = body as Record<string, unknown>;
        await ask(broker, { command: `modify${command}`, [key]: name, ...given });
        if (typeof disabled === 'boolean') {
          const change = disabled ? 'disableClient' : 'enableClient';
          await ask(broker, { command: change, username: name });
        }
        return json(await one(broker, command, key, name));
      },
    }),
    operation({
      id: `delete${command}`.replace('Client', 'User'),
      method: 'DELETE',
      path: `/${path}/{name}`,
      scope: 'auth',
      tag,
      summary: `Delete a ${what}; clients that lose a right are cut off`,
      params,
      answers: { 204: { description: 'It is deleted', schema: null } },
      errors: ERRORS,
      isLong: true,
      handle: async ({ host: { broker }, params: { name } }) => {
        await ask(broker, { command: `delete${command}`, [key]: name });
        return NO_CONTENT;
      },
    }),
  ];
}

async function one(
  broker: RunningBroker,
  command: string,
  key: string,
  name: string,
): Promise<unknown> {
  const data = await ask(broker, { command: `get${command}`, [key]: name });
  return data[command.toLowerCase()];
}

/** @throws {ApiError} with what was answered, where the command was refused */
async function ask(
  broker: RunningBroker,
  command: UserCommand,
): Promise<Readonly<Record<string, unknown>>> {
  const [answer] = await available(() => broker.users.ask([command]));
  const error = answer?.error;
  if (error === undefined) return answer?.data ?? {};
  if (/not found/i.test(error)) throw new ApiError(404, 'NOT_FOUND', error);
  if (/already exists/i.test(error)) throw new ApiError(409, 'ALREADY_EXISTS', error);
  throw new ApiError(400, 'BAD_REQUEST', error);
}

/** @throws {ApiError} 404 without dynamic security */
async function available<T>(call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof EmbedError) || error.code !== 'not-available') throw error;
    throw new ApiError(404, 'NOT_AVAILABLE', withoutMethod(error));
  }
}
