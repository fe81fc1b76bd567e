import type { Page } from '../app/page.ts';
import { clientsPage } from './clients.tsx';
import { overviewPage } from './overview.tsx';

/** All pages, in the order of the menu. */
export const PAGES: readonly Page[] = [overviewPage, clientsPage];
