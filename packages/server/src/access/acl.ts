import { parseSharedFilter } from '@promptmq/topics';
import { FilterSet } from './filter-set.ts';

/** One rule: who, and what they may do. */
export interface AclRule {
  /** User names, exact or with * at the end; null is everyone, also clients without a user name. */
  readonly users: readonly string[] | null;
  /** Client identifiers, exact or with * at the end; null is every client. */
  readonly clients: readonly string[] | null;
  /** Topic filters; %u stands for the user name, %c for the client identifier. */
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** What a client may do at most, whatever the rules allow it: filters as in a rule. */
export type AclLimits = Pick<AclRule, 'publish' | 'subscribe'>;

/** Who wants to do something. */
export interface Identity {
  readonly clientId: string;
  /** Null when it was not proved. */
  readonly userName: string | null;
}

/** How many topics' answers are remembered for a client, and up to which length. */
const KNOWN_MAX = 256;
const KNOWN_LENGTH_MAX = 1024;

/** Rules as they are asked: what they have in common for all clients is made once. */
export class Acl {
  readonly rules: readonly AclRule[];
  /** Filters without names in them, with the numbers of their rules. */
  readonly publish: FilterSet;
  readonly subscribe: FilterSet;

  constructor(rules: readonly AclRule[]) {
    this.rules = rules;
    this.publish = new FilterSet();
    this.subscribe = new FilterSet();
    for (const [number, { publish, subscribe }] of rules.entries()) {
      for (const filter of publish) if (!hasName(filter)) this.publish.add(filter, number);
      for (const filter of subscribe) if (!hasName(filter)) this.subscribe.add(filter, number);
    }
  }
}

/** Stands for the rules of a client's own filters: there is one for all of them, and it applies. */
const OWN = 0;
const OWN_APPLIES = Uint8Array.of(1);

/**
 * What the rules allow one client. Rules only allow: what no rule that applies to the client names is
 * refused.
 */
export class Permissions {
  readonly #acl: Acl;
  /** By number of a rule: 1 when it applies to the client. */
  readonly #applies: Uint8Array;
  /** Filters with the client's names in them; null when there are none. */
  readonly #ownPublish: FilterSet | null;
  readonly #ownSubscribe: FilterSet | null;
  /** What is refused here is refused, whatever these rules allow; null when there is nothing. */
  readonly #limits: Permissions | null;
  readonly #publishable = new KnownAnswers();
  readonly #receivable = new KnownAnswers();

  constructor(acl: Acl, identity: Identity, limits: Permissions | null = null) {
    this.#limits = limits;
    const { rules } = acl;
    this.#acl = acl;
    this.#applies = new Uint8Array(rules.length);
    const applying = rules.filter((rule, number) => {
      const isApplied = applies(rule, identity);
      if (isApplied) this.#applies[number] = 1;
      return isApplied;
    });
    this.#ownPublish = ownFilters(applying, ({ publish }) => publish, identity);
    this.#ownSubscribe = ownFilters(applying, ({ subscribe }) => subscribe, identity);
  }

  /** Whether a message may be published to a topic name. */
  mayPublish(topic: string): boolean {
    return (
      this.#publishable.get(topic) ??
      this.#publishable.add(
        topic,
        (this.#acl.publish.covers(topic, this.#applies) ||
          this.#ownPublish?.covers(topic, OWN_APPLIES) === true) &&
          this.#limits?.mayPublish(topic) !== false,
      )
    );
  }

  /** Whether a topic filter may be subscribed: every topic that it matches has to be allowed by one rule. */
  maySubscribe(topicFilter: string): boolean {
    const filter = parseSharedFilter(topicFilter)?.topicFilter ?? topicFilter;
    return (
      (this.#acl.subscribe.covers(filter, this.#applies) ||
        this.#ownSubscribe?.covers(filter, OWN_APPLIES) === true) &&
      this.#limits?.maySubscribe(filter) !== false
    );
  }

  /** Whether the client may be sent a message of this topic: what waited was subscribed under earlier rules. */
  mayReceive(topic: string): boolean {
    return this.#receivable.get(topic) ?? this.#receivable.add(topic, this.maySubscribe(topic));
  }
}

/** Answers by topic: some are asked for with every message. */
class KnownAnswers {
  readonly #answers = new Map<string, boolean>();

  get(topic: string): boolean | undefined {
    return this.#answers.get(topic);
  }

  add(topic: string, answer: boolean): boolean {
    if (topic.length > KNOWN_LENGTH_MAX) return answer;
    if (this.#answers.size >= KNOWN_MAX) this.#answers.clear();
    this.#answers.set(topic, answer);
    return answer;
  }
}

/** Whether the names of clients stand for a part of a filter. */
function hasName(filter: string): boolean {
  return filter.includes('%u') || filter.includes('%c');
}

function ownFilters(
  rules: readonly AclRule[],
  filtersOf: (rule: AclRule) => readonly string[],
  identity: Identity,
): FilterSet | null {
  let set: FilterSet | null = null;
  for (const rule of rules) {
    for (const filter of substitute(filtersOf(rule).filter(hasName), identity)) {
      set ??= new FilterSet();
      set.add(filter, OWN);
    }
  }
  return set;
}

function applies({ users, clients }: AclRule, { clientId, userName }: Identity): boolean {
  if (clients !== null && !clients.some((pattern) => isLike(pattern, clientId))) return false;
  if (users === null) return true;
  return userName !== null && users.some((pattern) => isLike(pattern, userName));
}

function isLike(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

/** A name that would change the filter's levels or be a wildcard takes the filter away. */
function substitute(filters: readonly string[], { clientId, userName }: Identity): string[] {
  const isPlain = (name: string | null) => name !== null && name !== '' && !/[+#/]/.test(name);
  return filters
    .filter((filter) => !filter.includes('%u') || isPlain(userName))
    .filter((filter) => !filter.includes('%c') || isPlain(clientId))
    .map((filter) =>
      filter.replace(/%[uc]/g, (name) => (name === '%u' ? (userName as string) : clientId)),
    );
}
