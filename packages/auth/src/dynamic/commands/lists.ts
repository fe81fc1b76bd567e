import { type DynamicState, inOrder, type RoleList } from '../state.ts';
import { CommandError } from './command-error.ts';
import {
  fieldOf,
  flagOf,
  isObject,
  type JsonObject,
  priorityOf,
  textOf,
  wholeNumberOf,
} from './fields.ts';

/** Of a role or a group where nobody says it; then it isn't shown. */
export const PRIORITY = -1;

/**
 * The `roles` of a command.
 *
 * @returns null when it has none
 * @throws {CommandError} when one isn't there
 */
export function readRoles(state: DynamicState, command: JsonObject): RoleList | null {
  const list = fieldOf(command, 'roles');
  if (list === undefined) return null;
  const invalid = "'roles' not an array or missing/invalid rolename";
  if (!Array.isArray(list)) throw new CommandError(invalid);
  const roles: RoleList = new Map();
  for (const item of list) {
    const name = isObject(item) ? textOf(item, 'rolename') : undefined;
    if (name === undefined) throw new CommandError(invalid);
    if (!state.roles.has(name)) throw new CommandError('Role not found');
    if (!roles.has(name)) roles.set(name, priorityOf(item as JsonObject, PRIORITY));
  }
  return roles;
}

/**
 * Names with priorities, such as the `groups` of a client.
 *
 * @param field - in which the name is
 * @param check - throws unless there is one of that name; gets undefined where there is no name
 * @returns null when there is no such list
 */
export function readPriorities(
  command: JsonObject,
  list: string,
  field: string,
  check: (name: string | undefined) => void,
): Map<string, number> | null {
  const items = fieldOf(command, list);
  if (!Array.isArray(items)) return null;
  const all = new Map<string, number>();
  for (const item of items) {
    if (!isObject(item)) continue;
    const name = textOf(item, field);
    check(name);
    if (name !== undefined && !all.has(name)) all.set(name, priorityOf(item, PRIORITY));
  }
  return all;
}

/** In their order. */
export function shownList(list: ReadonlyMap<string, number>, field: string): JsonObject[] {
  return inOrder(list).map(([name, priority]) => ({
    [field]: name,
    ...(priority === PRIORITY ? {} : { priority }),
  }));
}

/** What a command that lists things shows: of those from `offset` on `count`, one at least, by name. */
export function shownPage<Item>(
  items: ReadonlyMap<string, Item>,
  command: JsonObject,
  show: (item: Item) => JsonObject,
): (string | JsonObject)[] {
  const offset = Math.max(0, wholeNumberOf(command, 'offset', 0));
  const count = wholeNumberOf(command, 'count', -1);
  const names = [...items.keys()].sort();
  const end = count < 0 ? names.length : offset + Math.max(1, count);
  const page = names.slice(offset, end);
  if (!flagOf(command, 'verbose', false)) return page;
  return page.map((name) => show(items.get(name) as Item));
}

/** The texts that an object has of itself. */
export function shownTexts(texts: {
  readonly textName: string | null;
  readonly textDescription: string | null;
}): JsonObject {
  const { textName, textDescription } = texts;
  return {
    ...(textName === null ? {} : { textname: textName }),
    ...(textDescription === null ? {} : { textdescription: textDescription }),
  };
}
