import {
  type Acl,
  type AclDefaults,
  type Identity,
  isSameHash,
  PasswordChecker,
  type PasswordHash,
  PasswordUsers,
  type Permissions,
  permissionsOf,
} from '@promptmq/auth';
import { ReasonCode } from '@promptmq/codec';
import { type Config, ConfigError, type ConfigProblem } from '../config/index.ts';
import { readAclFile } from './acl-file.ts';
import { type AclLimits, permissionsWithin } from './acl-limits.ts';
import { readPasswordFile } from './password-file.ts';
import { ACL_DEFAULTS } from './rules.ts';

/** What a CONNECT says about who the client is. */
export interface Credentials {
  readonly userName: string | undefined;
  readonly password: Uint8Array | undefined;
  /** Who the client is as the program says that brought its connection, and vouches for it; null when it says nothing. */
  readonly transportUser: string | null;
  /** Of the certificate that the client proved to own, where that counts as its user name. */
  readonly certificateName: string | null;
  /** Without its port. */
  readonly address: string;
}

/**
 * What a client showed to be admitted; `method` is enhanced authentication (§4.12), `transport` the word of the program
 * that brought the connection, `hook` that of a hook.
 */
export type Proof = 'nothing' | 'password' | 'certificate' | 'method' | 'transport' | 'hook';

export type Admission =
  /** `userName` is null where it was not proved. */
  | { readonly isAdmitted: true; readonly userName: string | null; readonly proof: Proof }
  | { readonly isAdmitted: false; readonly reasonCode: number; readonly why: string };

/** Who may connect, and what they may do: a snapshot of `auth` and its files, replaced by a reload. */
export class Access {
  readonly #allowsAnonymous: boolean;
  readonly #users: ReadonlyMap<string, PasswordHash> | null;
  readonly #passwords: PasswordChecker | null;
  readonly #acl: Acl | null;
  /** What holds where no rule matches; undefined where that depends on whether there are rules. */
  readonly #defaults: AclDefaults | undefined;
  readonly #clientIds: readonly string[];

  private constructor(
    auth: Config['auth'],
    users: ReadonlyMap<string, PasswordHash> | null,
    acl: Acl | null,
  ) {
    this.#allowsAnonymous = auth.allowAnonymous;
    this.#users = users;
    this.#passwords =
      users === null
        ? null
        : new PasswordChecker(new PasswordUsers(users), {
            concurrentMax: auth.maxConcurrentChecks,
            waitingMax: auth.maxWaitingChecks,
          });
    this.#acl = acl;
    this.#defaults = ACL_DEFAULTS[auth.aclDefault];
    this.#clientIds = auth.clientIds;
  }

  /**
   * Reads the files that `auth` names.
   *
   * @throws {ConfigError} with everything that is wrong with them
   */
  static load(auth: Config['auth']): Access {
    const problems: ConfigProblem[] = [];
    const read = <T>(path: string | null, reader: (path: string) => T): T | null => {
      if (path === null) return null;
      try {
        return reader(path);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const problem of error.problems) problems.push(problem);
        return null;
      }
    };
    const users = read(auth.passwordFile, readPasswordFile);
    const acl = read(auth.aclFile, readAclFile);
    if (problems.length > 0) throw new ConfigError(problems);
    return new Access(auth, users, acl);
  }

  get checksPasswords(): boolean {
    return this.#passwords !== null;
  }

  /**
   * Decides on a CONNECT, at once where no password has to be checked.
   *
   * @param asksHook - whether a hook is asked who it is whom this lets in: it may be anybody until then
   */
  admit(credentials: Credentials, asksHook = false): Admission | Promise<Admission> {
    const { userName, password, transportUser, certificateName, address } = credentials;
    if (transportUser !== null) {
      return { isAdmitted: true, userName: transportUser, proof: 'transport' };
    }
    if (certificateName !== null) {
      return { isAdmitted: true, userName: certificateName, proof: 'certificate' };
    }
    if (userName === undefined || this.#passwords === null) {
      // Without a password file a user name says nothing.
      return this.#allowsAnonymous || asksHook
        ? { isAdmitted: true, userName: null, proof: 'nothing' }
        : refusal(ReasonCode.NotAuthorized, 'anonymous clients are not allowed');
    }
    if (password === undefined) return WRONG;
    return this.#check(this.#passwords, address, userName, password);
  }

  async #check(
    passwords: PasswordChecker,
    address: string,
    userName: string,
    password: Uint8Array,
  ): Promise<Admission> {
    const verdict = await passwords.check(address, userName, password);
    if (verdict === 'right') return { isAdmitted: true, userName, proof: 'password' };
    return verdict === 'busy'
      ? refusal(ReasonCode.ServerBusy, 'auth.max-waiting-checks reached')
      : WRONG;
  }

  /**
   * Whether a client that an earlier snapshot admitted may stay: its user is still there with the same password, and
   * a client without a user is still allowed.
   */
  mayStay(earlier: Access, userName: string | null, proof: Proof): boolean {
    if (proof === 'nothing') return this.#allowsAnonymous;
    if (proof !== 'password' || userName === null) return true;
    const hash = this.#users?.get(userName);
    const before = earlier.#users?.get(userName);
    return hash !== undefined && before !== undefined && isSameHash(hash, before);
  }

  /** Another snapshot takes its place. Checks that are under way end as they do. */
  close(): void {
    void this.#passwords?.close();
  }

  /** The broker stops: resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    await this.#passwords?.stop();
  }

  /** Whether a client may choose its identifier: another's would take over that one's session. */
  mayUseClientId({ clientId, userName }: Identity): boolean {
    if (this.#clientIds.length === 0) return true;
    return this.#clientIds.some((pattern) => {
      const isOpen = pattern.endsWith('*');
      const allowed = isOpen ? pattern.slice(0, -1) : pattern;
      if (allowed.includes('%u') && userName === null) return false;
      // Replaced by a function: names with $ in them stay as they are.
      const begin = allowed.replaceAll('%u', () => userName as string);
      return isOpen ? clientId.startsWith(begin) : clientId === begin;
    });
  }

  /**
   * What a client may do; null when it may do everything.
   *
   * @param limits - what it may do at most; null for no such limits
   */
  permissionsOf(identity: Identity, limits: AclLimits | null = null): Permissions | null {
    return permissionsOf(this.#acl === null ? [] : [this.#acl], identity, {
      ...(this.#defaults === undefined ? {} : { defaults: this.#defaults }),
      limits: limits === null ? null : permissionsWithin(limits, identity),
    });
  }
}

function refusal(reasonCode: number, why: string): Admission {
  return { isAdmitted: false, reasonCode, why };
}

const WRONG = refusal(ReasonCode.BadUserNameOrPassword, 'wrong user name or password');
