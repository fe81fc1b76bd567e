import { type AclRule, aclFromClaim } from '../../acl/index.ts';
import type { ProviderAllowance } from '../../provider.ts';
import type { Template } from '../template.ts';
import type { JwtOptions } from './jwt-options.ts';

/** The claims of a token whose signature is right. */
export type Claims = Readonly<Record<string, unknown>>;

/** A claim isn't what it has to be. The message names the claim, and no value of it. */
export class ClaimError extends Error {
  override readonly name = 'ClaimError';
}

/** What CONNECT says that a token may have to agree with. */
export interface Claimant {
  readonly clientId: string;
  readonly userName: string | null;
}

/** Longest user name (§1.5.4), and how many groups, roles and attributes a token may have: a header of HTTP holds no more. */
const TEXT_BYTES_MAX = 65_535;
const ENTRIES_MAX = 1000;

/**
 * A claim by its name, or by its path where names lead from object to object, such as `realm_access.roles`; undefined when there
 * is none. Names that have dots in them, as those that are URLs, come first.
 */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** @throws {ClaimError} when a claim isn't what the configuration says that it has to be for this client */
export function verifyClaims(
  claims: Claims,
  expected: ReadonlyMap<string, Template>,
  { clientId, userName }: Claimant,
): void {
  for (const [name, template] of expected) {
    const wanted = template.fill((placeholder) => {
      const value = placeholder === 'clientid' ? clientId : userName;
      // Nothing is no value that a claim could agree with.
      return value === '' ? null : value;
    });
    if (wanted === null) {
      throw new ClaimError(`claim ${name} has to be ${template.text}, which the client left out`);
    }
    const claim = claimOf(claims, name);
    const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
    if (!values.some((value) => isScalar(value) && String(value) === wanted)) {
      throw new ClaimError(`claim ${name} is not ${template.text}`);
    }
  }
}

/**
 * What a token says of its owner.
 *
 * @throws {ClaimError} when a claim has another shape than it has to have: what it was meant to restrict isn't known then
 */
export function allowanceOf(claims: Claims, options: JwtOptions): ProviderAllowance {
  const userName = claimOf(claims, options.userNameClaim);
  if (
    typeof userName !== 'string' ||
    userName === '' ||
    userName.includes('\0') ||
    Buffer.byteLength(userName) > TEXT_BYTES_MAX
  ) {
    throw new ClaimError(
      `claim ${options.userNameClaim} is missing or is no user name (user-name-claim)`,
    );
  }
  return {
    result: 'allow',
    userName,
    ...present('groups', readClaim(claims, options.groupsClaim, textsOf)),
    ...present('roles', readClaim(claims, options.rolesClaim, textsOf)),
    ...present('attributes', readClaim(claims, options.attributesClaim, attributesOf)),
    ...present('acl', readClaim(claims, options.aclClaim, rulesOf)),
    ...present('isSuperuser', readClaim(claims, options.superuserClaim, booleanOf)),
  };
}

function present<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [name in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [name in Name]?: Value };
}

function readClaim<Value>(
  claims: Claims,
  name: string | null,
  read: (value: unknown, name: string) => Value,
): Value | undefined {
  if (name === null) return undefined;
  const value = claimOf(claims, name);
  return value === undefined ? undefined : read(value, name);
}

/** A list of texts, or one text with spaces in it as OAuth has its scopes (RFC 6749, 3.3). */
function textsOf(value: unknown, name: string): readonly string[] {
  const texts: readonly unknown[] =
    typeof value === 'string'
      ? value.split(' ').filter((text) => text !== '')
      : asList(value, name);
  if (texts.length > ENTRIES_MAX || !texts.every((text) => typeof text === 'string')) {
    throw new ClaimError(`claim ${name} is not a list of at most ${ENTRIES_MAX} texts`);
  }
  return texts as readonly string[];
}

function asList(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new ClaimError(`claim ${name} is not a list of at most ${ENTRIES_MAX} texts`);
}

function attributesOf(value: unknown, name: string): Readonly<Record<string, string>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value);
    if (entries.length <= ENTRIES_MAX && entries.every(([, text]) => typeof text === 'string')) {
      return Object.fromEntries(entries) as Record<string, string>;
    }
  }
  throw new ClaimError(`claim ${name} is not an object of at most ${ENTRIES_MAX} texts`);
}

function rulesOf(value: unknown, name: string): readonly AclRule[] {
  try {
    return aclFromClaim(value, `jwt claim ${name}`);
  } catch (error) {
    throw new ClaimError(
      `claim ${name}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function booleanOf(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new ClaimError(`claim ${name} is not true or false`);
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
