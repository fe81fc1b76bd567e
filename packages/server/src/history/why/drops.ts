import { quoted } from '../../log/index.ts';
import type { HistoryEntry } from '../entry.ts';
import { type Case, isWithin } from './case.ts';
import type { RankedCause, WhyCode } from './cause.ts';
import { connectionAt } from './connections.ts';
import { counted, deniedBy, dropText, whenOf } from './words.ts';

const RANK_DIRECT = 10;
const RANK_UNKNOWN_TOPIC = 35;
const RANK_LATE = 45;
const RANK_ENDED = 58;

/** Why a message may be dropped long after it was published. */
const LATE: readonly string[] = ['expired', 'queue-full', 'lost'];

/** What was dropped, or denied, of this topic at that time. */
export function directCauses(one: Case): RankedCause[] {
  return (
    one.entries
      .filter((entry) => entry.topic === one.topic && isLoss(entry) && isWithin(one, entry))
      // How its session ended says more than that it did.
      .map((entry) =>
        causeOf(one, entry, entry.cause === 'session-ended' ? RANK_ENDED : RANK_DIRECT),
      )
  );
}

/** What was dropped at that time, of topics that aren't known. */
export function unknownDrops(one: Case): RankedCause[] {
  return one.entries
    .filter(({ type, topic }) => type === 'drop' && topic === null)
    .filter((entry) => isWithin(one, entry) && entry.cause !== 'session-ended')
    .map((entry) => {
      const cause = causeOf(one, entry, RANK_UNKNOWN_TOPIC);
      const text = `${cause.text} Of which topics they were is not known.`;
      return { ...cause, text };
    });
}

/** What was dropped later, and may have been published at that time. */
export function lateDrops(one: Case): RankedCause[] {
  if (connectionAt(one, one.to) !== null) return [];
  const [next] = one.entries
    .filter(({ topic }) => topic === one.topic)
    .filter(({ type, cause, at }) => type === 'drop' && LATE.includes(cause) && at > one.to)
    .slice(-1);
  return next === undefined ? [] : [causeOf(one, next, RANK_LATE)];
}

function isLoss({ type, cause }: HistoryEntry): boolean {
  return type === 'drop' || (type === 'deny' && cause === 'receive');
}

function causeOf({ clientId, now }: Case, entry: HistoryEntry, rank: number): RankedCause {
  const who = quoted(clientId);
  const when = whenOf(entry, now);
  const evidence = [entry];
  if (entry.type === 'deny') {
    const by = deniedBy(entry.detail);
    const text = `${who} may not have messages of this topic: ${by}. ${lost(entry, when)}`;
    return { code: 'receive-denied', text, evidence, rank };
  }
  const why = dropText(entry);
  const code = entry.cause as WhyCode;
  return { code, text: `${who} did not get it: ${why}. ${lost(entry, when)}`, evidence, rank };
}

function lost({ count }: HistoryEntry, when: string): string {
  return count === 1
    ? `That was one message, ${when}.`
    : `Those were ${counted(count, 'message')}, ${when}.`;
}
