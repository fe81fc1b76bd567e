import { z } from 'zod';
import type { Config } from '../../config/index.ts';
import { version } from '../../version.ts';
import { nodeName } from '../api/node-name.ts';
import { type Answer, type Caller, json, operation } from '../api/operation.ts';

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
      const short = statusOf(config, caller, format);
      if (short !== null) return short;
      return json({
        node: nodeName(config),
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

/** What is answered without figures; null for who may see those, and wants them. */
export function statusOf(
  config: Config,
  { scopes }: Pick<Caller, 'scopes'>,
  format: 'json' | 'text' | undefined,
): Answer | null {
  const node = nodeName(config);
  const isKnown = scopes.has('read');
  if (format === 'text' || (format === undefined && !isKnown)) {
    return textAnswer(`Node ${node} is started\npromptmq is running\n`);
  }
  if (isKnown) return null;
  // As EMQX has it, but for the version, which is nobody's business.
  return json({ node_name: node, broker_status: 'started', app_status: 'running' });
}

function textAnswer(text: string): Answer {
  return { status: 200, text, headers: { 'cache-control': 'no-store' } };
}
