import { readEntries } from './commands/acls.ts';
import {
  fieldOf,
  flagOf,
  isName,
  isObject,
  type JsonObject,
  priorityOf,
  textOf,
  wholeNumberOf,
} from './commands/fields.ts';
import { membersOf } from './commands/group-commands.ts';
import { PRIORITY, shownList, shownTexts } from './commands/lists.ts';
import { shownRole } from './commands/role-commands.ts';
import {
  type ChangedKey,
  type Client,
  DEFAULT_TYPES,
  type DynamicState,
  type Group,
  newClient,
  newGroup,
  newRole,
  type Texts,
} from './state.ts';

/*
 * What is kept of the state: a document for each user, group and role, and one for the rest, by its key. Each is JSON, and has the
 * fields that dynamic-security.json of mosquitto has for the same:
 *
 *   client/NAME  username, clientid, textname, textdescription, disabled, encoded_password (as in a password file),
 *                roles [{rolename, priority}], groups [{groupname, priority}]
 *   group/NAME   groupname, textname, textdescription, roles
 *   role/NAME    rolename, textname, textdescription, allowwildcardsubs, acls [{acltype, topic, priority, allow}]
 *   settings     changeIndex, defaultACLAccess, anonymousGroup
 *
 * Fields that mosquitto leaves out are left out here, too. A field that this version doesn't know is passed over.
 */

/** One document; null where there is none any more. */
export type DocumentChange = readonly [key: string, document: JsonObject | null];

/** The document of an object as it is now; null when it isn't there. */
export function documentOf(state: DynamicState, key: ChangedKey): JsonObject | null {
  if (key === 'settings') return settingsDocument(state);
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  switch (key.slice(0, slash)) {
    case 'client': {
      const client = state.clients.get(name);
      return client === undefined ? null : clientDocument(client);
    }
    case 'group': {
      const group = state.groups.get(name);
      return group === undefined ? null : groupDocument(group);
    }
    default: {
      const role = state.roles.get(name);
      return role === undefined ? null : shownRole(role);
    }
  }
}

function clientDocument(client: Client): JsonObject {
  const { userName, clientId, isDisabled, password, roles, groups } = client;
  return {
    username: userName,
    ...(clientId === null ? {} : { clientid: clientId }),
    ...shownTexts(client),
    ...(isDisabled ? { disabled: true } : {}),
    ...(password === null ? {} : { encoded_password: password }),
    roles: shownList(roles, 'rolename'),
    groups: shownList(groups, 'groupname'),
  };
}

function groupDocument(group: Group): JsonObject {
  return {
    groupname: group.name,
    ...shownTexts(group),
    roles: shownList(group.roles, 'rolename'),
  };
}

function settingsDocument({ changeIndex, defaults, anonymousGroup }: DynamicState): JsonObject {
  return {
    changeIndex,
    defaultACLAccess: Object.fromEntries(
      DEFAULT_TYPES.map((type) => [type, defaults.get(type) === true]),
    ),
    ...(anonymousGroup === null ? {} : { anonymousGroup }),
  };
}

/** All of it, as mosquitto keeps it in its file. */
export function wholeDocument(state: DynamicState): JsonObject {
  const { anonymousGroup, ...settings } = settingsDocument(state);
  return {
    ...settings,
    clients: Array.from(state.clients.values(), (client) => {
      const { groups, ...rest } = clientDocument(client);
      return rest;
    }),
    groups: Array.from(state.groups.values(), (group) => ({
      ...groupDocument(group),
      clients: membersOf(state, group).map(([username, priority]) => ({
        username,
        ...(priority === PRIORITY ? {} : { priority }),
      })),
    })),
    roles: Array.from(state.roles.values(), shownRole),
    ...(anonymousGroup === undefined ? {} : { anonymousGroup }),
  };
}

/**
 * Adds what documents say to a state.
 *
 * @param documents - in any order, as `documentOf` made them; parts of names that aren't there are passed over
 * @throws {Error} when one isn't what it has to be
 */
export function restoreDocuments(
  state: DynamicState,
  documents: Iterable<readonly [key: string, document: unknown]>,
): void {
  const clients: JsonObject[] = [];
  const groups: JsonObject[] = [];
  let settings: JsonObject | null = null;
  for (const [key, document] of documents) {
    if (!isObject(document)) throw new Error(`${key} is no JSON object`);
    if (key === 'settings') settings = document;
    else if (key.startsWith('client/')) clients.push(document);
    else if (key.startsWith('group/')) groups.push(document);
    else if (key.startsWith('role/')) restoreRole(state, document, key);
    else throw new Error(`${key} is nothing that this version knows`);
  }
  // Who is named comes first.
  for (const group of groups) restoreGroup(state, group, `group ${textOf(group, 'groupname')}`);
  for (const client of clients)
    restoreClient(state, client, `client ${textOf(client, 'username')}`);
  if (settings !== null) restoreSettings(state, settings);
}

/**
 * Adds what a file of mosquitto's dynamic security says to an empty state. All of it counts as changed.
 *
 * @param text - JSON
 * @throws {Error} when it is something else; its message says where, and has no secret in it
 */
export function importWhole(state: DynamicState, text: string): void {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch (error) {
    throw new Error('it is no JSON', { cause: error });
  }
  if (!isObject(whole)) throw new Error('it is no JSON object');
  for (const [index, role] of items(whole, 'roles')) restoreRole(state, role, `roles[${index}]`);
  const groups = items(whole, 'groups');
  for (const [index, group] of groups) restoreGroup(state, group, `groups[${index}]`);
  for (const [index, client] of items(whole, 'clients')) {
    restoreClient(state, client, `clients[${index}]`);
  }
  for (const [, group] of groups) importMembers(state, group);
  restoreSettings(state, whole);
  for (const name of state.roles.keys()) state.noteChange(`role/${name}`);
  for (const name of state.groups.keys()) state.noteChange(`group/${name}`);
  for (const name of state.clients.keys()) state.noteChange(`client/${name}`);
  state.noteChange('settings');
  state.affectAll();
}

function items(whole: JsonObject, field: string): [number, JsonObject][] {
  const list = fieldOf(whole, field);
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new Error(`${field} is no list`);
  return list.map((item, index) => {
    if (!isObject(item)) throw new Error(`${field}[${index}] is no JSON object`);
    return [index, item];
  });
}

function nameOf(object: JsonObject, field: string, where: string): string {
  const name = textOf(object, field) ?? '';
  if (name === '' || !isName(name)) throw new Error(`${where}: ${field} takes a name`);
  return name;
}

function textsOf(object: JsonObject): Texts {
  return {
    textName: textOf(object, 'textname') ?? null,
    textDescription: textOf(object, 'textdescription') ?? null,
  };
}

/** Names that are there, with their priorities. */
function listed(
  object: JsonObject,
  list: string,
  field: string,
  known: { has(name: string): boolean },
): Map<string, number> {
  const all = new Map<string, number>();
  const found = fieldOf(object, list);
  for (const item of Array.isArray(found) ? found : []) {
    const name = isObject(item) ? textOf(item, field) : undefined;
    if (name === undefined || !known.has(name) || all.has(name)) continue;
    all.set(name, priorityOf(item, PRIORITY));
  }
  return all;
}

function restoreRole(state: DynamicState, object: JsonObject, where: string): void {
  const name = nameOf(object, 'rolename', where);
  if (state.roles.has(name)) return;
  const role = Object.assign(newRole(name), textsOf(object));
  role.allowsWildcards = flagOf(object, 'allowwildcardsubs', true);
  try {
    role.entries = readEntries(object) ?? new Map();
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
  state.roles.set(name, role);
}

function restoreGroup(state: DynamicState, object: JsonObject, where: string): void {
  const name = nameOf(object, 'groupname', where);
  if (state.groups.has(name)) return;
  const group = Object.assign(newGroup(name), textsOf(object));
  state.groups.set(name, group);
  state.setGroupRoles(group, listed(object, 'roles', 'rolename', state.roles));
}

function restoreClient(state: DynamicState, object: JsonObject, where: string): void {
  const userName = nameOf(object, 'username', where);
  if (state.clients.has(userName)) return;
  const client = Object.assign(newClient(userName), textsOf(object));
  const clientId = textOf(object, 'clientid') ?? '';
  client.clientId = clientId === '' ? null : clientId;
  client.isDisabled = flagOf(object, 'disabled', false);
  client.password = passwordOf(object);
  state.addClient(client);
  state.setClientRoles(client, listed(object, 'roles', 'rolename', state.roles));
  for (const [name, priority] of listed(object, 'groups', 'groupname', state.groups)) {
    const group = state.groups.get(name);
    if (group !== undefined) state.addToGroup(client, group, priority);
  }
}

/** As in a password file. mosquitto 2.0 has hash, salt and iterations of PBKDF2 with SHA-512 in fields of their own. */
function passwordOf(object: JsonObject): string | null {
  const encoded = textOf(object, 'encoded_password');
  if (encoded !== undefined) return encoded;
  const hash = textOf(object, 'password');
  const salt = textOf(object, 'salt');
  const iterations = wholeNumberOf(object, 'iterations', 0);
  if (hash === undefined || salt === undefined || iterations <= 0) return null;
  return `$7$${iterations}$${salt}$${hash}`;
}

function importMembers(state: DynamicState, object: JsonObject): void {
  const group = state.groups.get(textOf(object, 'groupname') ?? '');
  if (group === undefined) return;
  for (const [userName, priority] of listed(object, 'clients', 'username', state.clients)) {
    const client = state.clients.get(userName);
    if (client !== undefined && !group.clients.has(userName)) {
      state.addToGroup(client, group, priority);
    }
  }
}

function restoreSettings(state: DynamicState, object: JsonObject): void {
  state.changeIndex = Math.max(0, wholeNumberOf(object, 'changeIndex', 0));
  const defaults = fieldOf(object, 'defaultACLAccess');
  if (isObject(defaults)) {
    for (const type of DEFAULT_TYPES) state.defaults.set(type, flagOf(defaults, type, false));
  }
  const name = textOf(object, 'anonymousGroup');
  state.anonymousGroup = name !== undefined && state.groups.has(name) ? name : null;
}
