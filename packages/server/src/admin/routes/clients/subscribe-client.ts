import { z } from 'zod';
import type { ClientSubscribeRequest } from '../../../embed/clients/on-behalf.ts';
import type { RunningBroker } from '../../../embed/running-broker.ts';
import { nodeName } from '../../api/node-name.ts';
import { json, NO_CONTENT, operation } from '../../api/operation.ts';
import { shownSubscription, subscriptionSchema } from '../subscriptions/subscription-shape.ts';
import { CLIENT_ERRORS, clientParams, noClient } from './one-client.ts';

const FILTERS_MAX = 1000;

const bit = z.union([z.literal(0), z.literal(1)]).default(0);

const subscribeBody = z.strictObject({
  topic: z.string().describe('the whole topic filter, also $share/NAME/FILTER'),
  qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).default(0),
  nl: bit.describe('No Local'),
  rap: bit.describe('Retain As Published'),
  rh: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(0)
    .describe('Retain Handling'),
});

const unsubscribeBody = z.strictObject({ topic: z.string().describe('the whole topic filter') });

async function subscribe(
  broker: RunningBroker,
  clientId: string,
  { topic, qos, nl, rap, rh }: z.output<typeof subscribeBody>,
) {
  const request: ClientSubscribeRequest = {
    topicFilter: topic,
    qos,
    noLocal: nl === 1,
    retainAsPublished: rap === 1,
    retainHandling: rh,
  };
  const granted = await broker.clients.subscribe(clientId, request);
  const client = broker.clients.get(clientId);
  if (granted === null || client === null) throw noClient();
  const one = { ...granted, clientId, isStored: client.isStored };
  return shownSubscription(one, nodeName(broker.config));
}

const subscribeClient = operation({
  id: 'subscribeClient',
  method: 'POST',
  path: '/clients/{clientid}/subscribe',
  scope: 'clients',
  tag: 'Clients',
  summary: 'Has a client subscribed, connected or not, within its own limits and rules',
  params: clientParams,
  body: subscribeBody,
  answers: { 200: { description: 'As it was granted', schema: subscriptionSchema } },
  errors: CLIENT_ERRORS,
  isLong: true,
  handle: async ({ host: { broker }, params, body }) =>
    json(await subscribe(broker, params.clientid, body)),
});

const subscribeClientBulk = operation({
  id: 'subscribeClientBulk',
  method: 'POST',
  path: '/clients/{clientid}/subscribe/bulk',
  scope: 'clients',
  tag: 'Clients',
  summary: 'The same for several filters, one after the other up to one that is refused',
  params: clientParams,
  body: z.array(subscribeBody).max(FILTERS_MAX),
  answers: { 200: { description: 'As they were granted', schema: z.array(subscriptionSchema) } },
  errors: CLIENT_ERRORS,
  isLong: true,
  handle: async ({ host: { broker }, params: { clientid }, body }) => {
    if (broker.clients.get(clientid) === null) throw noClient();
    const granted = [];
    for (const one of body) granted.push(await subscribe(broker, clientid, one));
    return json(granted);
  },
});

const unsubscribeClient = operation({
  id: 'unsubscribeClient',
  method: 'POST',
  path: '/clients/{clientid}/unsubscribe',
  scope: 'clients',
  tag: 'Clients',
  summary: 'Takes a subscription of a client away, if it has it',
  params: clientParams,
  body: unsubscribeBody,
  answers: { 204: { description: 'It is gone', schema: null } },
  errors: CLIENT_ERRORS,
  isLong: true,
  handle: async ({ host: { broker }, params: { clientid }, body: { topic } }) => {
    if (broker.clients.get(clientid) === null) throw noClient();
    await broker.clients.unsubscribe(clientid, topic);
    return NO_CONTENT;
  },
});

const unsubscribeClientBulk = operation({
  id: 'unsubscribeClientBulk',
  method: 'POST',
  path: '/clients/{clientid}/unsubscribe/bulk',
  scope: 'clients',
  tag: 'Clients',
  summary: 'The same for several filters',
  params: clientParams,
  body: z.array(unsubscribeBody).max(FILTERS_MAX),
  answers: { 204: { description: 'They are gone', schema: null } },
  errors: CLIENT_ERRORS,
  isLong: true,
  handle: async ({ host: { broker }, params: { clientid }, body }) => {
    if (broker.clients.get(clientid) === null) throw noClient();
    for (const { topic } of body) await broker.clients.unsubscribe(clientid, topic);
    return NO_CONTENT;
  },
});

export const subscribeOperations = [
  subscribeClient,
  subscribeClientBulk,
  unsubscribeClient,
  unsubscribeClientBulk,
];
