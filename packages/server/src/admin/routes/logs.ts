import { z } from 'zod';
import { LOG_LEVELS, type LogLevel, type TailLine } from '../../log/index.ts';
import { ApiError, baseOperation, eventsAnswer } from '../api/operation.ts';

const LINES = 100;
const LINES_MAX = 10_000;

export const logOperations = [
  baseOperation({
    id: 'followLog',
    method: 'GET',
    path: '/logs',
    scope: 'read',
    tag: 'Log',
    summary:
      'Server-Sent Events of the lines of the log: the last ones, then each as it is written. log.level says what is written at all; lines of this API, which say who did what, are for the scope config',
    query: z.strictObject({
      level: z.enum(LOG_LEVELS).default('trace').describe('the lowest'),
      filter: z.string().max(1000).default('').describe('a text that is in the line, in any case'),
      lines: z.coerce
        .number()
        .int()
        .min(0)
        .max(LINES_MAX)
        .default(LINES)
        .describe('of those before; log.tail-lines are kept'),
    }),
    answers: {
      200: {
        description: 'Continues until one side ends it',
        schema: z.string(),
        type: 'text/event-stream',
      },
    },
    errors: { 404: 'The program in which the broker is embedded has its own log' },
    handle: ({ host: { logTail, streams }, caller, query, headers }) => {
      if (logTail === null) {
        const why = 'the log is that of the program in which the broker is embedded';
        throw new ApiError(404, 'NOT_AVAILABLE', why);
      }
      const isWanted = wanted(query.level, query.filter, caller.scopes.has('config'));
      // Of a reader who comes back, what he has had.
      const after = Number(headers.get('last-event-id') ?? 0) || 0;
      const before = logTail.last().filter((line) => line.id > after && isWanted(line));
      const opened = streams.open(caller.name, 'log', (stream) => {
        const send = ({ id, json }: TailLine) => stream.sendJson('log', json, id);
        for (const line of query.lines === 0 ? [] : before.slice(-query.lines)) send(line);
        return logTail.follow((line) => {
          if (isWanted(line)) send(line);
        });
      });
      return eventsAnswer(opened);
    },
  }),
];

/** Of lines that say who used the API, and how: they are for those who may see the audit. */
const OF_THE_API = 'admin-';

/** Which lines somebody is to see. @param maySeeAudit - whether he may know who used the API, and how */
export function wanted(
  level: LogLevel,
  filter: string,
  maySeeAudit: boolean,
): (line: TailLine) => boolean {
  const lowest = LOG_LEVELS.indexOf(level);
  const text = filter.toLowerCase();
  return (line) =>
    LOG_LEVELS.indexOf(line.level) >= lowest &&
    (maySeeAudit || !line.event.startsWith(OF_THE_API)) &&
    (text === '' || line.json.toLowerCase().includes(text));
}
