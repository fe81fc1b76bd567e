import { isValidTopicFilter, matchesFilter } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import type { HistoryEntry } from '../../history/entry.ts';
import { type WhyAnswer, whyNot } from '../../history/why/answer.ts';
import type { PresentSubscription } from '../../history/why/present.ts';
import { windowOf } from '../../history/why/window.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import { mayBeSent } from '../../sessions/followers.ts';
import { NEEDS_RULE } from '../../tracing/client-events.ts';
import { Arguments } from '../calls/arguments.ts';

/** A message that a client did not get, as far as whoever asks knows it. */
export interface DeliveryQuestion {
  readonly clientId: string;
  /** The topic name to which it was published. */
  readonly topic: string;
  /**
   * When: `10:42` for that minute, in local time; `10:42:07`, a time as RFC 3339 has it, or milliseconds since 1970, for about then. By
   * default, and without `since`, within the last hour.
   */
  readonly at?: string | number | undefined;
  /** From how long ago until now, such as `5m`; in the place of `at`. */
  readonly since?: string | undefined;
  /** What other processes of the same broker know of the topic (`history`): publishers may be there. */
  readonly elsewhere?: readonly HistoryEntry[] | undefined;
}

const OTHERS_MAX = 10;
const MEMBERS_MAX = 5;

/** Subscriptions of a session that are looked through. */
const SUBSCRIPTIONS_MAX = 100_000;

/** @throws {EmbedError} `invalid-argument` */
export function explainDelivery(broker: Broker, question: DeliveryQuestion): WhyAnswer {
  const args = new Arguments('explainDelivery');
  args.options(question, ['clientId', 'topic', 'at', 'since', 'elsewhere']);
  const clientId = args.text('clientId', question.clientId);
  const topic = args.text('topic', question.topic);
  if (!isValidTopicFilter(topic) || /[+#]/.test(topic)) {
    args.refuse('topic takes a topic name: one character at least, no wildcards, no U+0000');
  }
  const at = question.at === undefined ? null : `${question.at}`;
  const since = question.since === undefined ? null : args.text('since', question.since);
  const now = broker.runtime.wallNow();
  const window = windowOf(at, since, now);
  if (typeof window === 'string') return args.refuse(window);
  const present = presentOf(broker, clientId, topic);
  return whyNot(clientId, topic, window, now, broker.history, present, question.elsewhere);
}

function presentOf(broker: Broker, clientId: string, topic: string) {
  const { sessions, router } = broker;
  const entry = sessions.find(clientId);
  const matching: PresentSubscription[] = [];
  const others: string[] = [];
  let lookedAt = 0;
  for (const subscription of entry?.subscriptions.values() ?? []) {
    if (lookedAt++ === SUBSCRIPTIONS_MAX) break;
    const { topicFilter: filter, qos, noLocal, retainHandling } = subscription;
    if (matchesFilter(filter, topic)) matching.push({ filter, qos, noLocal, retainHandling });
    else if (others.length < OTHERS_MAX) others.push(filter);
  }
  const session = entry?.session ?? null;
  return {
    hasSession: entry !== null,
    isConnected: session?.isConnected === true,
    matching,
    others,
    subscriptionCount: entry?.subscriptions.size ?? 0,
    queued: session?.queuedCount ?? 0,
    inflight: session?.inflightCount ?? 0,
    isRetained: router.retained.get(topic) !== undefined,
    receiveDenied: receiveDenied(session, topic),
    otherMembers: (filter: string) => {
      const group = router.trie.group(filter);
      const named: string[] = [];
      for (const { session: member } of group?.members ?? []) {
        if (named.length === MEMBERS_MAX) break;
        if (member !== session) named.push(member.clientId);
      }
      return named;
    },
  };
}

/** Which rule keeps the topic from a client that is connected; '' where none allows it, null where nothing is known to. */
function receiveDenied(session: BrokerSession | null, topic: string): string | null {
  const link = session?.link ?? null;
  if (session === null || link === null) return null;
  if (!mayBeSent(session, topic)) return NEEDS_RULE;
  const decided = link.connection?.permissions?.decide('receive', topic);
  return decided?.isAllowed === false ? (decided.rule ?? '') : null;
}
