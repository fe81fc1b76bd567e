import type { Credentials } from '../credentials.ts';
import type { Provider, ProviderAnswer } from '../provider.ts';
import { NOT_CHECKED, wrongPassword } from './password-answer.ts';
import { type CheckerLimits, PasswordChecker } from './password-checker.ts';
import { isSameHash, type PasswordHash } from './password-hash.ts';
import { PasswordUsers } from './password-users.ts';

export interface PasswordFileOptions extends CheckerLimits {
  /** By name, as `parsePasswordFile` reads them; not to be changed afterwards. */
  readonly users: ReadonlyMap<string, PasswordHash>;
  /** Whether one more password of an address for a user may be checked: asked when its turn comes, as others may have been wrong meanwhile. */
  readonly mayCheck?: (address: string, userName: string) => boolean;
}

/**
 * Users of a password file (§3.1.3.5, §3.1.3.6). One of them with a wrong password is denied; whoever isn't one of them is left to the next
 * provider, after as much work.
 */
export function createPasswordFileProvider(options: PasswordFileOptions): Provider {
  return new PasswordFileProvider(options);
}

class PasswordFileProvider implements Provider {
  readonly name = 'password-file';
  readonly #users: PasswordUsers;
  readonly #checker: PasswordChecker;
  readonly #mayCheck: PasswordFileOptions['mayCheck'];

  constructor({ users, mayCheck, ...limits }: PasswordFileOptions) {
    this.#mayCheck = mayCheck;
    this.#users = new PasswordUsers(users);
    this.#checker = new PasswordChecker(this.#users, limits);
  }

  authenticate(
    { address, userName, password }: Credentials,
    signal: AbortSignal,
  ): ProviderAnswer | Promise<ProviderAnswer> {
    if (userName === null) return { result: 'pass' };
    if (password === null) return this.#wrong(userName);
    return this.#check(address, userName, password, signal);
  }

  async #check(
    address: string,
    userName: string,
    password: Uint8Array,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const ticket = this.#users.get(userName);
    const checker = this.#checker;
    const verdict = await checker.check(address, userName, password, signal, this.#mayCheck);
    switch (verdict) {
      case 'right':
        return { result: 'allow', userName, ticket };
      case 'wrong':
        return this.#wrong(userName);
      case 'busy':
      case 'throttled':
        return NOT_CHECKED[verdict];
    }
  }

  /** Whether the user is still there, with the same password. */
  mayStay(userName: string | null, ticket: unknown): boolean {
    const hash = userName === null ? undefined : this.#users.get(userName);
    return hash !== undefined && isSameHash(hash, ticket as PasswordHash);
  }

  close(): Promise<void> {
    return this.#checker.close();
  }

  #wrong(userName: string): ProviderAnswer {
    return wrongPassword(this.#users.get(userName) !== undefined);
  }
}
