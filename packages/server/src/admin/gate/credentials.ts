import type { IncomingHttpHeaders } from 'node:http';

/**
 * The name of the cookie of a session of the console. Browsers send cookies to all ports of a host, so it has the port: then two
 * brokers on one host don't end each other's sessions. It is the port that the browser sees, which isn't the listener's behind a
 * proxy or in a container.
 *
 * @param host - the header Host
 */
export function sessionCookieName(host: string | undefined): string {
  const port = /:(\d{1,5})$/.exec(host ?? '')?.[1];
  return port === undefined ? 'promptmq_session' : `promptmq_session_${port}`;
}

/** What a request brings to say who sends it. */
export type Credentials =
  | { readonly kind: 'key'; readonly name: string; readonly secret: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'cookie'; readonly token: string }
  | { readonly kind: 'none' };

const NONE: Credentials = { kind: 'none' };

/** Reads `Authorization: Basic`, `Authorization: Bearer KEY:SECRET` or a token of a login, or else the cookie. */
export function credentialsOf(headers: IncomingHttpHeaders): Credentials {
  const { authorization, cookie, host } = headers;
  if (authorization === undefined) {
    const token = sessionTokenOf(cookie, host);
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

/**
 * The token in the cookies of a request; null when there is none.
 *
 * @param host - as for `sessionCookieName`
 */
export function sessionTokenOf(
  header: string | undefined,
  host: string | undefined,
): string | null {
  const cookie = sessionCookieName(host);
  for (const part of header?.split(';') ?? []) {
    const [name, value] = part.trim().split('=', 2);
    if (name === cookie && value !== undefined && value !== '') return value;
  }
  return null;
}
