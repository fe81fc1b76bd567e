import { z } from 'zod';
import { version } from '../../version.ts';
import { nodeName } from '../api/node-name.ts';
import { type Answer, json, operation } from '../api/operation.ts';

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
    isForAll: true,
    tag: 'Status',
    summary:
      'What the broker is, and how much it has. Who sends no key, or one without the scope read, gets a text that says that it runs, and its node, as EMQX has it; `/status` beside the API is the same',
    query: z.strictObject({
      format: z
        .enum(['json', 'text'])
        .optional()
        .describe('by default json with a key that has the scope read, else text'),
    }),
    answers: { 200: { description: 'The broker runs', schema: statusSchema } },
    handle: ({ host: { broker, startedAt }, caller, query: { format } }) => {
      const { stats, config } = broker;
      const node = nodeName(config);
      const isKnown = caller.scopes.has('read');
      if (format === 'text' || (format === undefined && !isKnown)) {
        return textAnswer(`Node ${node} is started\npromptmq is running\n`);
      }
      // As EMQX has it, but for the version, which is nobody's business.
      if (!isKnown)
        return json({ node_name: node, broker_status: 'started', app_status: 'running' });
      return json({
        node,
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

function textAnswer(text: string): Answer {
  return { status: 200, text, headers: { 'cache-control': 'no-store' } };
}
