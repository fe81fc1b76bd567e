import type { Random } from '@promptmq/wal/testing';
import type { KillPoint } from './broker-process.ts';

/** The moments at which it matters whether the broker lives on; counts are drawn. */
const POINTS: readonly (Omit<KillPoint, 'count'> & { readonly countMax: number })[] = [
  { name: 'before a write', phase: 'serving', operation: 'write', when: 'before', countMax: 12 },
  { name: 'in a write', phase: 'serving', operation: 'write', when: 'middle', countMax: 12 },
  {
    name: 'after a write, before its sync',
    phase: 'serving',
    operation: 'sync',
    when: 'before',
    countMax: 12,
  },
  {
    name: 'after a sync, before the acknowledgement',
    phase: 'serving',
    operation: 'sync',
    when: 'after',
    countMax: 12,
  },
  {
    name: 'before a directory is synced',
    phase: 'any',
    operation: 'sync-directory',
    when: 'before',
    countMax: 3,
  },
  {
    name: 'after a directory is synced',
    phase: 'any',
    operation: 'sync-directory',
    when: 'after',
    countMax: 3,
  },
  { name: 'before a rename', phase: 'any', operation: 'rename', when: 'before', countMax: 3 },
  { name: 'after a rename', phase: 'any', operation: 'rename', when: 'after', countMax: 3 },
  {
    name: 'before a checkpoint',
    phase: 'any',
    operation: 'checkpoint',
    when: 'before',
    countMax: 3,
  },
  {
    name: 'during a checkpoint',
    phase: 'any',
    operation: 'checkpoint',
    when: 'middle',
    countMax: 3,
  },
  { name: 'after a checkpoint', phase: 'any', operation: 'checkpoint', when: 'after', countMax: 3 },
  {
    name: 'during compaction',
    phase: 'compaction',
    operation: 'any',
    when: 'before',
    countMax: 12,
  },
  { name: 'before a removal', phase: 'serving', operation: 'remove', when: 'before', countMax: 3 },
  { name: 'after a removal', phase: 'serving', operation: 'remove', when: 'after', countMax: 3 },
  { name: 'during recovery', phase: 'recovery', operation: 'any', when: 'before', countMax: 40 },
];

/** A point for the next broker; null to kill it at any moment, from outside. */
export function drawPoint(random: Random): KillPoint | null {
  if (random.chance(0.15)) return null;
  const { countMax, ...point } = random.pick(POINTS);
  return { ...point, count: 1 + random.below(countMax) };
}
