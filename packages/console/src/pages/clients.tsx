import type { Page as List } from '../app/api.ts';
import { path } from '../app/api.ts';
import type { Page } from '../app/page.ts';
import { usePoll } from '../app/poll.ts';
import { route, setQuery } from '../app/router.ts';
import { Ago, Badge, Failure, Name, PageHead } from '../parts/basic.tsx';
import { SearchField } from '../parts/fields.tsx';
import { type Column, Pager, Table } from '../parts/table.tsx';

interface Client {
  readonly clientid: string;
  readonly username?: string | null;
  readonly connected: boolean;
  readonly connected_at?: string;
}

const LIMIT = 50;

const COLUMNS: readonly Column<Client>[] = [
  {
    key: 'clientid',
    title: 'Client',
    cell: ({ clientid }) => (
      <a href={`#${path`/clients/${clientid}`}`}>
        <Name value={clientid} />
      </a>
    ),
  },
  { key: 'username', title: 'User', cell: ({ username }) => <Name value={username} /> },
  {
    key: 'connected',
    title: 'State',
    cell: ({ connected }) =>
      connected ? <Badge tone="good">connected</Badge> : <Badge>gone</Badge>,
  },
  {
    key: 'connected_at',
    title: 'Since',
    cell: ({ connected_at }) => <Ago at={connected_at} />,
    isExtra: true,
  },
];

function Clients() {
  const { query } = route.value;
  const search = query.get('search') ?? '';
  const page = Number(query.get('page') ?? 1);
  const { data, failure } = usePoll<List<Client>>('/clients', {
    query: { like_clientid: search, page, limit: LIMIT },
  });
  const rows = data?.data ?? [];
  return (
    <>
      <PageHead title="Clients">
        <SearchField
          label="Part of a client identifier"
          value={search}
          onSearch={(text) => setQuery({ search: text, page: null })}
        />
      </PageHead>
      <Failure failure={failure} />
      <Table
        columns={COLUMNS}
        rows={rows}
        rowKey={({ clientid }) => clientid}
        caption="Clients"
        empty={data === null ? 'Asking …' : 'No client has such an identifier.'}
      />
      <Pager
        page={page}
        limit={LIMIT}
        count={data?.meta.count}
        hasNext={data?.meta.hasnext ?? false}
        shown={rows.length}
        onPage={(next) => setQuery({ page: next })}
      />
    </>
  );
}

export const clientsPage: Page = {
  path: '/clients',
  title: 'Clients',
  menu: { group: 'Watch', key: 'c' },
  View: Clients,
};
