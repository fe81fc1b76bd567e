import { z } from 'zod';
import type { Alarm } from '../../../monitor/index.ts';
import { nodeName } from '../../api/node-name.ts';
import { json, NO_CONTENT, operation } from '../../api/operation.ts';
import { pageFrom, pageOf, pageQuery } from '../../api/page.ts';
import { flagParameter } from '../../api/query-fields.ts';
import { timeText } from '../../api/texts.ts';

const alarmSchema = z.object({
  node: z.string(),
  name: z
    .string()
    .describe('such as disk_full; with what it is about after a slash where there may be several'),
  message: z.string().describe('what is so'),
  details: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .describe('the figures that it was seen by, and remedy: what to do'),
  duration: z.number().int().describe('milliseconds'),
  activate_at: z.string(),
  deactivate_at: z.string().describe('infinity while it is active'),
});

function alarmJson(alarm: Alarm, node: string, now: number): object {
  const { name, message, remedy, details, activatedAt, deactivatedAt } = alarm;
  return {
    node,
    name,
    message,
    details: { ...details, remedy },
    duration: Math.max(0, Math.round((deactivatedAt ?? now) - activatedAt)),
    activate_at: timeText(activatedAt),
    deactivate_at: timeText(deactivatedAt) ?? 'infinity',
  };
}

export const alarmOperations = [
  operation({
    id: 'listAlarms',
    method: 'GET',
    path: '/alarms',
    scope: 'read',
    tag: 'Monitor',
    summary: 'What an operator should know of, and what to do about it',
    query: pageQuery.extend({
      activated: flagParameter()
        .default(true)
        .describe('false: those that are over, the latest first, 500 at most'),
    }),
    answers: { 200: { description: 'Alarms', schema: pageOf(alarmSchema) } },
    handle: ({ host: { broker }, query }) => {
      const { monitor, config } = broker;
      const alarms = query.activated ? monitor.alarms : monitor.pastAlarms;
      const { data, meta } = pageFrom(alarms, query);
      const node = nodeName(config);
      const now = Date.now();
      return json({ data: data.map((alarm) => alarmJson(alarm, node, now)), meta });
    },
  }),
  operation({
    id: 'deletePastAlarms',
    method: 'DELETE',
    path: '/alarms',
    scope: 'config',
    tag: 'Monitor',
    summary: 'Forgets the alarms that are over',
    answers: { 204: { description: 'They are forgotten', schema: null } },
    handle: ({ host: { broker } }) => {
      broker.monitor.forgetPastAlarms();
      return NO_CONTENT;
    },
  }),
];
