import type { Catalogue } from '@promptmq/metrics';
import { adminCatalogue, certificateCatalogue } from '../observability/admin/admin-catalogue.ts';

/** What the supervisor of several workers shows beside their metrics. */
export const workersCatalogue = {
  promptmq_worker_up: {
    type: 'gauge',
    help: 'Whether a worker serves, by its number (server.workers).',
    labels: ['worker'],
  },
  promptmq_worker_restarts_total: {
    type: 'counter',
    help: 'How often a worker that had ended was started again.',
  },
  // Of the admin API, which the supervisor has.
  ...adminCatalogue,
  ...certificateCatalogue,
} as const satisfies Catalogue;
