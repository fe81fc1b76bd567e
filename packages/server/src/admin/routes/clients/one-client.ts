import { z } from 'zod';
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

const kickClient = operation({
  id: 'kickClient',
  method: 'DELETE',
  path: '/clients/{clientid}',
  scope: 'clients',
  tag: 'Clients',
  summary:
    'Disconnects a client (reason 0x98); its session continues by the rules unless told otherwise',
  params: clientParams,
  query: z.strictObject({
    cleanSession: flagParameter().default(false).describe('whether its session ends, too'),
    preventWillMessage: flagParameter().default(false).describe('whether its will is dropped'),
  }),
  answers: { 204: { description: 'It is disconnected', schema: null } },
  errors: CLIENT_ERRORS,
  isLong: true,
  handle: async ({ host: { broker }, params: { clientid }, query }) => {
    if (broker.clients.get(clientid) === null) throw noClient();
    await broker.clients.disconnect(clientid, {
      dropSession: query.cleanSession,
      preventWill: query.preventWillMessage,
    });
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
  body: z.array(z.string()).max(CLIENTS_MAX),
  answers: { 204: { description: 'They are disconnected', schema: null } },
  isLong: true,
  handle: async ({ host: { broker }, body }) => {
    await Promise.all(body.map((clientId) => broker.clients.disconnect(clientId)));
    return NO_CONTENT;
  },
});

export const oneClientOperations = [getClient, kickClient, kickClients];
