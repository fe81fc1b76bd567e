import type { Operation } from '../api/operation.ts';
import { reportOperations } from './analytics/analytics.ts';
import { topicMetricOperations } from './analytics/topic-metrics.ts';

export const analyticsOperations: readonly Operation[] = [
  ...reportOperations,
  ...topicMetricOperations,
];
