import type { IncomingHttpHeaders } from 'node:http';

/** The cookie of a session of the console. */
export const SESSION_COOKIE = 'promptmq_session';

/** What a request brings to say who sends it. */
export type Credentials =
  | { readonly kind: 'key'; readonly name: string; readonly secret: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'cookie'; readonly token: string }
  | { readonly kind: 'none' };

const NONE: Credentials = { kind: 'none' };

/** Reads `Authorization: Basic`, `Authorization: Bearer KEY:SECRET` or a token of a login, or else the cookie. */
export function credentialsOf(headers: IncomingHttpHeaders): Credentials {
  const { authorization, cookie } = headers;
  if (authorization === undefined) {
    const token = sessionTokenOf(cookie);
    return token === null ? NONE : { kind: 'cookie', token };
  }
  const [scheme = '', ...rest] = authorization.trim().split(/ +/);
  const value = rest.join(' ');
  switch (scheme.toLowerCase()) {
    case 'basic':
      return keyOf(Buffer.from(value, 'base64').toString()) ?? NONE;
    case 'bearer':
      return keyOf(value) ?? { kind: 'token', token: value };
    default:
      return NONE;
  }
}

function keyOf(text: string): Credentials | null {
  const colon = text.indexOf(':');
  if (colon === -1) return null;
  return { kind: 'key', name: text.slice(0, colon), secret: text.slice(colon + 1) };
}

/** The token in the cookies of a request; null when there is none. */
export function sessionTokenOf(header: string | undefined): string | null {
  for (const part of header?.split(';') ?? []) {
    const [name, value] = part.trim().split('=', 2);
    if (name === SESSION_COOKIE && value !== undefined && value !== '') return value;
  }
  return null;
}
