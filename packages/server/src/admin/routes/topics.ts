import { z } from 'zod';
import type { RunningBroker } from '../../embed/running-broker.ts';
import type { SharedGroupInfo } from '../../embed/topics/topics.ts';
import { pagesOf } from '../api/lists/cursor-pages.ts';
import { pageAnswer } from '../api/lists/page-answer.ts';
import { WalkedPages } from '../api/lists/walked-pages.ts';
import { nodeName } from '../api/node-name.ts';
import { ApiError, json, type Operation, operation } from '../api/operation.ts';
import { cursorPageOf, cursorQuery, NO_CURSOR, pageQuery } from '../api/page.ts';

/** Filters that are looked at in a turn. */
const STEP_MAX = 1000;

/** Of a page that a cursor has asked for. */
function metaOf(limit: number, { cursor }: { readonly cursor: string | null }) {
  return { limit, cursor: cursor ?? NO_CURSOR, hasnext: cursor !== null };
}

const topicSchema = z.object({ topic: z.string().describe('a topic filter'), node: z.string() });

const listTopics = operation({
  id: 'listTopics',
  method: 'GET',
  path: '/topics',
  scope: 'read',
  tag: 'Topics',
  summary: 'Topic filters that anybody subscribes to, each once',
  query: z.strictObject({
    ...pageQuery.shape,
    ...cursorQuery.shape,
    topic: z.string().optional().describe('exactly this filter'),
    node: z.string().optional().describe('only those of this node'),
  }),
  answers: { 200: { description: 'A page of them', schema: cursorPageOf(topicSchema) } },
  isLong: true,
  handle: async ({ host: { broker }, query, signal }) => {
    const { page, limit, cursor: from, topic, node: wanted } = query;
    const node = nodeName(broker.config);
    const toJson = (filter: string) => ({ topic: filter, node });
    if (topic !== undefined || (wanted !== undefined && wanted !== node)) {
      const isThere =
        page === 1 &&
        topic !== undefined &&
        (wanted ?? node) === node &&
        broker.topics.hasFilter(topic);
      const data = isThere ? [topic] : [];
      const meta = { page, limit, count: data.length, hasnext: false };
      return pageAnswer({ data, meta }, toJson);
    }
    if (from !== undefined) {
      const cursor = from === NO_CURSOR ? null : from;
      const step = broker.topics.filters({ cursor, limit: Math.min(limit, STEP_MAX) });
      return pageAnswer({ data: step.filters, meta: metaOf(limit, step) }, toJson);
    }
    const walk = {
      key: `${limit}`,
      step: (cursor: string | null, stepLimit: number) => {
        const step = broker.topics.filters({ cursor, limit: stepLimit });
        return { things: step.filters, cursor: step.cursor };
      },
    };
    const { things, count, hasNext } = await pagesOf(broker).walking(() =>
      walksOf(broker).filters.find(walk, page, limit, signal),
    );
    const meta = { page, limit, ...(count === null ? {} : { count }), hasnext: hasNext };
    return pageAnswer({ data: things, meta }, toJson);
  },
});

const getTopic = operation({
  id: 'getTopic',
  method: 'GET',
  path: '/topics/{topic}',
  scope: 'read',
  tag: 'Topics',
  summary: 'Whether anybody subscribes to a topic filter',
  params: z.object({ topic: z.string().describe('the whole filter, encoded: a%2F%23') }),
  answers: { 200: { description: 'Somebody does', schema: z.array(topicSchema) } },
  errors: { 404: 'Nobody does' },
  handle: ({ host: { broker }, params: { topic } }) => {
    if (broker.topics.hasFilter(topic)) return json([{ topic, node: nodeName(broker.config) }]);
    throw new ApiError(404, 'TOPIC_NOT_FOUND', 'Topic not found');
  },
});

export const groupSchema = z.object({
  share_group: z.string(),
  topic: z.string().describe('the filter, without $share/NAME/'),
  members_cnt: z.number().int(),
  members: z
    .array(
      z.object({
        clientid: z.string(),
        qos: z.number().int(),
        connected: z.boolean(),
        ready: z.boolean().describe('whether it takes a message of QoS 1 or 2 at once'),
        mqueue_len: z.number().int(),
        inflight_cnt: z.number().int(),
      }),
    )
    .describe('the first 100'),
  next: z.string().nullable().describe('the client that would get the next message'),
});

const listSharedGroups = operation({
  id: 'listSharedGroups',
  method: 'GET',
  path: '/shared_groups',
  scope: 'read',
  tag: 'Subscriptions',
  summary: 'Groups of shared subscriptions, with who gets what',
  query: z.strictObject({ ...pageQuery.shape, ...cursorQuery.shape }),
  answers: { 200: { description: 'A page of them', schema: cursorPageOf(groupSchema) } },
  isLong: true,
  handle: async ({ host: { broker }, query: { page, limit, cursor: from }, signal }) => {
    if (from !== undefined) {
      const cursor = from === NO_CURSOR ? null : from;
      const step = broker.topics.sharedGroups({ cursor, limit: Math.min(limit, GROUPS_MAX) });
      return pageAnswer({ data: step.groups, meta: metaOf(limit, step) }, shownGroup);
    }
    const walk = {
      key: `${limit}`,
      step: (cursor: string | null, stepLimit: number) => {
        // Each has up to 100 members.
        const step = broker.topics.sharedGroups({ cursor, limit: Math.min(stepLimit, GROUPS_MAX) });
        return { things: step.groups, cursor: step.cursor };
      },
    };
    const { things, count, hasNext } = await pagesOf(broker).walking(() =>
      walksOf(broker).groups.find(walk, page, limit, signal),
    );
    const meta = { page, limit, ...(count === null ? {} : { count }), hasnext: hasNext };
    return pageAnswer({ data: things, meta }, shownGroup);
  },
});

/** Groups that are described in a turn. */
const GROUPS_MAX = 50;

export function shownGroup(group: SharedGroupInfo): z.output<typeof groupSchema> {
  return {
    share_group: group.shareName,
    topic: group.topicFilter,
    members_cnt: group.memberCount,
    members: group.members.map((member) => ({
      clientid: member.clientId,
      qos: member.qos,
      connected: member.isConnected,
      ready: member.isReady,
      mqueue_len: member.queued,
      inflight_cnt: member.inflight,
    })),
    next: group.next,
  };
}

const levelSchema = z.object({
  level: z.string(),
  topic: z.string().describe('with the levels before it'),
  retained_topics: z.number().int().describe('topics with retained messages, here and below'),
  counted: z.boolean().describe('whether all of those were counted'),
  recent_topics: z
    .number()
    .int()
    .describe('topics of late, here and below, as far as they are known'),
  recent: z.boolean().describe('whether the topic that ends here is one of them'),
  whole: z.boolean().describe('whether all levels below it are answered, too, or there are none'),
  retained: z
    .object({
      payload: z.string().optional().describe('in base64, as much as was asked for'),
      payload_size: z.number().int(),
      qos: z.number().int(),
      from_clientid: z.string().nullable(),
    })
    .nullable()
    .describe('the message of the topic that ends here'),
});

const getTopicTree = operation({
  id: 'getTopicTree',
  method: 'GET',
  path: '/topic_tree',
  scope: 'read',
  tag: 'Topics',
  summary: 'The levels that topics have below others, as far as topics are known',
  query: z.strictObject({
    prefix: z
      .string()
      .refine((prefix) => !/[+#]/.test(prefix), 'takes whole levels without wildcards')
      .optional()
      .describe('whole levels, such as plant/line-1; without it, the first levels'),
    depth: z.coerce.number().int().min(1).max(10).default(1).describe('how many levels down'),
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(100)
      .describe('levels in all; those that are less deep come first'),
    payload_bytes: z.coerce
      .number()
      .int()
      .min(0)
      .max(1024)
      .default(0)
      .describe('how much of each payload is answered; 0 for none'),
  }),
  answers: {
    200: {
      description:
        'Levels, each after the one that it is below; hasnext where there are others right below the prefix',
      schema: z.object({ data: z.array(levelSchema), meta: z.object({ hasnext: z.boolean() }) }),
    },
  },
  handle: ({ host: { broker }, query }) => {
    const { prefix, depth, limit, payload_bytes: payloadBytes } = query;
    const { levels, isPart } = broker.topics.levels({ prefix, depth, limit, payloadBytes });
    const data = levels.map(({ level, topic, retained, ...counts }) => ({
      level,
      topic,
      retained_topics: counts.retainedTopics,
      counted: counts.isCounted,
      recent_topics: counts.recentTopics,
      recent: counts.isRecent,
      whole: counts.isWhole,
      retained:
        retained === null
          ? null
          : {
              ...(payloadBytes === 0 ? {} : { payload: retained.payload.toString('base64') }),
              payload_size: retained.size,
              qos: retained.qos,
              from_clientid: retained.publisherId,
            },
    }));
    return json({ data, meta: { hasnext: isPart } });
  },
});

export const topicOperations: readonly Operation[] = [
  listTopics,
  getTopic,
  listSharedGroups,
  getTopicTree,
];

interface Walks {
  readonly filters: WalkedPages<string>;
  readonly groups: WalkedPages<SharedGroupInfo>;
}

const walksOfBrokers = new WeakMap<RunningBroker, Walks>();

function walksOf(broker: RunningBroker): Walks {
  let walks = walksOfBrokers.get(broker);
  if (walks === undefined) {
    walks = { filters: new WalkedPages(), groups: new WalkedPages() };
    walksOfBrokers.set(broker, walks);
  }
  return walks;
}
