import { z } from 'zod';
import { type AnalyticsReport, DIMENSIONS, MEASURES } from '../../../monitor/index.ts';
import { json, operation } from '../../api/operation.ts';

const MINUTE_MS = 60_000;

const WINDOWS = { '1m': 1, '5m': 5, '15m': 15, '30m': 30, '1h': 60 } as const;

const itemSchema = z.object({
  key: z
    .string()
    .describe(
      'the topic, the prefix (a filter), the client identifier or the filter; empty: published by the program that the broker runs in',
    ),
  messages: z.number().describe('estimated'),
  bytes: z
    .number()
    .describe('of payloads, estimated; of what it is not sorted by, at least so much'),
  message_rate: z.number().describe('messages a second'),
  byte_rate: z.number().describe('bytes a second'),
  share: z.number().describe('of all, 0 to 1, in what it is sorted by'),
  least: z.number().describe('what it is sorted by is at least this, 19 times of 20'),
  most: z.number().describe('and at most this'),
});

const reportSchema = z.object({
  by: z.string(),
  sort: z.string(),
  since: z
    .number()
    .nullable()
    .describe('since when messages are looked at, in milliseconds since 1970; null: they are not'),
  seconds: z.number().describe('the answer is of this time'),
  stands_for: z.number().int().describe('messages that one stands for that is looked at now'),
  messages: z.number().describe('all messages in the time'),
  bytes: z.number().describe('of all payloads'),
  data: z.array(itemSchema),
  sizes: z.array(
    z.object({
      up_to: z.number().int().describe('bytes, and more than half of it'),
      messages: z.number(),
    }),
  ),
  over_time: z.array(
    z.object({
      time_stamp: z.number().int().describe('start of the minute, in milliseconds since 1970'),
      messages: z.number(),
      bytes: z.number(),
    }),
  ),
});

function reportJson(report: AnalyticsReport): object {
  const { since, seconds, standsFor, messages, bytes, items, sizes, overTime } = report;
  return {
    since: since === null ? null : Math.round(since),
    seconds: rounded(seconds),
    stands_for: standsFor,
    messages,
    bytes,
    data: items.map((item) => ({
      key: item.key,
      messages: rounded(item.messages),
      bytes: rounded(item.bytes),
      message_rate: rounded(item.messagesPerSecond),
      byte_rate: rounded(item.bytesPerSecond),
      share: rounded(item.share),
      least: rounded(item.least),
      most: rounded(item.most),
    })),
    sizes: sizes.map((one) => ({ up_to: one.upTo, messages: one.messages })),
    over_time: overTime.map((one) => ({
      time_stamp: Math.round(one.time),
      messages: one.messages,
      bytes: one.bytes,
    })),
  };
}

function rounded(value: number): number {
  return Math.round(1000 * value) / 1000;
}

export const reportOperations = [
  operation({
    id: 'getAnalytics',
    method: 'GET',
    path: '/analytics',
    scope: 'read',
    tag: 'Analytics',
    summary: 'Which topics, publishers or subscribers have most of the messages',
    query: z.object({
      by: z
        .enum([...DIMENSIONS, 'filter'])
        .default('topic')
        .describe(
          'prefix: the first levels of topics (analytics.depth); filter: those of metrics.topics and /mqtt/topic_metrics, exactly',
        ),
      window: z
        .enum(Object.keys(WINDOWS) as [keyof typeof WINDOWS])
        .default('5m')
        .describe('of the last minutes'),
      sort: z.enum(MEASURES).default('messages').describe('what the most is of'),
      limit: z.coerce.number().int().min(1).max(1000).default(20).describe('how many at most'),
      key: z.string().max(1024).optional().describe('this one alone; over_time is of it'),
    }),
    answers: { 200: { description: 'Most first', schema: reportSchema } },
    handle: ({ host: { broker }, query }) => {
      const { by, window, sort, limit, key } = query;
      const windowMs = WINDOWS[window] * MINUTE_MS;
      return json({
        by,
        sort,
        ...reportJson(broker.monitor.analytics({ by, sort, windowMs, limit, key })),
      });
    },
  }),
];
