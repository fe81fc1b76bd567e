import { z } from 'zod';
import { objects } from '../../values/objects.ts';
import { flag, path } from '../../values/units.ts';
import { certificateProvider } from './certificate.ts';
import { dynamicProvider } from './dynamic-security.ts';
import { httpProvider } from './http.ts';
import { jwtProvider } from './jwt.ts';
import { ldapProvider } from './ldap.ts';

/** More than anybody needs; each may be asked at every CONNECT. */
const PROVIDERS_MAX = 32;

/** Every kind of provider, with its options. One that comes needs a line here, and one in access/chain/factories.ts. */
const PROVIDERS = {
  certificate: certificateProvider.optional(),
  dynamicSecurity: dynamicProvider.optional(),
  custom: flag()
    .refine((isAsked) => isAsked, 'true')
    .optional()
    .describe('the hook authenticate of the program that embeds the broker is asked in this place'),
  jwt: jwtProvider.optional(),
  http: httpProvider.optional(),
  ldap: ldapProvider.optional(),
  passwordFile: path()
    .optional()
    .describe('file of user names and hashed passwords, as promptmq passwd makes it'),
  psk: flag()
    .refine((isAsked) => isAsked, 'true')
    .optional()
    .describe(
      'clients that have proved to know a pre-shared key (listeners[].psk-file) are the users of its identity',
    ),
  scram: path()
    .optional()
    .describe(
      'file of user names and secrets, as promptmq passwd --scram makes it, for clients that name the method SCRAM-SHA-256 or SCRAM-SHA-512',
    ),
};

const providerItem = z
  .strictObject(PROVIDERS)
  .refine(
    (item) => Object.values(item).filter((options) => options !== undefined).length === 1,
    'each has one provider, such as - password-file: FILE',
  );

/** One provider of a chain: exactly one of its kinds is there. */
export type ChainItem = z.output<typeof providerItem>;

export type ProviderKind = keyof ChainItem;

/** Providers that are asked who a client is, in their order. */
export function chain() {
  return objects(PROVIDERS_MAX, 'a provider with its options', providerItem, {
    certificate: {},
    dynamicSecurity: {},
    custom: true,
    psk: true,
  });
}

/** What of the configuration says who may connect. */
interface AskedConfig {
  readonly auth: {
    readonly chain: readonly ChainItem[];
    readonly passwordFile: string | null;
    readonly allowAnonymous: boolean | 'auto';
  };
  readonly server: { readonly tls: { readonly useSubjectAsUserName: boolean } };
}

/** The chain of a configuration: with what is said by options of their own, which are older than chains. */
export function chainOf({ auth, server }: AskedConfig): readonly ChainItem[] {
  const subjects: ChainItem[] = server.tls.useSubjectAsUserName
    ? [{ certificate: { userName: 'cn', clientId: 'none' } }]
    : [];
  const passwords: ChainItem[] =
    auth.passwordFile === null ? [] : [{ passwordFile: auth.passwordFile }];
  return [...subjects, ...auth.chain, ...passwords];
}

/** Whether clients that name nobody may connect, where a chain is asked who they are. */
export function allowsAnonymous(
  { auth }: Pick<AskedConfig, 'auth'>,
  chain: readonly ChainItem[],
): boolean {
  return auth.allowAnonymous === 'auto' ? chain.length === 0 : auth.allowAnonymous;
}

/** Whether only this machine's clients may connect, at addresses without a host: nobody has said who else may. */
export function isLocalOnly(
  config: AskedConfig & { readonly auth: { readonly withoutUsers: 'local' | 'everywhere' } },
): boolean {
  const { allowAnonymous, withoutUsers } = config.auth;
  return withoutUsers === 'local' && allowAnonymous === 'auto' && chainOf(config).length === 0;
}
