import { z } from 'zod';
import type { ListedSubscription } from '../../../embed/clients/subscription-list.ts';
import { nextTurn } from '../../api/lists/turns.ts';
import { nodeName } from '../../api/node-name.ts';
import { json, operation } from '../../api/operation.ts';
import { shownSubscription, subscriptionSchema } from '../subscriptions/subscription-shape.ts';
import { CLIENT_ERRORS, clientParams, noClient } from './one-client.ts';

/** Subscriptions that are answered for a client; `/subscriptions?clientid=` has all, page by page. */
const SUBSCRIPTIONS_MAX = 10_000;

export const getClientSubscriptions = operation({
  id: 'getClientSubscriptions',
  method: 'GET',
  path: '/clients/{clientid}/subscriptions',
  scope: 'read',
  tag: 'Clients',
  summary: `Its subscriptions, the first ${SUBSCRIPTIONS_MAX}`,
  params: clientParams,
  answers: { 200: { description: 'All of them', schema: z.array(subscriptionSchema) } },
  errors: CLIENT_ERRORS,
  isLong: true,
  handle: async ({ host: { broker }, params: { clientid: clientId }, signal }) => {
    if (broker.clients.get(clientId) === null) throw noClient();
    const name = nodeName(broker.config);
    const all: ListedSubscription[] = [];
    for (let cursor: string | null = null; ; ) {
      const limit = Math.min(500, SUBSCRIPTIONS_MAX - all.length);
      const page = broker.clients.listSubscriptions({ clientId, cursor, limit });
      for (const one of page.subscriptions) all.push(one);
      cursor = page.cursor;
      if (cursor === null || all.length === SUBSCRIPTIONS_MAX) break;
      await nextTurn();
      signal.throwIfAborted();
    }
    return json(all.map((one) => shownSubscription(one, name)));
  },
});
