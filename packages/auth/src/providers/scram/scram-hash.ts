import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/** By the names of the mechanisms (RFC 5802, RFC 7677), as clients name them in CONNECT. */
export const SCRAM_METHODS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
export type ScramMethod = (typeof SCRAM_METHODS)[number];

const DIGESTS = { 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512' } as const;
const SIZES = { 'SCRAM-SHA-256': 32, 'SCRAM-SHA-512': 64 } as const;

/** Of a digest, in bytes. */
export function sizeOf(method: ScramMethod): number {
  return SIZES[method];
}

export function hashOf(method: ScramMethod, data: Uint8Array): Buffer {
  return createHash(DIGESTS[method]).update(data).digest();
}

export function hmacOf(method: ScramMethod, key: Uint8Array, data: string | Uint8Array): Buffer {
  return createHmac(DIGESTS[method], key).update(data).digest();
}

/** Hi() of RFC 5802, 2.2. It takes long: only for whoever makes secrets, not for a broker. */
export function saltedPasswordOf(
  method: ScramMethod,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Buffer {
  return pbkdf2Sync(password, salt, iterations, SIZES[method], DIGESTS[method]);
}

/** @returns a buffer of its own */
export function xor(one: Uint8Array, other: Uint8Array): Buffer {
  const result = Buffer.alloc(one.length);
  for (let index = 0; index < one.length; index++) {
    result[index] = (one[index] as number) ^ (other[index] as number);
  }
  return result;
}
