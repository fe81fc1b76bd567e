import type { Operation } from '../api/operation.ts';
import { analyticsOperations } from './analytics.ts';
import { apiKeyOperations } from './api-keys.ts';
import { auditOperations } from './audit.ts';
import { banOperations } from './bans.ts';
import { clientOperations } from './clients.ts';
import { configOperations } from './configs.ts';
import { eventOperations } from './events.ts';
import { explainOperations } from './explain.ts';
import { listenerOperations } from './listeners.ts';
import { logOperations } from './logs.ts';
import { monitorOperations } from './monitor.ts';
import { nodeOperations } from './nodes.ts';
import { publishOperations } from './publish.ts';
import { requestOperations } from './request.ts';
import { retainedOperations } from './retained.ts';
import { sessionOperations } from './session.ts';
import { statusOperations } from './status.ts';
import { storageOperations } from './storage.ts';
import { subscriptionOperations } from './subscriptions.ts';
import { topicOperations } from './topics.ts';
import { traceOperations } from './trace.ts';
import { namedTraceOperations } from './traces.ts';
import { userOperations } from './users.ts';
import { whyOperations } from './why.ts';

/** Everything that can be asked for, in the order of the OpenAPI document. */
export const OPERATIONS: readonly Operation[] = [
  ...statusOperations,
  ...nodeOperations,
  ...sessionOperations,
  ...apiKeyOperations,
  ...auditOperations,
  ...monitorOperations,
  ...analyticsOperations,
  ...clientOperations,
  ...subscriptionOperations,
  ...topicOperations,
  ...retainedOperations,
  ...publishOperations,
  ...requestOperations,
  ...eventOperations,
  ...banOperations,
  ...userOperations,
  ...explainOperations,
  ...whyOperations,
  ...traceOperations,
  ...namedTraceOperations,
  ...listenerOperations,
  ...configOperations,
  ...logOperations,
  ...storageOperations,
];
