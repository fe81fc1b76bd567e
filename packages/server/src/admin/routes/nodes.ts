import { freemem, loadavg, totalmem } from 'node:os';
import { z } from 'zod';
import { version } from '../../version.ts';
import type { ApiHost } from '../api/api-host.ts';
import { nodeName } from '../api/node-name.ts';
import { ApiError, json, operation } from '../api/operation.ts';

const nodeSchema = z.object({
  node: z.string(),
  node_status: z.literal('running'),
  version: z.string(),
  edition: z.string(),
  role: z.literal('core'),
  uptime: z.number().int().describe('milliseconds'),
  connections: z.number().int().describe('sessions, whether their client is connected or not'),
  live_connections: z.number().int(),
  load1: z.number(),
  load5: z.number(),
  load15: z.number(),
  memory_total: z.number().int().describe('bytes of the machine'),
  memory_used: z.number().int(),
});

export const nodeOperations = [
  operation({
    id: 'listNodes',
    method: 'GET',
    path: '/nodes',
    scope: 'read',
    tag: 'Status',
    summary: 'The broker, as the one node that there is',
    answers: { 200: { description: 'One', schema: z.array(nodeSchema) } },
    handle: ({ host }) => json([nodeOf(host)]),
  }),
  operation({
    id: 'getNode',
    method: 'GET',
    path: '/nodes/{node}',
    scope: 'read',
    tag: 'Status',
    summary: 'The broker, by the name of its node',
    params: z.object({ node: z.string() }),
    answers: { 200: { description: 'It', schema: nodeSchema } },
    errors: { 404: 'There is no such node' },
    handle: ({ host, params: { node } }) => {
      const found = nodeOf(host);
      if (found.node === node) return json(found);
      throw new ApiError(404, 'NOT_FOUND', `there is one node, ${found.node}`);
    },
  }),
];

function nodeOf({ broker, startedAt }: ApiHost): z.output<typeof nodeSchema> {
  const [load1, load5, load15] = loadavg() as [number, number, number];
  return {
    node: nodeName(broker.config),
    node_status: 'running',
    version,
    edition: 'PromptMQ',
    role: 'core',
    uptime: Date.now() - startedAt,
    connections: broker.stats.sessionsCurrent,
    live_connections: broker.stats.connectionsCurrent,
    load1,
    load5,
    load15,
    memory_total: totalmem(),
    memory_used: totalmem() - freemem(),
  };
}
