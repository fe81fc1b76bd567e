import {
  type Acl,
  type AclDefaults,
  type Admission,
  type Admitted,
  type AuthenticationMethod,
  type Authorization,
  type AuthorizeRequest,
  admitted,
  type Chain,
  type ChainEntry,
  type Credentials,
  type DynamicSecurity,
  type Identity,
  type Permissions,
  permissionsOf,
} from '@promptmq/auth';
import { type Config, ConfigError, type ConfigProblem } from '../config/index.ts';
import { readAclFile } from './acl-file.ts';
import { type AclLimits, permissionsWithin } from './acl-limits.ts';
import { authorizeBy } from './chain/asked-actions.ts';
import type { AskingCredentials } from './chain/custom-provider.ts';
import { ListenerChains } from './chain/listener-chains.ts';
import { type AccessTools, plainTools } from './chain/tools.ts';
import { guessVerdict, noteGuess, throttled } from './guarded.ts';
import { ACL_DEFAULTS } from './rules.ts';

/** What of a configuration says who may connect, and do what. */
export type AccessConfig = Pick<Config, 'auth' | 'listeners' | 'server'>;

/** What a client's permissions are made of, whatever the rules are. */
export interface Rights {
  readonly identity: Identity;
  /** Rules of its own; null where there are none. */
  readonly own: Acl | null;
  /** What it may do at most; null for no such limits. */
  readonly limits: AclLimits | null;
}

/** Who may say that a client is who it says, beside the providers of a chain. */
export const PROVED_BY = {
  /** The program that brought the connection. */
  transport: 'transport',
  /** The hook `authenticate`, after the chain. */
  hook: 'hook',
  /** A method of enhanced authentication (§4.12) of the program. */
  method: 'method',
} as const;
const OUTSIDE_PROVERS: ReadonlySet<string> = new Set(Object.values(PROVED_BY));

/** The kind of provider whose users, groups and roles are changed while the broker runs. */
const DYNAMIC = 'dynamic-security';

/** A method of enhanced authentication, with who brings it. */
export interface OfferedMethod {
  readonly method: AuthenticationMethod;
  /** As in an admission. */
  readonly provider: string;
}

/** Who may connect, and what they may do: a snapshot of `auth` and its files, replaced by a reload. */
export class Access {
  readonly #chain: ListenerChains;
  readonly #tools: AccessTools;
  /** By chain, those of its providers that are asked what clients do. */
  readonly #actions: Map<Chain, readonly ChainEntry[]>;
  /** Whether any is. */
  readonly asksActions: boolean;
  readonly #acl: Acl | null;
  /** What holds where no rule matches; undefined where that depends on whether there are rules. */
  readonly #defaults: AclDefaults | undefined;
  readonly #clientIds: readonly string[];
  /** Users, groups and roles that are changed while the broker runs; null where the chain has none. */
  readonly #liveUsers: DynamicSecurity | null;
  /** Clients about whom is asked. */
  #pendingCount: number;
  #isClosing: boolean;

  private constructor(
    auth: Config['auth'],
    chain: ListenerChains,
    tools: AccessTools,
    acl: Acl | null,
  ) {
    const hasLiveUsers = chain.entries.some(({ provider }) => provider.name === DYNAMIC);
    this.#liveUsers = hasLiveUsers ? tools.liveUsers : null;
    this.#chain = chain;
    this.#tools = tools;
    this.#actions = new Map();
    this.asksActions = chain.entries.some(({ provider }) => provider.authorize !== undefined);
    this.#acl = acl;
    this.#defaults = ACL_DEFAULTS[auth.aclDefault];
    this.#clientIds = auth.clientIds;
    this.#pendingCount = 0;
    this.#isClosing = false;
  }

  /**
   * Reads the files that the configuration names.
   *
   * @throws {ConfigError} with everything that is wrong with them
   */
  static load(config: AccessConfig, tools: AccessTools = plainTools): Access {
    const { auth } = config;
    const problems: ConfigProblem[] = [];
    const attempt = <T>(make: () => T): T | null => {
      try {
        return make();
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const problem of error.problems) problems.push(problem);
        return null;
      }
    };
    const chain = attempt(() => new ListenerChains(config, tools));
    const { aclFile } = auth;
    const acl = aclFile === null ? null : attempt(() => readAclFile(aclFile));
    if (chain === null || problems.length > 0) {
      void chain?.close();
      throw new ConfigError(problems);
    }
    return new Access(auth, chain, tools, acl);
  }

  /** Whether anybody can prove to be a user. */
  get provesUsers(): boolean {
    return this.#chain.entries.length > 0;
  }

  /**
   * Whether the hook `authenticate` has its place in the chain: then it isn't asked after it.
   *
   * @param listener - the name of the one that the client came by; empty for none
   */
  asksHook(listener: string): boolean {
    return this.#chain.of(listener).entries.some(({ provider }) => provider.name === 'custom');
  }

  /** Whether there are users, groups and roles that are changed while the broker runs. */
  get hasLiveUsers(): boolean {
    return this.#liveUsers !== null;
  }

  /**
   * Asks the providers of its listener whether a client may do something that its rules allow.
   *
   * @throws when one fails, or a promise is rejected then, unless that has the next one asked
   */
  authorize(
    request: AuthorizeRequest,
    signal: AbortSignal,
  ): Authorization | Promise<Authorization> {
    const chain = this.#chain.of(request.listener);
    let asked = this.#actions.get(chain);
    if (asked === undefined) {
      asked = chain.entries.filter(({ provider }) => provider.authorize !== undefined);
      this.#actions.set(chain, asked);
    }
    return authorizeBy(asked, request, signal);
  }

  /** A method of enhanced authentication (§4.12): that of the first provider of a listener that brings it. */
  methodOf(methodName: string, listener: string): OfferedMethod | undefined {
    for (const { provider, name } of this.#chain.of(listener).entries) {
      const method = provider.methods?.find((brought) => brought.name === methodName);
      if (method !== undefined) return { method, provider: name };
    }
    return undefined;
  }

  /**
   * Finds out who a client is; at once where nobody has to be waited for. A promise that it returns is never rejected.
   *
   * @param isAskedLater - whether a hook is asked who it is whom this lets in: it may be anybody until then
   * @param gone - aborted when the client has gone
   */
  admit(
    credentials: AskingCredentials,
    isAskedLater: boolean,
    gone?: AbortSignal,
  ): Admission | Promise<Admission> {
    const { guesses } = this.#tools;
    const verdict = guessVerdict(guesses, credentials);
    if (verdict?.result === 'refuse') return throttled(verdict.by);
    const delayMs = verdict?.result === 'slow' ? verdict.delayMs : 0;
    const admission =
      delayMs > 0
        ? this.#later(delayMs, credentials, gone)
        : this.#chain.authenticate(credentials, gone);
    const note = (answer: Admission) => {
      // Whoever is asked later says whether the password is right.
      if (!answer.isAdmitted || !isAskedLater) noteGuess(guesses, credentials, answer);
    };
    if (!(admission instanceof Promise)) {
      note(admission);
      return orLater(admission, isAskedLater);
    }
    this.#pendingCount++;
    return admission.then((answer) => {
      this.#pendingCount--;
      this.#closeIfIdle();
      note(answer);
      return orLater(answer, isAskedLater);
    });
  }

  /** Counts what a password turned out to be, where a hook has looked at it after the chain. */
  noteGuess(credentials: Credentials, admission: Admission): void {
    noteGuess(this.#tools.guesses, credentials, admission);
  }

  /** Asks the chain after a while; at once where the client has gone, whom it then tells so. */
  #later(
    delayMs: number,
    credentials: AskingCredentials,
    gone: AbortSignal | undefined,
  ): Promise<Admission> {
    return new Promise((resolve) => {
      const finish = () => {
        cancel();
        gone?.removeEventListener('abort', finish);
        resolve(this.#chain.authenticate(credentials, gone));
      };
      const cancel = this.#tools.setTimer(delayMs, finish);
      gone?.addEventListener('abort', finish);
    });
  }

  /**
   * Whether a client that this or an earlier snapshot admitted may stay.
   *
   * @param listener - the name of the one that it came by; empty for none
   */
  mayStay({ provider, userName, ticket }: Admitted, listener: string): boolean {
    const chain = this.#chain.of(listener);
    if (provider === null) return chain.allowsAnonymous;
    if (OUTSIDE_PROVERS.has(provider)) return true;
    const entry = chain.entries.find(({ name }) => name === provider);
    return entry !== undefined && (entry.provider.mayStay?.(userName, ticket) ?? true);
  }

  /** Another snapshot takes its place. What is under way ends as it does. */
  close(): void {
    this.#isClosing = true;
    this.#closeIfIdle();
  }

  /** The broker stops: resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    await this.#chain.close();
  }

  #closeIfIdle(): void {
    if (this.#isClosing && this.#pendingCount === 0) void this.#chain.close();
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
   */
  permissionsOf({ identity, own, limits }: Rights): Permissions | null {
    const live = this.#liveUsers?.aclOf(identity.userName) ?? null;
    const acls = [this.#acl, live, own].filter((acl) => acl !== null);
    return permissionsOf(acls, identity, {
      ...(this.#defaults === undefined ? {} : { defaults: this.#defaults }),
      limits: limits === null ? null : permissionsWithin(limits, identity),
    });
  }
}

function orLater(admission: Admission, isAskedLater: boolean): Admission {
  const isNobody = !admission.isAdmitted && admission.reason === 'anonymous';
  return isNobody && isAskedLater ? admitted(null, null) : admission;
}
