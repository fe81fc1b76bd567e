import type { Page } from '../../app/page.ts';
import { goToPage, pageNumber } from '../../app/router.ts';
import { PageHead } from '../../parts/basic.tsx';
import { Views } from '../../parts/fields.tsx';
import { AccessPanel } from '../why/access-form.tsx';
import { HistoryList } from '../why/history-list.tsx';
import { Bans } from './bans.tsx';
import { Roles } from './role-list.tsx';
import { Groups, Users } from './users.tsx';

/** Who may come in and do what, and who was denied. */
export function AccessPage() {
  return (
    <>
      <PageHead title="Access" about="Who may do what, and who was denied." />
      <Views
        label="Access"
        views={[
          ['denied', 'Denied lately', () => <Denied />],
          ['may', 'May they?', () => <AccessPanel />],
          ['users', 'Users', () => <Users />],
          ['groups', 'Groups', () => <Groups />],
          ['roles', 'Roles', () => <Roles />],
          ['bans', 'Bans', () => <Bans />],
        ]}
      />
    </>
  );
}

function Denied() {
  return (
    <HistoryList
      type="deny"
      page={pageNumber()}
      onPage={goToPage}
      empty="Nobody was denied anything lately."
    />
  );
}

export const accessPage: Page = {
  path: '/access',
  title: 'Access',
  menu: { group: 'Operate', key: 'u' },
  View: AccessPage,
};
