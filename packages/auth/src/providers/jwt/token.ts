/**
 * Whether a text is a signed token (JWS Compact Serialization, RFC 7515, 7.1), right or not: three parts, of which the first is a header.
 *
 * @param text - of a bounded length
 */
export function isToken(text: string): boolean {
  const parts = text.split('.', 4);
  return parts.length === 3 && typeof readPart(parts[0] as string)?.['alg'] === 'string';
}

/** Whom a token names as its issuer, which nothing has proved yet; null for nobody. */
export function claimedIssuer(token: string): string | null {
  const issuer = readPart(token.split('.', 2)[1] as string)?.['iss'];
  return typeof issuer === 'string' ? issuer : null;
}

function readPart(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
