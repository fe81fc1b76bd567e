import type { Credentials } from '../../credentials.ts';
import type { Provider, ProviderAnswer, ProviderTools } from '../../provider.ts';
import { jwtMethods } from './jwt-method.ts';
import type { JwtOptions } from './jwt-options.ts';
import { type JwtTicket, TokenVerifier } from './token-verifier.ts';

/** Bad User Name or Password (§3.2.2.2). */
const BAD_USER_NAME_OR_PASSWORD = 0x86;

/**
 * Lets clients in that have a JSON Web Token (RFC 7519) of an issuer that is trusted.
 *
 * What is no token, or the token of another issuer, is left to the next provider; a token that isn't right is refused. The library
 * for it is loaded when the first token comes, or the keys do.
 *
 * @throws {ProviderOptionError} when options contradict each other, or name a file that can't be used
 */
export function createJwtProvider(options: JwtOptions, tools: ProviderTools): Provider {
  const verifier = new TokenVerifier(options, tools);
  const places = options.from.filter((place) => place !== 'auth-method');
  return {
    name: 'jwt',
    ...(places.length === 0
      ? {}
      : {
          authenticate: (credentials, signal) =>
            authenticate(verifier, places, credentials, signal),
        }),
    ...(places.length === options.from.length ? {} : { methods: jwtMethods(verifier) }),
    mayStay: (_userName, ticket) => (ticket as JwtTicket | undefined)?.belief === verifier.belief,
    close: () => verifier.close(),
  };
}

async function authenticate(
  verifier: TokenVerifier,
  places: readonly ('password' | 'user-name')[],
  credentials: Credentials,
  signal: AbortSignal,
): Promise<ProviderAnswer> {
  let answer: ProviderAnswer = { result: 'pass', why: 'no token' };
  for (const place of places) {
    const bytes =
      place === 'password' ? credentials.password : Buffer.from(credentials.userName ?? '');
    if (bytes === null) continue;
    answer = await verifier.verify(bytes, credentials, BAD_USER_NAME_OR_PASSWORD, signal);
    if (answer.result !== 'pass') return answer;
  }
  return answer;
}
