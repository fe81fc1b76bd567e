import type { Catalogue } from '@promptmq/metrics';

/** What is shown of the admin API by the process that has its listener, and by those that it asks. */
export const adminCatalogue = {
  promptmq_admin_requests_total: {
    type: 'counter',
    help: 'Requests to admin.bind that were answered, by class of the status.',
    labels: ['status'],
  },
  promptmq_admin_rate_limited_total: {
    type: 'counter',
    help: 'Requests to admin.bind that were answered 429, as their key or address asked too often (admin.rate, admin.failed-logins).',
  },
  promptmq_admin_streams_current: {
    type: 'gauge',
    help: 'Answers of the admin API that continue: events, lines of the log, packets of a client.',
  },
  promptmq_admin_streams_refused_total: {
    type: 'counter',
    help: 'Such answers that were refused, as there were too many (admin.max-streams, admin.max-connections).',
  },
  promptmq_admin_event_gaps_total: {
    type: 'counter',
    help: 'Readers of GET /events who came back and had missed events that are not kept any more (admin.resume-timeout, admin.max-resume-bytes).',
  },
} as const satisfies Catalogue;

export const certificateCatalogue = {
  promptmq_certificate_days_left: {
    type: 'gauge',
    help: 'Days until a certificate of a listener expires, or one that signs those of its clients, by its common name; below 0 when it has. The listener of admin.tls-cert is “admin API”.',
    labels: ['listener', 'certificate'],
  },
} as const satisfies Catalogue;
