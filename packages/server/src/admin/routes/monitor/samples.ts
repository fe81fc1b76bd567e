import { z } from 'zod';
import type { ApiHost } from '../../api/api-host.ts';
import { nodeName } from '../../api/node-name.ts';
import { ApiError, json, operation } from '../../api/operation.ts';
import { currentJson, currentSchema, sampleJson, sampleSchema } from './sample-shape.ts';

const DAY_SECONDS = 86_400;

const latestQuery = z.object({
  latest: z.coerce
    .number()
    .int()
    .min(1)
    .max(DAY_SECONDS)
    .default(3600)
    .describe(
      'how many seconds: up to an hour in steps of 10 seconds, up to a day in steps of a minute',
    ),
});

const nodeParams = z.object({ node: z.string().describe('as GET /status has it') });

const tag = 'Monitor';

/** @throws {ApiError} 404 */
function checkNode({ broker }: ApiHost, node: string): void {
  const own = nodeName(broker.config);
  if (node === own) return;
  throw new ApiError(404, 'NOT_FOUND', `${node} is not known here; this one is ${own}`);
}

function latest({ broker }: ApiHost, seconds: number): object[] {
  return broker.monitor.latest(seconds).map(sampleJson);
}

function current({ broker, startedAt }: ApiHost): object {
  const uptimeSeconds = Math.floor((Date.now() - startedAt) / 1000);
  return currentJson(broker.monitor.current(), uptimeSeconds);
}

const samplesAnswer = {
  200: { description: 'Oldest first; none in the first 10 seconds', schema: z.array(sampleSchema) },
};
const currentAnswer = {
  200: { description: 'Of the last seconds, mostly less than 12', schema: currentSchema },
};
const OTHER_NODE = { 404: 'There is no such node' };

export const sampleOperations = [
  operation({
    id: 'listSamples',
    method: 'GET',
    path: '/monitor',
    scope: 'read',
    tag,
    summary: 'What was counted lately, over time',
    query: latestQuery,
    answers: samplesAnswer,
    handle: ({ host, query }) => json(latest(host, query.latest)),
  }),
  operation({
    id: 'listSamplesOfNode',
    method: 'GET',
    path: '/monitor/nodes/{node}',
    scope: 'read',
    tag,
    summary: 'The same of one node',
    params: nodeParams,
    query: latestQuery,
    answers: samplesAnswer,
    errors: OTHER_NODE,
    handle: ({ host, params, query }) => {
      checkNode(host, params.node);
      return json(latest(host, query.latest));
    },
  }),
  operation({
    id: 'getCurrentFigures',
    method: 'GET',
    path: '/monitor_current',
    scope: 'read',
    tag,
    summary: 'How much there is now, and how fast it goes',
    answers: currentAnswer,
    handle: ({ host }) => json(current(host)),
  }),
  operation({
    id: 'getCurrentFiguresOfNode',
    method: 'GET',
    path: '/monitor_current/nodes/{node}',
    scope: 'read',
    tag,
    summary: 'The same of one node',
    params: nodeParams,
    answers: currentAnswer,
    errors: OTHER_NODE,
    handle: ({ host, params }) => {
      checkNode(host, params.node);
      return json(current(host));
    },
  }),
];
