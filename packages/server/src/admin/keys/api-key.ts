import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { SCOPES, type Scope } from '../api/scopes.ts';

/** Bytes of a secret that is made here. */
const SECRET_BYTES = 32;
const KEY_BYTES = 8;

export const KEY_NAME = /^[\w.@-]{1,64}$/;

/** Texts that are no names, as identifiers of keys look like that. */
const KEY_ID = /^[0-9a-f]{16}$/;

/** A key as the file has it: never its secret. */
export const apiKeySchema = z.strictObject({
  name: z.string().regex(KEY_NAME),
  key: z.string().regex(KEY_ID),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)).min(1),
  created: z.iso.datetime(),
  expires: z.iso.datetime().nullable(),
  enabled: z.boolean(),
});

/** A key of the file. */
export type ApiKey = z.output<typeof apiKeySchema>;

/** A key with its secret, which is nowhere else and can't be found again. */
export interface NewApiKey {
  readonly key: ApiKey;
  readonly secret: string;
}

/**
 * Makes a key with a random secret.
 *
 * @param now - milliseconds since 1970
 * @param lastsMs - null: it never expires
 */
export function makeApiKey(
  name: string,
  scopes: readonly Scope[],
  now: number,
  lastsMs: number | null,
): NewApiKey {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const key: ApiKey = {
    name,
    key: randomBytes(KEY_BYTES).toString('hex'),
    sha256: secretDigest(secret).toString('hex'),
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
    created: new Date(now).toISOString(),
    expires: lastsMs === null ? null : new Date(now + lastsMs).toISOString(),
    enabled: true,
  };
  return { key, secret };
}

/** Why a key can't have that name; null when it can. */
export function whyNoKeyName(name: string): string | null {
  if (!KEY_NAME.test(name)) {
    return 'the name of a key has letters, digits, _, -, . and @, at most 64 of them';
  }
  return KEY_ID.test(name) ? 'the name looks like the identifier of a key' : null;
}

/** What is kept of a secret. It is random, or long: nothing slower than this is needed. */
export function secretDigest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
