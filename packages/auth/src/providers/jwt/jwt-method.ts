import type { AuthenticationMethod, AuthenticationStep } from '../../authentication-method.ts';
import type { Claimant } from './claims.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** By which names clients ask for it: `CUSTOM-JWT` is Azure Event Grid's. */
const NAMES = ['JWT', 'CUSTOM-JWT'] as const;

/** Not authorized (§2.4). */
const NOT_AUTHORIZED = 0x87;

/** A check has bounds of its own, and ends soon. */
const NEVER = new AbortController().signal;

/**
 * Enhanced authentication (§4.12) in one step: the Authentication Data of CONNECT is the token, and that of a later AUTH with
 * Re-authenticate (0x19) is one that takes its place.
 */
export function jwtMethods(verifier: TokenVerifier): readonly AuthenticationMethod[] {
  return NAMES.map((name) => ({
    name,
    begin: (_clientId, credentials) => ({ next: (data) => step(verifier, credentials, data) }),
  }));
}

async function step(
  verifier: TokenVerifier,
  claimant: Claimant,
  data: Uint8Array,
): Promise<AuthenticationStep> {
  const answer = await verifier.verify(data, claimant, NOT_AUTHORIZED, NEVER);
  switch (answer.result) {
    case 'allow':
      return { ...answer, result: 'success' };
    case 'deny':
      return { ...answer, result: 'refuse' };
    case 'pass':
      return { result: 'refuse', reasonCode: NOT_AUTHORIZED, why: answer.why ?? 'no token' };
  }
}
