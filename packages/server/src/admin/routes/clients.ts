import type { Operation } from '../api/operation.ts';
import { clientMessageOperations } from './clients/client-messages.ts';
import { getClientSubscriptions } from './clients/client-subscriptions.ts';
import { listClients } from './clients/list-clients.ts';
import { oneClientOperations } from './clients/one-client.ts';
import { subscribeOperations } from './clients/subscribe-client.ts';

export const clientOperations: readonly Operation[] = [
  listClients,
  ...oneClientOperations,
  getClientSubscriptions,
  ...clientMessageOperations,
  ...subscribeOperations,
];
