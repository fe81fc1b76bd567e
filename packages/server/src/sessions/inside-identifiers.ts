/** Client identifiers below this are those of subscriptions inside of the program: no client may use one. */
const PREFIX = '$inside/';

/** Whether a client identifier is one that no client may use. */
export function isInsideIdentifier(clientId: string): boolean {
  return clientId.startsWith(PREFIX);
}

/** Of the session of a subscription that has a name, which doesn't begin with `/`. */
export function namedInsideIdentifier(name: string): string {
  return PREFIX + name;
}

/** Of one that has none. */
export function unnamedInsideIdentifier(uniqueId: string): string {
  return `${PREFIX}/${uniqueId}`;
}
