/** Of MQTT 5, which alone has Server References. */
const LEVEL = 5;

const CONNACK = 0x20;
const USE_ANOTHER_SERVER = 0x9c;
const SERVER_REFERENCE = 0x1c;
const MAXIMUM_PACKET_SIZE = 0x27;

/** Of what transports are called. */
const SCHEMES: Readonly<Record<string, string>> = {
  tcp: 'mqtt',
  tls: 'mqtts',
  websocket: 'ws',
  'websocket-tls': 'wss',
};

/** So that the lengths in CONNACK take one byte each. */
const REFERENCE_SIZE_MAX = 100;

/**
 * What clients are sent to instead of being passed on, as `host:port`, which 4.11 names as one of its forms.
 *
 * @param urls - where the clients of a node connect to
 * @param protocol - by which the client has come: it is sent to a listener of the same
 * @returns null when there is none that a client elsewhere could reach
 */
export function referenceAmong(urls: readonly string[], protocol: string): string | null {
  for (const text of urls) {
    const found = /^([a-z]+):\/\/((?:\[[^\]]+\]|[^/:]+):\d+)/.exec(text);
    const [, scheme, place = ''] = found ?? [];
    // A listener at all addresses is shown as localhost.
    const isUsable = scheme === SCHEMES[protocol] && !place.startsWith('localhost:');
    if (isUsable && place.length <= REFERENCE_SIZE_MAX) return place;
  }
  return null;
}

/**
 * The answer to a CONNECT that has a client of MQTT 5 use another server [3.2.2.3.16, 4.11].
 *
 * @param read - of a CONNECT in which a client identifier was found
 * @returns null for another version of MQTT, or where the client might not take so large a packet [MQTT-3.1.2-24]
 */
export function useAnotherServer(read: Uint8Array, reference: string): Uint8Array | null {
  const name = Buffer.from(reference);
  const properties = Buffer.concat([Uint8Array.of(SERVER_REFERENCE, 0, name.length), name]);
  const { length } = properties;
  const head = Uint8Array.of(CONNACK, length + 3, 0, USE_ANOTHER_SERVER, length);
  const answer = Buffer.concat([head, properties]);
  return levelOf(read) === LEVEL && !mayRefuse(read, answer.length) ? answer : null;
}

function levelOf(read: Uint8Array): number | undefined {
  let offset = 1;
  while ((read[offset] as number) >= 0x80) offset++;
  const nameSize = ((read[offset + 1] as number) << 8) | (read[offset + 2] as number);
  return read[offset + 3 + nameSize];
}

/**
 * Whether what was read may have a Maximum Packet Size below a size. It may be taken for one where there is none: such a client is passed on, which is always
 * right.
 */
function mayRefuse(read: Uint8Array, size: number): boolean {
  const bytes = Buffer.from(read.buffer, read.byteOffset, read.length);
  for (let at = bytes.indexOf(MAXIMUM_PACKET_SIZE); at !== -1; ) {
    if (at + 5 <= bytes.length && bytes.readUInt32BE(at + 1) < size) return true;
    at = bytes.indexOf(MAXIMUM_PACKET_SIZE, at + 1);
  }
  return false;
}
