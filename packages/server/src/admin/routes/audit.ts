import { z } from 'zod';
import type { ApiBase } from '../api/api-host.ts';
import { baseOperation, json, type Operation } from '../api/operation.ts';
import { pageFrom, pageOf, pageQuery } from '../api/page.ts';

const auditSchema = z.object({
  created_at: z.string().describe('RFC 3339'),
  from: z.enum(['key', 'console', 'socket', 'nobody']).describe('how who asked was known'),
  source: z.string().describe('the name of the key; socket for the Unix domain socket'),
  source_ip: z.string().nullable(),
  operation_id: z.string(),
  operation_result: z.enum(['success', 'failure']),
  http_method: z.string(),
  path: z.string(),
  http_status_code: z.number().int(),
  duration_ms: z.number().int(),
});

const auditQuery = pageQuery.extend({
  source: z.string().max(64).optional().describe('name of a key'),
  source_ip: z.string().max(64).optional(),
  operation_id: z.string().max(64).optional(),
  operation_result: z.enum(['success', 'failure']).optional(),
  http_method: z.enum(['POST', 'PUT', 'DELETE']).optional(),
  http_status_code: z.coerce.number().int().min(100).max(599).optional(),
  gte_created_at: z.iso.datetime({ offset: true }).optional().describe('from then on, RFC 3339'),
  lte_created_at: z.iso.datetime({ offset: true }).optional().describe('until then, RFC 3339'),
});

export const auditOperations: readonly Operation<ApiBase>[] = [
  baseOperation({
    id: 'listAudit',
    method: 'GET',
    path: '/audit',
    scope: 'config',
    tag: 'Session',
    summary:
      'Requests that could change something, the newest first: as many as admin.audit-entries',
    query: auditQuery,
    answers: { 200: { description: 'A page of them', schema: pageOf(auditSchema) } },
    handle: ({ host, query }) => {
      const { source, source_ip, operation_id, operation_result, http_method } = query;
      const { http_status_code, gte_created_at, lte_created_at } = query;
      const from = gte_created_at === undefined ? 0 : Date.parse(gte_created_at);
      const to =
        lte_created_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(lte_created_at);
      const found = host.access.audit
        .entries()
        .filter(
          ({ at, who, address, operation: id, method, status }) =>
            at >= from &&
            at <= to &&
            (source === undefined || source === who) &&
            (source_ip === undefined || source_ip === address) &&
            (operation_id === undefined || operation_id === id) &&
            (operation_result === undefined || operation_result === resultOf(status)) &&
            (http_method === undefined || http_method === method) &&
            (http_status_code === undefined || http_status_code === status),
        );
      const { data, meta } = pageFrom(found, query);
      const shown = data.map(
        ({ at, who, kind, address, operation: id, method, path, status, durationMs }) => ({
          created_at: new Date(at).toISOString(),
          from: kind,
          source: who,
          source_ip: address,
          operation_id: id,
          operation_result: resultOf(status),
          http_method: method,
          path,
          http_status_code: status,
          duration_ms: durationMs,
        }),
      );
      return json({ data: shown, meta });
    },
  }),
];

function resultOf(status: number): 'success' | 'failure' {
  return status < 400 ? 'success' : 'failure';
}
