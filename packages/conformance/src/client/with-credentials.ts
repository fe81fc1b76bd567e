import { bytes, field, varint } from '../wire/bytes.ts';
import type { Credentials } from './target.ts';

const USERNAME = 0x80;
const PASSWORD = 0x40;

/**
 * Bytes that begin with a whole CONNECT, with credentials in it. Others are left as they are, and so is a CONNECT
 * that has a user name or a password. What is wrong with a CONNECT stays so.
 */
export function withCredentials(
  chunk: Uint8Array,
  { username, password }: Credentials,
): Uint8Array {
  const [head = 0] = chunk;
  const body = bodyOf(chunk);
  if (head >> 4 !== 1 || body === null) return chunk;
  const bodyAt = body.byteOffset - chunk.byteOffset;
  // The protocol name, its length before it, and the level.
  const flagsAt = 2 + (body[0] as number) * 256 + (body[1] as number) + 1;
  const flags = body[flagsAt];
  if (flags === undefined || (flags & (USERNAME | PASSWORD)) !== 0) return chunk;
  const added = USERNAME | (password === null ? 0 : PASSWORD);
  const newBody = bytes(
    body.subarray(0, flagsAt),
    flags | added,
    body.subarray(flagsAt + 1),
    field(username),
    password === null ? [] : field(password),
  );
  const length = padded(varint(newBody.length), bodyAt - 1);
  return bytes(head, length, newBody, chunk.subarray(bodyAt + body.length));
}

/** A length in more bytes than it needs, where it was before. */
function padded(length: Uint8Array, size: number): Uint8Array {
  if (length.length >= size) return length;
  const longer = new Uint8Array(size).fill(0x80);
  longer[size - 1] = 0;
  for (const [index, byte] of length.entries()) longer[index] = byte | 0x80;
  return longer;
}

/** What follows the remaining length of the packet at the start; null when it isn't all there. */
function bodyOf(chunk: Uint8Array): Uint8Array | null {
  let size = 0;
  for (let offset = 1; offset <= 4; offset++) {
    const byte = chunk[offset];
    if (byte === undefined) return null;
    size += (byte & 0x7f) * 128 ** (offset - 1);
    if (byte >= 0x80) continue;
    const start = offset + 1;
    return size >= 2 && start + size <= chunk.length ? chunk.subarray(start, start + size) : null;
  }
  return null;
}
