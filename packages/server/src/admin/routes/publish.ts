import { randomUUID } from 'node:crypto';
import type { PublishProperties } from '@promptmq/codec';
import { z } from 'zod';
import { EmbedError, withoutMethod } from '../../embed/calls/embed-error.ts';
import type { RunningBroker } from '../../embed/running-broker.ts';
import { type Answer, ApiError, json, operation } from '../api/operation.ts';
import { bytesOf, payloadEncoding } from '../shown/payload.ts';

/** Messages that are published with one request. */
const BULK_MAX = 10_000;

/** Of them, so many are under way at a time: there may be others who publish. */
const UNDER_WAY_MAX = 100;

const propertiesSchema = z.strictObject({
  payload_format_indicator: z.number().int().min(0).max(1).optional(),
  message_expiry_interval: z
    .number()
    .int()
    .min(0)
    .max(4_294_967_295)
    .optional()
    .describe('seconds'),
  response_topic: z.string().optional(),
  correlation_data: z.string().optional().describe('text, which is sent as UTF-8'),
  content_type: z.string().optional(),
  user_properties: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
});

const messageSchema = z.strictObject({
  topic: z.string().min(1).describe('a topic name: no wildcards'),
  qos: z.number().int().min(0).max(2).default(0),
  retain: z.boolean().default(false).describe('whether it is kept for later subscribers'),
  payload: z.string(),
  payload_encoding: payloadEncoding,
  properties: propertiesSchema.optional(),
  clientid: z.string().optional().describe('it is accepted, and ignored'),
});

type Asked = z.output<typeof messageSchema>;

const publishedSchema = z.object({
  id: z.string().describe('of the message, for logs of the caller'),
  position: z
    .number()
    .int()
    .nullable()
    .describe('of its record in the log; null where nothing had to be written'),
});

const refusedSchema = z.object({
  id: z.string().optional(),
  position: z.number().int().nullable().optional(),
  reason_code: z.number().int().describe('of MQTT; 16 where nobody has subscribed'),
  message: z.string(),
});

const resultSchema = z.union([publishedSchema, refusedSchema]);

export const publishOperations = [
  operation({
    id: 'publish',
    method: 'POST',
    path: '/publish',
    scope: 'publish',
    tag: 'Publish',
    summary: 'Publish a message; answered when it is as safe as PUBACK would say',
    body: messageSchema,
    answers: {
      200: { description: 'It is published', schema: publishedSchema },
      202: { description: 'It is published, and nobody has subscribed', schema: refusedSchema },
    },
    errors: { 413: 'The request is too large', 503: 'There is no room for it, or a limit' },
    isLong: true,
    handle: async ({ host: { broker }, body }): Promise<Answer> => {
      const { status, result } = await published(broker, body);
      return json(result, status);
    },
  }),
  operation({
    id: 'publishBulk',
    method: 'POST',
    path: '/publish/bulk',
    scope: 'publish',
    tag: 'Publish',
    summary:
      'Publish messages in their order; each has its result. Where a topic or a payload is wrong, none is published',
    body: z.array(messageSchema).min(1).max(BULK_MAX),
    answers: {
      200: { description: 'All are published', schema: z.array(resultSchema) },
      202: {
        description: 'All are published, and to some of them nobody has subscribed',
        schema: z.array(resultSchema),
      },
    },
    errors: {
      413: 'The request is too large',
      503: 'Some of them are not published: the results say which, in an array as for 200',
    },
    isLong: true,
    handle: async ({ host: { broker }, body }): Promise<Answer> => {
      // Before any is published.
      for (const [index, { topic, payload, payload_encoding }] of body.entries()) {
        bytesOf(payload, payload_encoding, `${index}.payload`);
        checkTopic(topic, `${index}.topic`);
      }
      const results: Published[] = [];
      for (let start = 0; start < body.length; start += UNDER_WAY_MAX) {
        const some = body.slice(start, start + UNDER_WAY_MAX);
        const ended = await Promise.all(some.map((one) => published(broker, one)));
        for (const one of ended) results.push(one);
      }
      const worst = results.reduce((most, { status }) => Math.max(most, status), 0);
      return json(
        results.map(({ result }) => result),
        // What is wrong with one of them is no reason to say that none was published.
        worst > 202 ? 503 : worst,
      );
    },
  }),
];

/** @throws {ApiError} 400: sent again, it would be no better, as 503 would say */
function checkTopic(topic: string, field: string): void {
  if (!/[+#\0]/.test(topic)) return;
  throw new ApiError(400, 'BAD_REQUEST', `${field} takes a topic name: no wildcards, no U+0000`);
}

interface Published {
  readonly status: number;
  readonly result: z.output<typeof resultSchema> | RefusedWithCode;
}

type RefusedWithCode = z.output<typeof refusedSchema> & { readonly code: string };

async function published(broker: RunningBroker, asked: Asked): Promise<Published> {
  const { topic, qos, retain, payload, payload_encoding, properties } = asked;
  try {
    const { reasonCode, position } = await broker.publish({
      topic,
      qos: qos as 0 | 1 | 2,
      retain,
      payload: bytesOf(payload, payload_encoding, 'payload'),
      ...(properties === undefined ? {} : { properties: propertiesOf(properties) }),
    });
    const id = randomUUID().replaceAll('-', '').toUpperCase();
    if (reasonCode === 0) return { status: 200, result: { id, position } };
    const message = 'no_matching_subscribers';
    return { status: 202, result: { id, position, reason_code: reasonCode, message } };
  } catch (error) {
    if (!(error instanceof EmbedError)) throw error;
    const { status, code } = statusOf(error);
    return {
      status,
      result: { code, reason_code: error.reasonCode ?? 0x83, message: withoutMethod(error) },
    };
  }
}

function statusOf({ code }: EmbedError): { status: number; code: string } {
  switch (code) {
    case 'storage-full':
    case 'retained-full':
    case 'queue-full':
    case 'stopped':
    case 'internal-error':
      return { status: 503, code: code.toUpperCase().replaceAll('-', '_') };
    case 'too-many':
      return { status: 429, code: 'TOO_MANY_REQUESTS' };
    default:
      return { status: 400, code: 'BAD_REQUEST' };
  }
}

function propertiesOf(given: z.output<typeof propertiesSchema>): PublishProperties {
  const properties: PublishProperties = {};
  if (given.payload_format_indicator !== undefined) {
    properties.payloadFormatIndicator = given.payload_format_indicator === 1;
  }
  if (given.message_expiry_interval !== undefined) {
    properties.messageExpiryInterval = given.message_expiry_interval;
  }
  if (given.response_topic !== undefined) properties.responseTopic = given.response_topic;
  if (given.correlation_data !== undefined) {
    properties.correlationData = Buffer.from(given.correlation_data);
  }
  if (given.content_type !== undefined) properties.contentType = given.content_type;
  if (given.user_properties !== undefined) properties.userProperties = given.user_properties;
  return properties;
}
