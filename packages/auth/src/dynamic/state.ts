/** Kinds of entries of a role, in the order in which they are listed. */
export const ACL_TYPES = [
  'publishClientSend',
  'publishClientReceive',
  'subscribeLiteral',
  'subscribePattern',
  'unsubscribeLiteral',
  'unsubscribePattern',
] as const;

export type AclType = (typeof ACL_TYPES)[number];

/** What is allowed or denied where no role says anything, in the order in which it is listed. */
export const DEFAULT_TYPES = [
  'publishClientSend',
  'publishClientReceive',
  'subscribe',
  'unsubscribe',
] as const;

export type DefaultType = (typeof DEFAULT_TYPES)[number];

/** One entry of a role. */
export interface AclEntry {
  /** A topic filter, with %c and %u as whole levels; of a literal type, the filter itself that is subscribed. */
  readonly topic: string;
  /** The highest that matches decides. */
  readonly priority: number;
  readonly isAllowed: boolean;
}

/** What each of the three kinds can say of itself. */
export interface Texts {
  textName: string | null;
  textDescription: string | null;
}

export interface Role extends Texts {
  readonly name: string;
  /** Whether who has this role may subscribe with wildcards, as far as its entries allow it. */
  allowsWildcards: boolean;
  /** By type, each in the order of falling priority. */
  entries: Map<AclType, readonly AclEntry[]>;
  /** Who has it: user names, and names of groups. */
  readonly clients: Set<string>;
  readonly groups: Set<string>;
}

/** By name of the role: its priority. */
export type RoleList = Map<string, number>;

export interface Group extends Texts {
  readonly name: string;
  roles: RoleList;
  /** User names. Which priority the group has for one is with that client. */
  readonly clients: Set<string>;
}

/** A user; mosquitto's word for it is client. */
export interface Client extends Texts {
  readonly userName: string;
  /** As in a password file; null where nobody can connect as this user. */
  password: string | null;
  /** The only client identifier that the user may have; null for any. */
  clientId: string | null;
  isDisabled: boolean;
  roles: RoleList;
  /** By name of the group: its priority. */
  readonly groups: Map<string, number>;
}

/** What has changed: of which kind, and its name. */
export type ChangedKey = `client/${string}` | `group/${string}` | `role/${string}` | 'settings';

/** Of the same priority, by name. */
function byPriority(
  [nameA, priorityA]: readonly [string, number],
  [nameB, priorityB]: readonly [string, number],
): number {
  return priorityB - priorityA || (nameA < nameB ? -1 : 1);
}

/** In the order in which they are asked: falling priority, then the names. */
export function inOrder(list: ReadonlyMap<string, number>): (readonly [string, number])[] {
  return [...list].sort(byPriority);
}

/**
 * Users, groups and roles, as commands change them. Whatever is changed here is noted: what is to be written, and for whom something
 * may be different now.
 *
 * Invariant: who names a role or a group is named by it, and all that are named are there.
 */
export class DynamicState {
  readonly clients: Map<string, Client>;
  readonly groups: Map<string, Group>;
  readonly roles: Map<string, Role>;
  readonly defaults: Map<DefaultType, boolean>;
  anonymousGroup: string | null;
  /** How often something was changed. */
  changeIndex: number;
  readonly #changed: Set<ChangedKey>;
  #affected: Set<string | null>;
  #areAllAffected: boolean;

  constructor() {
    this.clients = new Map();
    this.groups = new Map();
    this.roles = new Map();
    this.defaults = new Map([
      ['publishClientSend', false],
      ['publishClientReceive', true],
      ['subscribe', false],
      ['unsubscribe', true],
    ]);
    this.anonymousGroup = null;
    this.changeIndex = 0;
    this.#changed = new Set();
    this.#affected = new Set();
    this.#areAllAffected = false;
  }

  get objectCount(): number {
    return this.clients.size + this.groups.size + this.roles.size;
  }

  // -------------------------------------------------------------------- what has changed

  /** A command has changed something. */
  noteChange(key: ChangedKey): void {
    this.#changed.add(key);
    this.#changed.add('settings');
    this.changeIndex++;
  }

  /** The same change concerns a further object. */
  noteAlso(key: ChangedKey): void {
    this.#changed.add(key);
  }

  /** What a user may do can be different now; null is everyone without a user name. */
  affect(userName: string | null): void {
    this.#affected.add(userName);
  }

  affectAll(): void {
    this.#areAllAffected = true;
  }

  affectGroup(group: Group): void {
    if (group.name === this.anonymousGroup) this.affect(null);
    for (const userName of group.clients) this.affect(userName);
  }

  affectRole(role: Role): void {
    for (const userName of role.clients) this.affect(userName);
    for (const name of role.groups) {
      const group = this.groups.get(name);
      if (group !== undefined) this.affectGroup(group);
    }
  }

  /** What has changed since the last call. */
  takeChanged(): ChangedKey[] {
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  /** For whom something may have changed since the last call; null for everyone. */
  takeAffected(): ReadonlySet<string | null> | null {
    const affected = this.#areAllAffected ? null : this.#affected;
    this.#affected = new Set();
    this.#areAllAffected = false;
    return affected;
  }

  // ------------------------------------------------------------------------------- links

  setClientRoles(client: Client, roles: RoleList): void {
    for (const name of client.roles.keys()) this.roles.get(name)?.clients.delete(client.userName);
    client.roles = roles;
    for (const name of roles.keys()) this.roles.get(name)?.clients.add(client.userName);
  }

  setGroupRoles(group: Group, roles: RoleList): void {
    for (const name of group.roles.keys()) this.roles.get(name)?.groups.delete(group.name);
    group.roles = roles;
    for (const name of roles.keys()) this.roles.get(name)?.groups.add(group.name);
  }

  addToGroup(client: Client, group: Group, priority: number): void {
    client.groups.set(group.name, priority);
    group.clients.add(client.userName);
  }

  removeFromGroup(client: Client, name: string): void {
    client.groups.delete(name);
    this.groups.get(name)?.clients.delete(client.userName);
  }

  addClient(client: Client): void {
    this.clients.set(client.userName, client);
  }

  removeClient(client: Client): void {
    this.setClientRoles(client, new Map());
    for (const name of [...client.groups.keys()]) this.removeFromGroup(client, name);
    this.clients.delete(client.userName);
  }

  removeGroup(group: Group): void {
    for (const userName of [...group.clients]) {
      const client = this.clients.get(userName);
      if (client !== undefined) this.removeFromGroup(client, group.name);
    }
    this.setGroupRoles(group, new Map());
    this.groups.delete(group.name);
  }

  removeRole(role: Role): void {
    for (const userName of role.clients) this.clients.get(userName)?.roles.delete(role.name);
    for (const name of role.groups) this.groups.get(name)?.roles.delete(role.name);
    this.roles.delete(role.name);
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    for (const { userName, roles, groups } of this.clients.values()) {
      for (const name of roles.keys())
        invariant(this.roles.get(name)?.clients.has(userName), `role ${name}`);
      for (const name of groups.keys())
        invariant(this.groups.get(name)?.clients.has(userName), `group ${name}`);
    }
    for (const { name, roles, clients } of this.groups.values()) {
      for (const role of roles.keys())
        invariant(this.roles.get(role)?.groups.has(name), `role ${role} of group ${name}`);
      for (const userName of clients)
        invariant(this.clients.get(userName)?.groups.has(name), `${userName} in ${name}`);
    }
    for (const { name, clients, groups } of this.roles.values()) {
      for (const userName of clients)
        invariant(this.clients.get(userName)?.roles.has(name), `${userName} with ${name}`);
      for (const group of groups)
        invariant(this.groups.get(group)?.roles.has(name), `group ${group} with ${name}`);
    }
    const { anonymousGroup } = this;
    invariant(anonymousGroup === null || this.groups.has(anonymousGroup), 'the anonymous group');
  }
}

function invariant(holds: boolean | undefined, what: string): void {
  if (holds !== true) throw new Error(`dynamic security: ${what} is named on one side only`);
}

export function newRole(name: string): Role {
  return {
    name,
    textName: null,
    textDescription: null,
    allowsWildcards: true,
    entries: new Map(),
    clients: new Set(),
    groups: new Set(),
  };
}

export function newGroup(name: string): Group {
  return { name, textName: null, textDescription: null, roles: new Map(), clients: new Set() };
}

export function newClient(userName: string): Client {
  return {
    userName,
    password: null,
    clientId: null,
    textName: null,
    textDescription: null,
    isDisabled: false,
    roles: new Map(),
    groups: new Map(),
  };
}
