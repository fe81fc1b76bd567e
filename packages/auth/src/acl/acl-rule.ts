import type { CertificateFacts } from '../credentials.ts';

/**
 * What a client may be allowed or denied. `subscribe` is the SUBSCRIBE itself, `receive` what a subscription brings; whoever
 * means both names both (`SUBSCRIBING`). `unsubscribe` is allowed unless a rule or a default says otherwise.
 */
export type AclAction = 'publish' | 'subscribe' | 'receive' | 'unsubscribe';

/** What is meant where people say "subscribe": the SUBSCRIBE, and the messages that it brings. */
export const SUBSCRIBING: readonly AclAction[] = ['subscribe', 'receive'];

/** What is meant where people say "all". */
export const EVERY_ACTION: readonly AclAction[] = ['publish', 'subscribe', 'receive'];

/** A topic filter of a rule. */
export interface AclFilter {
  /**
   * With placeholders: `%u` and `${username}`, `%c` and `${clientid}`, and those of `placeholderFault`. Of a rule that allows,
   * a value that is empty or has `+`, `#` or `/` in it takes the filter away, and so does one that would begin it with `$`.
   */
  readonly filter: string;
  /**
   * For SUBSCRIBE: only this very filter, and none that it covers (EMQX's `eq`). What it lets through is received whole.
   * For PUBLISH: only this topic name, so that one with wildcards is nobody's.
   */
  readonly isLiteral?: boolean;
}

/** One rule: who, what, and whether it is allowed. */
export interface AclRule {
  readonly permission: 'allow' | 'deny';
  /** User names that were proved, exact or with `*` at the end; null or missing: everyone, also clients without a user. */
  readonly users?: readonly string[] | null;
  /** Whether it is only for clients without a proved user name. */
  readonly isAnonymous?: boolean;
  /** Client identifiers, exact or with `*` at the end; null or missing: every client. */
  readonly clients?: readonly string[] | null;
  /** Names of groups: the client is in one of them; null or missing: it needn't be. */
  readonly groups?: readonly string[] | null;
  /** Names of roles: the client has one of them; null or missing: it needn't. */
  readonly roles?: readonly string[] | null;
  /** Addresses and networks such as `10.0.0.0/8` and `fd00::/8`; null or missing: from anywhere. */
  readonly addresses?: readonly string[] | null;
  /** At least one. */
  readonly actions: readonly AclAction[];
  /** Null: every topic and filter, also those that begin with `$`. */
  readonly filters: readonly AclFilter[] | null;
  /**
   * Of the PUBLISH, or asked for by the SUBSCRIBE; null or missing: any. It isn't asked of what is received: there, a rule that
   * allows under this condition allows, and one that denies under it says nothing.
   */
  readonly qos?: readonly (0 | 1 | 2)[] | null;
  /** RETAIN of the PUBLISH; null or missing: either. It says nothing of other actions. */
  readonly retain?: boolean | null;
  /** Whether the filter of the SUBSCRIBE has a wildcard; null or missing: either. It says nothing of other actions. */
  readonly hasWildcard?: boolean | null;
  /**
   * A whole number from -2^30 to 2^30, 0 where it is missing. Of the rules that match, one of the highest rank decides; at the
   * same rank one that denies goes before one that allows.
   */
  readonly rank?: number;
  /** What people call it: `acl.yaml:12`, `claim acl, rule 3`. */
  readonly source: string;
}

/** Who wants to do something. */
export interface Identity {
  readonly clientId: string;
  /** Null when it was not proved. */
  readonly userName: string | null;
  /** Without port; missing where the client isn't connected: then rules for addresses don't allow, and do deny. */
  readonly address?: string | null;
  readonly certificate?: CertificateFacts | null;
  /** What a provider said of the client, by name. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly groups?: readonly string[];
  readonly roles?: readonly string[];
  /** May do everything. */
  readonly isSuperuser?: boolean;
}

/** What was decided, and why. */
export interface Decision {
  readonly isAllowed: boolean;
  /** The source of the rule that decided; null when none matched and the default did. */
  readonly rule: string | null;
}

/** What holds where no rule matches. */
export type AclDefaults = Readonly<Record<AclAction, 'allow' | 'deny'>>;

/** Nothing but what rules allow; to unsubscribe is no privilege. */
export const DENIED_BY_DEFAULT: AclDefaults = {
  publish: 'deny',
  subscribe: 'deny',
  receive: 'deny',
  unsubscribe: 'allow',
};

/** Everything but what rules deny. */
export const ALLOWED_BY_DEFAULT: AclDefaults = {
  publish: 'allow',
  subscribe: 'allow',
  receive: 'allow',
  unsubscribe: 'allow',
};
