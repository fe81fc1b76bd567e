/** Signed tokens: CLAIMS.SIGNATURE, both in base64url. A JWT library is used in the same way. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export class Tokens {
  #secret;

  constructor(secret) {
    this.#secret = secret;
  }

  /** @param claims - such as { sub: 'lamp', exp: 1893456000 }; `exp` is in seconds since 1970 */
  issue(claims) {
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${text}.${this.#sign(text).toString('base64url')}`;
  }

  /** @returns the claims; null where the token isn't one of ours, or has expired */
  verify(token) {
    const [text = '', signature = ''] = token.split('.');
    const expected = this.#sign(text);
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    const claims = JSON.parse(Buffer.from(text, 'base64url').toString());
    return claims.exp * 1000 > Date.now() ? claims : null;
  }

  #sign(text) {
    return createHmac('sha256', this.#secret).update(text).digest();
  }
}
