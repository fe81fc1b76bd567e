import type { Session } from '@promptmq/session';
import type { Recipient } from '@promptmq/topics';
import type { Peer } from '../connection/peer.ts';

/** A session of this broker: what it sends goes to a `Peer`. */
export type BrokerSession = Session<Peer>;

/** Whether what the recipient gets at QoS 1 or 2 is in the log. */
export function isStoredFor({ session, qos }: Recipient<BrokerSession>): boolean {
  return session.isStored && qos > 0;
}
