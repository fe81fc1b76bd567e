import { z } from 'zod';
import { nodeName } from '../../api/node-name.ts';
import { json, operation } from '../../api/operation.ts';
import { pageOf, pageQuery } from '../../api/page.ts';

/** Clients that are answered at most, on all pages together. */
const CLIENTS_MAX = 10_000;

const slowSchema = z.object({
  clientid: z.string(),
  node: z.string(),
  topic: z
    .string()
    .describe('the topic filter of the client, where it has only one; empty where it has several'),
  timespan: z
    .number()
    .int()
    .describe('for how long something has waited for it, in milliseconds, as far as was seen'),
  last_update_time: z.number().int().describe('now, in milliseconds since 1970'),
  connected: z.boolean(),
  mqueue_len: z.number().int().describe('messages that wait'),
  mqueue_bytes: z.number().int(),
  inflight_cnt: z.number().int().describe('messages sent and not acknowledged'),
  output_bytes: z.number().int().describe('bytes that its connection has not taken yet'),
});

export const slowSubscriptionOperations = [
  operation({
    id: 'listSlowSubscriptions',
    method: 'GET',
    path: '/slow_subscriptions',
    scope: 'read',
    tag: 'Monitor',
    summary: 'The clients for which most waits, most bytes first',
    query: pageQuery,
    answers: { 200: { description: 'Clients', schema: pageOf(slowSchema) } },
    isLong: true,
    handle: async ({ host: { broker }, query: { page, limit } }) => {
      const { monitor, clients, config } = broker;
      const start = (page - 1) * limit;
      const end = Math.min(start + limit, CLIENTS_MAX);
      // One more says whether there is another page.
      const slowest = await monitor.slowSubscriptions(end + 1);
      const node = nodeName(config);
      const now = Date.now();
      const data = slowest.slice(start, end).map((one) => {
        const [filter, ...others] = clients.subscriptions(one.clientId) ?? [];
        return {
          clientid: one.clientId,
          node,
          topic: filter === undefined || others.length > 0 ? '' : filter.topicFilter,
          timespan: Math.round(one.waitingMs),
          last_update_time: now,
          connected: one.isConnected,
          mqueue_len: one.queuedMessages,
          mqueue_bytes: one.queuedBytes,
          inflight_cnt: one.inflightMessages,
          output_bytes: one.outputBytes,
        };
      });
      const hasnext = slowest.length > end && end < CLIENTS_MAX;
      return json({ data, meta: { page, limit, hasnext } });
    },
  }),
];
