import { z } from 'zod';
import type { RetainedInfo } from '../../embed/retained/retained.ts';
import type { RunningBroker } from '../../embed/running-broker.ts';
import { pagesOf } from '../api/lists/cursor-pages.ts';
import { pageAnswer } from '../api/lists/page-answer.ts';
import { nextTurn } from '../api/lists/turns.ts';
import { WalkedPages } from '../api/lists/walked-pages.ts';
import { ApiError, json, NO_CONTENT, type Operation, operation } from '../api/operation.ts';
import { cursorPageOf, cursorQuery, NO_CURSOR, pageQuery } from '../api/page.ts';
import { filterParameter, flagParameter } from '../api/query-fields.ts';
import {
  type ListedRetained,
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

/** Of each payload on a page: what fits on a line. */
const LISTED_PAYLOAD_BYTES_MAX = 1024;

/** Of each payload with a cursor: as many as a packet may have. */
const PAYLOAD_BYTES_MAX = 268_435_455;

/** Bytes of payloads, from which on a page with a cursor is full. */
const PAGE_BYTES_MAX = 4_000_000;

/** Messages that are described in a turn. */
const STEP_LENGTH = 500;

const listQuery = z.strictObject({
  ...pageQuery.shape,
  ...cursorQuery.shape,
  topic: filterParameter()
    .default('#')
    .describe('only those whose topics match this filter; # has none of $SYS'),
  payload_bytes: z.coerce
    .number()
    .int()
    .min(0)
    .max(PAYLOAD_BYTES_MAX)
    .default(0)
    .describe(
      `how much of each payload is answered; 0 for none. More than ${LISTED_PAYLOAD_BYTES_MAX} with a cursor only, whose pages end when they have 4 MB`,
    ),
  properties: flagParameter().default(false).describe('whether properties are answered'),
});

type ListQuery = z.output<typeof listQuery>;

const listRetained = operation({
  id: 'listRetained',
  method: 'GET',
  path: '/mqtt/retainer/messages',
  scope: 'read',
  tag: TAG,
  summary: 'Retained messages; of their payloads as much as is asked for',
  query: listQuery,
  answers: { 200: { description: 'A page of them', schema: cursorPageOf(listedRetainedSchema) } },
  isLong: true,
  handle: async ({ host: { broker }, query, signal }) => {
    const { page, limit, topic, payload_bytes: payloadBytes, properties, cursor } = query;
    const walking = pagesOf(broker);
    if (cursor !== undefined) {
      const read = await walking.walking(() => listFrom(broker, query, cursor, signal));
      const meta = { limit, cursor: read.cursor ?? NO_CURSOR, hasnext: read.cursor !== null };
      return pageAnswer({ data: read.messages, meta }, (message) => message);
    }
    if (payloadBytes > LISTED_PAYLOAD_BYTES_MAX) {
      const why = `payload_bytes takes a whole number from 0 to ${LISTED_PAYLOAD_BYTES_MAX} without a cursor, not ${payloadBytes}`;
      throw new ApiError(400, 'BAD_REQUEST', why);
    }
    const walk = {
      key: `${limit} ${payloadBytes} ${properties} ${topic}`,
      step: (from: string | null, stepLimit: number) => {
        const step = broker.retained.match(topic, { cursor: from, limit: stepLimit });
        // Payloads are copies: of a page of many messages only what is asked for is kept.
        const things = step.messages.map((message) => listed(message, query));
        return { things, cursor: step.cursor };
      },
    };
    const { things, count, hasNext } = await walking.walking(() =>
      retainedPagesOf(broker).find(walk, page, limit, signal),
    );
    const meta = { page, limit, ...(count === null ? {} : { count }), hasnext: hasNext };
    return pageAnswer({ data: things, meta }, (message) => message);
  },
});

/** The messages of a page that begins at a cursor. */
async function listFrom(
  { retained }: RunningBroker,
  query: ListQuery,
  from: string,
  signal: AbortSignal,
): Promise<{ readonly messages: readonly ListedRetained[]; readonly cursor: string | null }> {
  const messages: ListedRetained[] = [];
  let cursor = from === NO_CURSOR ? null : from;
  let bytes = 0;
  for (;;) {
    const limit = Math.min(STEP_LENGTH, query.limit - messages.length);
    const step = retained.match(query.topic, { cursor, limit });
    for (const message of step.messages) {
      bytes += message.payload.length;
      messages.push(listed(message, query));
    }
    cursor = step.cursor;
    const isFull = messages.length === query.limit || bytes >= PAGE_BYTES_MAX;
    if (cursor === null || isFull) return { messages, cursor };
    await nextTurn();
    signal.throwIfAborted();
  }
}

function listed(message: RetainedInfo, { payload_bytes, properties }: ListQuery): ListedRetained {
  return listedRetained(message, payload_bytes, properties);
}

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
    report: flagParameter().default(false).describe('whether it is answered how many there were'),
  }),
  answers: {
    200: { description: 'So many are gone', schema: z.object({ count: z.number().int() }) },
    204: { description: 'They are gone', schema: null },
  },
  isLong: true,
  handle: async ({ host: { broker }, query: { topic, report } }) => {
    const count = await broker.retained.clear(topic);
    return report ? json({ count }) : NO_CONTENT;
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

const pagesOfBrokers = new WeakMap<RunningBroker, WalkedPages<ListedRetained>>();

function retainedPagesOf(broker: RunningBroker): WalkedPages<ListedRetained> {
  const known = pagesOfBrokers.get(broker);
  if (known !== undefined) return known;
  const pages = new WalkedPages<ListedRetained>();
  pagesOfBrokers.set(broker, pages);
  return pages;
}
