import { z } from 'zod';
import type { RunningBroker } from '../../embed/running-broker.ts';
import { HISTORY_TYPES, type HistoryEntry } from '../../history/entry.ts';
import type { WhyCause } from '../../history/why/cause.ts';
import { sentenceOf } from '../../history/why/words.ts';
import { json, operation } from '../api/operation.ts';
import { pageOf, pageQuery } from '../api/page.ts';

const entrySchema = z.object({
  type: z.enum(HISTORY_TYPES),
  clientid: z.string(),
  ts: z.number().int().describe('when, the first time, in milliseconds since 1970'),
  last_ts: z.number().int().describe('the last time'),
  count: z.number().int(),
  text: z.string().describe('what happened, for people'),
  cause: z.string(),
  topic: z.string().optional().describe('topic name, or topic filter of a subscription'),
  detail: z.string().optional().describe('the rule, or why something was refused'),
  address: z
    .string()
    .optional()
    .describe('where the client was, or who has taken over: address and port'),
  username: z.string().optional(),
  qos: z.number().int().optional(),
  filters: z
    .array(z.string())
    .optional()
    .describe('of a session that ended: what it had, of many the first'),
  filter_count: z.number().int().optional(),
  waiting: z.number().int().optional().describe('messages that waited then'),
  reason_code: z.number().int().optional(),
});

const causeSchema = z.object({
  code: z.string().describe('such as queue-full; docs/operations.md has them all'),
  text: z.string().describe('a sentence or two'),
  evidence: z.array(entrySchema),
});

const whySchema = z.object({
  clientid: z.string(),
  topic: z.string(),
  from: z.number().int().describe('the time that was looked at, in milliseconds since 1970'),
  to: z.number().int(),
  cause: causeSchema,
  also: z.array(causeSchema).describe('what else may have been it'),
  unknown: z.array(z.string()).describe('what can not be known'),
});

/** Of a question why a client did not get something. */
export const whyQuery = z.object({
  clientid: z.string().min(1),
  topic: z.string().min(1).describe('topic name'),
  at: z
    .string()
    .optional()
    .describe('10:42, 10:42:07, a time as RFC 3339 has it, or milliseconds since 1970'),
  since: z.string().optional().describe('from how long ago until now, such as 5m'),
});

/** @param elsewhere - what other processes know of the topic */
export function answerWhy(
  broker: RunningBroker,
  { clientid: clientId, topic, at, since }: z.output<typeof whyQuery>,
  elsewhere: readonly HistoryEntry[] = [],
): z.output<typeof whySchema> {
  const answer = broker.explainDelivery({ clientId, topic, at, since, elsewhere });
  const { from, to, cause, also, unknown } = answer;
  return {
    ...{ clientid: clientId, topic, from, to },
    ...{ cause: causeJson(cause), also: also.map(causeJson), unknown: [...unknown] },
  };
}

export const whyOperations = [
  operation({
    id: 'explainDelivery',
    method: 'GET',
    path: '/why',
    scope: 'read',
    tag: 'History',
    summary: 'Why a client did not get what was published to a topic',
    query: whyQuery,
    answers: { 200: { description: 'The likeliest cause, with evidence', schema: whySchema } },
    handle: ({ host: { broker }, query }) => json(answerWhy(broker, query)),
  }),
  operation({
    id: 'listHistory',
    method: 'GET',
    path: '/history',
    scope: 'read',
    tag: 'History',
    summary: 'What happened to clients lately, newest first',
    query: pageQuery.extend({
      clientid: z.string().optional(),
      type: z.enum(HISTORY_TYPES).optional(),
      topic: z.string().optional().describe('topic name or topic filter, to the letter'),
    }),
    answers: { 200: { description: 'A page', schema: pageOf(entrySchema) } },
    handle: ({ host: { broker }, query: { clientid: clientId, type, topic, page, limit } }) => {
      const skip = (page - 1) * limit;
      const { entries, hasMore } = broker.history({ clientId, type, topic, skip, limit });
      return json({ data: entries.map(entryJson), meta: { page, limit, hasnext: hasMore } });
    },
  }),
];

function causeJson({ code, text, evidence }: WhyCause): z.output<typeof causeSchema> {
  return { code, text, evidence: evidence.map(entryJson) };
}

function entryJson(entry: HistoryEntry): z.output<typeof entrySchema> {
  const { type, clientId, at, lastAt, count, topic, cause, detail, address, userName } = entry;
  const { subscription, filters, filterCount, waiting, reasonCode } = entry;
  return {
    ...{ type, clientid: clientId, ts: at, last_ts: lastAt, count },
    ...{ text: sentenceOf(entry), cause },
    ...(topic === null ? {} : { topic }),
    ...(detail === '' ? {} : { detail }),
    ...(address === null ? {} : { address }),
    ...(userName === null ? {} : { username: userName }),
    ...(subscription === null ? {} : { qos: subscription.qos }),
    ...(type === 'session-end' ? { filters: [...filters], filter_count: filterCount } : {}),
    ...(waiting === 0 ? {} : { waiting }),
    ...(reasonCode < 0 ? {} : { reason_code: reasonCode }),
  };
}
