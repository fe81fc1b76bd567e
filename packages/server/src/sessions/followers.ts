import { isPresenceTopic } from '@promptmq/auth';
import type { Peer } from '../connection/peer.ts';
import type { BrokerSession } from './broker-session.ts';

/**
 * Whether a client may be told what others do, by its rules; without rules nobody may, but superusers.
 *
 * @param topicOrFilter - for which `isPresenceTopic` is true
 */
export function mayFollow(
  { permissions, rights }: Pick<Peer, 'permissions' | 'rights'>,
  topicOrFilter: string,
): boolean {
  if (permissions !== null) return permissions.mayFollow(topicOrFilter);
  return rights?.identity.isSuperuser === true;
}

/** Whether a session gets a message of such a topic now: that of a client that may, or one inside of the program. */
export function isFollower({ link }: BrokerSession, topic: string): boolean {
  if (link === null) return false;
  return link.connection === null || mayFollow(link.connection, topic);
}

/** Whether nothing of what a client may not follow is in the way of a message. */
export function mayBeSent(session: BrokerSession, topic: string): boolean {
  return !isPresenceTopic(topic) || isFollower(session, topic);
}
