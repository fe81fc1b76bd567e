import { parseSharedFilter } from '@promptmq/topics';
import type { Acl, ActionSets, AskedAction } from './acl.ts';
import { ownSets } from './acl.ts';
import {
  type AclAction,
  type AclDefaults,
  ALLOWED_BY_DEFAULT,
  DENIED_BY_DEFAULT,
  type Decision,
  type Identity,
} from './acl-rule.ts';
import type { FilterRule, FilterSet } from './filter-set.ts';

/** How many topics' answers are remembered for a client, and up to which length. */
const KNOWN_MAX = 256;
const KNOWN_LENGTH_MAX = 1024;

type QoS = 0 | 1 | 2;

export interface PermissionsOptions {
  /** What holds where no rule matches; that nothing is allowed, where it isn't said. */
  readonly defaults?: AclDefaults;
  /** What is refused here is refused, whatever the rules allow. */
  readonly limits?: Permissions | null;
}

/**
 * What a client may do.
 *
 * @param acls - where all of their rules are to be asked; where there is none, and no default, everything is allowed
 * @returns null when it may do everything
 */
export function permissionsOf(
  acls: readonly Acl[],
  identity: Identity,
  options: PermissionsOptions = {},
): Permissions | null {
  const { limits = null } = options;
  if (identity.isSuperuser === true) return limits;
  const defaults = options.defaults ?? (acls.length === 0 ? ALLOWED_BY_DEFAULT : DENIED_BY_DEFAULT);
  const isOpen = Object.values(defaults).every((permission) => permission === 'allow');
  if (acls.length === 0 && isOpen) return limits;
  return new Permissions(acls, identity, { defaults, limits });
}

/**
 * What rules allow one client. Of all that match, in whichever `Acl` they are, one of the highest rank decides; at the same rank
 * one that denies goes before one that allows.
 *
 * A SUBSCRIBE is allowed when a rule covers its whole filter and no rule that goes before covers the whole, too. A rule that denies a
 * part of it takes nothing from the subscription, but from what it brings: then `filtersDelivery` is true.
 */
export class Permissions {
  /** By action, those that have a filter about it. */
  readonly #sets: Readonly<Record<AskedAction, readonly FilterSet[]>>;
  readonly #defaults: AclDefaults;
  readonly #limits: Permissions | null;
  /** Whether a subscription that is allowed may bring what isn't. */
  readonly #mayFilter: boolean;
  #filtersDelivery: boolean;
  /** By QoS and RETAIN where rules ask for them; else the first is for all. */
  readonly #publishable: (KnownAnswers | null)[];
  readonly #hasConditions: boolean;
  /** What was allowed last: most clients publish to one topic again and again. */
  #allowedTopic: string | null;
  #allowedCondition: number;
  readonly #receivable: KnownAnswers;
  /**
   * Nodes of the trees of filters that were visited for decisions that were not known, since whoever counts them has set it to 0: what
   * deciding took.
   */
  visitedNodes: number;

  /** @param acls - where all of their rules are to be asked */
  constructor(acls: readonly Acl[], identity: Identity, options: PermissionsOptions = {}) {
    const { defaults = DENIED_BY_DEFAULT, limits = null } = options;
    const found: ActionSets[] = [];
    let hasBareSubscribe = false;
    let hasConditions = false;
    for (const acl of acls) {
      const known = acl.identify(identity);
      const profile = acl.profileOf(known);
      found.push(profile.sets);
      const own = ownSets(profile.named, known);
      if (own !== null) found.push(own);
      hasBareSubscribe ||= profile.hasBareSubscribe;
      hasConditions ||= profile.hasConditions;
    }
    const setsFor = (action: AskedAction) =>
      found.map((sets) => sets[action]).filter((set) => set !== null);
    this.#sets = {
      publish: setsFor('publish'),
      subscribe: setsFor('subscribe'),
      receive: setsFor('receive'),
      unsubscribe: setsFor('unsubscribe'),
      follow: setsFor('follow'),
    };
    this.#defaults = defaults;
    this.#limits = limits;
    const mayBring = hasBareSubscribe || defaults.subscribe === 'allow';
    this.#mayFilter =
      this.#sets.receive.some((set) => set.hasDenials) || (defaults.receive === 'deny' && mayBring);
    this.#filtersDelivery = false;
    this.#publishable = Array(hasConditions ? 6 : 1).fill(null);
    this.#hasConditions = hasConditions;
    this.#allowedTopic = null;
    this.#allowedCondition = -1;
    this.#receivable = new KnownAnswers();
    this.visitedNodes = 0;
  }

  /** Whether a message may be published to a topic name. */
  mayPublish(topic: string, qos: QoS = 0, retain = false): boolean {
    const condition = this.#hasConditions ? conditionOf(qos, retain) : 0;
    if (topic === this.#allowedTopic && condition === this.#allowedCondition) return true;
    const { isAllowed } = this.#decidePublish(topic, qos, retain);
    if (isAllowed) {
      this.#allowedTopic = topic;
      this.#allowedCondition = condition;
    }
    return isAllowed;
  }

  /**
   * Whether a topic filter may be subscribed, `$share/NAME/` aside. That it may is noted: `filtersDelivery` says from then on whether it
   * brings what is denied.
   */
  maySubscribe(topicFilter: string, qos: QoS = 0): boolean {
    const filter = unshared(topicFilter);
    if (!this.#decideSubscribe(filter, qos).isAllowed) return false;
    this.#noteGranted(filter);
    return true;
  }

  /** Whether the client may be sent a message of this topic. */
  mayReceive(topic: string): boolean {
    return this.#decideReceive(topic).isAllowed;
  }

  /**
   * Whether the client may be sent what is said of other clients: only where a rule allows it whose filter begins with `$SYS/brokers/`
   * or `$SYS/broker/clients/` itself, whatever holds where no rule matches.
   *
   * @param topicOrFilter - for which `isPresenceTopic` is true
   */
  mayFollow(topicOrFilter: string): boolean {
    const filter = unshared(topicOrFilter);
    if (this.#find('follow', filter, 1)?.decision.isAllowed !== true) return false;
    return this.#limits === null || this.#limits.mayReceive(filter);
  }

  /** Whether a subscription may be given up. */
  mayUnsubscribe(topicFilter: string): boolean {
    return this.#decideUnsubscribe(topicFilter).isAllowed;
  }

  /** Whether some filter that `maySubscribe` has allowed may bring messages that are denied: each has to be asked for then. */
  get filtersDelivery(): boolean {
    return this.#filtersDelivery || this.#limits?.filtersDelivery === true;
  }

  /** What is decided, and by which rule. */
  decide(action: AclAction, topicOrFilter: string, qos: QoS = 0, retain = false): Decision {
    switch (action) {
      case 'publish':
        return this.#decidePublish(topicOrFilter, qos, retain);
      case 'subscribe':
        return this.#decideSubscribe(unshared(topicOrFilter), qos);
      case 'receive':
        return this.#decideReceive(topicOrFilter);
      case 'unsubscribe':
        return this.#decideUnsubscribe(topicOrFilter);
    }
  }

  #decidePublish(topic: string, qos: QoS, retain: boolean): Decision {
    const condition = conditionOf(qos, retain);
    const slot = this.#hasConditions ? condition : 0;
    this.#publishable[slot] ??= new KnownAnswers();
    const known = this.#publishable[slot] as KnownAnswers;
    return (
      known.get(topic) ??
      known.add(
        topic,
        this.#within(
          this.#decision('publish', topic, 1 << condition),
          this.#limits?.decide('publish', topic, qos, retain),
        ),
      )
    );
  }

  #decideSubscribe(filter: string, qos: QoS): Decision {
    const condition = (qos << 1) | (/[+#]/.test(filter) ? 1 : 0);
    const own = this.#decision('subscribe', filter, 1 << condition);
    return this.#within(own, this.#limits?.decide('subscribe', filter, qos));
  }

  #decideReceive(topic: string): Decision {
    return (
      this.#receivable.get(topic) ??
      this.#receivable.add(
        topic,
        this.#within(this.#decision('receive', topic, 1), this.#limits?.decide('receive', topic)),
      )
    );
  }

  #decideUnsubscribe(topicFilter: string): Decision {
    const filter = unshared(topicFilter);
    const own = this.#decision('unsubscribe', filter, 1);
    return this.#within(own, this.#limits?.decide('unsubscribe', filter));
  }

  #decision(action: AclAction, filter: string, condition: number): Decision {
    const rule = this.#find(action, filter, condition);
    return rule === null ? DEFAULT[this.#defaults[action]] : rule.decision;
  }

  #find(action: AskedAction, filter: string, condition: number): FilterRule | null {
    let best: FilterRule | null = null;
    for (const set of this.#sets[action]) {
      const rule = set.find(filter, condition);
      this.visitedNodes += set.visitedNodes;
      set.visitedNodes = 0;
      if (rule !== null && (best === null || rule.order < best.order)) best = rule;
    }
    return best;
  }

  /** What is allowed has to be allowed by the limits, too. */
  #within(own: Decision, limit: Decision | undefined): Decision {
    return limit === undefined || limit.isAllowed || !own.isAllowed ? own : limit;
  }

  #noteGranted(filter: string): void {
    this.#limits?.maySubscribe(filter);
    if (!this.#mayFilter || this.#filtersDelivery) return;
    const rule = this.#find('receive', filter, 1);
    const isAllowed = rule === null ? this.#defaults.receive === 'allow' : rule.decision.isAllowed;
    const order = rule === null ? Number.POSITIVE_INFINITY : rule.order;
    this.#filtersDelivery =
      !isAllowed || this.#sets.receive.some((set) => set.isDeniedWithin(filter, order));
  }
}

const DEFAULT: Readonly<Record<'allow' | 'deny', Decision>> = {
  allow: { isAllowed: true, rule: null },
  deny: { isAllowed: false, rule: null },
};

/** A number for what rules may ask for of a PUBLISH. */
function conditionOf(qos: QoS, retain: boolean): number {
  return (qos << 1) | (retain ? 1 : 0);
}

/** Answers by topic: some are asked for with every message. */
class KnownAnswers {
  readonly #answers = new Map<string, Decision>();
  /** The one found last: many clients get messages of one topic again and again. */
  #lastTopic: string | null = null;
  #last: Decision | undefined = undefined;

  get(topic: string): Decision | undefined {
    if (topic === this.#lastTopic) return this.#last;
    const known = this.#answers.get(topic);
    if (known !== undefined) {
      this.#lastTopic = topic;
      this.#last = known;
    }
    return known;
  }

  add(topic: string, answer: Decision): Decision {
    if (topic.length > KNOWN_LENGTH_MAX) return answer;
    if (this.#answers.size >= KNOWN_MAX) this.#answers.clear();
    this.#answers.set(topic, answer);
    return answer;
  }
}

function unshared(topicFilter: string): string {
  return parseSharedFilter(topicFilter)?.topicFilter ?? topicFilter;
}
