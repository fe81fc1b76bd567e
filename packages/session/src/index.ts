export { Delivery, DeliveryState } from './delivery.ts';
export type { DeliveryStore } from './delivery-store.ts';
export type { DropListener, DropReason } from './drop.ts';
export { type AckResult, idOf } from './inflight.ts';
export { MemoryAccount, type MemoryLimits } from './memory-account.ts';
export { type Message, messageSize, STORED_MESSAGE } from './message.ts';
export {
  type DeliveryQueue,
  MessageQueue,
  type QueueLimits,
  type QueueOverflow,
  type QueueTotals,
} from './message-queue.ts';
export type { PublishFrame } from './publish-frame.ts';
export { BLOCK_CAPACITY, type EntryDetails, EntryFlag, QueueBlock } from './queue-block.ts';
export { NO_IDENTIFIERS, type Recipient } from './recipient.ts';
export { type RetainedLimits, RetainedStore, type RetainedStoreOptions } from './retained-store.ts';
export type { RetainedWalk } from './retained-walk.ts';
export type { Route } from './route.ts';
export { NEVER_EXPIRES, Session, type SessionOptions } from './session.ts';
export type { SessionLink } from './session-link.ts';
export { SharedGroup, type SharedMember, type SharedSubscriber } from './shared-group.ts';
export { type StoredPlace, StoredQueue } from './stored-queue.ts';
export type { Subscription } from './subscription.ts';
export { type Overlapping, SubscriptionTrie, type TrieMatch } from './subscription-trie.ts';
export { TextMap } from './text-map.ts';
export { InboundTopicAliases, OutboundTopicAliases } from './topic-aliases.ts';
export { TopicCache, type TopicCacheOptions } from './topic-cache.ts';
export { isValidTopicFilter, matchesFilter, parseSharedFilter } from './topic-filter.ts';
