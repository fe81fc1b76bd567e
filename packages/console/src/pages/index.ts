import type { Page } from '../app/page.ts';
import { accessPage } from './access/access-page.tsx';
import { analyticsPage } from './analytics/analytics-page.tsx';
import { auditPage } from './audit/audit-page.tsx';
import { clientPage } from './clients/client-page.tsx';
import { clientsPage } from './clients/clients-page.tsx';
import { configurationPage } from './configuration/configuration-page.tsx';
import { listenersPage } from './listeners/listeners-page.tsx';
import { logPage } from './log/log-page.tsx';
import { overviewPage } from './overview/overview-page.tsx';
import { storagePage } from './storage/storage-page.tsx';
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
  logPage,
  topicsPage,
  topicPage,
  subscriptionsPage,
  tryPage,
  accessPage,
  listenersPage,
  configurationPage,
  storagePage,
  auditPage,
];
