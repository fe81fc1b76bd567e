import type { Subscription } from '../../src/index.ts';

/** A session, as the trie sees it. */
export class Member {
  readonly name: string;
  isConnected = true;
  isReady = true;

  constructor(name: string) {
    this.name = name;
  }
}

export function newSubscription(
  topicFilter: string,
  options: Partial<Subscription> = {},
): Subscription {
  return {
    topicFilter,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifier: 0,
    ...options,
  };
}
