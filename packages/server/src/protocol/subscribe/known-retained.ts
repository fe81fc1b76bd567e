import type { Subscription } from '@promptmq/topics';
import type { Peer } from '../../connection/peer.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import type { ProtocolHost } from '../host.ts';
import { answerOf } from './awaited-answer.ts';

/**
 * Does the steps of a SUBSCRIBE. What is published meanwhile waits: what a subscription is owed of retained messages may be
 * known later, and be older.
 */
export function* holdingBack(
  { runtime }: ProtocolHost,
  connection: Peer,
  steps: Generator<void>,
): Generator<void> {
  const session = connection.session as BrokerSession;
  session.beginReplay();
  try {
    yield* steps;
  } finally {
    // Where it is broken off, too: what waits isn't owed to this SUBSCRIBE alone.
    if (!session.isEnded) session.endReplay(runtime.now());
  }
}

/**
 * Waits until it is known here what other cells have retained for new subscriptions: what was acknowledged before is what they are owed. Where a cell
 * doesn't say so in time, they get what is known.
 *
 * @param owed - those that are owed retained messages
 */
export function* awaitRetained(
  { router, faults }: ProtocolHost,
  connection: Peer,
  owed: readonly Subscription[],
): Generator<void> {
  const { peers } = router;
  if (peers === null || owed.length === 0) return;
  const topicFilters = owed.map(({ topicFilter }) => topicFilter);
  yield* answerOf(faults, connection, (onDone) => peers.whenRetainedKnown(topicFilters, onDone));
}
