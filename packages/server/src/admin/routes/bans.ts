import type { Ban } from '@promptmq/auth';
import { z } from 'zod';
import { pageAnswer } from '../api/lists/page-answer.ts';
import { ApiError, json, NO_CONTENT, type Operation, operation } from '../api/operation.ts';
import { pageFrom, pageOf, pageQuery } from '../api/page.ts';
import {
  BAN_TYPES,
  type Banned,
  type BanType,
  bannedBy,
  banSchema,
  shownBan,
} from './bans/ban-shape.ts';

const TAG = 'Banned';

const listBanned = operation({
  id: 'listBanned',
  method: 'GET',
  path: '/banned',
  scope: 'read',
  tag: TAG,
  summary: 'Who is not let in',
  query: z.strictObject({
    ...pageQuery.shape,
    clientid: z.string().optional().describe('the ban on exactly this client'),
    username: z.string().optional().describe('the ban on exactly this user'),
    peerhost: z.string().optional().describe('the ban on exactly this address'),
    like_clientid: z.string().optional().describe('bans on clients that have this in them'),
    like_username: z.string().optional().describe('bans on users that have this in them'),
    like_peerhost: z.string().optional().describe('bans on addresses that have this in them'),
    like_peerhost_net: z.string().optional().describe('bans on networks that have this in them'),
  }),
  answers: { 200: { description: 'A page of them, the oldest first', schema: pageOf(banSchema) } },
  handle: ({ host: { broker }, query }) => {
    const { page, limit, ...filters } = query;
    const chosen = broker.bans.list().filter((ban) => isMeant(ban, filters));
    return pageAnswer(pageFrom(chosen, { page, limit }), shownBan);
  },
});

function isMeant(
  { kind, who }: Ban,
  filters: Readonly<Record<string, string | undefined>>,
): boolean {
  const { clientid, username, peerhost } = filters;
  const { like_clientid, like_username, like_peerhost, like_peerhost_net } = filters;
  const isNetwork = who.includes('/');
  return (
    (clientid === undefined || (kind === 'client' && who === clientid)) &&
    (username === undefined || (kind === 'user' && who === username)) &&
    (peerhost === undefined || (kind === 'address' && who === peerhost)) &&
    (like_clientid === undefined || (kind === 'client' && who.includes(like_clientid))) &&
    (like_username === undefined || (kind === 'user' && who.includes(like_username))) &&
    (like_peerhost === undefined ||
      (kind === 'address' && !isNetwork && who.includes(like_peerhost))) &&
    (like_peerhost_net === undefined ||
      (kind === 'address' && isNetwork && who.includes(like_peerhost_net)))
  );
}

/** Milliseconds since 1970, as a text by RFC 3339 or as seconds. */
const time = z.union([
  z.iso.datetime({ offset: true, local: false }).transform((text) => Date.parse(text)),
  z
    .number()
    .int()
    .min(0)
    .max(253_402_300_799)
    .transform((seconds) => seconds * 1000),
]);

const createBanned = operation({
  id: 'createBanned',
  method: 'POST',
  path: '/banned',
  scope: 'clients',
  tag: TAG,
  summary: 'Bans a client, user, address or network: whoever is connected is disconnected',
  body: z.strictObject({
    as: z.enum(BAN_TYPES),
    who: z
      .string()
      .describe('with * at the end, all that begin so; of a regular expression only ^TEXT'),
    by: z.string().optional().describe('who bans; the name of the API key by default'),
    reason: z.string().default(''),
    at: time.optional().describe('is taken, and left out: it holds from now on'),
    until: z
      .union([z.literal('infinity'), time])
      .default('infinity')
      .describe('RFC 3339 or seconds since 1970; infinity: until it is removed'),
  }),
  answers: { 200: { description: 'The ban, which replaces one on the same', schema: banSchema } },
  isLong: true,
  handle: async ({ host: { broker }, caller, body }) => {
    const { by = caller.name, reason, until } = body;
    const ban = await broker.bans.add({
      ...checkedBanned(body.as, body.who),
      by,
      reason,
      until: until === 'infinity' ? undefined : until,
    });
    return json(shownBan(ban));
  },
});

function checkedBanned(type: BanType, who: string): Banned {
  const banned = bannedBy(type, who);
  if (banned !== null) return banned;
  throw new ApiError(
    400,
    'BAD_REQUEST',
    'who: takes a regular expression for a beginning only, such as ^dev-',
  );
}

const deleteBanned = operation({
  id: 'deleteBanned',
  method: 'DELETE',
  path: '/banned/{as}/{who}',
  scope: 'clients',
  tag: TAG,
  summary: 'Takes a ban back',
  params: z.object({ as: z.enum(BAN_TYPES), who: z.string().describe('as it was given') }),
  answers: { 204: { description: 'It is gone', schema: null } },
  errors: { 404: 'There is no such ban' },
  isLong: true,
  handle: async ({ host: { broker }, params }) => {
    const { kind, who } = checkedBanned(params.as, params.who);
    if (await broker.bans.remove(kind, who)) return NO_CONTENT;
    throw new ApiError(404, 'NOT_FOUND', `${params.as}: ${params.who} not found`);
  },
});

const clearBanned = operation({
  id: 'clearBanned',
  method: 'DELETE',
  path: '/banned',
  scope: 'clients',
  tag: TAG,
  summary: 'Takes all bans back',
  answers: { 204: { description: 'They are gone', schema: null } },
  isLong: true,
  handle: async ({ host: { broker } }) => {
    for (const { kind, who } of broker.bans.list()) await broker.bans.remove(kind, who);
    return NO_CONTENT;
  },
});

export const banOperations: readonly Operation[] = [
  listBanned,
  createBanned,
  deleteBanned,
  clearBanned,
];
