export { checkMeteredTopics, Observability } from './observability.ts';
export { type SlowSubscriber, slowSubscribers } from './session-totals.ts';
export { type StorageMetricsSource, storageSourceOf } from './storage-metrics.ts';
