import { isUtf8 } from 'node:buffer';
import type { PublishProperties } from '@promptmq/codec';
import { z } from 'zod';
import { ApiError } from '../api/operation.ts';

export const payloadEncoding = z
  .enum(['plain', 'base64'])
  .default('plain')
  .describe('plain: text, which is sent as UTF-8; base64: any bytes');

/** Properties of MQTT 5 as EMQX has them. */
export const shownPropertiesSchema = z.object({
  payload_format_indicator: z.number().int().optional(),
  message_expiry_interval: z.number().int().optional().describe('seconds that are left'),
  response_topic: z.string().optional(),
  correlation_data: z.string().optional().describe('where it is text'),
  correlation_data_base64: z.string().optional().describe('where it is none'),
  content_type: z.string().optional(),
  user_properties: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
});

/** What is shown of the properties of a message. */
export function shownProperties(properties: PublishProperties): object {
  const { correlationData } = properties;
  const shown = {
    payload_format_indicator:
      properties.payloadFormatIndicator === undefined
        ? undefined
        : Number(properties.payloadFormatIndicator),
    message_expiry_interval: properties.messageExpiryInterval,
    response_topic: properties.responseTopic,
    content_type: properties.contentType,
    user_properties: properties.userProperties,
  };
  if (correlationData === undefined) return shown;
  const bytes = Buffer.from(correlationData);
  return isUtf8(bytes)
    ? { ...shown, correlation_data: bytes.toString() }
    : { ...shown, correlation_data_base64: bytes.toString('base64') };
}

/** @throws {ApiError} 400 where it says that it is Base64, and isn't */
export function bytesOf(payload: string, encoding: 'plain' | 'base64', field: string): Buffer {
  if (encoding === 'plain') return Buffer.from(payload);
  if (payload.length % 4 === 0 && /^[\w+/-]*={0,2}$/.test(payload)) {
    return Buffer.from(payload, 'base64');
  }
  throw new ApiError(400, 'BAD_REQUEST', `${field}: it is no Base64, as payload_encoding says`);
}

/** Bytes in JSON: as text where they are some, else in Base64. */
export function shownPayload(
  bytes: Uint8Array,
  isAlwaysBase64 = false,
): { payload: string; payload_encoding: 'plain' | 'base64' } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return !isAlwaysBase64 && isUtf8(buffer)
    ? { payload: buffer.toString(), payload_encoding: 'plain' }
    : { payload: buffer.toString('base64'), payload_encoding: 'base64' };
}
