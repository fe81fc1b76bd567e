import { z } from 'zod';
import { json, operation } from '../api/operation.ts';
import { flagParameter } from '../api/query-fields.ts';

const qosParameter = z.coerce.number().int().min(0).max(2).optional();

const recipientSchema = z.object({
  clientid: z.string(),
  connected: z.boolean(),
  filters: z.array(z.string()).describe('its subscriptions that match, at most ten'),
  outcome: z.enum(['sent', 'queued', 'nothing']),
  qos: z.number().int().nullable(),
  retain: z.boolean().nullable(),
  why: z
    .enum(['offline', 'behind', 'queue-full', 'no-local', 'denied', 'not-chosen', 'one-of-several'])
    .nullable()
    .describe(
      'why it gets it later or not; one-of-several: it, or one like it of the same shared group in another process',
    ),
  rule: z.string().nullable().describe('that denies it'),
});

const explanationSchema = z.object({
  topic: z.string(),
  qos: z.number().int(),
  retain: z.boolean(),
  publisher: z
    .object({
      clientid: z.string(),
      connected: z.boolean(),
      allowed: z.boolean(),
      rule: z.string().nullable(),
    })
    .nullable(),
  count: z.number().int().describe('of those who have a subscription that matches'),
  recipients: z.array(recipientSchema).describe('the first 1,000 of them'),
});

const accessSchema = z.object({
  allowed: z.boolean(),
  result: z.enum(['allow', 'deny']),
  rule: z.string().nullable().describe('that decides; null where none does'),
  filtered: z.boolean().describe('whether what the subscription brings is filtered'),
  of: z
    .enum(['connection', 'configuration'])
    .describe('whose rules: those of the connection that this client of this user has, or not'),
});

export const explainOperations = [
  operation({
    id: 'explainPublish',
    method: 'GET',
    path: '/explain',
    scope: 'read',
    tag: 'Access',
    summary: 'Who would get a message, and who not and why; nothing is published',
    query: z.strictObject({
      topic: z.string().min(1).describe('a topic name'),
      qos: qosParameter,
      retain: flagParameter().optional(),
      from: z.string().optional().describe('the client identifier of who would publish it'),
    }),
    answers: { 200: { description: 'What would become of it', schema: explanationSchema } },
    handle: ({ host: { broker }, query }) => {
      const { publisher, recipients, ...facts } = broker.explainPublish({
        ...query,
        qos: query.qos as 0 | 1 | 2 | undefined,
      });
      return json({
        ...facts,
        publisher:
          publisher === null
            ? null
            : {
                clientid: publisher.clientId,
                connected: publisher.isConnected,
                allowed: publisher.isAllowed,
                rule: publisher.rule,
              },
        recipients: recipients.map(({ clientId, isConnected, ...others }) => ({
          clientid: clientId,
          connected: isConnected,
          ...others,
        })),
      });
    },
  }),
  operation({
    id: 'testAccess',
    method: 'POST',
    path: '/acl/test',
    scope: 'read',
    isQuestion: true,
    tag: 'Access',
    summary: 'Whether somebody may do something, and which rule decides',
    body: z.strictObject({
      username: z.string().nullable().default(null),
      clientid: z.string(),
      action: z.enum(['publish', 'subscribe', 'receive', 'unsubscribe']),
      topic: z.string().min(1).describe('a topic name; to subscribe and unsubscribe, a filter'),
      qos: z.number().int().min(0).max(2).default(0),
      retain: z.boolean().default(false),
      ip_address: z.string().optional(),
      groups: z.array(z.string()).optional().describe('what authentication would say of it'),
      roles: z.array(z.string()).optional(),
    }),
    answers: { 200: { description: 'What the rules say', schema: accessSchema } },
    handle: ({ host: { broker }, body }) => {
      const { username, clientid, ip_address, qos, ...others } = body;
      const { isAllowed, rule, isFiltered, of } = broker.explainAccess({
        ...others,
        userName: username,
        clientId: clientid,
        address: ip_address,
        qos: qos as 0 | 1 | 2,
      });
      const result = isAllowed ? 'allow' : 'deny';
      return json({ allowed: isAllowed, result, rule, filtered: isFiltered, of });
    },
  }),
];
