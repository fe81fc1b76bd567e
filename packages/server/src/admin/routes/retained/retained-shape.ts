import { z } from 'zod';
import type { RetainedInfo } from '../../../embed/retained/retained.ts';

/** Payloads up to this are answered: 1 MiB, as EMQX does. */
const PAYLOAD_BYTES_MAX = 1_048_576;

/** A retained message as EMQX lists it. When it was published isn't known. */
const retainedSummarySchema = z.object({
  topic: z.string(),
  qos: z.number().int(),
  from_clientid: z.string().nullable().describe('who published it; null: not a client'),
  payload_size: z.number().int().describe('bytes'),
  expires_in: z.number().int().nullable().describe('seconds; null: never'),
});

const propertiesSchema = z.object({
  content_type: z.string().nullable(),
  payload_format_indicator: z.number().int().nullable(),
  response_topic: z.string().nullable(),
  correlation_data: z.string().nullable().describe('in base64'),
  user_properties: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
});

export const listedRetainedSchema = retainedSummarySchema.extend({
  payload: z.string().optional().describe('in base64, as much as was asked for'),
  properties: propertiesSchema.optional().describe('where they were asked for'),
});

export type ListedRetained = z.output<typeof listedRetainedSchema>;

export const retainedMessageSchema = retainedSummarySchema.extend({
  payload: z
    .string()
    .nullable()
    .describe(`in base64; null where it has more than ${PAYLOAD_BYTES_MAX} bytes`),
  properties: propertiesSchema,
});

/** @param payloadBytes - of its payload; 0 for none */
export function listedRetained(
  message: RetainedInfo,
  payloadBytes: number,
  hasProperties: boolean,
): ListedRetained {
  const payload = message.payload.subarray(0, payloadBytes).toString('base64');
  return {
    ...retainedSummary(message),
    ...(payloadBytes === 0 ? {} : { payload }),
    ...(hasProperties ? { properties: shownProperties(message) } : {}),
  };
}

function retainedSummary(message: RetainedInfo): z.output<typeof retainedSummarySchema> {
  return {
    topic: message.topic,
    qos: message.qos,
    from_clientid: message.publisherId,
    payload_size: message.payload.length,
    expires_in: message.properties.messageExpiryInterval ?? null,
  };
}

export function retainedMessage(message: RetainedInfo): z.output<typeof retainedMessageSchema> {
  const { payload } = message;
  return {
    ...retainedSummary(message),
    payload: payload.length > PAYLOAD_BYTES_MAX ? null : payload.toString('base64'),
    properties: shownProperties(message),
  };
}

function shownProperties({ properties }: RetainedInfo): z.output<typeof propertiesSchema> {
  const { payloadFormatIndicator: isText, correlationData = null } = properties;
  return {
    content_type: properties.contentType ?? null,
    payload_format_indicator: isText === undefined ? null : isText ? 1 : 0,
    response_topic: properties.responseTopic ?? null,
    correlation_data:
      correlationData === null ? null : Buffer.from(correlationData).toString('base64'),
    user_properties: { ...properties.userProperties },
  };
}
