export { MemoryAccount, type MemoryLimits } from './memory-account.ts';
export { Delivery, DeliveryState } from './messages/delivery.ts';
export type { DropListener, DropReason } from './messages/drop.ts';
export { type Message, messageSize, STORED_MESSAGE } from './messages/message.ts';
export type { PublishFrame } from './messages/publish-frame.ts';
export {
  type DeliveryQueue,
  MessageQueue,
  type QueueLimits,
  type QueueOverflow,
  type QueueTotals,
} from './queues/message-queue.ts';
export { NEVER_EXPIRES, Session, type SessionOptions } from './session.ts';
export type { SessionLink } from './session-link.ts';
export type { DeliveryStore } from './stored/delivery-store.ts';
export { BLOCK_CAPACITY, type EntryDetails, EntryFlag, QueueBlock } from './stored/queue-block.ts';
export { type StoredPlace, StoredQueue } from './stored/stored-queue.ts';
export { InboundTopicAliases, OutboundTopicAliases } from './topic-aliases.ts';
export { type AckResult, idOf } from './window/window.ts';
