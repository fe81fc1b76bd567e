import { z } from 'zod';
import type { ApiBase } from '../api/api-host.ts';
import { baseOperation, json, type Operation, SCOPES } from '../api/operation.ts';

const keySchema = z.object({
  name: z.string(),
  api_key: z.string().describe('the identifier of the key'),
  scopes: z.array(z.enum(SCOPES)),
  enable: z.boolean(),
  expired: z.boolean(),
  created_at: z.string().describe('RFC 3339'),
  expired_at: z.string().describe('RFC 3339, or infinity'),
});

export const apiKeyOperations: readonly Operation<ApiBase>[] = [
  baseOperation({
    id: 'listApiKeys',
    method: 'GET',
    path: '/api_key',
    scope: 'config',
    tag: 'Session',
    summary: 'The API keys of the file, without their secrets; promptmq admin key changes them',
    answers: { 200: { description: 'All of them', schema: z.array(keySchema) } },
    handle: ({ host: { access } }) =>
      json(
        access.keys.listed.map(({ name, key, scopes, enabled, created, expires }) => ({
          name,
          api_key: key,
          scopes,
          enable: enabled,
          expired: expires !== null && Date.parse(expires) <= Date.now(),
          created_at: created,
          expired_at: expires ?? 'infinity',
        })),
      ),
  }),
  baseOperation({
    id: 'reloadApiKeys',
    method: 'POST',
    path: '/api_key/reload',
    scope: 'config',
    // What the file says would come into force by itself, too.
    isQuestion: true,
    tag: 'Session',
    summary: 'Read the file of the API keys again',
    answers: { 200: { description: 'It was read', schema: z.object({}) } },
    handle: ({ host: { access } }) => {
      access.readKeys();
      return json({});
    },
  }),
];
