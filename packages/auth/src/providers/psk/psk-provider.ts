import type { Credentials } from '../../credentials.ts';
import type { Provider, ProviderAnswer } from '../../provider.ts';

/**
 * Clients that have proved to know a pre-shared key (TLS-PSK): the identity is the user name, whatever CONNECT says. Who knows which
 * key is the listener's; clients without one are left to the next provider.
 */
export function createPskProvider(): Provider {
  return {
    name: 'psk',
    authenticate({ pskIdentity }: Credentials): ProviderAnswer {
      if (pskIdentity === null || pskIdentity === '') return { result: 'pass' };
      return { result: 'allow', userName: pskIdentity };
    },
  };
}
