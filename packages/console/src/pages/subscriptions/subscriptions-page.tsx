import { type Page, path } from '../../app/api.ts';
import type { Page as ConsolePage } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { goToPage, pageNumber, route, setQuery } from '../../app/router.ts';
import { Badge, Name, PageHead } from '../../parts/basic.tsx';
import { SearchField, Views } from '../../parts/fields.tsx';
import { type Column, ListTable } from '../../parts/table.tsx';
import { ExplainPanel } from '../why/explain-form.tsx';
import { SharedGroups } from './shared-groups.tsx';
import type { Subscription } from './subscription.ts';

const LIMIT = 50;

const RETAIN_HANDLING = ['sent', 'sent if it is new', 'not sent'];

const COLUMNS: readonly Column<Subscription>[] = [
  {
    key: 'topic',
    title: 'Topic filter',
    cell: ({ topic }) => <Filter whole={topic} />,
  },
  {
    key: 'client',
    title: 'Client',
    cell: ({ clientid }) => (
      <a href={`#${path`/clients/${clientid}`}`}>
        <Name value={clientid} />
      </a>
    ),
  },
  { key: 'qos', title: 'QoS', isNumber: true, cell: ({ qos }) => qos },
  {
    key: 'options',
    title: 'Options',
    isExtra: true,
    cell: ({ nl, rap, rh }) => (
      <>
        {nl === 1 && <Badge>No Local</Badge>} {rap === 1 && <Badge>Retain As Published</Badge>}{' '}
        {rh > 0 && <Badge>retained: {RETAIN_HANDLING[rh]}</Badge>}
      </>
    ),
  },
];

/** Who has subscribed to what, the groups that share subscriptions, and who would get a message. */
export function SubscriptionsPage() {
  return (
    <>
      <PageHead title="Subscriptions" />
      <Views
        label="Subscriptions"
        views={[
          ['all', 'All', () => <All />],
          ['shared', 'Shared groups', () => <SharedGroups />],
          ['explain', 'Who would get a message', () => <ExplainPanel />],
        ]}
      />
    </>
  );
}

function All() {
  const { query } = route.value;
  const page = pageNumber();
  const client = query.get('client') ?? '';
  const match = query.get('match') ?? '';
  const list = usePoll<Page<Subscription>>('/subscriptions', {
    query: { page, limit: LIMIT, clientid: client, match_topic: match },
    everyMs: 5000,
  });
  return (
    <>
      <div class="bar">
        <SearchField
          label="client identifier"
          value={client}
          onSearch={(text) => setQuery({ client: text, page: null })}
        />
        <SearchField
          label="filters within, such as a/#"
          value={match}
          onSearch={(text) => setQuery({ match: text, page: null })}
        />
      </div>
      <ListTable
        caption="Subscriptions"
        columns={COLUMNS}
        list={list}
        rowKey={({ clientid, topic }) => `${clientid} ${topic}`}
        empty={<None match={match} />}
        page={page}
        limit={LIMIT}
        onPage={goToPage}
      />
    </>
  );
}

/** Whoever looks for a topic wants to know who gets it. */
function None({ match }: { readonly match: string }) {
  if (match === '' || /[+#]/.test(match)) return <>There is no such subscription.</>;
  return (
    <>
      No filter is exactly <Name value={match} />.{' '}
      <a href={`#/subscriptions?view=explain&topic=${encodeURIComponent(match)}`}>
        Who would get a message to it?
      </a>
    </>
  );
}

function Filter({ whole }: { readonly whole: string }) {
  const shared = /^\$share\/([^/]*)\/(.*)$/s.exec(whole);
  if (shared === null) return <Name value={whole} />;
  return (
    <>
      <Name value={shared[2]} />{' '}
      <a href="#/subscriptions?view=shared" title="Who gets what">
        <Badge tone="info">group {shared[1]}</Badge>
      </a>
    </>
  );
}

export const subscriptionsPage: ConsolePage = {
  path: '/subscriptions',
  title: 'Subscriptions',
  menu: { group: 'Messages', key: 's' },
  View: SubscriptionsPage,
};
