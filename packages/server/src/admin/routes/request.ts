import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { parseDuration } from '../../config/index.ts';
import type { InsideMessage } from '../../embed/consume/inside-message.ts';
import type { RunningBroker } from '../../embed/running-broker.ts';
import { ApiError, json, operation } from '../api/operation.ts';
import {
  bytesOf,
  payloadEncoding,
  shownPayload,
  shownProperties,
  shownPropertiesSchema,
} from '../shown/payload.ts';

const TIMEOUT_MS_MAX = 60_000;

/** Who could answer, of those who are named in an error. */
const NAMED_MAX = 10;

const bodySchema = z.strictObject({
  timeout: z
    .string()
    .default('10s')
    .describe('how long the response may take, such as 500ms or 5s; 60s at most'),
  request: z.strictObject({
    topic: z.string().min(1).describe('a topic name, to which who answers has subscribed'),
    response_topic: z
      .string()
      .min(1)
      .optional()
      .describe(
        'a topic name, which takes the scope read, too; by default one below $response that is made for this request',
      ),
    request_id: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('the Correlation Data, which the response has to have; by default made for it'),
    qos: z.number().int().min(0).max(2).default(0),
    payload: z.string(),
    payload_encoding: payloadEncoding,
    content_type: z.string().optional(),
  }),
});

const responseSchema = z.object({
  code: z.literal('OK'),
  message: z.literal('OK'),
  response: z.object({
    topic: z.string(),
    request_id: z.string(),
    qos: z.number().int(),
    payload: z.string(),
    payload_encoding: z.enum(['plain', 'base64']),
    content_type: z.string().optional(),
    properties: shownPropertiesSchema,
  }),
});

export const requestOperations = [
  operation({
    id: 'request',
    method: 'POST',
    path: '/request',
    scope: 'publish',
    tag: 'Publish',
    summary:
      'Publish a request, and answer with its response: the first message to the response topic with the same Correlation Data',
    body: bodySchema,
    answers: { 200: { description: 'The response', schema: responseSchema } },
    errors: {
      404: 'Nobody has subscribed who could answer',
      409: 'Several could answer',
      503: 'There is no room for the request',
      504: 'There was no response in time',
    },
    isLong: true,
    handle: async ({ host: { broker, waitingRequests }, caller, body, signal }) => {
      const { request } = body;
      // What others publish there is read with it.
      if (request.response_topic !== undefined && !caller.scopes.has('read')) {
        const why = `request.response_topic: ${caller.name} does not have the scope read`;
        throw new ApiError(403, 'NOT_ALLOWED', why);
      }
      const timeoutMs = parseDuration(body.timeout);
      if (timeoutMs === null || timeoutMs <= 0 || timeoutMs > TIMEOUT_MS_MAX) {
        throw new ApiError(400, 'BAD_REQUEST', 'timeout: it takes 1ms to 60s, such as 5s');
      }
      const payload = bytesOf(request.payload, request.payload_encoding, 'request.payload');
      const maySeeClients = caller.scopes.has('read');
      const requestQos = request.qos as 0 | 1 | 2;
      const { recipients } = broker.explainPublish({
        topic: request.topic,
        qos: requestQos,
      });
      const asked = recipients.map(({ clientId, ...one }) => ({ clientid: clientId, ...one }));
      responderOf(request.topic, asked, maySeeClients);
      const requestId = request.request_id ?? randomUUID();
      const responseTopic = request.response_topic ?? `$response/${randomUUID()}`;
      const leave = waitingRequests.enter(responseTopic);
      try {
        const response = await responseTo(broker, {
          topic: request.topic,
          qos: requestQos,
          payload,
          contentType: request.content_type,
          responseTopic,
          requestId,
          isAlone: () => waitingRequests.isAlone(responseTopic),
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        if (response === null) {
          const why = `${request.topic} was not answered within ${body.timeout}`;
          throw new ApiError(504, 'TIMEOUT', why);
        }
        const { topic, qos, properties } = response;
        return json({
          code: 'OK',
          message: 'OK',
          response: {
            topic,
            request_id: requestId,
            qos,
            ...shownPayload(response.payload),
            content_type: properties.contentType,
            properties: shownProperties(properties),
          },
        });
      } finally {
        leave();
      }
    },
  }),
];

/** Who would get a request. */
interface Responder {
  readonly clientid: string;
  readonly isConnected: boolean;
  /** Null when it gets nothing. */
  readonly qos: number | null;
  readonly filters: readonly string[];
}

/**
 * Exactly one has to get the request. Those who have subscribed to the topic itself go before those who look at many with a wildcard.
 *
 * @param maySeeClients - whether an error may say which clients they are
 * @returns its client identifier
 * @throws {ApiError} 404, 409
 */
export function responderOf(
  topic: string,
  recipients: readonly Responder[],
  maySeeClients: boolean,
): string {
  const getting = recipients.filter(({ isConnected, qos }) => isConnected && qos !== null);
  const exact = getting.filter(({ filters }) => filters.some((filter) => !/[+#]/.test(filter)));
  const responders = exact.length > 0 ? exact : getting;
  const [first] = responders;
  if (first === undefined) {
    throw new ApiError(404, 'NO_SUBSCRIBERS', `nobody is connected who has subscribed to ${topic}`);
  }
  if (responders.length === 1) return first.clientid;
  const names = responders.slice(0, NAMED_MAX).map(({ clientid }) => clientid);
  const others = responders.length > NAMED_MAX ? ` and ${responders.length - NAMED_MAX} more` : '';
  const who = maySeeClients ? `${names.join(', ')}${others}` : `${responders.length} clients`;
  throw new ApiError(
    409,
    'CONFLICT',
    `${topic} could be answered by ${who}: let one subscribe to the topic itself, or let them share a subscription`,
  );
}

interface Request {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly payload: Buffer;
  readonly contentType: string | undefined;
  readonly responseTopic: string;
  readonly requestId: string;
  /** Whether no other request waits for a response to the same topic. */
  readonly isAlone: () => boolean;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** @returns null when there was none before the signal */
async function responseTo(broker: RunningBroker, request: Request): Promise<InsideMessage | null> {
  const { topic, qos, payload, contentType, responseTopic, requestId, signal } = request;
  const correlationData = Buffer.from(requestId);
  const subscription = broker.subscribe(responseTopic, { qos: 2, retainHandling: 2 });
  const end = () => void subscription.close();
  signal.addEventListener('abort', end);
  // A request that is refused ends the waiting, too.
  let refusal: unknown = null;
  try {
    await subscription.ready;
    broker
      .publish({
        topic,
        qos,
        payload,
        properties: {
          responseTopic,
          correlationData,
          ...(contentType === undefined ? {} : { contentType }),
        },
      })
      .catch((error) => {
        refusal = error;
        end();
      });
    if (signal.aborted) return null;
    for await (const message of subscription) {
      message.ack();
      const { correlationData: answered } = message.properties;
      // Clients before MQTT 5 have none.
      const isIts = answered === undefined ? request.isAlone() : correlationData.equals(answered);
      if (isIts) return message;
    }
    if (refusal !== null) throw refusal;
    return null;
  } finally {
    signal.removeEventListener('abort', end);
    await subscription.close();
  }
}
