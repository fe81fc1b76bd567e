import { z } from 'zod';
import type { ListedSubscription } from '../../embed/clients/subscription-list.ts';
import { pagesOf, type Search } from '../api/lists/cursor-pages.ts';
import { pageAnswer } from '../api/lists/page-answer.ts';
import { nodeName } from '../api/node-name.ts';
import { json, type Operation, operation } from '../api/operation.ts';
import { cursorPageOf, cursorQuery, NO_CURSOR, pageQuery } from '../api/page.ts';
import { filterParameter } from '../api/query-fields.ts';
import { shownSubscription, subscriptionSchema } from './subscriptions/subscription-shape.ts';

/** Where a list of all subscriptions begins. */
const FIRST_CURSOR = '1.0';

const listSubscriptions = operation({
  id: 'listSubscriptions',
  method: 'GET',
  path: '/subscriptions',
  scope: 'read',
  tag: 'Subscriptions',
  summary: 'Subscriptions of all clients',
  query: z.strictObject({
    ...pageQuery.shape,
    ...cursorQuery.shape,
    node: z.string().optional().describe('only those of this node'),
    clientid: z.string().optional().describe('only those of this client'),
    topic: z.string().optional().describe('exactly this filter, with or without $share/NAME/'),
    match_topic: filterParameter()
      .optional()
      .describe('filters that match this one as topics do: a/# also finds a/+/c'),
    qos: z.enum(['0', '1', '2']).optional(),
    share_group: z
      .string()
      .regex(/^[^/+#]+$/, 'takes the NAME of $share/NAME/FILTER')
      .optional(),
  }),
  answers: { 200: { description: 'A page of them', schema: cursorPageOf(subscriptionSchema) } },
  isLong: true,
  handle: async ({ host: { broker }, query, signal }) => {
    const { page, limit, node, clientid, topic, match_topic, qos, share_group } = query;
    const name = nodeName(broker.config);
    if (node !== undefined && node !== name) {
      return json({ data: [], meta: { page, limit, count: 0, hasnext: false } });
    }
    const filter = {
      clientId: clientid,
      topicFilter: topic,
      matching: match_topic,
      qos: qos === undefined ? undefined : (Number(qos) as 0 | 1 | 2),
      shareName: share_group,
    };
    const search: Search<ListedSubscription> = {
      key: `subscriptions ${limit} ${JSON.stringify(filter)}`,
      first: FIRST_CURSOR,
      step: (cursor, stepLimit) => {
        const step = broker.clients.listSubscriptions({ ...filter, cursor, limit: stepLimit });
        return { things: step.subscriptions, cursor: step.cursor };
      },
    };
    if (query.cursor !== undefined) {
      const begin = query.cursor === NO_CURSOR ? FIRST_CURSOR : query.cursor;
      const { things, cursor } = await pagesOf(broker).findAt(search, begin, limit, signal);
      const meta = { limit, cursor: cursor ?? NO_CURSOR, hasnext: cursor !== null };
      return pageAnswer({ data: things, meta }, (one) => shownSubscription(one, name));
    }
    const found = await pagesOf(broker).find(search, page, limit, signal);
    const isAll = Object.values(filter).every((value) => value === undefined);
    const count = isAll ? broker.stats.subscriptionsCurrent : found.count;
    const meta = { page, limit, ...(count === null ? {} : { count }), hasnext: found.hasNext };
    return pageAnswer({ data: found.things, meta }, (one) => shownSubscription(one, name));
  },
});

export const subscriptionOperations: readonly Operation[] = [listSubscriptions];
