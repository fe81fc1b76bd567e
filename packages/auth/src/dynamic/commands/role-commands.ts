import { type AclType, type DynamicState, newRole, type Role } from '../state.ts';
import {
  aclTypeOf,
  checkTopic,
  entryOf,
  ROLE_ENTRIES_MAX,
  readEntries,
  shownEntries,
  withEntry,
} from './acls.ts';
import { neededRoleName } from './client-commands.ts';
import { type CommandHandler, changedTexts, checkRoom, newTexts } from './command.ts';
import { CommandError } from './command-error.ts';
import { checkName, fieldOf, flagOf, type JsonObject, neededText } from './fields.ts';
import { shownPage, shownTexts } from './lists.ts';

function roleOf(state: DynamicState, name: string, error = 'Role not found'): Role {
  const role = state.roles.get(name);
  if (role === undefined) throw new CommandError(error);
  return role;
}

const createRole: CommandHandler = (state, command, tools) => {
  const name = neededText(command, 'rolename', 'Invalid/missing rolename');
  if (name === '') throw new CommandError('Empty rolename');
  checkName(name, 'Role name not valid UTF-8');
  const texts = newTexts(command);
  const wildcards = fieldOf(command, 'allowwildcardsubs') ?? true;
  if (typeof wildcards !== 'boolean') throw new CommandError('Invalid allowwildcardsubs');
  if (state.roles.has(name)) throw new CommandError('Role already exists');
  checkRoom(state, tools);
  const entries = readEntries(command) ?? new Map();
  state.roles.set(
    name,
    Object.assign(newRole(name), texts, { allowsWildcards: wildcards, entries }),
  );
  state.noteChange(`role/${name}`);
  return undefined;
};

const deleteRole: CommandHandler = (state, command) => {
  const role = roleOf(state, neededRoleName(command));
  state.affectRole(role);
  for (const userName of role.clients) state.noteAlso(`client/${userName}`);
  for (const name of role.groups) state.noteAlso(`group/${name}`);
  state.removeRole(role);
  state.noteChange(`role/${role.name}`);
  return undefined;
};

const modifyRole: CommandHandler = (state, command) => {
  const role = roleOf(state, neededRoleName(command), 'Role does not exist');
  const texts = changedTexts(command, role);
  const entries = readEntries(command);
  Object.assign(role, texts);
  role.allowsWildcards = flagOf(command, 'allowwildcardsubs', role.allowsWildcards);
  if (entries !== null) role.entries = entries;
  state.affectRole(role);
  state.noteChange(`role/${role.name}`);
  return undefined;
};

const neededAclType = (command: JsonObject): AclType => {
  const type = aclTypeOf(neededText(command, 'acltype', 'Invalid/missing acltype'));
  if (type === null) throw new CommandError('Unknown acltype');
  return type;
};

const neededTopic = (command: JsonObject): string =>
  checkTopic(neededText(command, 'topic', 'Invalid/missing topic'));

const addRoleACL: CommandHandler = (state, command) => {
  const role = roleOf(state, neededRoleName(command));
  const type = neededAclType(command);
  const topic = neededTopic(command);
  const entries = withEntry(role.entries.get(type) ?? [], entryOf(command, topic));
  if (entries === null) throw new CommandError('ACL with this topic already exists');
  if (entries.length > ROLE_ENTRIES_MAX) throw new CommandError('Too many ACLs');
  role.entries.set(type, entries);
  state.affectRole(role);
  state.noteChange(`role/${role.name}`);
  return undefined;
};

const removeRoleACL: CommandHandler = (state, command) => {
  const role = roleOf(state, neededRoleName(command));
  const type = neededAclType(command);
  const topic = neededTopic(command);
  const entries = role.entries.get(type) ?? [];
  const left = entries.filter((entry) => entry.topic !== topic);
  if (left.length === entries.length) throw new CommandError('ACL not found');
  role.entries.set(type, left);
  state.affectRole(role);
  state.noteChange(`role/${role.name}`);
  return undefined;
};

const getRole: CommandHandler = (state, command) => ({
  role: shownRole(roleOf(state, neededRoleName(command))),
});

const listRoles: CommandHandler = (state, command) => ({
  totalCount: state.roles.size,
  roles: shownPage(state.roles, command, shownRole),
});

export function shownRole(role: Role): JsonObject {
  return {
    rolename: role.name,
    ...shownTexts(role),
    allowwildcardsubs: role.allowsWildcards,
    acls: shownEntries(role),
  };
}

export const ROLE_COMMANDS: Readonly<Record<string, CommandHandler>> = {
  createRole,
  getRole,
  listRoles,
  modifyRole,
  deleteRole,
  addRoleACL,
  removeRoleACL,
};
