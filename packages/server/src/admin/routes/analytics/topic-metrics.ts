import { z } from 'zod';
import {
  METERED_FILTERS_MAX,
  type TopicMetric,
  type TopicMetricChange,
} from '../../../observability/index.ts';
import type { ApiHost } from '../../api/api-host.ts';
import { ApiError, json, NO_CONTENT, operation } from '../../api/operation.ts';
import { timeText } from '../../api/texts.ts';

const tag = 'Analytics';

const COUNTED = [
  'in',
  'out',
  'qos0.in',
  'qos0.out',
  'qos1.in',
  'qos1.out',
  'qos2.in',
  'qos2.out',
  'dropped',
].flatMap((name) => [`message.${name}.count`, `message.${name}.rate`]);

/** What is known where it is published, whoever gets it. */
export const IS_OF_PUBLISHERS = /\.in\./;

const ofRecipients = z
  .number()
  .optional()
  .describe('left out with server.workers, where nobody counts who gets it elsewhere');

const metricSchema = z.object({
  topic: z.string().describe('the topic filter'),
  create_time: z.string(),
  reset_time: z.string().optional(),
  is_configured: z.boolean().describe('whether it is in metrics.topics'),
  metrics: z.object({
    ...Object.fromEntries(
      COUNTED.map((name) => [name, IS_OF_PUBLISHERS.test(name) ? z.number() : ofRecipients]),
    ),
    'bytes.in.count': z.number().describe('bytes of payloads'),
  }),
});

const topicParams = z.object({ topic: z.string().describe('the topic filter, encoded for URLs') });

const NOT_FOUND = { 404: 'The filter is not counted' };

function metricJson({
  filter,
  isConfigured,
  createdAt,
  resetAt,
  count,
  rate,
}: TopicMetric): object {
  const { receivedByQos, deliveredByQos } = count;
  const sum = (values: Float64Array) => values.reduce((all, value) => all + value, 0);
  const metrics: Record<string, number> = {};
  const set = (name: string, value: number, perSecond: number) => {
    metrics[`message.${name}.count`] = value;
    metrics[`message.${name}.rate`] = Math.round(100 * perSecond) / 100;
  };
  set('in', count.messages, rate.received);
  set('out', sum(deliveredByQos), rate.delivered);
  set('dropped', count.unmatched, rate.unmatched);
  for (const qos of [0, 1, 2]) {
    set(`qos${qos}.in`, receivedByQos[qos] ?? 0, rate.receivedByQos[qos] ?? 0);
    set(`qos${qos}.out`, deliveredByQos[qos] ?? 0, rate.deliveredByQos[qos] ?? 0);
  }
  return {
    topic: filter,
    create_time: timeText(createdAt),
    ...(resetAt === null ? {} : { reset_time: timeText(resetAt) }),
    is_configured: isConfigured,
    metrics: { ...metrics, 'bytes.in.count': count.payloadBytes },
  };
}

/** @throws {ApiError} 404 */
function find({ broker }: ApiHost, filter: string): object {
  const metric = broker.monitor.topicMetrics.find((one) => one.filter === filter);
  if (metric === undefined) throw refusal('unknown', filter);
  return metricJson(metric);
}

function refusal(change: Exclude<TopicMetricChange, 'done'>, filter: string): ApiError {
  const name = JSON.stringify(filter.slice(0, 100));
  switch (change) {
    case 'known':
      return new ApiError(400, 'BAD_TOPIC', `topic: ${name} is counted already`);
    case 'invalid':
      return new ApiError(
        400,
        'BAD_TOPIC',
        `topic: ${name} is not allowed; it takes a topic filter that is not shared`,
      );
    case 'too-many':
      return new ApiError(
        409,
        'EXCEED_LIMIT',
        `at most ${METERED_FILTERS_MAX} filters are counted`,
      );
    case 'unknown':
      return new ApiError(404, 'TOPIC_NOT_FOUND', `${name} is not counted`);
    case 'configured':
      return new ApiError(409, 'CONFIGURED', `${name} is in metrics.topics: take it out there`);
    default:
      return change satisfies never;
  }
}

/** @throws {ApiError} when it isn't done */
function check(change: TopicMetricChange, filter: string): void {
  if (change !== 'done') throw refusal(change, filter);
}

export const topicMetricOperations = [
  operation({
    id: 'listTopicMetrics',
    method: 'GET',
    path: '/mqtt/topic_metrics',
    scope: 'read',
    tag,
    summary: 'What was counted by topic filter',
    answers: {
      200: { description: 'All filters that are counted', schema: z.array(metricSchema) },
    },
    handle: ({ host: { broker } }) => json(broker.monitor.topicMetrics.map(metricJson)),
  }),
  operation({
    id: 'addTopicMetric',
    method: 'POST',
    path: '/mqtt/topic_metrics',
    scope: 'config',
    tag,
    summary: 'Counts by one more topic filter, until the broker is started again',
    body: z.object({
      topic: z.string().min(1).max(65_535).describe('a topic filter that is not shared'),
    }),
    answers: { 200: { description: 'It is counted from now on', schema: metricSchema } },
    errors: { 409: 'As many are counted as may be' },
    handle: ({ host, body: { topic } }) => {
      check(host.broker.monitor.addTopicMetric(topic), topic);
      return json(find(host, topic));
    },
  }),
  operation({
    id: 'resetTopicMetrics',
    method: 'PUT',
    path: '/mqtt/topic_metrics',
    scope: 'config',
    tag,
    summary: 'Begins to count anew',
    body: z.object({
      action: z.literal('reset'),
      topic: z.string().min(1).optional().describe('one filter; all of them when it is left out'),
    }),
    answers: { 204: { description: 'Done', schema: null } },
    errors: NOT_FOUND,
    handle: ({ host: { broker }, body: { topic = null } }) => {
      check(broker.monitor.resetTopicMetrics(topic), topic ?? '');
      return NO_CONTENT;
    },
  }),
  operation({
    id: 'getTopicMetric',
    method: 'GET',
    path: '/mqtt/topic_metrics/{topic}',
    scope: 'read',
    tag,
    summary: 'What was counted of one topic filter',
    params: topicParams,
    answers: { 200: { description: 'The filter', schema: metricSchema } },
    errors: NOT_FOUND,
    handle: ({ host, params: { topic } }) => json(find(host, topic)),
  }),
  operation({
    id: 'deleteTopicMetric',
    method: 'DELETE',
    path: '/mqtt/topic_metrics/{topic}',
    scope: 'config',
    tag,
    summary: 'Does not count by a topic filter any more',
    params: topicParams,
    answers: { 204: { description: 'Done', schema: null } },
    errors: { ...NOT_FOUND, 409: 'It is in metrics.topics' },
    handle: ({ host: { broker }, params: { topic } }) => {
      check(broker.monitor.removeTopicMetric(topic), topic);
      return NO_CONTENT;
    },
  }),
];
