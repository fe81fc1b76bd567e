import type { Session } from '@promptmq/session';
import type { Recipient } from '@promptmq/topics';
import type { SessionPeer } from '../connection/peer.ts';

/** A session of this broker: what it sends goes to a client's connection, or to a consumer inside of the program. */
export type BrokerSession = Session<SessionPeer>;

/** Whether what the recipient gets at QoS 1 or 2 is in the log. */
export function isStoredFor({ session, qos }: Recipient<BrokerSession>): boolean {
  return session.isStored && qos > 0;
}
