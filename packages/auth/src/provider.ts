import type { AclRule } from './acl/acl-rule.ts';
import type { AuthenticationMethod } from './authentication-method.ts';
import type { Authorization, AuthorizeRequest } from './authorization.ts';
import type { Credentials } from './credentials.ts';

/** What a provider says of a client that connects. */
export type ProviderAnswer = ProviderAllowance | ProviderDenial | ProviderPass;

/** The client is let in. */
export interface ProviderAllowance {
  readonly result: 'allow';
  /** Who it is: rules and sessions are by user. By default the user name of its credentials. Null: nobody. */
  readonly userName?: string | null;
  /** The identifier that the client gets in the place of the one that it asked for. */
  readonly clientId?: string;
  /** Whether it may do everything, whatever the rules are. */
  readonly isSuperuser?: boolean;
  /** For placeholders of rules, by name. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly groups?: readonly string[];
  readonly roles?: readonly string[];
  /** Rules of its own, besides those that hold for all, such as of `aclFromClaim`; null or missing: none. */
  readonly acl?: readonly AclRule[] | null;
  /** When it is disconnected (0x87), in milliseconds since 1970. */
  readonly expiresAt?: number;
  /** How long the same answer may be given to the same credentials without asking again; the chain's by default. */
  readonly cacheSeconds?: number;
  /** Whatever the provider wants to see again in `mayStay`. */
  readonly ticket?: unknown;
}

/** The client is refused, and nobody else is asked. */
export interface ProviderDenial {
  readonly result: 'deny';
  /** 0x80 or above, one that CONNACK may have; by default 0x87, Not authorized. */
  readonly reasonCode?: number;
  /** For the log, without secrets. */
  readonly why: string;
}

/** The provider has nothing to say: the next one is asked. */
export interface ProviderPass {
  readonly result: 'pass';
  /** For the log, without secrets. */
  readonly why?: string;
}

/** Who knows clients: one of those that are asked, one after the other, when a client connects. */
export interface Provider {
  /** Its kind, such as `jwt`. */
  readonly name: string;
  /**
   * Asked about a CONNECT. What throws or is rejected counts as failed, and has the client refused unless the chain says otherwise.
   *
   * @param signal - aborted when the answer isn't needed any more
   */
  authenticate?(
    credentials: Credentials,
    signal: AbortSignal,
  ): ProviderAnswer | Promise<ProviderAnswer>;
  /**
   * Asked about each PUBLISH, and each filter of a SUBSCRIBE, of every client that the rules allow it; missing: it says nothing of them.
   * What throws or is rejected is refused unless the chain says otherwise.
   *
   * @param signal - aborted when the answer isn't needed any more
   */
  authorize?(
    request: AuthorizeRequest,
    signal: AbortSignal,
  ): Authorization | Promise<Authorization>;
  /** Methods of enhanced authentication (§4.12) by which it proves users. */
  readonly methods?: readonly AuthenticationMethod[];
  /**
   * Whether a client that an earlier provider of this kind let in may stay, now that this one has taken its place. By default it may.
   *
   * @param ticket - of the answer that let it in
   */
  mayStay?(userName: string | null, ticket: unknown): boolean;
  /** Nothing more is asked; resolves when nothing is under way any more. */
  close?(): void | Promise<void>;
}

/** What a provider needs of whoever runs it. */
export interface ProviderTools {
  /** The wall clock: milliseconds since 1970. */
  now(): number;
  /** Says something to the operator, without secrets. */
  log(
    level: 'debug' | 'info' | 'warn' | 'error',
    event: string,
    fields: Readonly<Record<string, unknown>>,
  ): void;
}
