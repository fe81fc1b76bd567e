import type { AclAction, AclFilter, AclRule, Decision, Identity } from './acl-rule.ts';
import { ANY_CONDITION, type FilterRule, FilterSet } from './filter-set.ts';
import { NameList } from './name-list.ts';
import { Networks } from './networks.ts';
import { filled, hasPlaceholder } from './placeholders.ts';
import { namesPresence } from './presence-topics.ts';

/** Who is in groups and has roles, beyond what providers say of clients. Names of users are exact or with `*` at the end. */
export interface AclMembers {
  /** The users of each group, by its name. */
  readonly groups?: ReadonlyMap<string, readonly string[]>;
  /** Who has each role, by its name. */
  readonly roles?: ReadonlyMap<
    string,
    { readonly users?: readonly string[]; readonly groups?: readonly string[] }
  >;
}

/** What rules are asked about: actions, and `follow`, to receive what is said of other clients. */
export type AskedAction = AclAction | 'follow';

/** The filters of rules, by what they are about; null where there is no rule. */
export type ActionSets = Readonly<Record<AskedAction, FilterSet | null>>;

/** What clients have in common to whom the same rules apply. */
export interface Profile {
  readonly sets: ActionSets;
  /** Rules that have filters with placeholders. */
  readonly named: readonly CompiledRule[];
  /** Whether some rule of PUBLISH or SUBSCRIBE says for which QoS or RETAIN it is. */
  readonly hasConditions: boolean;
  /** Whether a rule allows a SUBSCRIBE that isn't allowed what it brings by the same rule. */
  readonly hasBareSubscribe: boolean;
}

interface CompiledRule {
  readonly rule: AclRule;
  readonly users: NameList | null;
  readonly clients: NameList | null;
  readonly networks: Networks | null;
  readonly order: number;
  readonly conditions: number;
  readonly decision: Decision;
}

/** So many sets of rules are kept that clients may share. */
const PROFILES_MAX = 256;

const RANK_MAX = 2 ** 30;

/**
 * Rules as they are asked: what clients have in common to whom the same of them apply is made once. Which apply to a client is found
 * by its names, so that a rule for another user costs nothing.
 */
export class Acl {
  readonly rules: readonly AclRule[];
  readonly #compiled: readonly CompiledRule[];
  /** Numbers of the rules that may apply to anybody. */
  readonly #general: readonly number[];
  /** Numbers of those that only apply to clients with a name, by that. */
  readonly #byName: ReadonlyMap<string, readonly number[]>;
  readonly #groups: readonly (readonly [string, NameList])[];
  readonly #roles: readonly (readonly [string, NameList, readonly string[]])[];
  /** The ones asked for last are at the end. */
  readonly #profiles: Map<string, Profile>;

  /** @throws {RangeError} when a rank, an address or a list of actions is out of range */
  constructor(rules: readonly AclRule[], members: AclMembers = {}) {
    this.rules = rules;
    this.#compiled = rules.map(compiled);
    const general: number[] = [];
    const byName = new Map<string, number[]>();
    for (const [number, rule] of this.#compiled.entries()) {
      for (const name of namesOf(rule) ?? [null]) {
        if (name === null) general.push(number);
        else (byName.get(name) ?? setIn(byName, name)).push(number);
      }
    }
    this.#general = general;
    this.#byName = byName;
    this.#groups = [...(members.groups ?? [])].map(([name, users]) => [name, new NameList(users)]);
    this.#roles = [...(members.roles ?? [])].map(([name, { users, groups }]) => [
      name,
      new NameList(users ?? []),
      groups ?? [],
    ]);
    this.#profiles = new Map();
  }

  /** What a client is, with the groups and roles that it has by its name. */
  identify(identity: Identity): Identity {
    if (this.#groups.length === 0 && this.#roles.length === 0) return identity;
    const { userName } = identity;
    const isIn = (names: NameList) => userName !== null && names.has(userName);
    const groups = new Set(identity.groups);
    for (const [name, users] of this.#groups) if (isIn(users)) groups.add(name);
    const roles = new Set(identity.roles);
    for (const [name, users, itsGroups] of this.#roles) {
      if (isIn(users) || itsGroups.some((group) => groups.has(group))) roles.add(name);
    }
    return { ...identity, groups: [...groups], roles: [...roles] };
  }

  /** @param identity - as `identify` has it */
  profileOf(identity: Identity): Profile {
    const numbers = this.#applying(identity);
    const key = numbers.join();
    const known = this.#profiles.get(key);
    this.#profiles.delete(key);
    const profile = known ?? profileOf(numbers.map((number) => this.#at(number)));
    this.#profiles.set(key, profile);
    if (this.#profiles.size > PROFILES_MAX) {
      const [oldest] = this.#profiles.keys();
      this.#profiles.delete(oldest as string);
    }
    return profile;
  }

  #applying(identity: Identity): number[] {
    const numbers = new Set(this.#general);
    for (const name of namesOfClient(identity)) {
      for (const number of this.#byName.get(name) ?? []) numbers.add(number);
    }
    return [...numbers]
      .filter((number) => applies(this.#at(number), identity))
      .sort((a, b) => a - b);
  }

  #at(number: number): CompiledRule {
    return this.#compiled[number] as CompiledRule;
  }
}

/** The filters of rules that a client's own values are in; null where there are none. */
export function ownSets(named: readonly CompiledRule[], identity: Identity): ActionSets | null {
  if (named.length === 0) return null;
  const sets = new SetsInMaking();
  for (const compiledRule of named) {
    const isAllowing = compiledRule.decision.isAllowed;
    for (const aclFilter of compiledRule.rule.filters ?? []) {
      if (!hasPlaceholder(aclFilter.filter)) continue;
      for (const filter of filled(aclFilter.filter, identity, isAllowing)) {
        sets.add(compiledRule, { ...aclFilter, filter });
      }
    }
  }
  return sets.made;
}

function profileOf(rules: readonly CompiledRule[]): Profile {
  const sets = new SetsInMaking();
  for (const compiledRule of rules) {
    for (const aclFilter of compiledRule.rule.filters ?? [null]) {
      if (aclFilter === null || !hasPlaceholder(aclFilter.filter)) {
        sets.add(compiledRule, aclFilter);
      }
    }
  }
  return {
    sets: sets.made,
    named: rules.filter(({ rule }) => rule.filters?.some(({ filter }) => hasPlaceholder(filter))),
    hasConditions: rules.some(({ conditions }) => conditions !== ANY_CONDITION),
    hasBareSubscribe: rules.some(
      ({ rule: { permission, actions } }) =>
        permission === 'allow' && actions.includes('subscribe') && !actions.includes('receive'),
    ),
  };
}

class SetsInMaking {
  readonly made: Record<AskedAction, FilterSet | null> = {
    publish: null,
    subscribe: null,
    receive: null,
    unsubscribe: null,
    follow: null,
  };

  /** @param aclFilter - null: every topic and filter */
  add(compiledRule: CompiledRule, aclFilter: AclFilter | null): void {
    const { actions } = compiledRule.rule;
    for (const action of actions) this.#addTo(action, action, compiledRule, aclFilter);
    // Whatever denies it does; only what names it allows it.
    const isAbout =
      !compiledRule.decision.isAllowed || (aclFilter !== null && namesPresence(aclFilter.filter));
    if (isAbout && actions.includes('receive')) {
      this.#addTo('follow', 'receive', compiledRule, aclFilter);
    }
  }

  #addTo(
    name: AskedAction,
    action: AclAction,
    compiledRule: CompiledRule,
    aclFilter: AclFilter | null,
  ): void {
    const { order, decision, rule } = compiledRule;
    const conditions = conditionsOf(action, compiledRule);
    if (conditions === 0) return;
    const entry: FilterRule = { order, conditions, decision };
    this.made[name] ??= new FilterSet();
    const set = this.made[name];
    if (aclFilter === null) {
      set.addAll(entry);
      return;
    }
    const { filter, isLiteral = false } = aclFilter;
    const isTopic = action === 'publish' || action === 'receive';
    // What a subscription was allowed literally, it brings; what is denied literally is one topic.
    const isOneTopic =
      isTopic && isLiteral && !(action === 'receive' && rule.permission === 'allow');
    if (isOneTopic && /[+#]/.test(filter)) return;
    if (isLiteral && !isTopic) set.addLiteral(filter, entry);
    else set.add(filter, entry);
  }
}

/** For which QoS and RETAIN a rule says something of an action. */
function conditionsOf(action: AclAction, { conditions, rule }: CompiledRule): number {
  if (action === 'publish') return conditions;
  if (action === 'subscribe') return maskOf(rule.qos, rule.hasWildcard);
  const hasQoS = rule.qos !== undefined && rule.qos !== null;
  if (!hasQoS) return ANY_CONDITION;
  return action === 'receive' && rule.permission === 'deny' ? 0 : ANY_CONDITION;
}

function compiled(rule: AclRule): CompiledRule {
  const { users, clients, addresses, permission, qos, retain, rank = 0, source, actions } = rule;
  if (!Number.isInteger(rank) || Math.abs(rank) > RANK_MAX) {
    throw new RangeError(`${source}: a rank is a whole number from -2^30 to 2^30, not ${rank}`);
  }
  if (actions.length === 0) throw new RangeError(`${source}: a rule has at least one action`);
  const isAllowed = permission === 'allow';
  return {
    rule,
    users: listOf(users),
    clients: listOf(clients),
    networks: addresses === undefined || addresses === null ? null : new Networks(addresses),
    order: -2 * rank + (isAllowed ? 1 : 0),
    conditions: maskOf(qos, retain),
    decision: { isAllowed, rule: source },
  };
}

function listOf(names: readonly string[] | null | undefined): NameList | null {
  return names === undefined || names === null ? null : new NameList(names);
}

/**
 * As in `FilterRule.conditions`.
 *
 * @param flag - RETAIN of a PUBLISH, whether the filter of a SUBSCRIBE has a wildcard
 */
function maskOf(
  qos: readonly (0 | 1 | 2)[] | null | undefined,
  flag: boolean | null | undefined,
): number {
  const forFlag = flag === undefined || flag === null ? 0b11 : flag ? 0b10 : 0b01;
  return (qos ?? [0, 1, 2]).reduce<number>((mask, level) => mask | (forFlag << (level * 2)), 0);
}

/** The names of which a client needs one for a rule to apply, by kind; null where it may apply to any. */
function namesOf({ rule, users, clients }: CompiledRule): string[] | null {
  const exactUsers = users?.names ?? null;
  if (exactUsers !== null) return [...exactUsers].map((name) => `user ${name}`);
  const exactClients = clients?.names ?? null;
  if (exactClients !== null) return [...exactClients].map((name) => `client ${name}`);
  if (rule.roles !== undefined && rule.roles !== null) {
    return [...new Set(rule.roles)].map((name) => `role ${name}`);
  }
  if (rule.groups === undefined || rule.groups === null) return null;
  return [...new Set(rule.groups)].map((name) => `group ${name}`);
}

function namesOfClient({ userName, clientId, groups, roles }: Identity): string[] {
  return [
    ...(userName === null ? [] : [`user ${userName}`]),
    `client ${clientId}`,
    ...(roles ?? []).map((name) => `role ${name}`),
    ...(groups ?? []).map((name) => `group ${name}`),
  ];
}

function applies({ rule, users, clients, networks }: CompiledRule, identity: Identity): boolean {
  const { clientId, userName, address, groups, roles } = identity;
  if (rule.isAnonymous === true && userName !== null) return false;
  if (users !== null && (userName === null || !users.has(userName))) return false;
  if (clients !== null && !clients.has(clientId)) return false;
  if (!isIn(rule.groups, groups) || !isIn(rule.roles, roles)) return false;
  if (networks === null) return true;
  if (address === undefined || address === null) return rule.permission === 'deny';
  return networks.has(address);
}

function isIn(
  wanted: readonly string[] | null | undefined,
  had: readonly string[] | undefined,
): boolean {
  if (wanted === undefined || wanted === null) return true;
  return had !== undefined && wanted.some((name) => had.includes(name));
}

function setIn(map: Map<string, number[]>, name: string): number[] {
  const numbers: number[] = [];
  map.set(name, numbers);
  return numbers;
}
