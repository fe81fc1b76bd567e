import type { AclRule } from './acl/acl-rule.ts';

/** Who a client has proved to be, and what goes with it. */
export interface ProvedUser {
  /** Rules and sessions are by user. By default the user name of the client's credentials. Null: nobody. */
  readonly userName?: string | null;
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
  /** Whatever the provider wants to see again in `mayStay`. */
  readonly ticket?: unknown;
}
