import type { JSONWebKeySet, JWK } from 'jose';

/** Keys of a set: a token without `kid` is tried with each that fits. */
const KEYS_MAX = 100;

/** Kinds that have a public key. A symmetric key (`oct`) of a set that anybody can read would be no secret. */
const PUBLIC_KINDS: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP']);

/**
 * Reads a JSON Web Key Set (RFC 7517, section 5), without the keys in it that can't be for signatures.
 *
 * @throws {Error} when it is none, or has no such key
 */
export function readKeySet(text: string): JSONWebKeySet {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  const keys = isRecord(set) ? set['keys'] : undefined;
  if (!Array.isArray(keys) || !keys.every(isRecord)) {
    throw new Error('it is no JSON Web Key Set: an object with a list `keys` of objects');
  }
  if (keys.length > KEYS_MAX)
    throw new Error(`it has ${keys.length} keys; ${KEYS_MAX} are allowed`);
  const usable = keys.filter(({ kty, d }) => PUBLIC_KINDS.has(kty) && d === undefined);
  if (usable.length === 0) throw new Error('it has no public key of the kinds RSA, EC or OKP');
  return { keys: usable as unknown as JWK[] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
