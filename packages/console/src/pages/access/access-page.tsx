import type { Page } from '../../app/page.ts';
import { route, setQuery } from '../../app/router.ts';
import { PageHead, Panel } from '../../parts/basic.tsx';
import { Tabs } from '../../parts/fields.tsx';
import { AccessForm } from '../why/access-form.tsx';
import { HistoryList } from '../why/history-list.tsx';
import { Bans } from './bans.tsx';
import { Roles } from './role-list.tsx';
import { Groups, Users } from './users.tsx';

/** Who may come in and do what, and who was denied. */
export function AccessPage() {
  const { query } = route.value;
  const view = query.get('view') ?? 'denied';
  const page = Number(query.get('page')) || 1;
  return (
    <>
      <PageHead title="Access" about="Who may do what, and who was denied." />
      <Tabs
        label="Access"
        value={view}
        tabs={[
          ['denied', 'Denied lately'],
          ['may', 'May they?'],
          ['users', 'Users'],
          ['groups', 'Groups'],
          ['roles', 'Roles'],
          ['bans', 'Bans'],
        ]}
        onChoose={(value) => setQuery({ view: value === 'denied' ? null : value, page: null })}
      />
      {view === 'may' ? (
        <Panel title="May somebody do something, and by which rule?">
          <AccessForm />
        </Panel>
      ) : view === 'users' ? (
        <Users />
      ) : view === 'groups' ? (
        <Groups />
      ) : view === 'roles' ? (
        <Roles />
      ) : view === 'bans' ? (
        <Bans />
      ) : (
        <HistoryList
          type="deny"
          page={page}
          onPage={(next) => setQuery({ page: next === 1 ? null : next })}
          empty="Nobody was denied anything lately."
        />
      )}
    </>
  );
}

export const accessPage: Page = {
  path: '/access',
  title: 'Access',
  menu: { group: 'Operate', key: 'u' },
  View: AccessPage,
};
