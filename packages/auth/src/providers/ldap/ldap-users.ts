import type { Entry } from 'ldapts';
import { readSecretFile } from '../files.ts';
import { ProviderOptionError } from '../option-error.ts';
import { Template } from '../template.ts';
import type { Directory, DirectoryConnection } from './directory.ts';
import { dnText, filterText } from './escape.ts';
import type { LdapOptions, LdapUserOptions } from './ldap-options.ts';
import type { Seat } from './seats.ts';

/** Groups of one user. */
const GROUPS_MAX = 1000;

/** Who wants to be somebody. */
export interface LdapClaimant {
  readonly userName: string;
  readonly clientId: string;
  /** Not empty. */
  readonly password: string;
}

export type LdapVerdict =
  | { readonly result: 'right'; readonly userName: string; readonly groups: readonly string[] }
  | { readonly result: 'wrong'; readonly why: string }
  | { readonly result: 'unknown' };

type SearchedUser = LdapUserOptions & { readonly kind: 'search' };

/** Asks a directory whether users are who they say, and for their names and groups. */
export class LdapUsers {
  readonly #directory: Directory;
  readonly #options: LdapOptions;
  /** The name of the user's entry, or the filter by which it is found. */
  readonly #user: Template;
  readonly #groups: Template | null;
  /** Null where the broker has no account, or none is needed. */
  readonly #account: { readonly dn: string; readonly password: string } | null;

  /** @throws {ProviderOptionError} */
  constructor(directory: Directory, options: LdapOptions) {
    const { user, groups } = options;
    this.#directory = directory;
    this.#options = options;
    const client = ['username', 'clientid'];
    if (user.kind === 'dn') {
      this.#user = templateOf('user-dn', user.userDn, client);
      // Else a user could be called as a mechanism of SASL is.
      if (!/=/.test(user.userDn.replace(/\$\{[^}]*\}/g, ''))) {
        throw new ProviderOptionError(
          'user-dn',
          'it takes a name such as uid=${username},ou=people',
        );
      }
      this.#account = null;
    } else {
      this.#user = filterOf('filter', user.filter, client);
      this.#account = accountOf(user);
    }
    if (!this.#user.placeholders.includes('username')) {
      const option = user.kind === 'dn' ? 'user-dn' : 'filter';
      throw new ProviderOptionError(option, 'without ${username} it is the same for every user');
    }
    this.#groups =
      groups === null ? null : filterOf('group-filter', groups.filter, ['dn', 'username']);
  }

  /** @throws whatever keeps it from being known */
  async check(claimant: LdapClaimant, seat: Seat): Promise<LdapVerdict> {
    const { user } = this.#options;
    return user.kind === 'dn'
      ? this.#checkByName(claimant, seat)
      : this.#checkBySearch(claimant, user, seat);
  }

  async #checkByName(claimant: LdapClaimant, seat: Seat): Promise<LdapVerdict> {
    const dn = this.#user.fill(valuesOf(claimant), dnText);
    if (dn === null) return { result: 'unknown' };
    const connection = await this.#userConnection(seat);
    if (!(await connection.bind(dn, claimant.password))) return WRONG;
    const entries = await connection.search(dn, {
      scope: 'base',
      filter: '(objectClass=*)',
      attributes: [this.#options.userNameAttribute],
      sizeLimit: 1,
    });
    const [entry] = entries;
    if (entry === undefined) {
      throw new Error(`a user may not read ${this.#options.userNameAttribute} of its own entry`);
    }
    return this.#describe(entry, claimant, connection);
  }

  async #checkBySearch(
    claimant: LdapClaimant,
    user: SearchedUser,
    seat: Seat,
  ): Promise<LdapVerdict> {
    const filter = this.#user.fill(valuesOf(claimant), filterText);
    if (filter === null) return { result: 'unknown' };
    const reader = await this.#readerConnection(seat);
    const entries = await reader.search(user.baseDn, {
      scope: user.scope,
      filter,
      attributes: [this.#options.userNameAttribute],
      sizeLimit: 2,
    });
    const [entry, another] = entries;
    if (entry === undefined) return { result: 'unknown' };
    if (another !== undefined) {
      return { result: 'wrong', why: 'several entries of the directory are meant' };
    }
    const connection = await this.#userConnection(seat);
    if (!(await connection.bind(entry.dn, claimant.password))) return WRONG;
    return this.#describe(entry, claimant, reader);
  }

  async #describe(
    entry: Entry,
    { userName: asked }: LdapClaimant,
    connection: DirectoryConnection,
  ): Promise<LdapVerdict> {
    const { userNameAttribute, groups } = this.#options;
    const userName = nameOf(textsOf(entry, userNameAttribute), asked);
    if (userName === null) {
      throw new Error(`the entry of a user has no ${userNameAttribute} that can be read`);
    }
    if (groups === null || this.#groups === null) return { result: 'right', userName, groups: [] };
    const values = new Map([
      ['dn', entry.dn],
      ['username', userName],
    ]);
    const found = await connection.search(groups.baseDn, {
      scope: groups.scope,
      filter: this.#groups.fill((name) => values.get(name) ?? null, filterText) as string,
      attributes: [groups.nameAttribute],
      sizeLimit: GROUPS_MAX,
    });
    const names = found.flatMap((group) => textsOf(group, groups.nameAttribute));
    return { result: 'right', userName, groups: [...new Set(names)].slice(0, GROUPS_MAX) };
  }

  async #userConnection(seat: Seat): Promise<DirectoryConnection> {
    if (seat.user?.isOpen === true) return seat.user;
    seat.user?.close();
    const connection = await this.#directory.open();
    // Whoever ends what this is for ends it, too.
    seat.user = connection;
    await connection.connect();
    return connection;
  }

  async #readerConnection(seat: Seat): Promise<DirectoryConnection> {
    if (seat.reader?.isOpen === true) return seat.reader;
    seat.reader?.close();
    const connection = await this.#directory.open();
    seat.reader = connection;
    await connection.connect();
    const account = this.#account;
    if (account !== null && !(await connection.bind(account.dn, account.password))) {
      connection.close();
      throw new Error(`the directory doesn't let ${account.dn} in (bind-dn, bind-password-file)`);
    }
    return connection;
  }
}

const WRONG: LdapVerdict = {
  result: 'wrong',
  why: 'the directory says that the password is wrong',
};

function valuesOf({ userName, clientId }: LdapClaimant): (name: string) => string | null {
  // Nothing would be nobody's, or everybody's.
  return (name) => (name === 'username' ? userName : clientId) || null;
}

/** The texts of an attribute. */
function textsOf(entry: Entry, attribute: string): string[] {
  const name = Object.keys(entry).find((key) => key.toLowerCase() === attribute.toLowerCase());
  const value = name === undefined ? [] : entry[name];
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((text): text is string => typeof text === 'string' && text !== '');
}

/**
 * Which of a user's names is meant: the one that was asked for but for its spelling, else the first. It is the directory's spelling, so that
 * one user is not several here.
 */
function nameOf(names: readonly string[], asked: string): string | null {
  const folded = asked.trim().toLowerCase();
  const meant = names.find((name) => name.toLowerCase() === folded);
  return meant ?? [...names].sort()[0] ?? null;
}

function accountOf(user: SearchedUser): { readonly dn: string; readonly password: string } | null {
  const { bindDn, bindPasswordFile } = user;
  if ((bindDn === null) !== (bindPasswordFile === null)) {
    throw new ProviderOptionError('bind-dn', 'it goes with bind-password-file');
  }
  if (bindDn === null || bindPasswordFile === null) return null;
  if (!/[=@\\]/.test(bindDn)) {
    throw new ProviderOptionError('bind-dn', 'it takes a name such as cn=reader,dc=example,dc=org');
  }
  return { dn: bindDn, password: readSecretFile('bind-password-file', bindPasswordFile) };
}

function filterOf(option: string, text: string, placeholders: readonly string[]): Template {
  if (!text.startsWith('(') || !text.endsWith(')')) {
    throw new ProviderOptionError(option, 'it takes a filter such as (uid=${username})');
  }
  return templateOf(option, text, placeholders);
}

function templateOf(option: string, text: string, placeholders: readonly string[]): Template {
  try {
    return new Template(text, placeholders);
  } catch (error) {
    throw new ProviderOptionError(option, (error as Error).message);
  }
}
