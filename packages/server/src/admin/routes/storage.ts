import { z } from 'zod';
import { ApiError, json, operation } from '../api/operation.ts';

const number = z.number();

const logSchema = z.object({
  directory: z.string(),
  sync_mode: z.string(),
  is_full: z.boolean(),
  failure: z.string().nullable(),
  positions: z
    .object({
      tail: number,
      head: number,
      durable: number,
      acknowledged: number,
      checkpoint: number,
    })
    .describe('bytes from the beginning of the log'),
  size: number.describe('bytes on the disk'),
  live_bytes: number.describe('of them, those that are still needed'),
  segments: z.array(z.object({ first: number, size: number, live_bytes: number })),
  written: z.object({
    records: number,
    bytes: number,
    syncs: number,
    sync_ms: number,
    refused_records: number,
  }),
  compaction: z.object({
    removed_segments: number,
    removed_bytes: number,
    moved_records: number,
    moved_bytes: number,
  }),
  recovery: z.object({ records: number, duration_ms: number, quarantined: number }),
});

const storageSchema = logSchema.extend({
  positions: logSchema.shape.positions.optional(),
  logs: z
    .array(logSchema.extend({ process: z.string() }))
    .optional()
    .describe('each by itself, where several processes have one; then positions are there only'),
});

export const storageOperations = [
  operation({
    id: 'getStorage',
    method: 'GET',
    path: '/storage',
    scope: 'read',
    tag: 'Storage',
    summary: 'The log: its files, what is needed of them, compaction, and what the start found',
    answers: { 200: { description: 'As it is now', schema: storageSchema } },
    errors: { 404: 'The broker keeps nothing on a disk' },
    handle: ({ host: { broker } }) => {
      const info = broker.storage;
      if (info === null) {
        throw new ApiError(404, 'NOT_FOUND', 'nothing is kept on a disk: storage.enabled is false');
      }
      return json(inSnakeCase(info));
    },
  }),
];

/** The same with `snake_case` names, also of what is in it. */
function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inSnakeCase(inner),
    ]),
  );
}
