import { type Client, type DynamicState, type Group, newGroup } from '../state.ts';
import { clientOf, neededRoleName, neededUserName } from './client-commands.ts';
import { type CommandHandler, changedTexts, checkRoom, newTexts } from './command.ts';
import { CommandError } from './command-error.ts';
import { checkName, type JsonObject, neededText, priorityOf } from './fields.ts';
import { PRIORITY, readPriorities, readRoles, shownList, shownPage, shownTexts } from './lists.ts';

const neededGroupName = (command: JsonObject): string =>
  checkName(
    neededText(command, 'groupname', 'Invalid/missing groupname'),
    'Group name not valid UTF-8',
  );

function groupOf(state: DynamicState, name: string): Group {
  const group = state.groups.get(name);
  if (group === undefined) throw new CommandError('Group not found');
  return group;
}

const createGroup: CommandHandler = (state, command, tools) => {
  const name = neededText(command, 'groupname', 'Invalid/missing groupname');
  if (name === '') throw new CommandError('Empty groupname');
  checkName(name, 'Group name not valid UTF-8');
  const texts = newTexts(command);
  if (state.groups.has(name)) throw new CommandError('Group already exists');
  checkRoom(state, tools);
  const roles = readRoles(state, command) ?? new Map<string, number>();
  const group = Object.assign(newGroup(name), texts);
  state.groups.set(name, group);
  state.setGroupRoles(group, roles);
  state.noteChange(`group/${name}`);
  return undefined;
};

const deleteGroup: CommandHandler = (state, command) => {
  const group = groupOf(state, neededGroupName(command));
  if (group.name === state.anonymousGroup) {
    throw new CommandError('Deleting the anonymous group is forbidden');
  }
  state.affectGroup(group);
  noteMembers(state, group);
  state.removeGroup(group);
  state.noteChange(`group/${group.name}`);
  return undefined;
};

/** Who is in which group is written with the clients. */
function noteMembers(state: DynamicState, group: Group): void {
  for (const userName of group.clients) state.noteAlso(`client/${userName}`);
}

const modifyGroup: CommandHandler = (state, command) => {
  const group = groupOf(state, neededGroupName(command));
  const texts = changedTexts(command, group);
  const roles = readRoles(state, command);
  const clients = readPriorities(command, 'clients', 'username', (userName) => {
    if (userName === undefined) {
      throw new CommandError("'clients' contains an object with an invalid 'username'");
    }
    if (!state.clients.has(userName)) {
      throw new CommandError("'clients' contains an object with a 'username' that does not exist");
    }
  });
  state.affectGroup(group);
  Object.assign(group, texts);
  if (roles !== null) state.setGroupRoles(group, roles);
  if (clients !== null) setMembers(state, group, clients);
  state.affectGroup(group);
  state.noteChange(`group/${group.name}`);
  return undefined;
};

function setMembers(state: DynamicState, group: Group, members: ReadonlyMap<string, number>): void {
  noteMembers(state, group);
  for (const userName of [...group.clients]) {
    state.removeFromGroup(state.clients.get(userName) as Client, group.name);
  }
  for (const [userName, priority] of members) {
    state.addToGroup(state.clients.get(userName) as Client, group, priority);
  }
  noteMembers(state, group);
}

const addGroupClient: CommandHandler = (state, command) => {
  const userName = neededUserName(command);
  const name = neededGroupName(command);
  const client = clientOf(state, userName);
  const group = groupOf(state, name);
  if (group.clients.has(userName)) throw new CommandError('Client is already in this group');
  state.addToGroup(client, group, priorityOf(command, PRIORITY));
  state.noteChange(`client/${userName}`);
  state.affect(userName);
  return undefined;
};

const removeGroupClient: CommandHandler = (state, command) => {
  const userName = neededUserName(command);
  const name = neededGroupName(command);
  const client = clientOf(state, userName);
  state.removeFromGroup(client, groupOf(state, name).name);
  state.noteChange(`client/${userName}`);
  state.affect(userName);
  return undefined;
};

const addGroupRole: CommandHandler = (state, command) => {
  const groupName = neededGroupName(command);
  const name = neededRoleName(command);
  const group = groupOf(state, groupName);
  if (!state.roles.has(name)) throw new CommandError('Role not found');
  if (group.roles.has(name)) throw new CommandError('Group is already in this role');
  state.setGroupRoles(group, new Map([...group.roles, [name, priorityOf(command, PRIORITY)]]));
  state.noteChange(`group/${groupName}`);
  state.affectGroup(group);
  return undefined;
};

const removeGroupRole: CommandHandler = (state, command) => {
  const groupName = neededGroupName(command);
  const name = neededRoleName(command);
  const group = groupOf(state, groupName);
  if (!state.roles.has(name)) throw new CommandError('Role not found');
  state.setGroupRoles(group, new Map([...group.roles].filter(([role]) => role !== name)));
  state.noteChange(`group/${groupName}`);
  state.affectGroup(group);
  return undefined;
};

const setAnonymousGroup: CommandHandler = (state, command) => {
  state.anonymousGroup = groupOf(state, neededGroupName(command)).name;
  state.noteChange('settings');
  state.affect(null);
  return undefined;
};

const getAnonymousGroup: CommandHandler = (state) => ({
  group: { groupname: state.anonymousGroup ?? '' },
});

const getGroup: CommandHandler = (state, command) => ({
  group: shownGroup(state, groupOf(state, neededGroupName(command))),
});

const listGroups: CommandHandler = (state, command) => ({
  totalCount: state.groups.size,
  groups: shownPage(state.groups, command, (group) => shownGroup(state, group)),
});

function shownGroup(state: DynamicState, group: Group): JsonObject {
  return {
    groupname: group.name,
    ...shownTexts(group),
    clients: membersOf(state, group).map(([username]) => ({ username })),
    roles: shownList(group.roles, 'rolename'),
  };
}

/** User names with the priority that the group has for them, by name. */
export function membersOf(state: DynamicState, { name, clients }: Group): [string, number][] {
  return [...clients]
    .sort()
    .map((userName) => [userName, state.clients.get(userName)?.groups.get(name) ?? PRIORITY]);
}

export const GROUP_COMMANDS: Readonly<Record<string, CommandHandler>> = {
  addGroupClient,
  createGroup,
  deleteGroup,
  getGroup,
  listGroups,
  modifyGroup,
  removeGroupClient,
  addGroupRole,
  removeGroupRole,
  setAnonymousGroup,
  getAnonymousGroup,
};
