import type { AclAction, AclRule } from '../acl/acl-rule.ts';
import {
  type AclEntry,
  type AclType,
  DEFAULT_TYPES,
  type DefaultType,
  type DynamicState,
  inOrder,
  type Role,
  type RoleList,
} from './state.ts';

/** Of the entry that is asked first; each that follows has one less. Rules of others have ranks around 0, and are asked later. */
const RANK_FIRST = 1_000_000_000;

/** Of what holds where no role says anything: whatever others say goes before it. */
const RANK_DEFAULT = -1_000_000_000;

const ACTION_OF_TYPE: Readonly<Record<AclType, AclAction>> = {
  publishClientSend: 'publish',
  publishClientReceive: 'receive',
  subscribeLiteral: 'subscribe',
  subscribePattern: 'subscribe',
  unsubscribeLiteral: 'unsubscribe',
  unsubscribePattern: 'unsubscribe',
};

const ACTION_OF_DEFAULT: Readonly<Record<DefaultType, AclAction>> = {
  publishClientSend: 'publish',
  publishClientReceive: 'receive',
  subscribe: 'subscribe',
  unsubscribe: 'unsubscribe',
};

/** What clients only get by a rule that names it, however much is allowed by default. */
const CONTROL = [{ filter: '$CONTROL' }, { filter: '$CONTROL/#' }];

/**
 * The access rules of a user, or of clients without one: its own roles, then those of its groups, each in the order of falling priority,
 * and in each role the entries likewise. The first that matches decides, and where none does the default access.
 *
 * @param userName - null for clients without one, for whom the anonymous group holds
 * @returns null for a user that isn't there
 */
export function rulesOf(state: DynamicState, userName: string | null): AclRule[] | null {
  const lists = roleLists(state, userName);
  if (lists === null) return null;
  const rules: AclRule[] = [];
  for (const list of lists) {
    for (const [name] of inOrder(list)) {
      const role = state.roles.get(name);
      if (role !== undefined) addRole(rules, role);
    }
  }
  for (const type of DEFAULT_TYPES) addDefault(rules, state, type);
  return rules;
}

/**
 * The access rules of users that aren't there, whom somebody else knows: requests are only theirs by a rule that names them, whatever
 * is allowed where no rule matches.
 */
export function rulesOfOthers(): AclRule[] {
  const actions = ['publish', 'receive', 'subscribe'] as const;
  const source = 'dynamic-security';
  return [{ permission: 'deny', actions, filters: CONTROL, rank: RANK_DEFAULT, source }];
}

function roleLists(state: DynamicState, userName: string | null): RoleList[] | null {
  if (userName === null) {
    const group = state.groups.get(state.anonymousGroup ?? '');
    return group === undefined ? [] : [group.roles];
  }
  const client = state.clients.get(userName);
  if (client === undefined) return null;
  const groups = inOrder(client.groups).flatMap(([name]) => state.groups.get(name)?.roles ?? []);
  return [client.roles, ...groups];
}

function addRole(rules: AclRule[], role: Role): void {
  if (!role.allowsWildcards) {
    rules.push({
      permission: 'deny',
      actions: ['subscribe'],
      filters: null,
      hasWildcard: true,
      rank: RANK_FIRST - rules.length,
      source: `role ${role.name}, allowwildcardsubs`,
    });
  }
  // Types with the same action have their literal entries first, as they stand here.
  for (const [type, entries] of inTypeOrder(role)) {
    for (const entry of entries) addEntry(rules, role.name, type, entry);
  }
}

function inTypeOrder({ entries }: Role): [AclType, readonly AclEntry[]][] {
  return (Object.keys(ACTION_OF_TYPE) as AclType[]).flatMap((type) => {
    const found = entries.get(type);
    return found === undefined ? [] : [[type, found] as [AclType, readonly AclEntry[]]];
  });
}

function addEntry(
  rules: AclRule[],
  role: string,
  type: AclType,
  { topic, isAllowed }: AclEntry,
): void {
  const isLiteral = type.endsWith('Literal');
  rules.push({
    permission: isAllowed ? 'allow' : 'deny',
    actions: [ACTION_OF_TYPE[type]],
    filters: [{ filter: topic, isLiteral }],
    rank: RANK_FIRST - rules.length,
    source: `role ${role}, ${type} ${topic}`,
  });
}

function addDefault(rules: AclRule[], { defaults }: DynamicState, type: DefaultType): void {
  const isAllowed = defaults.get(type) === true;
  const actions = [ACTION_OF_DEFAULT[type]];
  const rank = RANK_DEFAULT;
  const source = `default access, ${type}`;
  const permission = isAllowed ? 'allow' : 'deny';
  rules.push({ permission, actions, filters: null, rank, source });
  // At the same rank, what denies goes first.
  if (isAllowed && type !== 'unsubscribe') {
    rules.push({ permission: 'deny', actions, filters: CONTROL, rank, source });
  }
}
