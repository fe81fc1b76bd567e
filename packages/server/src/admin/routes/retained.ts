import { z } from 'zod';
import type { RetainedInfo } from '../../embed/retained/retained.ts';
import type { RunningBroker } from '../../embed/running-broker.ts';
import { pagesOf } from '../api/lists/cursor-pages.ts';
import { pageAnswer } from '../api/lists/page-answer.ts';
import { WalkedPages } from '../api/lists/walked-pages.ts';
import { ApiError, json, NO_CONTENT, type Operation, operation } from '../api/operation.ts';
import { pageOf, pageQuery } from '../api/page.ts';
import { filterParameter } from '../api/query-fields.ts';
import {
  LISTED_PAYLOAD_BYTES_MAX,
  listedRetained,
  listedRetainedSchema,
  retainedMessage,
  retainedMessageSchema,
} from './retained/retained-shape.ts';

const TAG = 'Retained messages';

const topicParams = z.object({
  topic: z
    .string()
    .refine((topic) => !/[+#]/.test(topic), 'takes a topic without wildcards')
    .describe('the whole topic, encoded: a%2Fb'),
});

const MESSAGE_ERRORS = { 404: 'The topic has no retained message' };

function noMessage(): ApiError {
  return new ApiError(404, 'NOT_FOUND', "Viewed message doesn't exist");
}

const getRetainer = operation({
  id: 'getRetainer',
  method: 'GET',
  path: '/mqtt/retainer',
  scope: 'read',
  tag: TAG,
  summary: 'How many messages are retained, and how many may be',
  answers: {
    200: {
      description: 'Counts and limits',
      schema: z.object({
        enable: z.boolean().describe('whether messages may be retained'),
        count: z.number().int(),
        max_retained_messages: z.number().int(),
        max_retained_bytes: z.number().int(),
      }),
    },
  },
  handle: ({ host: { broker } }) => {
    const { mqtt } = broker.config;
    return json({
      enable: mqtt.retainAvailable,
      count: broker.stats.retainedCurrent,
      max_retained_messages: mqtt.maxRetained,
      max_retained_bytes: mqtt.maxRetainedBytes,
    });
  },
});

const listRetained = operation({
  id: 'listRetained',
  method: 'GET',
  path: '/mqtt/retainer/messages',
  scope: 'read',
  tag: TAG,
  summary: 'Retained messages; of their payloads as much as is asked for',
  query: z.strictObject({
    ...pageQuery.shape,
    topic: filterParameter()
      .default('#')
      .describe('only those whose topics match this filter; # has none of $SYS'),
    payload_bytes: z.coerce
      .number()
      .int()
      .min(0)
      .max(LISTED_PAYLOAD_BYTES_MAX)
      .default(0)
      .describe('how much of each payload is answered; 0 for none'),
  }),
  answers: { 200: { description: 'A page of them', schema: pageOf(listedRetainedSchema) } },
  isLong: true,
  handle: async ({ host: { broker }, query, signal }) => {
    const { page, limit, topic, payload_bytes: payloadBytes } = query;
    const walk = {
      key: `${limit} ${topic}`,
      step: (cursor: string | null, stepLimit: number) => {
        const step = broker.retained.match(topic, { cursor, limit: stepLimit });
        return { things: step.messages, cursor: step.cursor };
      },
    };
    const { things, count, hasNext } = await pagesOf(broker).walking(() =>
      retainedPagesOf(broker).find(walk, page, limit, signal),
    );
    const meta = { page, limit, ...(count === null ? {} : { count }), hasnext: hasNext };
    return pageAnswer({ data: things, meta }, (message) => listedRetained(message, payloadBytes));
  },
});

const clearRetained = operation({
  id: 'clearRetained',
  method: 'DELETE',
  path: '/mqtt/retainer/messages',
  scope: 'publish',
  tag: TAG,
  summary: 'Removes retained messages; those of $SYS stay',
  query: z.strictObject({
    topic: filterParameter()
      .default('#')
      .describe('those whose topics match this filter; all without it'),
  }),
  answers: { 204: { description: 'They are gone', schema: null } },
  isLong: true,
  handle: async ({ host: { broker }, query: { topic } }) => {
    await broker.retained.clear(topic);
    return NO_CONTENT;
  },
});

const getRetained = operation({
  id: 'getRetained',
  method: 'GET',
  path: '/mqtt/retainer/message/{topic}',
  scope: 'read',
  tag: TAG,
  summary: 'The retained message of a topic',
  params: topicParams,
  answers: { 200: { description: 'With its payload', schema: retainedMessageSchema } },
  errors: MESSAGE_ERRORS,
  handle: ({ host: { broker }, params: { topic } }) => {
    const message = broker.retained.get(topic);
    if (message === null) throw noMessage();
    return json(retainedMessage(message));
  },
});

const deleteRetained = operation({
  id: 'deleteRetained',
  method: 'DELETE',
  path: '/mqtt/retainer/message/{topic}',
  scope: 'publish',
  tag: TAG,
  summary: 'Removes the retained message of a topic; subscribers are not sent anything',
  params: topicParams,
  answers: { 204: { description: 'It is gone', schema: null } },
  errors: MESSAGE_ERRORS,
  isLong: true,
  handle: async ({ host: { broker }, params: { topic } }) => {
    if (broker.retained.get(topic) === null) throw noMessage();
    if ((await broker.retained.clear(topic)) > 0) return NO_CONTENT;
    throw new ApiError(400, 'BAD_REQUEST', `topic: ${topic} is the broker's own`);
  },
});

export const retainedOperations: readonly Operation[] = [
  getRetainer,
  listRetained,
  clearRetained,
  getRetained,
  deleteRetained,
];

const pagesOfBrokers = new WeakMap<RunningBroker, WalkedPages<RetainedInfo>>();

function retainedPagesOf(broker: RunningBroker): WalkedPages<RetainedInfo> {
  const known = pagesOfBrokers.get(broker);
  if (known !== undefined) return known;
  const pages = new WalkedPages<RetainedInfo>();
  pagesOfBrokers.set(broker, pages);
  return pages;
}
