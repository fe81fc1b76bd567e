/** How the entry of a user is found. */
export type LdapUserOptions =
  /** By its name: the user binds to it at once. */
  | {
      readonly kind: 'dn';
      /** With `${username}` and `${clientid}`, such as `uid=${username},ou=people,dc=example,dc=org`. */
      readonly userDn: string;
    }
  /** By a search for it, as an account of the broker's own; the user binds to what was found. */
  | {
      readonly kind: 'search';
      /** Null: the search is anonymous. */
      readonly bindDn: string | null;
      /** A file with the password of `bindDn`; null where that is null. */
      readonly bindPasswordFile: string | null;
      readonly baseDn: string;
      readonly scope: 'base' | 'one' | 'sub';
      /** With `${username}` and `${clientid}`, such as `(&(objectClass=inetOrgPerson)(uid=${username}))`. */
      readonly filter: string;
    };

/** How the groups of a user are found: by a search for them, as whoever read its entry. */
export interface LdapGroupOptions {
  readonly baseDn: string;
  readonly scope: 'one' | 'sub';
  /** With `${dn}`, the name of the user's entry, and `${username}`, such as `(member=${dn})`. */
  readonly filter: string;
  /** What of a group's entry is its name. */
  readonly nameAttribute: string;
}

export interface LdapOptions {
  /** `ldap://HOST:PORT` or `ldaps://HOST:PORT`. */
  readonly url: string;
  /** Whether a connection by `ldap://` is encrypted before anything else is sent (RFC 4511, 4.14). */
  readonly usesStartTls: boolean;
  /** A file of certificates in PEM to be trusted instead of the system's; null for those. */
  readonly caFile: string | null;
  readonly user: LdapUserOptions;
  /** What of the user's entry is its name here: directories find users by other spellings, too. */
  readonly userNameAttribute: string;
  /** Null: users have no groups. */
  readonly groups: LdapGroupOptions | null;
  /** Roles that the members of a group have, by its name. */
  readonly roles: Readonly<Record<string, string>>;
  /** Whose members may do everything; null: nobody may. */
  readonly superuserGroup: string | null;
  /** After which time a client has to prove again who it is, in milliseconds; Infinity: never, as long as it is connected. */
  readonly validFor: number;
  /** Milliseconds for all that is asked about one client. */
  readonly timeout: number;
  /** Clients that are asked about at the same time, each with up to two connections. */
  readonly concurrentMax: number;
  /** Clients that wait for that. */
  readonly waitingMax: number;
}

/** What is so where a configuration says nothing else. */
export const LDAP_DEFAULTS = {
  usesStartTls: false,
  caFile: null,
  userNameAttribute: 'uid',
  groups: null,
  roles: {},
  superuserGroup: null,
  validFor: Number.POSITIVE_INFINITY,
  timeout: 5000,
  concurrentMax: 4,
  waitingMax: 1000,
} as const satisfies Omit<LdapOptions, 'url' | 'user'>;
