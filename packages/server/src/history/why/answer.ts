import type { HistoryEntry } from '../entry.ts';
import type { History } from '../history.ts';
import type { Case } from './case.ts';
import type { RankedCause, WhyCause, WhyCode } from './cause.ts';
import { directCauses, lateDrops, unknownDrops } from './drops.ts';
import { pastOf } from './past.ts';
import type { Present } from './present.ts';
import { publisherCauses } from './publishers.ts';
import { spanAt, subscriptionCauses } from './subscriptions.ts';
import { deliveryCauses } from './ways.ts';
import type { TimeWindow } from './window.ts';
import { clock } from './words.ts';

/** The answer to the question why a client did not get a message. */
export interface WhyAnswer {
  readonly clientId: string;
  readonly topic: string;
  /** What time was looked at, in milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** The likeliest. */
  readonly cause: WhyCause;
  /** What else may have been it, the likeliest first. */
  readonly also: readonly WhyCause[];
  /** What can't be known, for people. */
  readonly unknown: readonly string[];
}

const ALSO_MAX = 5;

/**
 * Says why a client did not get what was published to a topic at a time.
 *
 * @param history - null when it isn't kept: then only what there is now is known
 * @param elsewhere - what other processes know of the topic, newest first
 */
export function whyNot(
  clientId: string,
  topic: string,
  window: TimeWindow,
  now: number,
  history: History | null,
  present: Present,
  elsewhere: readonly HistoryEntry[] = [],
): WhyAnswer {
  const entries = history?.of(clientId) ?? [];
  const past = pastOf(topic, entries, present);
  const one: Case = { clientId, topic, ...window, now, entries, past, present };
  const publishers = [
    ...publisherCauses(one, elsewhere),
    ...(history === null ? [] : publisherCauses(one, history.newestFirst())),
  ];
  const causes: RankedCause[] = [
    ...directCauses(one),
    ...subscriptionCauses(one),
    ...publishers,
    ...unknownDrops(one),
    ...lateDrops(one),
    ...(spanAt(one, one.to) === null ? [] : deliveryCauses(one)),
  ];
  causes.sort((first, second) => first.rank - second.rank);
  const distinct = causes.filter(
    ({ text }, index) => causes.findIndex((other) => other.text === text) === index,
  );
  const [likeliest, ...also] = distinct.map(({ code, text, evidence }) => ({
    code,
    text,
    evidence,
  }));
  const complete = history?.completeSince(clientId) ?? Number.POSITIVE_INFINITY;
  const isGuess = likeliest === undefined || GUESSES.includes(likeliest.code);
  const isLost = complete > window.to && isGuess && history !== null;
  const cause = isLost || likeliest === undefined ? notRecorded(one, complete) : likeliest;
  const unknown = unknownOf(one, cause, complete, history);
  return { clientId, topic, ...window, cause, also: also.slice(0, ALSO_MAX), unknown };
}

/** What is said where nothing is known that would say otherwise. */
const GUESSES: readonly WhyCode[] = [
  'sent',
  'unknown-client',
  'not-subscribed',
  'subscribed-later',
];

function notRecorded({ now }: Case, complete: number): WhyCause {
  const text = `Nothing is recorded of that time: the history goes back to ${clock(complete, now)}.`;
  return { code: 'not-recorded', text, evidence: [] };
}

function unknownOf(
  { topic, from, to, now }: Case,
  { code }: WhyCause,
  complete: number,
  history: History | null,
): string[] {
  const unknown: string[] = [];
  if (history === null) unknown.push('what was before now: history.enabled is false');
  else if (complete > from && complete <= to) {
    unknown.push(`what was before ${clock(complete, now)}: it is not recorded, or no longer`);
  }
  if (code === 'sent' || code === 'sent-later' || code === 'shared') {
    unknown.push(`whether anything was published to ${topic}: deliveries are not recorded`);
  }
  return unknown;
}
