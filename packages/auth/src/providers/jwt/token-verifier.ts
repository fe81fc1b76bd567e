import type { JWTPayload, JWTVerifyOptions } from 'jose';
import type { ProviderAnswer, ProviderTools } from '../../provider.ts';
import { BusyError, Gate } from '../gate.ts';
import { ProviderOptionError } from '../option-error.ts';
import { Template } from '../template.ts';
import { allowanceOf, type Claimant, ClaimError, verifyClaims } from './claims.ts';
import { KeysUnavailableError } from './jwks-keys.ts';
import { openKeys } from './jwt-keys.ts';
import type { JwtOptions } from './jwt-options.ts';
import type { KeyFinder } from './key-finder.ts';
import { claimedIssuer, isToken } from './token.ts';

/** Server busy (§2.4). */
const SERVER_BUSY = 0x89;

/** What a client was let in by, for `mayStay`: by which configuration, not by which token. */
export interface JwtTicket {
  readonly belief: string;
}

/** Says whether a token is right, and what it says of its owner. */
export class TokenVerifier {
  /** What it believes of tokens, to be compared with that of an earlier configuration. */
  readonly belief: string;
  readonly #options: JwtOptions;
  readonly #tools: ProviderTools;
  readonly #keys: KeyFinder;
  readonly #expected: ReadonlyMap<string, Template>;
  readonly #gate: Gate;

  /** @throws {ProviderOptionError} */
  constructor(options: JwtOptions, tools: ProviderTools) {
    if (options.algorithms.length === 0) {
      throw new ProviderOptionError('algorithms', 'it has to name at least one');
    }
    this.#options = options;
    this.#tools = tools;
    this.#expected = new Map(
      Object.entries(options.verify).map(([claim, text]) => [claim, expectedValue(claim, text)]),
    );
    this.#gate = new Gate(options.concurrentMax, options.waitingMax);
    this.#keys = openKeys(options, tools);
    const { algorithms, issuer, audience, userNameClaim, verify, aclClaim } = options;
    const { groupsClaim, rolesClaim, attributesClaim, superuserClaim } = options;
    this.belief = JSON.stringify([
      this.#keys.identity,
      [...algorithms].sort(),
      issuer,
      [...audience].sort(),
      Object.entries(verify).sort(),
      [userNameClaim, aclClaim, groupsClaim, rolesClaim, attributesClaim, superuserClaim],
    ]);
  }

  /**
   * @param bytes - the token, or something else that whoever connects has sent
   * @param reasonCode - with which a token that isn't right is refused
   * @throws {KeysUnavailableError} when there are no keys
   */
  async verify(
    bytes: Uint8Array,
    claimant: Claimant,
    reasonCode: number,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const deny = (why: string): ProviderAnswer => ({ result: 'deny', reasonCode, why });
    const { tokenBytesMax, issuer } = this.#options;
    if (bytes.length > tokenBytesMax) {
      return { result: 'pass', why: `no token: it has more than ${tokenBytesMax} bytes` };
    }
    // Tokens are ASCII; what isn't can't be made of anything else by decoding.
    const token = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    if (!isToken(token)) return { result: 'pass', why: 'no token' };
    if (issuer !== null && claimedIssuer(token) !== issuer) {
      return { result: 'pass', why: 'a token of another issuer' };
    }
    try {
      const payload = await this.#gate.run(signal, () => this.#checkSignature(token));
      verifyClaims(payload, this.#expected, claimant);
      return this.#allow(payload);
    } catch (error) {
      if (error instanceof BusyError) {
        return { result: 'deny', reasonCode: SERVER_BUSY, why: `jwt: ${error.message}` };
      }
      if (error instanceof ClaimError) return deny(error.message);
      const code = (error as { code?: unknown }).code;
      if (error instanceof KeysUnavailableError || typeof code !== 'string') throw error;
      if (!code.startsWith('ERR_J')) throw error;
      return deny(describe(code, error as Error & { claim?: string }));
    }
  }

  close(): void {
    this.#keys.close();
  }

  async #checkSignature(token: string): Promise<JWTPayload> {
    const { jwtVerify, errors } = await import('jose');
    const options = this.#verifyOptions();
    try {
      return (await jwtVerify(token, this.#keys.find, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      // It names no key, and several fit.
      for await (const key of error) {
        try {
          return (await jwtVerify(token, key, options)).payload;
        } catch (inner) {
          if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner;
        }
      }
      throw new errors.JWSSignatureVerificationFailed();
    }
  }

  #verifyOptions(): JWTVerifyOptions {
    const { algorithms, issuer, audience, clockTolerance, requiresExpiry } = this.#options;
    return {
      algorithms: [...algorithms],
      ...(issuer === null ? {} : { issuer }),
      ...(audience.length === 0 ? {} : { audience: [...audience] }),
      clockTolerance: clockTolerance / 1000,
      currentDate: new Date(this.#tools.now()),
      requiredClaims: requiresExpiry ? ['exp'] : [],
    };
  }

  #allow(payload: JWTPayload): ProviderAnswer {
    const { disconnectsAfterExpiry, clockTolerance } = this.#options;
    const ticket: JwtTicket = { belief: this.belief };
    const allowance = { ...allowanceOf(payload, this.#options), ticket };
    if (payload.exp === undefined || !disconnectsAfterExpiry) return allowance;
    return { ...allowance, expiresAt: payload.exp * 1000 + clockTolerance };
  }
}

function expectedValue(claim: string, text: string): Template {
  try {
    return new Template(text, ['clientid', 'username']);
  } catch (error) {
    throw new ProviderOptionError('verify', `${claim}: ${(error as Error).message}`);
  }
}

/** Why a token isn't right, without what is in it. */
function describe(code: string, { claim, message }: Error & { claim?: string }): string {
  switch (code) {
    case 'ERR_JWT_EXPIRED':
      return 'the token has expired';
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return `claim ${claim ?? ''} of the token is missing or not what it has to be`;
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return 'the signature of the token is wrong';
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
      return 'the algorithm of the token is not among those that are allowed';
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return 'the token names a key that the issuer does not have';
    default:
      return `the token is malformed: ${message}`;
  }
}
