import { quoted } from '../../log/index.ts';
import type { HistoryEntry } from '../entry.ts';
import type { Case } from './case.ts';
import type { RankedCause } from './cause.ts';
import { connectionAfter, connectionAt, connectionBefore } from './connections.ts';
import { directCauses } from './drops.ts';
import type { SubscriptionSpan } from './past.ts';
import { clock, counted, deniedBy, endText } from './words.ts';

const RANK_ENDED_WAITING = 46;
const RANK_DENIED = 48;
const RANK_SHARED = 50;
const RANK_WAITING = 55;
const RANK_LATER = 56;
const RANK_SENT = 70;

/** Who has just been sent something has it under way: that is no reason. */
const NOW_MS = 5000;

/** What became of messages for a client that had a subscription: the ways that they may have taken. */
export function deliveryCauses(one: Case): RankedCause[] {
  const spans = one.past.subscriptions.filter(({ from, to }) => from <= one.to && one.to < to);
  return [
    ...endedWhileWaiting(one, spans),
    ...deniedNow(one),
    ...shared(one, spans),
    ...waiting(one, spans),
    ...sentLater(one, spans),
    sent(one, spans),
  ];
}

/** It was away, and its session ended before it came back. */
function endedWhileWaiting(one: Case, spans: readonly SubscriptionSpan[]): RankedCause[] {
  if (connectionAt(one, one.to) !== null) return [];
  const back = connectionAfter(one, one.to)?.from ?? Number.POSITIVE_INFINITY;
  const span = spans.find(({ end, to }) => end?.type === 'session-end' && to <= back);
  const end = span?.end ?? null;
  if (end === null || end.waiting === 0) return [];
  const text = `${quoted(one.clientId)} was not connected, and what waited for it (${counted(end.waiting, 'message')}) was given up: ${endText(end, one.now)}.`;
  const code = end.cause === 'expired' ? 'session-expired' : 'session-ended';
  return [{ code, text, evidence: [end], rank: RANK_ENDED_WAITING }];
}

/** The rules deny it now: nothing has to have come. */
function deniedNow({ clientId, to, now, present }: Case): RankedCause[] {
  const rule = present.receiveDenied;
  if (rule === null || now - to > NOW_MS) return [];
  const by = deniedBy(rule === '' ? 'no rule allows it' : rule);
  const text = `${quoted(clientId)} may not have messages of this topic: ${by}.`;
  return [{ code: 'receive-denied', text, evidence: [], rank: RANK_DENIED }];
}

function shared(one: Case, spans: readonly SubscriptionSpan[]): RankedCause[] {
  const isShared = ({ filter }: SubscriptionSpan) => filter.startsWith('$share/');
  if (spans.length === 0 || !spans.every(isShared)) return [];
  for (const { filter, begin } of spans) {
    const others = one.present.otherMembers(filter);
    if (others.length === 0) continue;
    const named = others.map(quoted).join(', ');
    const text = `Another member of the shared subscription ${quoted(filter)} got it, if not ${quoted(one.clientId)}: each message goes to one of them. The others are ${named}.`;
    return [{ code: 'shared', text, evidence: listOf(begin), rank: RANK_SHARED }];
  }
  return [];
}

function waiting(one: Case, spans: readonly SubscriptionSpan[]): RankedCause[] {
  const { present, clientId, now, to } = one;
  const { queued, inflight, isConnected } = present;
  if (queued === 0 || !spans.some((span) => span.to === Number.POSITIVE_INFINITY)) return [];
  const who = quoted(clientId);
  const waits = `${counted(queued, 'message')} ${queued === 1 ? 'waits' : 'wait'}`;
  if (isConnected) {
    if (now - to > NOW_MS && inflight === 0) return [];
    const text = `${waits} for ${who}, and this one may be among them: ${counted(inflight, 'message')} that it was sent ${inflight === 1 ? 'is' : 'are'} not acknowledged (Receive Maximum), or it reads too slowly.`;
    return [{ code: 'waiting', text, evidence: [], rank: RANK_WAITING }];
  }
  const last = connectionBefore(one, now);
  const since = last === null ? '' : ` since ${clock(last.to, now)}`;
  const text = `${who} is not connected${since}: ${waits} until it comes back.`;
  return [{ code: 'waiting', text, evidence: listOf(last?.end ?? null), rank: RANK_WAITING }];
}

function sentLater(one: Case, spans: readonly SubscriptionSpan[]): RankedCause[] {
  const { clientId, to, now } = one;
  const back = connectionAfter(one, to);
  if (connectionAt(one, to) !== null || back === null) return [];
  if (!spans.some((span) => span.to > back.from)) return [];
  const gone = connectionBefore(one, to);
  const text = `${quoted(clientId)} was not connected at ${clock(to, now)}. What came for it at QoS 1 or 2 was kept, and has been sent since it came back at ${clock(back.from, now)}; at QoS 0 nothing is kept.`;
  const evidence = [...listOf(gone?.end ?? null), ...listOf(back.begin)];
  return [{ code: 'sent-later', text, evidence, rank: RANK_LATER }];
}

function sent(one: Case, spans: readonly SubscriptionSpan[]): RankedCause {
  const { clientId, topic, now } = one;
  const by = spans.map(({ filter }) => quoted(filter)).join(', ');
  const isOther = directCauses(one).length > 0;
  const known = isOther ? 'Nothing else' : 'Nothing';
  const loss = isOther ? 'no other loss' : 'no loss';
  const then = connectionAt(one, one.to) === null ? 'while it was connected' : 'then';
  const text = `${known} is known that kept it from ${quoted(clientId)}: it had subscribed by ${by}, and ${loss} of ${quoted(topic)} is recorded. What was published ${then} has been sent; whether the client took it is not known at QoS 0.`;
  const begins = [connectionAt(one, now), ...spans].flatMap((span) => listOf(span?.begin ?? null));
  const evidence = begins.sort((first, second) => first.at - second.at);
  return { code: 'sent', text, evidence, rank: RANK_SENT };
}

function listOf(entry: HistoryEntry | null): HistoryEntry[] {
  return entry === null ? [] : [entry];
}
