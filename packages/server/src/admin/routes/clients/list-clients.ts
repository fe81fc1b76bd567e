import { isIP } from 'node:net';
import { z } from 'zod';
import type { ClientFilter } from '../../../embed/clients/client-filter.ts';
import type { ClientInfo } from '../../../embed/clients/client-info.ts';
import type { RunningBroker } from '../../../embed/running-broker.ts';
import { pagesOf, type Search } from '../../api/lists/cursor-pages.ts';
import { pageAnswer } from '../../api/lists/page-answer.ts';
import { nodeName } from '../../api/node-name.ts';
import { ApiError, json, operation } from '../../api/operation.ts';
import { cursorPageOf, cursorQuery, NO_CURSOR, pageQuery } from '../../api/page.ts';
import {
  flagParameter,
  namesParameter,
  textsParameter,
  timeParameter,
} from '../../api/query-fields.ts';
import { splitAddress } from '../../api/texts.ts';
import { CLIENT_FIELDS, clientSchema, fieldsOf, shownClient } from './client-shape.ts';

/** What clients are sorted by, and what that is called in the embedding API. */
const SORTS = {
  mqueue_len: 'queued',
  mqueue_bytes: 'queuedBytes',
  mqueue_dropped: 'dropped',
  inflight_cnt: 'inflight',
  subscriptions_cnt: 'subscriptions',
  recv_oct: 'bytesReceived',
  send_oct: 'bytesSent',
  connected_at: 'connectedAt',
} as const;

const SORT_NAMES = Object.keys(SORTS) as (keyof typeof SORTS)[];

/** Where a list of all clients begins. */
const FIRST_CURSOR = '1';

/** Clients on all pages of a list that is sorted. */
const SORTED_MAX = 10_000;

const listQuery = z.strictObject({
  ...pageQuery.shape,
  ...cursorQuery.shape,
  node: z.string().optional().describe('only clients of this node'),
  clientid: textsParameter().optional().describe('exactly this client; may be repeated'),
  username: textsParameter().optional().describe('clients of exactly this user; may be repeated'),
  like_clientid: z.string().optional().describe('the identifier has this in it'),
  like_username: z.string().optional().describe("the user's name has this in it"),
  conn_state: z
    .enum(['connected', 'idle', 'disconnected'])
    .optional()
    .describe('nobody is idle: before its CONNECT a connection is no client yet'),
  ip_address: z
    .string()
    .refine((text) => isIP(text) > 0, 'takes an IP address')
    .optional(),
  proto_ver: z.enum(['3', '4', '5']).optional(),
  clean_start: flagParameter().optional(),
  gte_connected_at: timeParameter().optional().describe('connected since then or later'),
  lte_connected_at: timeParameter().optional().describe('connected since then or earlier'),
  gte_created_at: timeParameter().optional().describe('its session was made then or later'),
  lte_created_at: timeParameter().optional().describe('its session was made then or earlier'),
  sort: z
    .enum(SORT_NAMES as [keyof typeof SORTS, ...(keyof typeof SORTS)[]])
    .optional()
    .describe(`by what; the first ${SORTED_MAX} are found`),
  order: z.enum(['desc', 'asc']).optional().describe('of sort; desc, the most first, by default'),
  fields: namesParameter(['all', ...CLIENT_FIELDS])
    .optional()
    .describe('only these fields of each, with commas between them; all by default'),
});

type ListQuery = z.output<typeof listQuery>;

export const listClients = operation({
  id: 'listClients',
  method: 'GET',
  path: '/clients',
  scope: 'read',
  tag: 'Clients',
  summary: 'Clients that are connected, and those whose session continues without a connection',
  query: listQuery,
  answers: { 200: { description: 'A page of them', schema: cursorPageOf(clientSchema.partial()) } },
  isLong: true,
  handle: async ({ host: { broker }, query, signal }) => {
    const { config } = broker;
    const { page, limit, fields: given = ['all'] } = query;
    const fields = given.includes('all')
      ? null
      : CLIENT_FIELDS.filter((field) => given.includes(field));
    const toJson = (client: ClientInfo) => fieldsOf(shownClient(client, config), fields);
    const isElsewhere = query.node !== undefined && query.node !== nodeName(config);
    if (isElsewhere || query.conn_state === 'idle') {
      return json({ data: [], meta: { page, limit, count: 0, hasnext: false } });
    }
    if (query.cursor !== undefined && (query.clientid ?? query.sort) !== undefined) {
      throw new ApiError(
        400,
        'BAD_REQUEST',
        'cursor: not with clientid and sort, which have pages',
      );
    }
    const pages = pagesOf(broker);
    const filter = filterOf(query);
    if (query.clientid !== undefined) {
      return pageAnswer(named(query, query.clientid, filter, broker), toJson);
    }
    if (query.sort !== undefined) {
      const last = page * limit;
      if (last > SORTED_MAX) {
        throw new ApiError(
          400,
          'BAD_REQUEST',
          `page: a sorted list has ${SORTED_MAX} clients at most, so page * limit may not be more`,
        );
      }
      const by = SORTS[query.sort];
      const sorted = await pages.walking(() =>
        broker.clients.top({ ...filter, by, order: query.order, limit: last + 1, signal }),
      );
      const data = sorted.slice(last - limit, last);
      const hasnext = sorted.length > last && last + limit <= SORTED_MAX;
      return pageAnswer({ data, meta: { page, limit, hasnext } }, toJson);
    }
    const search: Search<ClientInfo> = {
      key: `clients ${limit} ${JSON.stringify(filter)}`,
      first: FIRST_CURSOR,
      step: (cursor, stepLimit) => {
        const step = broker.clients.list({ ...filter, cursor, limit: stepLimit });
        return { things: step.clients, cursor: step.cursor };
      },
    };
    if (query.cursor !== undefined) {
      const begin = query.cursor === NO_CURSOR ? FIRST_CURSOR : query.cursor;
      const { things, cursor } = await pages.findAt(search, begin, limit, signal);
      const meta = { limit, cursor: cursor ?? NO_CURSOR, hasnext: cursor !== null };
      return pageAnswer({ data: things, meta }, toJson);
    }
    if (Object.values(filter).every((value) => value === undefined)) {
      // All are found by their place.
      const begin = broker.clients.cursorAt((page - 1) * limit);
      const count = broker.stats.sessionsCurrent;
      const { things, cursor } =
        begin === null
          ? { things: [], cursor: null }
          : await pages.findAt(search, begin, limit, signal);
      return pageAnswer(
        { data: things, meta: { page, limit, count, hasnext: cursor !== null } },
        toJson,
      );
    }
    const { things, count, hasNext } = await pages.find(search, page, limit, signal);
    const counted = count === null ? {} : { count };
    return pageAnswer(
      { data: things, meta: { page, limit, ...counted, hasnext: hasNext } },
      toJson,
    );
  },
});

function filterOf(query: ListQuery): ClientFilter {
  const { conn_state, proto_ver } = query;
  return {
    like: query.like_clientid,
    user: query.username,
    likeUser: query.like_username,
    isConnected: conn_state === undefined ? undefined : conn_state === 'connected',
    address: query.ip_address,
    version: proto_ver === undefined ? undefined : Number(proto_ver),
    cleanStart: query.clean_start,
    connectedSince: query.gte_connected_at,
    connectedUntil: query.lte_connected_at,
    createdSince: query.gte_created_at,
    createdUntil: query.lte_created_at,
  };
}

/** A page of those that were named, as far as they are there and are meant. */
function named(
  { page, limit }: ListQuery,
  ids: readonly string[],
  filter: ClientFilter,
  { clients }: RunningBroker,
) {
  const all = [...new Set(ids)]
    .map((id) => clients.get(id))
    .filter((client) => client !== null && isMeant(client, filter)) as ClientInfo[];
  const start = (page - 1) * limit;
  const meta = { page, limit, count: all.length, hasnext: start + limit < all.length };
  return { data: all.slice(start, start + limit), meta };
}

/** As `clients.list` filters. */
function isMeant(client: ClientInfo, filter: ClientFilter): boolean {
  const { like = '', user, likeUser, isConnected, address, version, cleanStart } = filter;
  const { userName, connectedAt, createdAt } = client;
  return (
    isBetween(connectedAt, filter.connectedSince, filter.connectedUntil) &&
    isBetween(createdAt, filter.createdSince, filter.createdUntil) &&
    client.clientId.includes(like) &&
    (user === undefined || (userName !== null && user.includes(userName))) &&
    (likeUser === undefined || userName?.includes(likeUser) === true) &&
    (isConnected === undefined || client.isConnected === isConnected) &&
    (address === undefined || splitAddress(client.remoteAddress).host === address.toLowerCase()) &&
    (version === undefined || client.version === version) &&
    (cleanStart === undefined || client.cleanStart === cleanStart)
  );
}

function isBetween(
  time: number | null,
  since: number | undefined,
  until: number | undefined,
): boolean {
  if (since === undefined && until === undefined) return true;
  return time !== null && time >= (since ?? 0) && time <= (until ?? time);
}
