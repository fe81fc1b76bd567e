import { quoted } from '../../log/index.ts';
import type { HistoryEntry } from '../entry.ts';
import { type Case, isWithin } from './case.ts';
import type { RankedCause } from './cause.ts';
import { clock, counted, deniedBy, whenOf } from './words.ts';

const RANK_PUBLISHER = 30;

/** Publishers that are named. */
const NAMED_MAX = 5;

/**
 * What was published to the topic at that time, and went to nobody.
 *
 * @param entries - of all clients, newest first
 */
export function publisherCauses(one: Case, entries: Iterable<HistoryEntry>): RankedCause[] {
  const causes: RankedCause[] = [];
  for (const entry of entries) {
    if (entry.topic !== one.topic || !isWithin(one, entry)) continue;
    const cause = causeOf(entry, one.now);
    if (cause !== null) causes.push(cause);
    if (causes.length === NAMED_MAX) break;
  }
  return causes;
}

function causeOf(entry: HistoryEntry, now: number): RankedCause | null {
  const { type, cause, clientId, detail, count } = entry;
  const who = quoted(clientId);
  const evidence = [entry];
  const rank = RANK_PUBLISHER;
  const when = `${count === 1 ? '' : `${counted(count, 'message')}, `}${whenOf(entry, now)}`;
  if (type === 'deny' && (cause === 'publish' || cause === 'will')) {
    const by = deniedBy(detail);
    const text = `Nobody got it: ${who} may not publish to this topic: ${by} (${when}).`;
    return { code: 'publish-denied', text, evidence, rank };
  }
  if (type === 'refuse' && cause === 'publish') {
    const text = `Nobody got it: it was refused from ${who}: ${detail} (${when}).`;
    return { code: 'publish-refused', text, evidence, rank };
  }
  if (type !== 'will') return null;
  const at = clock(entry.at, now);
  switch (cause) {
    case 'discarded': {
      const text = `Nobody got it: the will of ${who} was discarded at ${at}, as it disconnected in order.`;
      return { code: 'will-discarded', text, evidence, rank };
    }
    case 'cancelled': {
      const text = `Nobody got it: ${who} came back at ${at}, before its Will Delay Interval was over.`;
      return { code: 'will-cancelled', text, evidence, rank };
    }
    default: {
      const text = `Nobody got it: the will of ${who} was refused at ${at}: ${detail}.`;
      return { code: 'will-refused', text, evidence, rank };
    }
  }
}
