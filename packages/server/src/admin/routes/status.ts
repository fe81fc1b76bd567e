import { z } from 'zod';
import { version } from '../../version.ts';
import { nodeName } from '../api/node-name.ts';
import { json, operation } from '../api/operation.ts';

const statusSchema = z.object({
  node: z.string(),
  version: z.string(),
  pid: z.number().int(),
  uptime: z.number().int().describe('seconds'),
  connections: z.number().int(),
  sessions: z.number().int(),
  subscriptions: z.number().int(),
  retained: z.number().int(),
});

export const statusOperations = [
  operation({
    id: 'getStatus',
    method: 'GET',
    path: '/status',
    scope: 'read',
    tag: 'Status',
    summary: 'What the broker is, and how much it has',
    answers: { 200: { description: 'The broker runs', schema: statusSchema } },
    handle: ({ host: { broker, startedAt } }) => {
      const { stats } = broker;
      return json({
        node: nodeName(broker.config),
        version,
        pid: process.pid,
        uptime: Math.floor((Date.now() - startedAt) / 1000),
        connections: stats.connectionsCurrent,
        sessions: stats.sessionsCurrent,
        subscriptions: stats.subscriptionsCurrent,
        retained: stats.retainedCurrent,
      });
    },
  }),
];
