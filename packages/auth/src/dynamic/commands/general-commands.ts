import { DEFAULT_TYPES } from '../state.ts';
import type { CommandHandler } from './command.ts';
import { CommandError } from './command-error.ts';
import { fieldOf, isObject, type JsonObject, textOf } from './fields.ts';

/** Entries of a type that there is none of are passed over, as mosquitto does. */
const setDefaultACLAccess: CommandHandler = (state, command) => {
  const list = fieldOf(command, 'acls');
  if (!Array.isArray(list)) throw new CommandError('Missing/invalid actions array');
  for (const item of list) {
    if (!isObject(item)) continue;
    const wanted = textOf(item, 'acltype')?.toLowerCase();
    const type = DEFAULT_TYPES.find((one) => one.toLowerCase() === wanted);
    const isAllowed = isAllowedBy(item);
    if (type !== undefined && isAllowed !== null) state.defaults.set(type, isAllowed);
  }
  state.noteChange('settings');
  state.affectAll();
  return undefined;
};

/** `allow: true`; mosquitto_ctrl of mosquitto 2.0 says `access: "allow"`, which its plugin doesn't read. */
function isAllowedBy(item: JsonObject): boolean | null {
  const isAllowed = fieldOf(item, 'allow');
  if (typeof isAllowed === 'boolean') return isAllowed;
  const access = textOf(item, 'access')?.toLowerCase();
  return access === 'allow' || access === 'deny' ? access === 'allow' : null;
}

const getDefaultACLAccess: CommandHandler = ({ defaults }) => ({
  acls: DEFAULT_TYPES.map((acltype) => ({ acltype, allow: defaults.get(acltype) === true })),
});

const getDetails: CommandHandler = ({ clients, groups, roles, changeIndex }) => ({
  clientCount: clients.size,
  groupCount: groups.size,
  roleCount: roles.size,
  changeIndex,
});

export const GENERAL_COMMANDS: Readonly<Record<string, CommandHandler>> = {
  setDefaultACLAccess,
  getDefaultACLAccess,
  getDetails,
};
