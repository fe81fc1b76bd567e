/** The type of CONNECT (§2.1.2): MQTT 3.1 takes any flags beside it. */
const CONNECT = 1;

/** Bytes of the remaining length (§2.1.4). */
const LENGTH_BYTES_MAX = 4;

/** MQTT 5 has properties before the client identifier (§3.1.2.11). */
const LEVEL_WITH_PROPERTIES = 5;

/** What comes before the properties after the protocol name: level, flags and keep alive (§3.1.2). */
const AFTER_NAME_SIZE = 4;

/** Names that CONNECT may begin with: `MQTT` and `MQIsdp`. */
const NAME_SIZES: readonly number[] = [4, 6];

/**
 * What the first bytes of a connection say of its client: its identifier, as UTF-8, which is empty where the broker is to draw one; `more` where
 * that has not come yet; `none` where this is no CONNECT that a broker accepts.
 */
export type FoundClientId = Uint8Array | 'more' | 'none';

/**
 * Finds the client identifier of a CONNECT (§3.1.3.1) and looks at nothing else: whatever is wrong with a CONNECT is found by who answers it.
 *
 * @param bytes - what has come of the stream, from its first byte on
 * @param sizeMax - bytes of the largest CONNECT that is accepted, without its fixed header
 */
export function findClientId(bytes: Uint8Array, sizeMax: number): FoundClientId {
  if (bytes.length === 0) return 'more';
  if ((bytes[0] as number) >> 4 !== CONNECT) return 'none';
  const size = readLength(bytes, 1);
  if (typeof size === 'string') return size;
  const end = size.next + size.value;
  if (size.value > sizeMax) return 'none';
  // What would lie beyond the end of the packet is never waited for.
  const missing = (offset: number) => (offset > end ? 'none' : 'more');

  const name = size.next + 2;
  if (name > bytes.length) return missing(name);
  const nameSize = readSize(bytes, size.next);
  if (!NAME_SIZES.includes(nameSize)) return 'none';
  let offset = name + nameSize + AFTER_NAME_SIZE;
  if (offset > bytes.length || offset > end) return missing(offset);
  if (bytes[name + nameSize] === LEVEL_WITH_PROPERTIES) {
    const properties = readLength(bytes, offset);
    if (typeof properties === 'string') return properties === 'none' ? 'none' : missing(offset + 1);
    offset = properties.next + properties.value;
  }
  const start = offset + 2;
  if (start > bytes.length || start > end) return missing(start);
  const last = start + readSize(bytes, offset);
  if (last > bytes.length || last > end) return missing(last);
  return bytes.subarray(start, last);
}

function readSize(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

/**
 * The answer to a CONNECT that no broker has taken: that the server is unavailable (0x88; before MQTT 5, 3).
 *
 * @param bytes - of a CONNECT in which `findClientId` has found a client identifier
 */
export function unavailable(bytes: Uint8Array): Uint8Array {
  const { next } = readLength(bytes, 1) as { readonly next: number };
  const level = bytes[next + 2 + readSize(bytes, next)] as number;
  return level === LEVEL_WITH_PROPERTIES
    ? Uint8Array.of(0x20, 3, 0, 0x88, 0)
    : Uint8Array.of(0x20, 2, 0, 3);
}

/** A variable byte integer (§1.5.5), and where what follows it begins. */
function readLength(
  bytes: Uint8Array,
  start: number,
): { readonly value: number; readonly next: number } | 'more' | 'none' {
  let value = 0;
  for (let count = 0; count < LENGTH_BYTES_MAX; count++) {
    const byte = bytes[start + count];
    if (byte === undefined) return 'more';
    value += (byte & 0x7f) * 2 ** (7 * count);
    if (byte < 0x80) return { value, next: start + count + 1 };
  }
  return 'none';
}
