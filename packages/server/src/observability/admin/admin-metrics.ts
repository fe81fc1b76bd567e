import type { MetricsRegistry, Sample } from '@promptmq/metrics';
import { ADMIN_LISTENER, type AdminStats } from '../../runtime/stats.ts';
import type { adminCatalogue, certificateCatalogue } from './admin-catalogue.ts';

const DAY_MS = 86_400_000;

export function addAdminMetrics(
  registry: MetricsRegistry<typeof adminCatalogue>,
  stats: AdminStats,
): void {
  registry.add('promptmq_admin_requests_total', () =>
    Object.entries(stats.requests).map(([status, value]) => ({ labels: { status }, value })),
  );
  registry.add('promptmq_admin_rate_limited_total', () => stats.rateLimited);
  registry.add('promptmq_admin_streams_current', () => stats.streamsCurrent);
  registry.add('promptmq_admin_streams_refused_total', () => stats.streamsRefused);
  registry.add('promptmq_admin_event_gaps_total', () => stats.gaps);
}

/** A listener and the certificates that it has now. */
export interface ObservedCertificates {
  readonly name: string;
  readonly certificates: AdminStats['certificates'];
}

/** The certificates of the admin listener. */
export function certificatesOfAdmin({ certificates }: AdminStats): ObservedCertificates {
  return { name: ADMIN_LISTENER, certificates };
}

/**
 * @param listeners - each name once
 * @param wallNow - milliseconds since 1970
 */
export function addCertificateMetrics(
  registry: MetricsRegistry<typeof certificateCatalogue>,
  listeners: () => Iterable<ObservedCertificates>,
  wallNow: () => number,
): void {
  registry.add('promptmq_certificate_days_left', () =>
    Array.from(listeners()).flatMap((listener): Sample[] => {
      // Of several with one name, the first that expires.
      const days = new Map<string, number>();
      for (const { name, expiresAt } of listener.certificates) {
        const left = (expiresAt - wallNow()) / DAY_MS;
        days.set(name, Math.min(left, days.get(name) ?? left));
      }
      return [...days].map(([certificate, value]) => ({
        labels: { listener: listener.name, certificate },
        value,
      }));
    }),
  );
}
