import type { Operation } from '../api/operation.ts';
import { alarmOperations } from './monitor/alarms.ts';
import { sampleOperations } from './monitor/samples.ts';
import { slowSubscriptionOperations } from './monitor/slow-subscriptions.ts';
import { totalsOperations } from './monitor/totals.ts';

export const monitorOperations: readonly Operation[] = [
  ...sampleOperations,
  ...totalsOperations,
  ...alarmOperations,
  ...slowSubscriptionOperations,
];
