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
export { NEVER_EXPIRES, Session, type SessionOptions } from './session.ts';
export type { SessionLink } from './session-link.ts';
export { type StoredPlace, StoredQueue } from './stored-queue.ts';
export { InboundTopicAliases, OutboundTopicAliases } from './topic-aliases.ts';
