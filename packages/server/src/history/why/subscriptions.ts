import { matchesFilter } from '@promptmq/topics';
import { quoted } from '../../log/index.ts';
import type { HistoryEntry } from '../entry.ts';
import { type Case, isWithin } from './case.ts';
import type { RankedCause, WhyCode } from './cause.ts';
import { connectionAt } from './connections.ts';
import type { SubscriptionSpan } from './past.ts';
import { clock, counted, deniedBy, endText } from './words.ts';

const RANK_CONNECT = 15;
const RANK_SUBSCRIPTION = 20;
const RANK_RETAINED = 36;
const RANK_GAP = 40;
const RANK_LATER = 57;

/** A connection is over when its session ends with it: within this time. */
const TOGETHER_MS = 1000;

/** The subscription that a client had at a time; null when none matches. */
export function spanAt({ past }: Case, at: number): SubscriptionSpan | null {
  return past.subscriptions.find(({ from, to }) => from <= at && at < to) ?? null;
}

/** What is wrong with the subscriptions of a client: it had none at the end of the time, or for a part of it. */
export function subscriptionCauses(one: Case): RankedCause[] {
  const atEnd = spanAt(one, one.to);
  const refusedConnects = refusedConnectsOf(one);
  if (atEnd === null) return [...refusedConnects, missing(one)];
  return [...refusedConnects, ...retainedCauses(one, atEnd), ...gapCauses(one)];
}

/** Its CONNECT was refused, and it wasn't connected at the end. */
function refusedConnectsOf(one: Case): RankedCause[] {
  if (connectionAt(one, one.to) !== null) return [];
  const refused = one.entries.find(
    (entry) => entry.type === 'refuse' && entry.cause === 'connect' && isWithin(one, entry),
  );
  if (refused === undefined) return [];
  const at = clock(refused.lastAt, one.now);
  const text = `${quoted(one.clientId)} was not connected: its CONNECT was refused at ${at}: ${refused.detail}.`;
  return [{ code: 'connect-refused', text, evidence: [refused], rank: RANK_CONNECT }];
}

/** Nothing matched at the end of the time. */
function missing(one: Case): RankedCause {
  const { past, to, now, clientId } = one;
  const who = quoted(clientId);
  const at = clock(to, now);
  const ended = past.subscriptions.find((span) => span.end !== null && span.to <= to) ?? null;
  const refused = one.entries.find(
    (entry) => isRefusedSubscription(entry, one.topic) && entry.at <= to,
  );
  const later = past.subscriptions.findLast(({ from }) => from > to) ?? null;
  const rank = RANK_SUBSCRIPTION;
  if (refused !== undefined && refused.lastAt >= (ended?.to ?? 0)) {
    const isDenied = refused.type === 'deny';
    const when = clock(refused.lastAt, now);
    const why = isDenied ? deniedBy(refused.detail) : refused.detail;
    const text = `${who} had no subscription that matches at ${at}: its SUBSCRIBE of ${quoted(refused.topic ?? '')} was refused at ${when}: ${why}.`;
    const code = isDenied ? 'subscribe-denied' : 'subscribe-refused';
    return { code, text, evidence: [refused], rank };
  }
  if (ended?.end != null) {
    const again = later === null ? '' : ` It subscribed again at ${clock(later.from, now)}.`;
    const text = `${who} had no subscription that matches at ${at}: ${endText(ended.end, now)}.${again}`;
    return { code: codeOfEnd(ended.end), text, evidence: evidenceOf(one, ended), rank };
  }
  if (later !== null) {
    const text = `${who} had no subscription that matches at ${at}: it subscribed to ${quoted(later.filter)} only at ${clock(later.from, now)}.`;
    return {
      code: 'subscribed-later',
      text,
      evidence: later.begin === null ? [] : [later.begin],
      rank,
    };
  }
  return neverSubscribed(one);
}

function neverSubscribed({ clientId, topic, present, entries }: Case): RankedCause {
  const who = quoted(clientId);
  const rank = RANK_SUBSCRIPTION;
  const isKnown = entries.some(({ type }) => type !== 'refuse');
  if (!present.hasSession && !isKnown) {
    const text = `${who} is not known: it has no session, and nothing is recorded of it. Is the client identifier right? Letters of either case are different ones.`;
    return { code: 'unknown-client', text, evidence: [], rank };
  }
  const { others, subscriptionCount } = present;
  const subscribed = entries.filter(({ type }) => type === 'subscribe').slice(0, 5);
  const what =
    subscriptionCount === 0
      ? 'It has no subscriptions.'
      : `It has ${counted(subscriptionCount, 'subscription')}: ${others.map(quoted).join(', ')}${others.length < subscriptionCount ? ' and others' : ''}.`;
  const hint = hintOf(topic, [...others, ...subscribed.map((entry) => entry.topic ?? '')]);
  const text = `No subscription of ${who} matches ${quoted(topic)}. ${what}${hint}`;
  return { code: 'not-subscribed', text, evidence: subscribed.reverse(), rank };
}

/** A filter that was probably meant to match. */
function hintOf(topic: string, filters: readonly string[]): string {
  if (topic.startsWith('$') && filters.some((filter) => /^[#+]/.test(filter))) {
    return ' A filter that begins with a wildcard does not match a topic that begins with $.';
  }
  const plain = (text: string) => text.toLowerCase().replace(/^\/+|\/+$/g, '');
  const near = filters.find((filter) => {
    return filter !== '' && matchesFilter(plain(filter) || '#', plain(topic) || '#');
  });
  if (near === undefined) return '';
  return ` ${quoted(near)} would match but for the case of letters, or a slash at its beginning or end.`;
}

/** It had one at the end, and had none for a part of the time. */
function gapCauses(one: Case): RankedCause[] {
  const { past, from, to, now, clientId } = one;
  if (past.subscriptions.some((span) => span.from <= from && span.to > to)) return [];
  const atEnd = past.subscriptions.filter((span) => span.from <= to && span.to > to);
  const since = atEnd.reduce((first, span) => Math.min(first, span.from), to);
  const again = atEnd.find((span) => span.from === since) ?? null;
  const before = past.subscriptions.find(
    (span) => span.end !== null && span.to <= since && span.to >= from,
  );
  const who = quoted(clientId);
  const beginning = again?.begin ?? null;
  if (before === undefined || before.end === null) {
    const text = `${who} had no subscription that matches before ${clock(since, now)}.`;
    const evidence = beginning === null ? [] : [beginning];
    return [{ code: 'subscribed-later', text, evidence, rank: RANK_LATER }];
  }
  const text = `${who} had no subscription that matches for a while: ${endText(before.end, now)}. It had one again at ${clock(since, now)}.`;
  const evidence = [...evidenceOf(one, before), ...(beginning === null ? [] : [beginning])];
  return [{ code: codeOfEnd(before.end), text, evidence, rank: RANK_GAP }];
}

/** It subscribed at that time, and did not want what was retained. */
function retainedCauses(one: Case, { facts, begin }: SubscriptionSpan): RankedCause[] {
  const { present, clientId, topic } = one;
  if (!present.isRetained || facts === null || facts.retainHandling === 0) return [];
  if (begin === null || !isWithin(one, begin)) return [];
  if (facts.retainHandling === 1 && begin.subscription?.isNew !== false) return [];
  const asked = facts.retainHandling === 2 ? 'none' : 'them only where the subscription is new';
  const text = `${quoted(clientId)} did not get what is retained at ${quoted(topic)}: it asked for ${asked} (Retain Handling ${facts.retainHandling}).`;
  return [{ code: 'retain-handling', text, evidence: [begin], rank: RANK_RETAINED }];
}

function isRefusedSubscription({ type, cause, topic }: HistoryEntry, name: string): boolean {
  const isRefusal = (type === 'deny' || type === 'refuse') && cause === 'subscribe';
  return isRefusal && topic !== null && matchesFilter(topic, name);
}

function codeOfEnd({ type, cause, detail }: HistoryEntry): WhyCode {
  if (type === 'unsubscribe') return cause === 'client' ? 'unsubscribed' : 'subscription-revoked';
  if (cause === 'clean start') return 'clean-start';
  if (cause === 'expired') return 'session-expired';
  if (cause !== 'connection over') return 'session-ended';
  return detail === 'taken over' ? 'taken-over' : 'disconnected';
}

/** When it began, when it ended, and the end of the connection that had it end. */
function evidenceOf({ entries }: Case, { begin, end }: SubscriptionSpan): HistoryEntry[] {
  const evidence: HistoryEntry[] = [];
  if (begin !== null) evidence.push(begin);
  if (end === null) return evidence;
  evidence.push(end);
  if (end.type !== 'session-end') return evidence;
  const disconnect = entries.findLast(
    ({ type, at }) =>
      type === 'disconnect' &&
      (end.cause === 'expired' ? false : Math.abs(at - end.at) < TOGETHER_MS),
  );
  const earlier =
    end.cause === 'expired'
      ? entries.find(({ type, at }) => type === 'disconnect' && at <= end.at)
      : disconnect;
  if (earlier !== undefined) evidence.push(earlier);
  return evidence.sort((one, other) => one.at - other.at);
}
