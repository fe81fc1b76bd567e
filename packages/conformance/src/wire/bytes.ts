/**
 * MQTT packets as bytes, written out by hand, and a strict reader for what a broker sends. It shares no
 * code with any broker or codec, so that neither is its own judge.
 */

/** A number is a byte, text is its UTF-8 bytes, lists are taken apart. */
export type Part = number | string | Uint8Array | readonly Part[];

export function bytes(...parts: readonly Part[]): Uint8Array {
  const chunks = parts.map((part) => {
    if (typeof part === 'number') return Uint8Array.of(part);
    if (typeof part === 'string') return new TextEncoder().encode(part);
    return part instanceof Uint8Array ? part : bytes(...part);
  });
  return Uint8Array.from(Buffer.concat(chunks));
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return bytes(u16(value >>> 16), u16(value & 0xffff));
}

/** Variable Byte Integer (§1.5.5). */
export function varint(value: number): Uint8Array {
  const encoded: number[] = [];
  let rest = value;
  do {
    encoded.push(rest > 127 ? (rest & 0x7f) | 0x80 : rest);
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Uint8Array.from(encoded);
}

/** Text or bytes with their length before them (§1.5.4, §1.5.6). */
export function field(value: Part): Uint8Array {
  const encoded = bytes(value);
  return bytes(u16(encoded.length), encoded);
}

/** A packet with its remaining length worked out. */
export function packet(firstByte: number, ...parts: readonly Part[]): Uint8Array {
  const body = bytes(...parts);
  return bytes(firstByte, varint(body.length), body);
}

/** Properties with their length. */
export function properties(...parts: readonly Part[]): Uint8Array {
  const encoded = bytes(...parts);
  return bytes(varint(encoded.length), encoded);
}
