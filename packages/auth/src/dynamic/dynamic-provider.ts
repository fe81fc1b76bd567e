import type { Credentials } from '../credentials.ts';
import { NOT_CHECKED, wrongPassword } from '../passwords/password-answer.ts';
import { type CheckerLimits, PasswordChecker } from '../passwords/password-checker.ts';
import type { Provider, ProviderAnswer } from '../provider.ts';
import type { DynamicSecurity } from './dynamic-security.ts';

export interface DynamicProviderOptions extends CheckerLimits {
  /** Whether one more password of an address for a user may be checked: asked when its turn comes, as others may have been wrong meanwhile. */
  readonly mayCheck?: (address: string, userName: string) => boolean;
}

/** What a user was let in by. */
interface Ticket {
  readonly password: string | null;
  /** The client identifier of the CONNECT. */
  readonly clientId: string;
}

/**
 * Users that are changed while a broker runs. One of them with a wrong password, another client identifier than the user's, or who is
 * disabled is denied; whoever isn't one of them is left to the next provider, after as much work.
 *
 * @param security - which keeps them; it outlives the provider
 */
export function createDynamicProvider(
  security: DynamicSecurity,
  options: DynamicProviderOptions,
): Provider {
  return new DynamicProvider(security, options);
}

class DynamicProvider implements Provider {
  readonly name = 'dynamic-security';
  readonly #security: DynamicSecurity;
  readonly #checker: PasswordChecker;
  readonly #mayCheck: DynamicProviderOptions['mayCheck'];

  constructor(security: DynamicSecurity, { mayCheck, ...limits }: DynamicProviderOptions) {
    this.#mayCheck = mayCheck;
    this.#security = security;
    this.#checker = new PasswordChecker(security.passwords, limits);
  }

  authenticate(
    credentials: Credentials,
    signal: AbortSignal,
  ): ProviderAnswer | Promise<ProviderAnswer> {
    const { userName, password } = credentials;
    if (userName === null) return { result: 'pass' };
    if (password === null) return this.#wrong(userName);
    return this.#check(credentials, userName, password, signal);
  }

  async #check(
    { address, clientId }: Credentials,
    userName: string,
    password: Uint8Array,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const before = this.#security.client(userName)?.password ?? null;
    const checker = this.#checker;
    const verdict = await checker.check(address, userName, password, signal, this.#mayCheck);
    if (verdict === 'busy' || verdict === 'throttled') return NOT_CHECKED[verdict];
    const ticket: Ticket = { password: before, clientId };
    // It may have been changed meanwhile.
    return verdict === 'right' && this.mayStay(userName, ticket)
      ? { result: 'allow', userName, ticket }
      : this.#wrong(userName);
  }

  /** Whether the user is still there, with the same password, and may have the client identifier. */
  mayStay(userName: string | null, ticket: unknown): boolean {
    const client = userName === null ? null : this.#security.client(userName);
    if (client === null || client.isDisabled) return false;
    const { password, clientId } = ticket as Ticket;
    if (client.password === null || client.password !== password) return false;
    return client.clientId === null || client.clientId === clientId;
  }

  close(): Promise<void> {
    return this.#checker.close();
  }

  #wrong(userName: string): ProviderAnswer {
    return wrongPassword(this.#security.client(userName) !== null);
  }
}
