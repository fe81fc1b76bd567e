export type { ObservedBroker } from './host.ts';
export { checkMeteredTopics, Observability } from './observability.ts';
export {
  type SlowSubscriber,
  slowSubscriberOf,
  slowSubscribers,
  waitingBytes,
} from './session-totals.ts';
export { type StorageMetricsSource, storageSourceOf } from './storage-metrics.ts';
export {
  METERED_FILTERS_MAX,
  type TopicMetric,
  type TopicMetricChange,
  type TopicMetrics,
} from './topics/topic-metrics.ts';
export type { TopicRate } from './topics/topic-rates.ts';
