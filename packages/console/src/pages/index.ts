import type { Page } from '../app/page.ts';
import { accessPage } from './access/access-page.tsx';
import { analyticsPage } from './analytics/analytics-page.tsx';
import { auditPage } from './audit/audit-page.tsx';
import { clientPage } from './clients/client-page.tsx';
import { clientsPage } from './clients/clients-page.tsx';
import { overviewPage } from './overview/overview-page.tsx';
import { subscriptionsPage } from './subscriptions/subscriptions-page.tsx';
import { topicPage } from './topics/topic-page.tsx';
import { topicsPage } from './topics/topics-page.tsx';
import { tryPage } from './try/try-page.tsx';
import { whyPage } from './why/why-page.tsx';

/** All pages, in the order of the menu. */
export const PAGES: readonly Page[] = [
  overviewPage,
  clientsPage,
  clientPage,
  analyticsPage,
  whyPage,
  topicsPage,
  topicPage,
  subscriptionsPage,
  tryPage,
  accessPage,
  auditPage,
];
