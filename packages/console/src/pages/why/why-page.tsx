import type { Page } from '../../app/page.ts';
import { route, setQuery } from '../../app/router.ts';
import { PageHead, Panel } from '../../parts/basic.tsx';
import { Choice, SearchField, Tabs } from '../../parts/fields.tsx';
import { AccessForm } from './access-form.tsx';
import { ExplainForm } from './explain-form.tsx';
import { HistoryList } from './history-list.tsx';
import { WhyForm } from './why-form.tsx';

const TYPES = [
  ['', 'all that happened'],
  ['deny', 'denied'],
  ['refuse', 'refused'],
  ['drop', 'dropped'],
  ['connect', 'connected'],
  ['disconnect', 'disconnected'],
  ['session-end', 'sessions that ended'],
  ['subscribe', 'subscribed'],
  ['unsubscribe', 'unsubscribed'],
  ['will', 'wills not published'],
] as const;

/** Questions about single messages and clients, and what happened. */
export function WhyPage() {
  const { query } = route.value;
  const view = query.get('view') ?? 'why';
  return (
    <>
      <PageHead title="Why?" about="Questions about messages and clients, and what happened." />
      <Tabs
        label="Questions"
        value={view}
        tabs={[
          ['why', 'Why was it not delivered?'],
          ['explain', 'Who would get it?'],
          ['access', 'May they?'],
          ['history', 'What happened'],
        ]}
        onChoose={(value) => setQuery({ view: value === 'why' ? null : value, page: null })}
      />
      {view === 'explain' ? (
        <Panel title="Who would get a message to a topic?">
          <ExplainForm />
        </Panel>
      ) : view === 'access' ? (
        <Panel title="May somebody do something, and by which rule?">
          <AccessForm />
        </Panel>
      ) : view === 'history' ? (
        <Happened />
      ) : (
        <Panel title="Why did a client not get a message?">
          <WhyForm />
        </Panel>
      )}
    </>
  );
}

function Happened() {
  const { query } = route.value;
  const type = TYPES.find(([value]) => value === query.get('type'))?.[0] ?? '';
  const client = query.get('client') ?? '';
  return (
    <>
      <div class="bar">
        <SearchField
          label="client identifier"
          value={client}
          onSearch={(text) => setQuery({ client: text, page: null })}
        />
        <Choice
          label="What"
          value={type}
          options={TYPES}
          onChoose={(value) => setQuery({ type: value, page: null })}
        />
      </div>
      <HistoryList
        clientid={client}
        type={type}
        page={Number(query.get('page')) || 1}
        onPage={(page) => setQuery({ page: page === 1 ? null : page })}
        empty="Nothing of this kind is recorded."
      />
    </>
  );
}

export const whyPage: Page = {
  path: '/why',
  title: 'Why?',
  menu: { group: 'Watch', key: 'w' },
  View: WhyPage,
};
