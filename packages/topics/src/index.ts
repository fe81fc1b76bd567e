export { invariant } from './invariant.ts';
export type { MemoryBudget } from './memory-budget.ts';
export { MountPoint, mountPointFault } from './mount-point.ts';
export type { RetainedMessage } from './retained/retained-message.ts';
export {
  type RetainedLevel,
  type RetainedLimits,
  RetainedStore,
  type RetainedStoreOptions,
} from './retained/retained-store.ts';
export type { RetainedWalk } from './retained/retained-walk.ts';
export { NO_IDENTIFIERS, type Recipient } from './subscriptions/recipient.ts';
export type { Route } from './subscriptions/route.ts';
export {
  SharedGroup,
  type SharedMember,
  type SharedSubscriber,
} from './subscriptions/shared-group.ts';
export type { Subscription } from './subscriptions/subscription.ts';
export {
  type Overlapping,
  SubscriptionTrie,
  type SubscriptionTrieOptions,
  type TrieMatch,
} from './subscriptions/subscription-trie.ts';
export { TopicCache, type TopicCacheOptions } from './subscriptions/topic-cache.ts';
export { TextMap } from './text-map.ts';
export {
  isSharedFilter,
  isValidTopicFilter,
  matchesFilter,
  parseSharedFilter,
  type SharedFilter,
  type TopicFilterFault,
  topicFilterFault,
} from './topic-filter.ts';
