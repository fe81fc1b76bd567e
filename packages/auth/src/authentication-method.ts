import type { Credentials } from './credentials.ts';
import type { ProvedUser } from './proved-user.ts';

/** A method of enhanced authentication (§4.12), such as SCRAM-SHA-256; given to `createBroker`. */
export interface AuthenticationMethod {
  /** As clients name it in CONNECT. */
  readonly name: string;
  /**
   * Begins an exchange with one client: at CONNECT, and again at each re-authentication.
   *
   * @param clientId - as in CONNECT; empty when the client leaves it to the broker
   * @param credentials - what else its CONNECT said, and how it came; without its password
   */
  begin(clientId: string, credentials: Credentials): AuthenticationExchange;
}

export interface AuthenticationExchange {
  /**
   * Answers what the client sent.
   *
   * @param data - Authentication Data of the CONNECT or AUTH; empty when it has none. Not to be kept.
   */
  next(data: Uint8Array): AuthenticationStep | Promise<AuthenticationStep>;
}

export type AuthenticationStep =
  /** The client is to send more; `data` goes to it in AUTH. */
  | { readonly result: 'continue'; readonly data?: Uint8Array }
  /**
   * The client is who it says it is; `data` goes to it in CONNACK or AUTH. One who authenticates again has to be the same user,
   * and what is said of it then takes the place of what was said before, its end included.
   */
  | ({ readonly result: 'success'; readonly data?: Uint8Array } & ProvedUser)
  /** It is not; the reason code is 0x80 or above, Not Authorized if absent. */
  | { readonly result: 'refuse'; readonly reasonCode?: number; readonly why?: string };
