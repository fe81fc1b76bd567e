import type { Operation } from '../api/operation.ts';
import { getClientSubscriptions } from './clients/client-subscriptions.ts';
import { listClients } from './clients/list-clients.ts';
import { oneClientOperations } from './clients/one-client.ts';

export const clientOperations: readonly Operation[] = [
  listClients,
  ...oneClientOperations,
  getClientSubscriptions,
];
