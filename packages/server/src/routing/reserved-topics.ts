const SYSTEM = Buffer.from('$SYS');
const CONTROL = Buffer.from('$CONTROL');
const BRIDGE_PREFIX = Buffer.from('$SYS/broker/connection/');
const BRIDGE_SUFFIX = Buffer.from('/state');
/** The first byte of every topic that `isReserved` may tell. */
export const DOLLAR = 0x24;
const SLASH = 0x2f;

/**
 * Whether a topic is the broker's own: clients can't publish to `$SYS` and below, but for the states of bridges, nor to `$CONTROL`
 * and below, but for requests, which are not routed.
 *
 * @param topic - a topic name as UTF-8
 */
export function isReserved(topic: Uint8Array): boolean {
  if (isBelow(topic, CONTROL)) return true;
  return isBelow(topic, SYSTEM) && !isBridgeState(topic);
}

/** The same of a topic that has its bytes beside it. */
export function isBrokersOwn({ topicBytes }: { readonly topicBytes: Uint8Array }): boolean {
  return topicBytes[0] === DOLLAR && isReserved(topicBytes);
}

/** Whether a topic is another one, or has that as its first level. */
function isBelow(topic: Uint8Array, level: Uint8Array): boolean {
  return (
    startsWith(topic, level) && (topic.length === level.length || topic[level.length] === SLASH)
  );
}

/**
 * Whether a topic is `$SYS/broker/connection/NAME/state`, where a bridge of mosquitto says whether it is connected: 1 or 0,
 * retained, and 0 as its will. It does so unless it is configured otherwise, and can't work where its CONNECT is refused for it.
 */
export function isBridgeState(topic: Uint8Array): boolean {
  const nameLength = topic.length - BRIDGE_PREFIX.length - BRIDGE_SUFFIX.length;
  return (
    nameLength > 0 &&
    startsWith(topic, BRIDGE_PREFIX) &&
    startsWith(topic, BRIDGE_SUFFIX, topic.length - BRIDGE_SUFFIX.length)
  );
}

function startsWith(topic: Uint8Array, text: Uint8Array, offset = 0): boolean {
  for (let index = 0; index < text.length; index++) {
    if (topic[offset + index] !== text[index]) return false;
  }
  return true;
}
