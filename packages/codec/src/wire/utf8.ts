const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Whether `bytes[start, end)` is a UTF-8 Encoded String (§1.5.4): well-formed, without
 * surrogates and overlong forms [MQTT-1.5.4-1], and without U+0000 [MQTT-1.5.4-2].
 *
 * @returns -1, or the offset of the first byte that is wrong
 */
export function findInvalidUtf8(bytes: Uint8Array, start: number, end: number): number {
  let offset = start;
  while (offset < end) {
    const lead = bytes[offset] as number;
    if (lead < 0x80) {
      if (lead === 0) return offset;
      offset++;
      continue;
    }
    const length = sequenceLength(bytes, offset, end);
    if (length === 0) return offset;
    offset += length;
  }
  return -1;
}

/** Bytes in the multi-byte sequence at `offset`; 0 when it is not well-formed (RFC 3629, section 4). */
function sequenceLength(bytes: Uint8Array, offset: number, end: number): number {
  const lead = bytes[offset] as number;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (offset + length > end) return 0;
  const second = bytes[offset + 1] as number;
  let lowest = 0x80;
  let highest = 0xbf;
  if (lead === 0xe0) lowest = 0xa0;
  else if (lead === 0xed) highest = 0x9f;
  else if (lead === 0xf0) lowest = 0x90;
  else if (lead === 0xf4) highest = 0x8f;
  if (second < lowest || second > highest) return 0;
  for (let index = 2; index < length; index++) {
    if (((bytes[offset + index] as number) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/** Decodes bytes that are known to be well-formed. A leading U+FEFF is kept [MQTT-1.5.4-3]. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}
