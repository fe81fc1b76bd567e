/** Client identifiers below this are those of subscriptions inside of the program: no client may use one. */
const PREFIX = '$inside/';

/** Who published what the program did: for No Local, all its subscriptions are one with it. */
export const INSIDE_PUBLISHER = PREFIX;

/** Whether a client identifier is one that no client may use. */
export function isInsideIdentifier(clientId: string): boolean {
  return clientId.startsWith(PREFIX);
}

/** Whether a session may have published a message itself [MQTT-3.8.3-3]. */
export function isOwnOf(clientId: string, publisherId: string): boolean {
  if (publisherId === INSIDE_PUBLISHER) return isInsideIdentifier(clientId);
  return clientId === publisherId;
}

/** Of the session of a subscription that has a name, which doesn't begin with `/`. */
export function namedInsideIdentifier(name: string): string {
  return PREFIX + name;
}

/** Of one that has none. */
export function unnamedInsideIdentifier(uniqueId: string): string {
  return `${PREFIX}/${uniqueId}`;
}
