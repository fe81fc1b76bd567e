import { useState } from 'preact/hooks';
import { type Page as List, path, post } from '../../app/api.ts';
import { bytes, count } from '../../app/format.ts';
import type { Page } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { route, setQuery } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Ago, Failure, Name, PageHead } from '../../parts/basic.tsx';
import { attempt, FormDialog } from '../../parts/dialog.tsx';
import { Choice, SearchField } from '../../parts/fields.tsx';
import { type Column, Pager, Table } from '../../parts/table.tsx';
import { addressOf, type Client, ClientState, versionOf } from './client-parts.tsx';

const LIMIT = 50;

/** What is shown of each; the rest is not asked for. */
const FIELDS = [
  'clientid',
  'username',
  'connected',
  'ip_address',
  'port',
  'proto_ver',
  'protocol',
  'connected_at',
  'disconnected_at',
  'subscriptions_cnt',
  'inflight_cnt',
  'mqueue_len',
  'mqueue_dropped',
  'recv_oct',
  'send_oct',
].join(',');

const COLUMNS: readonly Column<Client>[] = [
  {
    key: 'clientid',
    title: 'Client',
    cell: ({ clientid }) => (
      <a href={`#${path`/clients/${clientid}`}`}>
        <Name value={clientid} none="(empty)" />
      </a>
    ),
  },
  { key: 'state', title: 'State', cell: (client) => <ClientState client={client} /> },
  {
    key: 'username',
    title: 'User',
    cell: ({ username }) => <Name value={username} none="nobody" />,
    isExtra: true,
  },
  {
    key: 'address',
    title: 'Address',
    cell: (client) => <span class="mono">{addressOf(client) ?? '–'}</span>,
    isExtra: true,
  },
  { key: 'version', title: 'MQTT', cell: versionOf, isExtra: true },
  {
    key: 'connected_at',
    title: 'Since',
    cell: ({ connected, connected_at, disconnected_at }) => (
      <Ago at={connected ? connected_at : disconnected_at} />
    ),
    isSortable: true,
    isExtra: true,
  },
  number('subscriptions_cnt', 'Subs', ({ subscriptions_cnt: n }) => count(n), true),
  number('inflight_cnt', 'Inflight', ({ inflight_cnt: n }) => count(n), true),
  number('mqueue_len', 'Queued', ({ mqueue_len: n }) => count(n)),
  number('mqueue_dropped', 'Dropped', ({ mqueue_dropped: n }) => dropped(n), true),
  number('recv_oct', 'In', ({ recv_oct: n }) => bytes(n), true),
  number('send_oct', 'Out', ({ send_oct: n }) => bytes(n), true),
];

function number(
  key: string,
  title: string,
  cell: Column<Client>['cell'],
  isExtra = false,
): Column<Client> {
  return { key, title, cell, isExtra, isNumber: true, isSortable: true };
}

function dropped(value: number) {
  return value > 0 ? <span class="bad-text">{count(value)}</span> : '0';
}

type By = 'clientid' | 'username' | 'ip_address';
type State = '' | 'connected' | 'disconnected';

function Clients() {
  const { query } = route.value;
  const search = query.get('search') ?? '';
  const by = (query.get('by') ?? 'clientid') as By;
  const state = (query.get('state') ?? '') as State;
  const sort = query.get('sort');
  const page = Math.max(1, Number(query.get('page') ?? 1) || 1);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isKicking, setKicking] = useState(false);
  const { data, failure, isCurrent, reload } = usePoll<List<Client>>('/clients', {
    query: {
      [by === 'ip_address' ? by : `like_${by}`]: search,
      conn_state: state,
      ...(sort !== null && {
        sort: sort.replace('-', ''),
        order: sort.startsWith('-') ? 'desc' : 'asc',
      }),
      page,
      limit: LIMIT,
      fields: FIELDS,
    },
  });
  const rows = data?.data ?? [];
  const ids = rows.map(({ clientid }) => clientid).filter((id) => chosen.has(id));
  const choose = (id: string, isChosen: boolean) => {
    const next = new Set(chosen);
    if (isChosen) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const kick = async () => {
    await attempt(async () => post('/clients/kickout/bulk', ids), `${ids.length} disconnected.`);
    setChosen(new Set());
    reload();
  };
  const columns = may('clients') ? [boxes(chosen, choose), ...COLUMNS] : COLUMNS;
  return (
    <>
      <PageHead title="Clients">
        <Choice<By>
          label="Search by"
          value={by}
          options={[
            ['clientid', 'Identifier'],
            ['username', 'User'],
            ['ip_address', 'Address'],
          ]}
          onChoose={(next) => setQuery({ by: next === 'clientid' ? null : next, page: null })}
        />
        <SearchField
          label={by === 'ip_address' ? 'An address' : 'A part of it'}
          value={search}
          onSearch={(text) => setQuery({ search: text, page: null })}
        />
        <Choice<State>
          label="State"
          value={state}
          options={[
            ['', 'Online or not'],
            ['connected', 'Online'],
            ['disconnected', 'Offline'],
          ]}
          onChoose={(next) => setQuery({ state: next, page: null })}
        />
        {may('clients') && (
          <button
            type="button"
            class="danger"
            disabled={ids.length === 0}
            onClick={() => setKicking(true)}
          >
            Disconnect{ids.length > 0 && ` ${ids.length}`}
          </button>
        )}
      </PageHead>
      <Failure failure={failure} />
      <div class={isCurrent ? '' : 'stale'}>
        <Table
          columns={columns}
          rows={rows}
          rowKey={({ clientid }) => clientid}
          caption="Clients"
          isDense
          empty={emptyText(data === null, search)}
          sort={sort}
          onSort={(next) => setQuery({ sort: next, page: null })}
        />
      </div>
      <Pager
        page={page}
        limit={LIMIT}
        count={data?.meta.count}
        hasNext={data?.meta.hasnext ?? false}
        shown={rows.length}
        onPage={(next) => setQuery({ page: next })}
      />
      {isKicking && (
        <FormDialog
          title={`Disconnect ${ids.length} clients?`}
          action="Disconnect"
          isDangerous
          onSubmit={kick}
          onClose={() => setKicking(false)}
        >
          <p>Their sessions continue, and most clients connect again at once.</p>
        </FormDialog>
      )}
    </>
  );
}

/** To choose several. */
function boxes(
  chosen: ReadonlySet<string>,
  choose: (id: string, isChosen: boolean) => void,
): Column<Client> {
  return {
    key: 'chosen',
    title: <span class="hidden">Chosen</span>,
    cell: ({ clientid }) => (
      <input
        type="checkbox"
        aria-label={`Choose ${clientid.slice(0, 100)}`}
        checked={chosen.has(clientid)}
        onChange={(event) => choose(clientid, event.currentTarget.checked)}
      />
    ),
  };
}

function emptyText(isAsking: boolean, search: string): string {
  if (isAsking) return 'Asking …';
  return search === '' ? 'No client has connected yet.' : 'Nothing fits the search.';
}

export const clientsPage: Page = {
  path: '/clients',
  title: 'Clients',
  menu: { group: 'Watch', key: 'c' },
  View: Clients,
};
