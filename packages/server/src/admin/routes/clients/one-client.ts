import { z } from 'zod';
import type { RunningBroker } from '../../../embed/running-broker.ts';
import { ApiError, json, NO_CONTENT, operation } from '../../api/operation.ts';
import { flagParameter } from '../../api/query-fields.ts';
import { clientSchema, shownClient } from './client-shape.ts';

export const clientParams = z.object({ clientid: z.string().describe('its client identifier') });

export const CLIENT_ERRORS = { 404: 'There is no such client' };

export function noClient(): ApiError {
  return new ApiError(404, 'CLIENTID_NOT_FOUND', 'Client ID not found');
}

const getClient = operation({
  id: 'getClient',
  method: 'GET',
  path: '/clients/{clientid}',
  scope: 'read',
  tag: 'Clients',
  summary: 'One client',
  params: clientParams,
  answers: { 200: { description: 'What it is and has', schema: clientSchema } },
  errors: CLIENT_ERRORS,
  handle: ({ host: { broker }, params: { clientid } }) => {
    const client = broker.clients.get(clientid);
    if (client === null) throw noClient();
    return json(shownClient(client, broker.config));
  },
});

/** How a client is disconnected. */
const kickQuery = z.strictObject({
  cleanSession: flagParameter().default(false).describe('whether its session ends, too'),
  preventWillMessage: flagParameter().default(false).describe('whether its will is dropped'),
  reasonCode: z
    .string()
    .regex(/^(?:\d{1,3}|0x[\da-f]{1,2})$/i, 'takes a reason code, such as 0x87 or 135')
    .transform(Number)
    .optional()
    .describe('what an MQTT 5 client is sent, such as 0x87; 0x98 by default'),
});

function kick(
  { clients }: RunningBroker,
  clientId: string,
  { cleanSession, preventWillMessage, reasonCode }: z.output<typeof kickQuery>,
): Promise<boolean> {
  return clients.disconnect(clientId, {
    reasonCode,
    dropSession: cleanSession,
    preventWill: preventWillMessage,
  });
}

const kickClient = operation({
  id: 'kickClient',
  method: 'DELETE',
  path: '/clients/{clientid}',
  scope: 'clients',
  tag: 'Clients',
  summary:
    'Disconnects a client (reason 0x98); its session continues by the rules unless told otherwise',
  params: clientParams,
  query: kickQuery,
  answers: { 204: { description: 'It is disconnected', schema: null } },
  errors: CLIENT_ERRORS,
  isLong: true,
  handle: async ({ host: { broker }, params: { clientid }, query }) => {
    if (broker.clients.get(clientid) === null) throw noClient();
    await kick(broker, clientid, query);
    return NO_CONTENT;
  },
});

const CLIENTS_MAX = 1000;

const kickClients = operation({
  id: 'kickClients',
  method: 'POST',
  path: '/clients/kickout/bulk',
  scope: 'clients',
  tag: 'Clients',
  summary: 'Disconnects clients; those that are not there are left out',
  query: kickQuery.extend({
    report: flagParameter()
      .default(false)
      .describe('whether it is answered for which of them there was something to do'),
  }),
  body: z.array(z.string()).max(CLIENTS_MAX),
  answers: {
    200: {
      description: 'Those for which there was something to do',
      schema: z.object({ data: z.array(z.string()) }),
    },
    204: { description: 'They are disconnected', schema: null },
  },
  isLong: true,
  handle: async ({ host: { broker }, query: { report, ...query }, body }) => {
    const isDone = await Promise.all(body.map((clientId) => kick(broker, clientId, query)));
    return report ? json({ data: body.filter((_, index) => isDone[index]) }) : NO_CONTENT;
  },
});

export const oneClientOperations = [getClient, kickClient, kickClients];
