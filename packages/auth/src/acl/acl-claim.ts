import { topicFilterFault } from '@promptmq/topics';
import {
  type AclAction,
  type AclFilter,
  type AclRule,
  EVERY_ACTION,
  SUBSCRIBING,
} from './acl-rule.ts';
import { networkFault } from './networks.ts';
import { placeholderFault } from './placeholders.ts';

/** Rules that a client brings along cost memory for as long as it is connected. */
const RULES_MAX = 1000;
const FILTERS_MAX = 1000;

/** What a provider was given as rules can't be used as such. Whoever gets it has the client refused. */
export class AclClaimError extends Error {
  /** @param where - in the claim, such as `acl[2].qos` */
  constructor(where: string, why: string) {
    super(`${where}: ${why}`);
    this.name = 'AclClaimError';
  }
}

const ACTIONS: Readonly<Record<string, readonly AclAction[]>> = {
  publish: ['publish'],
  pub: ['publish'],
  subscribe: SUBSCRIBING,
  sub: SUBSCRIBING,
  all: EVERY_ACTION,
};

const RULE_KEYS: ReadonlySet<string> = new Set([
  'permission',
  'action',
  'topic',
  'topics',
  'qos',
  'retain',
  'ipaddr',
]);

/**
 * The rules of a claim `acl` in a token, or of `acl` in the answer of an authentication server, as EMQX has them: a list of
 * `{ permission, action, topic, qos, retain, ipaddr }`, of which the first that matches decides; or `{ pub, sub, all }`, lists of filters,
 * beyond which the client may do nothing. A filter that begins with `eq ` is meant as it stands.
 *
 * Ranks are 1 and above, so that such rules go before those of rank 0, as a file has them.
 *
 * @param value - as it came: of whatever type
 * @param source - for the sources of the rules, and for what is said of mistakes; such as `jwt claim acl`
 * @throws {AclClaimError} when it is anything else. What isn't understood may narrow a rule: it isn't passed over
 */
export function aclFromClaim(value: unknown, source: string): AclRule[] {
  if (Array.isArray(value)) return listed(value, source);
  if (isRecord(value)) return fromLists(value, source);
  throw new AclClaimError(
    source,
    'it takes a list of rules, or { pub, sub, all } with lists of filters',
  );
}

function listed(list: readonly unknown[], source: string): AclRule[] {
  if (list.length > RULES_MAX)
    throw new AclClaimError(source, `it takes at most ${RULES_MAX} rules`);
  let filterCount = 0;
  return list.map((value, index): AclRule => {
    const where = `${source}[${index}]`;
    if (!isRecord(value))
      throw new AclClaimError(where, 'it takes a rule: { permission, action, topic }');
    const unknown = Object.keys(value).find((key) => !RULE_KEYS.has(key));
    if (unknown !== undefined) {
      const keys = [...RULE_KEYS].join(', ');
      throw new AclClaimError(where, `unknown key ${shown(unknown)}; a rule has ${keys}`);
    }
    const { permission, action, qos, retain, ipaddr } = value;
    if (permission !== 'allow' && permission !== 'deny') {
      throw new AclClaimError(`${where}.permission`, 'it takes allow or deny');
    }
    if (typeof action !== 'string' || !Object.hasOwn(ACTIONS, action)) {
      throw new AclClaimError(`${where}.action`, 'it takes publish, subscribe or all');
    }
    const filters = filtersOf(value, where);
    filterCount += filters.length;
    if (filterCount > FILTERS_MAX)
      throw new AclClaimError(source, `it takes at most ${FILTERS_MAX} filters`);
    return {
      permission,
      actions: ACTIONS[action] as readonly AclAction[],
      filters,
      qos: qosOf(qos, `${where}.qos`),
      retain: retainOf(retain, `${where}.retain`),
      addresses: addressesOf(ipaddr, `${where}.ipaddr`),
      rank: list.length - index,
      source: `${source}, rule ${index + 1}`,
    };
  });
}

function fromLists(value: Readonly<Record<string, unknown>>, source: string): AclRule[] {
  const rules: AclRule[] = [];
  let filterCount = 0;
  for (const [key, list] of Object.entries(value)) {
    if (key !== 'pub' && key !== 'sub' && key !== 'all') {
      throw new AclClaimError(source, `unknown key ${shown(key)}; there are pub, sub and all`);
    }
    const where = `${source}.${key}`;
    if (!Array.isArray(list)) throw new AclClaimError(where, 'it takes a list of filters');
    filterCount += list.length;
    if (filterCount > FILTERS_MAX)
      throw new AclClaimError(source, `it takes at most ${FILTERS_MAX} filters`);
    rules.push({
      permission: 'allow',
      actions: ACTIONS[key] as readonly AclAction[],
      filters: list.map((filter, index) => filterOf(filter, `${where}[${index}]`)),
      rank: 2,
      source: `${source}, ${key}`,
    });
  }
  // This form is the whole of what the client may: nobody else is asked.
  rules.push({
    permission: 'deny',
    actions: EVERY_ACTION,
    filters: null,
    rank: 1,
    source: `${source}, which doesn't have it`,
  });
  return rules;
}

function filtersOf(
  { topic, topics }: Readonly<Record<string, unknown>>,
  where: string,
): AclFilter[] {
  if ((topic === undefined) === (topics === undefined)) {
    throw new AclClaimError(where, 'it takes either topic or topics');
  }
  if (topic !== undefined) return [filterOf(topic, `${where}.topic`)];
  if (!Array.isArray(topics))
    throw new AclClaimError(`${where}.topics`, 'it takes a list of filters');
  return topics.map((filter, index) => filterOf(filter, `${where}.topics[${index}]`));
}

/** A filter as EMQX writes it: `eq ` before it has it meant as it stands. */
export function filterOf(value: unknown, where: string): AclFilter {
  if (typeof value !== 'string') throw new AclClaimError(where, 'it takes a topic filter');
  const isLiteral = value.startsWith('eq ');
  const filter = isLiteral ? value.slice(3) : value;
  const fault =
    topicFilterFault(filter) === null ? placeholderFault(filter) : 'it takes a topic filter';
  if (fault !== null) throw new AclClaimError(where, fault);
  return { filter, isLiteral };
}

function qosOf(value: unknown, where: string): readonly (0 | 1 | 2)[] | null {
  if (value === undefined || value === null || value === 'all') return null;
  const list = Array.isArray(value) ? value : [value];
  const isRight = list.length > 0 && list.every((qos) => qos === 0 || qos === 1 || qos === 2);
  if (!isRight) throw new AclClaimError(where, 'it takes 0, 1, 2 or a list of these');
  return list as (0 | 1 | 2)[];
}

function retainOf(value: unknown, where: string): boolean | null {
  if (value === undefined || value === null || value === 'all') return null;
  if (typeof value === 'boolean') return value;
  throw new AclClaimError(where, 'it takes true or false');
}

function addressesOf(value: unknown, where: string): readonly string[] | null {
  if (value === undefined || value === null) return null;
  const list = Array.isArray(value) ? value : [value];
  for (const text of list) {
    const fault = typeof text === 'string' ? networkFault(text) : 'an address or network';
    if (fault !== null) throw new AclClaimError(where, `it takes ${fault}`);
  }
  return list as string[];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key of somebody else's making: it may be long. */
function shown(key: string): string {
  return key.length > 60 ? `${key.slice(0, 60)}…` : key;
}
