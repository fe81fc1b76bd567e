import type { AuthenticationMethod } from './authentication-method.ts';
import type { Authorization, AuthorizeRequest } from './authorization.ts';
import type { Credentials } from './credentials.ts';
import type { ProvedUser } from './proved-user.ts';

/** What a provider says of a client that connects. */
export type ProviderAnswer = ProviderAllowance | ProviderDenial | ProviderPass;

/** The client is let in. */
export interface ProviderAllowance extends ProvedUser {
  readonly result: 'allow';
  /** The identifier that the client gets in the place of the one that it asked for. */
  readonly clientId?: string;
  /** How long the same answer may be given to the same credentials without asking again; the chain's by default. */
  readonly cacheSeconds?: number;
}

/** The client is refused, and nobody else is asked. */
export interface ProviderDenial {
  readonly result: 'deny';
  /** 0x80 or above, one that CONNACK may have; by default 0x86, Bad User Name or Password, or 0x87, Not authorized, for a client that names nobody. */
  readonly reasonCode?: number;
  /** For the log, without secrets. */
  readonly why: string;
  /** What an MQTT 5 client gets to read where it wants to know; by default no more than the reason code says. */
  readonly reasonString?: string;
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
   * Asked about each PUBLISH, and each filter of a SUBSCRIBE, whoever let the client in; missing: it says nothing of them.
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
  /**
   * The key sets that were read, by where they come from: providers that are made anew begin with them. Where it is left out, they wait
   * until theirs can be read.
   */
  readonly keySets?: Map<string, ReadKeySet>;
}

/** A JSON Web Key Set as it was read. */
export interface ReadKeySet {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly readAt: number;
}
