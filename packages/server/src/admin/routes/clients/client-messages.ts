import { z } from 'zod';
import type {
  ClientMessage,
  ClientMessageOptions,
  ClientMessagePage,
} from '../../../embed/clients/client-messages.ts';
import type { Clients } from '../../../embed/clients/clients.ts';
import { json, operation } from '../../api/operation.ts';
import { CLIENT_ERRORS, clientParams, noClient } from './one-client.ts';

const LIMIT_MAX = 1000;
const PAYLOAD_BYTES_MAX = 10_000_000;

/** A size as EMQX writes it: 1024, 64KB, 1MB. */
const bytesParameter = z
  .string()
  .regex(/^\d{1,9}(?:KB|MB)?$/i, 'takes bytes, such as 65536, 64KB or 1MB')
  .transform((text) => {
    const unit = /KB$/i.test(text) ? 1024 : /MB$/i.test(text) ? 1_048_576 : 1;
    return Number.parseInt(text, 10) * unit;
  })
  .pipe(z.number().min(1).max(PAYLOAD_BYTES_MAX));

const messagesQuery = z.strictObject({
  position: z
    .string()
    .default('none')
    .describe('the position in the meta of the page before; none for the first page'),
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(100),
  payload: z
    .enum(['none', 'base64', 'plain'])
    .default('base64')
    .describe('how payloads are answered'),
  max_payload_bytes: bytesParameter
    .default(1_048_576)
    .describe('of all payloads together: then the page ends; it has one message at least'),
});

type MessagesQuery = z.output<typeof messagesQuery>;

const messageSchema = z.object({
  msgid: z.string().describe('its place in this list'),
  topic: z.string().nullable().describe('null where the message is not known any more'),
  qos: z.number().int().nullable(),
  retain: z.boolean().nullable(),
  from_clientid: z.string().nullable().describe('null where it is not known'),
  payload: z.string().optional().describe('as payload says'),
  payload_size: z.number().int().nullable(),
  packet_id: z.number().int().nullable(),
  state: z.enum(['queued', 'sent', 'released']).describe('released: PUBREC has come for it'),
  shared_filter: z.string().nullable().describe('$share/NAME/FILTER by which it came'),
});

const messagesSchema = z.object({
  data: z.array(messageSchema),
  meta: z.object({
    start: z.string().describe('position of the first of the page'),
    position: z.string().describe('for the next page; none when there is none'),
    count: z.number().int().describe('of all pages'),
  }),
});

function messagesOperation(
  id: string,
  kind: 'inflight' | 'mqueue',
  summary: string,
  read: (
    clients: Clients,
    clientId: string,
    options: ClientMessageOptions,
  ) => Promise<ClientMessagePage | null>,
) {
  return operation({
    id,
    method: 'GET',
    path: `/clients/{clientid}/${kind}_messages`,
    scope: 'read',
    tag: 'Clients',
    summary,
    params: clientParams,
    query: messagesQuery,
    answers: { 200: { description: 'A page of them, in their order', schema: messagesSchema } },
    errors: CLIENT_ERRORS,
    isLong: true,
    handle: async ({ host: { broker }, params: { clientid }, query }) => {
      const client = broker.clients.get(clientid);
      const page = await read(broker.clients, clientid, {
        position: query.position === 'none' ? null : query.position,
        limit: query.limit,
        bytesMax: query.max_payload_bytes,
      });
      if (client === null || page === null) throw noClient();
      return json({
        data: page.messages.map((message) => shownMessage(message, query)),
        meta: {
          start: page.messages[0]?.position ?? 'none',
          position: page.position ?? 'none',
          count: kind === 'mqueue' ? client.queued : client.inflight,
        },
      });
    },
  });
}

function shownMessage(
  { message, ...one }: ClientMessage,
  { payload: encoding }: MessagesQuery,
): z.output<typeof messageSchema> {
  const isShown = encoding !== 'none' && message !== null;
  return {
    msgid: one.position,
    topic: message?.topic ?? null,
    qos: one.qos,
    retain: one.retain,
    from_clientid: message?.publisherId ?? null,
    ...(isShown && { payload: message.payload.toString(encoding === 'plain' ? 'utf8' : 'base64') }),
    payload_size: message?.payload.length ?? null,
    packet_id: one.packetId,
    state: one.state,
    shared_filter: one.sharedFilter,
  };
}

export const clientMessageOperations = [
  messagesOperation(
    'getClientQueue',
    'mqueue',
    'Messages that wait for it, retained ones first',
    (clients, clientId, options) => clients.queued(clientId, options),
  ),
  messagesOperation(
    'getClientInflight',
    'inflight',
    'Messages that were sent to it and are not settled',
    (clients, clientId, options) => clients.inflight(clientId, options),
  ),
];
