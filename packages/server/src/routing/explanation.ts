import { matchesFilter, type Recipient, type Route, type SharedGroup } from '@promptmq/topics';
import type { BrokerSession } from '../sessions/broker-session.ts';
import { flagsFor, recipientOf } from '../sessions/recipient-terms.ts';
import { type Denial, denialOf } from '../tracing/client-events.ts';

/** A message that nobody publishes. */
export interface ExplainedMessage {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** The client identifier of who would publish it; empty for somebody whom no subscription is of. */
  readonly publisherId: string;
}

/**
 * Why a session gets a message later, or doesn't get it: the client is away (`offline`; at QoS 0 nothing is kept for it), something
 * else waits before it (`behind`), its queue is full, all of its subscriptions that match are No Local and it is the publisher, the rules
 * deny it, or it is another member's turn in a shared subscription.
 */
export type ExplainedReason =
  | 'offline'
  | 'behind'
  | 'queue-full'
  | 'no-local'
  | 'denied'
  | 'not-chosen';

/** What one session would get of a message. */
export interface ExplainedRecipient {
  readonly clientId: string;
  readonly isConnected: boolean;
  /** Its subscriptions that match, at most ten; of a shared one the whole filter. */
  readonly filters: readonly string[];
  readonly outcome: 'sent' | 'queued' | 'nothing';
  /** With which it gets it; null when it gets nothing. */
  readonly qos: 0 | 1 | 2 | null;
  readonly retain: boolean | null;
  /** Null when it is sent at once. */
  readonly why: ExplainedReason | null;
  /** The rule that denies it; null where none does, or no rule allows it. */
  readonly rule: string | null;
}

/** What would become of a message. */
export interface Explanation {
  /** Sessions, and members of shared subscriptions, that have a subscription which matches. */
  readonly count: number;
  /** The first 1,000 of them. */
  readonly recipients: readonly ExplainedRecipient[];
}

const RECIPIENTS_MAX = 1000;
const FILTERS_MAX = 10;

/** Subscriptions of a session that are looked through for those that match. */
const SUBSCRIPTIONS_MAX = 10_000;

/** @param choose - the member of a shared group that would get it */
export function explanationOf(
  { recipients, groups }: Route<BrokerSession>,
  message: ExplainedMessage,
  choose: (group: SharedGroup<BrokerSession>) => Recipient<BrokerSession> | null,
  filtersOf: (session: BrokerSession) => Iterable<string>,
): Explanation {
  const explained: ExplainedRecipient[] = [];
  let count = recipients.length;
  for (const recipient of recipients.slice(0, RECIPIENTS_MAX)) {
    const { session } = recipient;
    explained.push(explainedRecipient(recipient, message, matching(filtersOf(session), message)));
  }
  for (const group of groups) {
    count += group.memberCount;
    if (explained.length >= RECIPIENTS_MAX) continue;
    const chosen = group.foresee(() => choose(group));
    for (const { recipient } of group.members.slice(0, RECIPIENTS_MAX - explained.length)) {
      const one = explainedRecipient(recipient, message, [group.wholeFilter]);
      const isPassedOver = recipient !== chosen && one.why !== 'denied' && one.why !== 'no-local';
      explained.push(isPassedOver ? { ...one, ...NOTHING, why: 'not-chosen' } : one);
    }
  }
  return { count, recipients: explained };
}

const NOTHING = { outcome: 'nothing', qos: null, retain: null } as const;

function matching(filters: Iterable<string>, { topic }: ExplainedMessage): string[] {
  const found: string[] = [];
  let lookedAt = 0;
  for (const filter of filters) {
    if (matchesFilter(filter, topic)) found.push(filter);
    lookedAt++;
    if (found.length === FILTERS_MAX || lookedAt === SUBSCRIPTIONS_MAX) break;
  }
  return found;
}

function explainedRecipient(
  subscriber: Recipient<BrokerSession>,
  message: ExplainedMessage,
  filters: readonly string[],
): ExplainedRecipient {
  const { session } = subscriber;
  const { clientId, isConnected } = session;
  const facts = { clientId, isConnected, filters, rule: null };
  const recipient = recipientOf(subscriber, message);
  if (recipient === null) return { ...facts, ...NOTHING, why: 'no-local' };
  const denial = denialTo(session, message.topic);
  if (denial !== null) return { ...facts, ...NOTHING, why: 'denied', rule: denial.rule };
  const flags = flagsFor(message.qos, message.retain, recipient);
  const terms = { qos: (flags >> 1) as 0 | 1 | 2, retain: (flags & 1) !== 0 };
  const isAtOnce = terms.qos === 0 ? session.isOpenForQoS0 : session.isReady;
  if (isAtOnce) return { ...facts, ...terms, outcome: 'sent', why: null };
  if (!isConnected && terms.qos === 0) return { ...facts, ...NOTHING, why: 'offline' };
  // How large it would be isn't known.
  if (session.isFullFor(0)) return { ...facts, ...NOTHING, why: 'queue-full' };
  return { ...facts, ...terms, outcome: 'queued', why: isConnected ? 'behind' : 'offline' };
}

/** Why the rules deny a client that is connected a message of this topic; null when they don't. */
function denialTo({ link }: BrokerSession, topic: string): Denial | null {
  const decided = link?.connection?.permissions?.decide('receive', topic);
  return decided === undefined || decided.isAllowed ? null : denialOf(decided);
}
