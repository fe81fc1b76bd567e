import { isIP } from 'node:net';
import { z } from 'zod';
import type { Config } from '../../config/index.ts';
import { nodeName } from '../api/node-name.ts';
import { ApiError, baseOperation, json, NO_CONTENT } from '../api/operation.ts';
import { filterParameter, timeParameter } from '../api/query-fields.ts';
import { timeText } from '../api/texts.ts';
import type { NamedTrace, TraceOrder, TraceTarget } from '../traces/named-trace.ts';

/** As EMQX has it. */
const DURATION_MS = 600_000;

const READ_BYTES = 1000;
const READ_BYTES_MAX = 10_000_000;

const name = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,255}$/, 'takes a letter, and letters, digits, _, -');

const nameParams = z.object({ name: z.string().min(1) });

const createBody = z.strictObject({
  name,
  type: z.enum(['clientid', 'topic', 'ip_address']),
  clientid: z.string().min(1).max(65_535).optional(),
  topic: filterParameter().optional().describe('a topic filter'),
  ip_address: z
    .string()
    .refine((text) => isIP(text) > 0, 'takes an IP address')
    .optional(),
  start_at: timeParameter().optional().describe('now by default, at most a day ahead'),
  end_at: timeParameter()
    .optional()
    .describe('ten minutes later by default; admin.max-trace-duration later at most'),
  formatter: z.enum(['text', 'json']).default('text').describe('how its lines are written'),
  payload_encode: z
    .enum(['text', 'hex', 'hidden'])
    .optional()
    .describe(
      'accepted for scripts made for EMQX: payloads are never in a trace, only their sizes',
    ),
});

const traceSchema = z.object({
  name: z.string(),
  type: z.enum(['clientid', 'topic', 'ip_address']),
  clientid: z.string().optional(),
  topic: z.string().optional(),
  ip_address: z.string().optional(),
  status: z.enum(['waiting', 'running', 'stopped']),
  start_at: z.string(),
  end_at: z.string(),
  formatter: z.enum(['text', 'json']),
  payload_encode: z.literal('hidden'),
  log_size: z.record(z.string(), z.number().int()).describe('bytes, by node'),
});

const NOT_FOUND = { 404: 'There is no trace of that name' };

export const namedTraceOperations = [
  baseOperation({
    id: 'listTraces',
    method: 'GET',
    path: '/trace',
    scope: 'read',
    tag: 'Trace',
    summary: 'Traces with names, in the order in which they were made',
    answers: { 200: { description: 'All of them', schema: z.array(traceSchema) } },
    handle: ({ host: { config, traces } }) =>
      json(traces.list().map((trace) => shownTrace(trace, config))),
  }),
  baseOperation({
    id: 'createTrace',
    method: 'POST',
    path: '/trace',
    scope: 'clients',
    tag: 'Trace',
    summary:
      'Trace packets of a client, messages and subscriptions of topics, or packets of clients from an address, until it is stopped, its time is over, or admin.max-trace-bytes are there. Of payloads, passwords and the like it has only the sizes. It is in memory, and ends with the process',
    body: createBody,
    answers: { 200: { description: 'It is made', schema: traceSchema } },
    errors: { 409: 'There is one of that name already' },
    handle: ({ host: { config, traces }, caller, body }) => {
      const order = orderOf(body, config);
      return json(shownTrace(traces.create(order, caller.name), config));
    },
  }),
  baseOperation({
    id: 'deleteTraces',
    method: 'DELETE',
    path: '/trace',
    scope: 'clients',
    tag: 'Trace',
    summary: 'Delete all traces, with what they have',
    answers: { 204: { description: 'They are gone', schema: null } },
    handle: ({ host: { traces } }) => {
      traces.clear();
      return NO_CONTENT;
    },
  }),
  baseOperation({
    id: 'deleteTrace',
    method: 'DELETE',
    path: '/trace/{name}',
    scope: 'clients',
    tag: 'Trace',
    summary: 'Delete a trace, with what it has',
    params: nameParams,
    answers: { 204: { description: 'It is gone', schema: null } },
    errors: NOT_FOUND,
    handle: ({ host: { traces }, params }) => {
      traces.delete(params.name);
      return NO_CONTENT;
    },
  }),
  baseOperation({
    id: 'stopTrace',
    method: 'PUT',
    path: '/trace/{name}/stop',
    scope: 'clients',
    tag: 'Trace',
    summary: 'Stop a trace; what it has can still be read',
    params: nameParams,
    answers: {
      200: {
        description: 'It is stopped',
        schema: z.object({ name: z.string(), enable: z.literal(false) }),
      },
    },
    errors: NOT_FOUND,
    handle: ({ host: { traces }, params }) => {
      traces.find(params.name).stop();
      return json({ name: params.name, enable: false });
    },
  }),
  baseOperation({
    id: 'readTrace',
    method: 'GET',
    path: '/trace/{name}/log',
    scope: 'read',
    tag: 'Trace',
    summary: 'A part of a trace; the next one begins at the position in the meta',
    params: nameParams,
    query: z.strictObject({
      position: z.coerce.number().int().min(0).default(0).describe('byte at which to begin'),
      bytes: z.coerce
        .number()
        .int()
        .min(1)
        .max(READ_BYTES_MAX)
        .default(READ_BYTES)
        .describe('at most; the part ends with a line, unless that is longer'),
      node: z.string().optional(),
    }),
    answers: {
      200: {
        description: 'The part, which is empty where there is no more yet',
        schema: z.object({
          items: z.string(),
          meta: z.object({ position: z.number().int(), bytes: z.number().int() }),
        }),
      },
    },
    errors: NOT_FOUND,
    handle: ({ host: { traces }, params, query: { position, bytes } }) => {
      const part = traces.find(params.name).read(position, bytes);
      const meta = { position: position + part.length, bytes: part.length };
      return json({ items: part.toString(), meta });
    },
  }),
  baseOperation({
    id: 'getTraceSize',
    method: 'GET',
    path: '/trace/{name}/log_detail',
    scope: 'read',
    tag: 'Trace',
    summary: 'How much a trace has, and since when',
    params: nameParams,
    answers: {
      200: {
        description: 'By node',
        schema: z.array(
          z.object({ node: z.string(), size: z.number().int(), mtime: z.number().int() }),
        ),
      },
    },
    errors: NOT_FOUND,
    handle: ({ host: { config, traces }, params }) => {
      const { size, changedAt } = traces.find(params.name);
      return json([{ node: nodeName(config), size, mtime: changedAt }]);
    },
  }),
  baseOperation({
    id: 'downloadTrace',
    method: 'GET',
    path: '/trace/{name}/download',
    scope: 'read',
    tag: 'Trace',
    summary: 'The whole trace as a file of lines; EMQX has it in a zip',
    params: nameParams,
    query: z.strictObject({ node: z.string().optional() }),
    answers: { 200: { description: 'Its lines', schema: z.string(), type: 'text/plain' } },
    errors: NOT_FOUND,
    isLong: true,
    handle: ({ host: { traces }, params }) => {
      const trace = traces.find(params.name);
      return {
        status: 200,
        text: trace.read(0, Number.POSITIVE_INFINITY).toString(),
        headers: {
          'cache-control': 'no-store',
          // The name has letters, digits, _ and - only.
          'content-disposition': `attachment; filename="${trace.order.name}.log"`,
        },
      };
    },
  }),
];

/** @throws {ApiError} 400 */
function orderOf(body: z.output<typeof createBody>, { admin }: Config): TraceOrder {
  const now = Date.now();
  const startAt = Math.max(now, body.start_at ?? now);
  const { maxTraceDuration } = admin;
  if (startAt > now + maxTraceDuration) {
    const why = 'start_at: it may be as far ahead as admin.max-trace-duration is long';
    throw new ApiError(400, 'BAD_REQUEST', why);
  }
  const endAt = body.end_at ?? startAt + Math.min(DURATION_MS, maxTraceDuration);
  if (endAt <= startAt) {
    throw new ApiError(
      400,
      'BAD_REQUEST',
      'end_at: it has to be later than start_at, and than now',
    );
  }
  if (endAt > startAt + maxTraceDuration) {
    const why = `end_at: a trace lasts ${maxTraceDuration / 1000} s at most: admin.max-trace-duration`;
    throw new ApiError(400, 'BAD_REQUEST', why);
  }
  return { name: body.name, target: targetOf(body), format: body.formatter, startAt, endAt };
}

/** @throws {ApiError} 400 */
function targetOf(body: z.output<typeof createBody>): TraceTarget {
  const { type } = body;
  const given = body[type];
  if (given === undefined) {
    throw new ApiError(400, 'BAD_REQUEST', `${type} is missing: it says what is to be traced`);
  }
  switch (type) {
    case 'clientid':
      return { type, clientid: given };
    case 'topic':
      return { type, topic: given };
    case 'ip_address':
      return { type, ip_address: given };
  }
}

function shownTrace(
  { order, status, size }: NamedTrace,
  config: Config,
): z.output<typeof traceSchema> {
  return {
    name: order.name,
    ...order.target,
    status,
    start_at: timeText(order.startAt) as string,
    end_at: timeText(order.endAt) as string,
    formatter: order.format,
    payload_encode: 'hidden',
    log_size: { [nodeName(config)]: size },
  };
}
