/** Where a broker says who connects and subscribes; and, below the other one, whether each client is connected. */
const EVENTS = '$SYS/brokers/';
const CLIENTS = '$SYS/broker/clients/';
const STATE = '/state';

/**
 * Whether topics say which clients there are, and what they do: `$SYS/brokers/…` and `$SYS/broker/clients/ID/state`. Rules allow them only
 * where they name them; see `Permissions.mayFollow`.
 *
 * @param topic - a topic name or a topic filter
 */
export function isPresenceTopic(topic: string): boolean {
  if (!topic.startsWith('$')) return false;
  if (topic.startsWith(EVENTS)) return true;
  return (
    topic.startsWith(CLIENTS) &&
    topic.endsWith(STATE) &&
    topic.length > CLIENTS.length + STATE.length
  );
}

/** Whether the filter of a rule names such topics: it begins as they do, and not with a wildcard. */
export function namesPresence(filter: string): boolean {
  return filter.startsWith(EVENTS) || filter.startsWith(CLIENTS);
}
