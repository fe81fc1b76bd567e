import { parseSharedFilter } from '@promptmq/session';

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

/** Who wants to do something. */
export interface Identity {
  readonly clientId: string;
  /** Null when it was not proved. */
  readonly userName: string | null;
}

/** How many topics' answers are remembered for a client. */
const KNOWN_MAX = 256;

/**
 * What the rules allow one client. Rules only allow: what no rule that applies to the client names is
 * refused.
 */
export class Permissions {
  readonly #publish: readonly string[];
  readonly #subscribe: readonly string[];
  readonly #publishable = new KnownAnswers();
  readonly #receivable = new KnownAnswers();

  constructor(rules: readonly AclRule[], identity: Identity) {
    const applying = rules.filter((rule) => applies(rule, identity));
    this.#publish = applying.flatMap((rule) => substitute(rule.publish, identity));
    this.#subscribe = applying.flatMap((rule) => substitute(rule.subscribe, identity));
  }

  /** Whether a message may be published to a topic name. */
  mayPublish(topic: string): boolean {
    return (
      this.#publishable.get(topic) ??
      this.#publishable.add(
        topic,
        this.#publish.some((allowed) => covers(allowed, topic)),
      )
    );
  }

  /** Whether a topic filter may be subscribed: every topic that it matches has to be allowed. */
  maySubscribe(topicFilter: string): boolean {
    const filter = parseSharedFilter(topicFilter)?.topicFilter ?? topicFilter;
    return this.#subscribe.some((allowed) => covers(allowed, filter));
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
    if (this.#answers.size >= KNOWN_MAX) this.#answers.clear();
    this.#answers.set(topic, answer);
    return answer;
  }
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

/** Whether every topic that `filter` matches is matched by `allowed`; a topic name matches itself. */
export function covers(allowed: string, filter: string): boolean {
  const allowedLevels = allowed.split('/');
  const levels = filter.split('/');
  // Wildcards at the beginning don't match topics that begin with $ [MQTT-4.7.2-1].
  if (filter.startsWith('$') && /^[+#]/.test(allowed)) return false;
  for (let index = 0; index < allowedLevels.length; index++) {
    const level = allowedLevels[index];
    // "a/#" matches "a", too (§4.7.1.2).
    if (level === '#') return true;
    const wanted = levels[index];
    if (wanted === undefined || wanted === '#') return false;
    if (level !== '+' && level !== wanted) return false;
  }
  return levels.length === allowedLevels.length;
}
