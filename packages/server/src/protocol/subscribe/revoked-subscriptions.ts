import type { Permissions } from '@promptmq/auth';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import type { ProtocolHost } from '../host.ts';

const NONE: ReadonlySet<string> = new Set();

/**
 * Takes the subscriptions away that a client may not have any more.
 *
 * @param refused - topic filters that a hook has refused
 */
export function revokeSubscriptions(
  host: ProtocolHost,
  session: BrokerSession,
  permissions: Permissions | null,
  refused: ReadonlySet<string> = NONE,
): void {
  if (permissions === null && refused.size === 0) return;
  const entry = host.sessions.entryOf(session);
  const removed = [...entry.subscriptions.values()]
    .filter(
      ({ topicFilter, qos }) =>
        refused.has(topicFilter) || permissions?.maySubscribe(topicFilter, qos) === false,
    )
    .map(({ topicFilter }) => topicFilter);
  if (removed.length === 0) return;
  for (const topicFilter of removed) {
    entry.subscriptions.remove(topicFilter);
    const cause = refused.has(topicFilter) ? 'hook' : 'rules';
    host.clientEvents.subscriptionRevoked(session, topicFilter, cause);
  }
  // On a full disk they come back with a restart, and are taken away again when the client does.
  if (session.isStored && host.journal.isOpen) {
    host.journal.writeUnsubscriptions(entry, removed);
  }
  host.log.info('subscriptions-revoked', {
    clientId: session.clientId,
    count: removed.length,
  });
}
