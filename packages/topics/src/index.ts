export type { MemoryBudget } from './memory-budget.ts';
export { NO_IDENTIFIERS, type Recipient } from './recipient.ts';
export type { RetainedMessage } from './retained-message.ts';
export { type RetainedLimits, RetainedStore, type RetainedStoreOptions } from './retained-store.ts';
export type { RetainedWalk } from './retained-walk.ts';
export type { Route } from './route.ts';
export { SharedGroup, type SharedMember, type SharedSubscriber } from './shared-group.ts';
export type { Subscription } from './subscription.ts';
export {
  type Overlapping,
  SubscriptionTrie,
  type SubscriptionTrieOptions,
  type TrieMatch,
} from './subscription-trie.ts';
export { TextMap } from './text-map.ts';
export { TopicCache, type TopicCacheOptions } from './topic-cache.ts';
export {
  isSharedFilter,
  isValidTopicFilter,
  matchesFilter,
  parseSharedFilter,
  type SharedFilter,
  type TopicFilterFault,
  topicFilterFault,
} from './topic-filter.ts';
