import type { Credentials } from '../../credentials.ts';
import type { Provider, ProviderAnswer, ProviderTools } from '../../provider.ts';
import { readOptionFile } from '../files.ts';
import { BusyError } from '../gate.ts';
import { Directory } from './directory.ts';
import type { LdapOptions } from './ldap-options.ts';
import { type LdapClaimant, LdapUsers, type LdapVerdict } from './ldap-users.ts';
import { Seats } from './seats.ts';

/** Server busy, and Quota exceeded (§2.4). */
const SERVER_BUSY = 0x89;
const QUOTA_EXCEEDED = 0x97;

const THROTTLED: ProviderAnswer = {
  result: 'deny',
  reasonCode: QUOTA_EXCEEDED,
  why: 'too many wrong passwords',
};

/**
 * Lets users in that a directory (LDAP) knows, with their passwords.
 *
 * Whom a search doesn't find is left to the next provider; a wrong password is refused, and so is an empty one, to which a directory
 * would say yes. The library is loaded when the first client comes.
 *
 * @param mayAsk - whether one more password of an address for a user may be shown to the directory: asked when its turn comes
 * @throws {ProviderOptionError} when options contradict each other, or name a file that can't be used
 */
export function createLdapProvider(
  options: LdapOptions,
  tools: ProviderTools,
  mayAsk: (address: string, userName: string) => boolean = () => true,
): Provider {
  const { url, usesStartTls, caFile, timeout, concurrentMax, waitingMax } = options;
  const ca = caFile === null ? null : readOptionFile('ca', caFile, 1024 * 1024);
  const users = new LdapUsers(new Directory({ url, usesStartTls, ca, timeout }), options);
  const seats = new Seats(concurrentMax, waitingMax, timeout);
  const { user, userNameAttribute, groups, roles, superuserGroup } = options;
  const belief = JSON.stringify([url, user, userNameAttribute, groups, roles, superuserGroup]);
  return {
    name: 'ldap',
    authenticate: async (credentials, signal): Promise<ProviderAnswer> => {
      const asked = claimed(credentials);
      if ('result' in asked) return asked;
      try {
        return await seats.use(signal, async (seat) => {
          // Again: others may have been wrong while this one waited.
          if (!mayAsk(credentials.address, asked.userName)) return THROTTLED;
          return answerOf(await users.check(asked, seat), options, tools, belief);
        });
      } catch (error) {
        if (!(error instanceof BusyError)) throw error;
        return { result: 'deny', reasonCode: SERVER_BUSY, why: `ldap: ${error.message}` };
      }
    },
    mayStay: (_userName, ticket) => ticket === belief,
    close: () => seats.close(),
  };
}

/** Who a client says it is, or what is said to it without asking anybody. */
function claimed({ userName, clientId, password }: Credentials): LdapClaimant | ProviderAnswer {
  if (userName === null || userName === '' || password === null) {
    return { result: 'pass', why: 'ldap: no user name and password' };
  }
  if (password.length === 0) {
    // RFC 4513, 5.1.2: with the name alone, a directory says yes to anybody.
    return { result: 'deny', why: 'ldap: an empty password' };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(password);
    return { userName, clientId, password: text };
  } catch {
    return { result: 'pass', why: 'ldap: the password is not UTF-8' };
  }
}

function answerOf(
  verdict: LdapVerdict,
  { roles, superuserGroup, validFor }: LdapOptions,
  { now }: ProviderTools,
  ticket: string,
): ProviderAnswer {
  switch (verdict.result) {
    case 'unknown':
      return { result: 'pass', why: 'ldap: the directory has no such user' };
    case 'wrong':
      return { result: 'deny', why: `ldap: ${verdict.why}` };
    case 'right': {
      const { userName, groups } = verdict;
      const own = groups.flatMap((group) => (Object.hasOwn(roles, group) ? [roles[group]] : []));
      return {
        result: 'allow',
        userName,
        groups,
        roles: own as string[],
        isSuperuser: superuserGroup !== null && groups.includes(superuserGroup),
        ticket,
        ...(Number.isFinite(validFor) ? { expiresAt: now() + validFor } : {}),
      };
    }
  }
}
