export { Delivery, DeliveryState, type Redeliverable } from './delivery.ts';
export type { DropListener, DropReason } from './drop.ts';
export { type Message, messageSize } from './message.ts';
export { MessageQueue, type QueueLimits, type QueueOverflow } from './message-queue.ts';
export { NO_IDENTIFIERS, type Recipient } from './recipient.ts';
export { type RetainedLimits, RetainedStore } from './retained-store.ts';
export type { Route } from './route.ts';
export {
  type AckResult,
  NEVER_EXPIRES,
  Session,
  type SessionLink,
  type SessionOptions,
} from './session.ts';
export { SharedGroup, type SharedMember, type SharedSubscriber } from './shared-group.ts';
export type { Subscription } from './subscription.ts';
export { type Overlapping, SubscriptionTrie, type TrieMatch } from './subscription-trie.ts';
export { InboundTopicAliases, OutboundTopicAliases } from './topic-aliases.ts';
export { TopicCache, type TopicCacheOptions } from './topic-cache.ts';
export { isValidTopicFilter, matchesFilter, parseSharedFilter } from './topic-filter.ts';
