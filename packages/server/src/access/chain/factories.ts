import {
  createCertificateProvider,
  createDynamicProvider,
  createHttpProvider,
  createJwtProvider,
  createLdapProvider,
  createPasswordFileProvider,
  createPskProvider,
  createScramProvider,
  type Provider,
  ProviderOptionError,
} from '@promptmq/auth';
import { type ChainItem, type Config, ConfigError, type ProviderKind } from '../../config/index.ts';
import { readPasswordFile } from '../password-file.ts';
import { readScramFile } from '../scram-file.ts';
import { createCustomProvider } from './custom-provider.ts';
import { httpOptions, jwtOptions, ldapOptions } from './provider-options.ts';
import type { AccessTools } from './tools.ts';

type OptionsOf<K extends ProviderKind> = Exclude<ChainItem[K], undefined>;

type Factory<K extends ProviderKind> = (
  options: OptionsOf<K>,
  tools: AccessTools,
  auth: Config['auth'],
) => Provider;

/** Whether one more password of an address for a user may be looked at. */
function mayAsk({ guesses }: Pick<AccessTools, 'guesses'>) {
  return (address: string, userName: string) => guesses.ask(address, userName).result !== 'refuse';
}

/**
 * Makes the provider of each kind. What one needs that takes long to load, it loads itself, when it is first asked: whoever doesn't
 * use it doesn't pay for it.
 */
const FACTORIES: { readonly [K in ProviderKind]-?: Factory<K> } = {
  certificate: ({ userName, clientId }) =>
    createCertificateProvider({ userName, clientId: clientId === 'none' ? null : clientId }),
  custom: (_, { hasHook }) => {
    if (!hasHook)
      throw new Error('there is no program with a hook authenticate that could be asked');
    return createCustomProvider();
  },
  jwt: (section, tools) => createJwtProvider(jwtOptions(section), tools),
  http: (section, tools) => createHttpProvider(httpOptions(section), tools, mayAsk(tools)),
  ldap: (section, tools) => createLdapProvider(ldapOptions(section), tools, mayAsk(tools)),
  dynamicSecurity: (_, { liveUsers, guesses }, auth) =>
    createDynamicProvider(liveUsers, {
      concurrentMax: auth.maxConcurrentChecks,
      waitingMax: auth.maxWaitingChecks,
      mayCheck: mayAsk({ guesses }),
    }),
  passwordFile: (path, { guesses }, auth) =>
    createPasswordFileProvider({
      users: readPasswordFile(path),
      concurrentMax: auth.maxConcurrentChecks,
      waitingMax: auth.maxWaitingChecks,
      mayCheck: mayAsk({ guesses }),
    }),
  psk: () => createPskProvider(),
  scram: (path, { guesses }) => createScramProvider({ users: readScramFile(path), guesses }),
};

/** How a provider is to be asked. */
export interface Terms {
  readonly timeoutMs: number;
  readonly onError: 'deny' | 'pass';
  readonly cacheMs: number;
}

/** Of those that have no terms in their options: what they do is here, and has limits of its own. */
const OWN_TERMS: Terms = { timeoutMs: Number.POSITIVE_INFINITY, onError: 'deny', cacheMs: 0 };

/** The kind of an item of a chain. */
export function kindOf(item: ChainItem): ProviderKind {
  const [kind] = Object.entries(item).find(([, options]) => options !== undefined) ?? [];
  return kind as ProviderKind;
}

/**
 * Makes a provider.
 *
 * @param key - of its options, for errors
 * @throws {ConfigError} when it can't be made so
 */
export function makeProvider(
  item: ChainItem,
  key: string,
  tools: AccessTools,
  auth: Config['auth'],
): Provider {
  const kind = kindOf(item);
  const make = FACTORIES[kind] as Factory<ProviderKind>;
  try {
    return make(item[kind] as never, tools, auth);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const option = error instanceof ProviderOptionError ? `.${error.option}` : '';
    const message = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ key: `${key}${option}`, source: 'auth', message }]);
  }
}

export function termsOf(item: ChainItem): Terms {
  const options = item[kindOf(item)];
  if (typeof options !== 'object' || !('onError' in options)) return OWN_TERMS;
  const { timeout, onError, cache } = options as unknown as {
    readonly timeout: number;
    readonly onError: Terms['onError'];
    readonly cache: number;
  };
  return { timeoutMs: timeout, onError, cacheMs: cache };
}
