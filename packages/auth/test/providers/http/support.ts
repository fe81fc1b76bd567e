import {
  type AuthorizeRequest,
  createHttpProvider,
  HTTP_DEFAULTS,
  type HttpOptions,
  type Provider,
  type ProviderAnswer,
} from '../../../src/index.ts';
import { credentialsOf, NEVER, TestTools } from '../support/provider-tools.ts';

/** Providers of one test. */
export class HttpProviders {
  readonly #providers: Provider[] = [];

  open(given: Partial<HttpOptions> & { readonly url: string }): Provider {
    const provider = createHttpProvider({ ...HTTP_DEFAULTS, ...given }, new TestTools());
    this.#providers.push(provider);
    return provider;
  }

  async close(): Promise<void> {
    for (const provider of this.#providers.splice(0)) await provider.close?.();
  }
}

/** What is said of a client, but for the ticket. */
export async function asked(
  provider: Provider,
  given: Parameters<typeof credentialsOf>[0] = { userName: 'alice', password: 'secret' },
  signal: AbortSignal = NEVER,
): Promise<ProviderAnswer> {
  const authenticate = provider.authenticate as NonNullable<Provider['authenticate']>;
  const answer = await authenticate(credentialsOf(given), signal);
  if (answer.result !== 'allow') return answer;
  // It is for the provider alone.
  const { ticket: _, ...more } = answer;
  return more;
}

export function requestOf(given: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
  return {
    clientId: 'client-1',
    userName: 'alice',
    address: '192.0.2.7',
    protocol: 'tcp',
    version: 5,
    listener: 'tcp-1883',
    certificate: null,
    attributes: { site: 'berlin' },
    action: 'publish',
    topic: 'a/b',
    qos: 1,
    retain: false,
    ...given,
  };
}

export async function authorized(provider: Provider, given: Partial<AuthorizeRequest> = {}) {
  return (provider.authorize as NonNullable<Provider['authorize']>)(requestOf(given), NEVER);
}
