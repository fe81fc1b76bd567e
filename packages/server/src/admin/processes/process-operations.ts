import { z } from 'zod';
import type { RunningBroker } from '../../embed/running-broker.ts';
import type { HistoryEntry, HistoryType } from '../../history/entry.ts';
import type { TailLine } from '../../log/index.ts';
import { eventsAnswer, json, type Operation, operation } from '../api/operation.ts';
import { shownGroup } from '../routes/topics.ts';
import { answerWhy, whyQuery } from '../routes/why.ts';
import type { TraceTarget } from '../traces/named-trace.ts';
import { followTarget } from '../traces/trace-sources.ts';

const tag = 'Processes';

/** Things that are asked about at a time. */
const ASKED_MAX = 1000;

/** What there is of publishers of a topic. */
const OF_PUBLISHERS: readonly HistoryType[] = ['deny', 'refuse', 'will'];

/** Entries of each of these. */
const ENTRIES_MAX = 200;

const answers = { 200: { description: 'An answer for each', schema: z.unknown() } };

/** What processes of one broker ask each other beside what operators ask. It isn't part of the API. */
export const PROCESS_OPERATIONS: readonly Operation[] = [
  operation({
    id: 'knowsFilters',
    method: 'POST',
    path: '/process/filters',
    scope: 'read',
    isQuestion: true,
    tag,
    summary: 'Which of these topic filters anybody here subscribes to',
    body: z.array(z.string()).max(ASKED_MAX),
    answers,
    handle: ({ host: { broker }, body }) =>
      json(body.map((filter) => broker.topics.hasFilter(filter))),
  }),
  operation({
    id: 'knowsGroups',
    method: 'POST',
    path: '/process/groups',
    scope: 'read',
    isQuestion: true,
    tag,
    summary:
      'What there is here of these groups of shared subscriptions; null where there is nothing',
    body: z.array(z.string().describe('$share/NAME/FILTER')).max(ASKED_MAX),
    answers,
    handle: ({ host: { broker }, body }) => json(body.map((whole) => groupOf(broker, whole))),
  }),
  operation({
    id: 'topicHistory',
    method: 'GET',
    path: '/process/history',
    scope: 'read',
    tag,
    summary: 'What was published to a topic here, and went to nobody, newest first',
    query: z.strictObject({ topic: z.string() }),
    answers,
    handle: ({ host: { broker }, query: { topic } }) =>
      json(
        OF_PUBLISHERS.flatMap(
          (type) => broker.history({ topic, type, limit: ENTRIES_MAX }).entries,
        ),
      ),
  }),
  operation({
    id: 'whyHere',
    method: 'POST',
    path: '/process/why',
    scope: 'read',
    isQuestion: true,
    tag,
    summary: 'Why a client here did not get what was published to a topic',
    body: z.strictObject({ question: whyQuery, elsewhere: z.array(z.unknown()) }),
    answers,
    handle: ({ host: { broker }, body: { question, elsewhere } }) =>
      json(answerWhy(broker, question, elsewhere as readonly HistoryEntry[])),
  }),
  operation({
    id: 'lastLines',
    method: 'GET',
    path: '/process/log',
    scope: 'read',
    tag,
    summary: 'The last lines of the log of this process',
    answers,
    handle: ({ host: { logTail } }) => json(logTail?.last() ?? []),
  }),
  operation({
    id: 'followLines',
    method: 'GET',
    path: '/process/log/lines',
    scope: 'read',
    tag,
    summary: 'The lines of the log of this process from one on',
    query: z.strictObject({ after: z.coerce.number().int().min(0) }),
    answers: { 200: { description: 'Continues', schema: z.string(), type: 'text/event-stream' } },
    handle: ({ host: { logTail, streams }, caller, query: { after } }) =>
      eventsAnswer(
        streams.open(caller.name, 'log', (stream) => {
          const send = (line: TailLine) => stream.send('line', line);
          for (const line of logTail?.last() ?? []) if (line.id > after) send(line);
          return logTail?.follow(send) ?? (() => {});
        }),
      ),
  }),
  operation({
    id: 'traceTarget',
    method: 'POST',
    path: '/process/trace',
    scope: 'read',
    isQuestion: true,
    tag,
    summary: 'What happens to the target of a trace from now on',
    body: z.union([
      z.strictObject({ type: z.literal('clientid'), clientid: z.string() }),
      z.strictObject({ type: z.literal('topic'), topic: z.string() }),
      z.strictObject({ type: z.literal('ip_address'), ip_address: z.string() }),
    ]),
    answers: { 200: { description: 'Continues', schema: z.string(), type: 'text/event-stream' } },
    handle: ({ host: { broker, streams }, caller, body }) =>
      eventsAnswer(
        streams.open(caller.name, 'trace', (stream) =>
          followTarget(broker, body as TraceTarget, (event) => stream.send('trace', event)),
        ),
      ),
  }),
];

function groupOf({ topics }: RunningBroker, wholeFilter: string) {
  const group = topics.sharedGroup(wholeFilter);
  return group === null ? null : shownGroup(group);
}
