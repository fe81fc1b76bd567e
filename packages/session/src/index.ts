export { MemoryAccount, type MemoryLimits } from './memory-account.ts';
export { Delivery, DeliveryState } from './messages/delivery.ts';
export type { DropListener, DropReason } from './messages/drop.ts';
export { type Message, messageSize, STORED_MESSAGE } from './messages/message.ts';
export type { PublishImage } from './messages/publish-image.ts';
export type {
  DeliveryQueue,
  QueueLimits,
  QueueOverflow,
  QueueTotals,
} from './queues/delivery-queue.ts';
export { Fifo } from './queues/fifo.ts';
export type { FrameCopy } from './queues/frame-queue.ts';
export { MemoryQueue } from './queues/memory-queue.ts';
export type { WaitingMessage } from './queues/waiting-message.ts';
export { NEVER_EXPIRES, Session, type SessionOptions, storedOf, type Waiting } from './session.ts';
export type { SessionLink } from './session-link.ts';
export type { DeliveryStore } from './stored/delivery-store.ts';
export {
  BLOCK_CAPACITY,
  type EntryDetails,
  QueueBlock,
  type QueueEntry,
} from './stored/queue-block.ts';
export { StoredDeliveries } from './stored/stored-deliveries.ts';
export type { StoredPlace, StoredQueue } from './stored/stored-queue.ts';
export { InboundTopicAliases, OutboundTopicAliases } from './topic-aliases.ts';
export type { ReceivedIds } from './window/received-ids.ts';
export { type AckResult, idOf } from './window/window.ts';
