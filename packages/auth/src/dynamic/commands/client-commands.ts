import { type Client, type DynamicState, newClient } from '../state.ts';
import {
  type CommandHandler,
  type CommandTools,
  changedTexts,
  checkRoom,
  newTexts,
} from './command.ts';
import { CommandError } from './command-error.ts';
import {
  checkName,
  type JsonObject,
  neededText,
  optionalText,
  priorityOf,
  textOf,
} from './fields.ts';
import { PRIORITY, readPriorities, readRoles, shownList, shownPage, shownTexts } from './lists.ts';

export const neededUserName = (command: JsonObject): string =>
  checkName(
    neededText(command, 'username', 'Invalid/missing username'),
    'Username not valid UTF-8',
  );

export const neededRoleName = (command: JsonObject): string =>
  checkName(
    neededText(command, 'rolename', 'Invalid/missing rolename'),
    'Role name not valid UTF-8',
  );

export function clientOf(state: DynamicState, userName: string): Client {
  const client = state.clients.get(userName);
  if (client === undefined) throw new CommandError('Client not found');
  return client;
}

/** Something about a user has changed that may be different for its connections. */
function changed(state: DynamicState, { userName }: Client): void {
  state.noteChange(`client/${userName}`);
  state.affect(userName);
}

/** An empty one stands for none. */
function clientIdOf(command: JsonObject, error: string): string | null {
  const clientId = optionalText(command, 'clientid', error);
  return clientId === null || clientId === ''
    ? null
    : checkName(clientId, 'Client ID not valid UTF-8');
}

const createClient: CommandHandler = (state, command, tools) => {
  const userName = neededText(command, 'username', 'Invalid/missing username');
  if (userName === '') throw new CommandError('Empty username');
  checkName(userName, 'Username not valid UTF-8');
  const password = optionalText(command, 'password', 'Invalid/missing password');
  const clientId = clientIdOf(command, 'Invalid/missing client id');
  const texts = newTexts(command);
  if (state.clients.has(userName)) throw new CommandError('Client already exists');
  checkRoom(state, tools);
  const roles = readRoles(state, command) ?? new Map<string, number>();
  const groups = readPriorities(command, 'groups', 'groupname', (name) => {
    if (name !== undefined && !state.groups.has(name)) throw new CommandError('Group not found');
  });
  const client = Object.assign(newClient(userName), texts, { clientId });
  // An empty password is none: nobody gets in with it.
  if (password !== null && password !== '') client.password = tools.hashOf(password);
  state.addClient(client);
  state.setClientRoles(client, roles);
  setGroups(state, client, groups ?? new Map());
  changed(state, client);
  return undefined;
};

function setGroups(state: DynamicState, client: Client, groups: ReadonlyMap<string, number>): void {
  for (const name of [...client.groups.keys()]) state.removeFromGroup(client, name);
  for (const [name, priority] of groups) {
    const group = state.groups.get(name);
    if (group !== undefined) state.addToGroup(client, group, priority);
  }
}

const deleteClient: CommandHandler = (state, command) => {
  const client = clientOf(state, neededText(command, 'username', 'Invalid/missing username'));
  state.removeClient(client);
  changed(state, client);
  return undefined;
};

const enable =
  (isDisabled: boolean): CommandHandler =>
  (state, command) => {
    const client = clientOf(state, neededUserName(command));
    client.isDisabled = isDisabled;
    changed(state, client);
    return undefined;
  };

const setClientId: CommandHandler = (state, command) => {
  const userName = neededUserName(command);
  const clientId = clientIdOf(command, 'Invalid/missing client ID');
  const client = clientOf(state, userName);
  client.clientId = clientId;
  changed(state, client);
  return undefined;
};

const setClientPassword: CommandHandler = (state, command, tools) => {
  const userName = neededUserName(command);
  const password = neededText(command, 'password', 'Invalid/missing password');
  if (password === '') throw new CommandError('Empty password is not allowed');
  const client = clientOf(state, userName);
  client.password = tools.hashOf(password);
  changed(state, client);
  return undefined;
};

const modifyClient: CommandHandler = (state, command, tools) => {
  const client = clientOf(state, neededUserName(command));
  const clientId = textOf(command, 'clientid');
  if (clientId !== undefined) checkName(clientId, 'Client ID not valid UTF-8');
  const password = textOf(command, 'password') ?? '';
  const texts = changedTexts(command, client);
  const roles = readRoles(state, command);
  const groups = readPriorities(command, 'groups', 'groupname', (name) => {
    if (name === undefined) {
      throw new CommandError("'groups' contains an object with an invalid 'groupname'");
    }
    if (!state.groups.has(name)) {
      throw new CommandError("'groups' contains an object with a 'groupname' that does not exist");
    }
  });
  if (password !== '') client.password = tools.hashOf(password);
  Object.assign(client, texts);
  if (clientId !== undefined) client.clientId = clientId === '' ? null : clientId;
  if (roles !== null) state.setClientRoles(client, roles);
  if (groups !== null) setGroups(state, client, groups);
  changed(state, client);
  return undefined;
};

const addClientRole: CommandHandler = (state, command) => {
  const userName = neededUserName(command);
  const name = neededRoleName(command);
  const client = clientOf(state, userName);
  if (!state.roles.has(name)) throw new CommandError('Role not found');
  if (client.roles.has(name)) throw new CommandError('Client is already in this role');
  state.setClientRoles(client, new Map([...client.roles, [name, priorityOf(command, PRIORITY)]]));
  changed(state, client);
  return undefined;
};

const removeClientRole: CommandHandler = (state, command) => {
  const userName = neededUserName(command);
  const name = neededRoleName(command);
  const client = clientOf(state, userName);
  if (!state.roles.has(name)) throw new CommandError('Role not found');
  state.setClientRoles(client, new Map([...client.roles].filter(([role]) => role !== name)));
  changed(state, client);
  return undefined;
};

const getClient: CommandHandler = (state, command, tools) => ({
  client: shownClient(clientOf(state, neededUserName(command)), tools),
});

const listClients: CommandHandler = (state, command, tools) => ({
  totalCount: state.clients.size,
  clients: shownPage(state.clients, command, (client) => shownClient(client, tools)),
});

function shownClient(client: Client, { addressesOf }: CommandTools): JsonObject {
  const { userName, clientId, isDisabled, roles, groups } = client;
  return {
    username: userName,
    ...(clientId === null ? {} : { clientid: clientId }),
    ...shownTexts(client),
    ...(isDisabled ? { disabled: true } : {}),
    roles: shownList(roles, 'rolename'),
    groups: shownList(groups, 'groupname'),
    connections: addressesOf(userName, clientId).map((address) => ({ address })),
  };
}

export const CLIENT_COMMANDS: Readonly<Record<string, CommandHandler>> = {
  createClient,
  deleteClient,
  getClient,
  listClients,
  modifyClient,
  setClientPassword,
  setClientId,
  addClientRole,
  removeClientRole,
  enableClient: enable(false),
  disableClient: enable(true),
};
