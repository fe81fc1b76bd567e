import type { Page } from '../../app/page.ts';
import { goToPage, pageNumber, route, setQuery } from '../../app/router.ts';
import { PageHead } from '../../parts/basic.tsx';
import { Choice, SearchField, Views } from '../../parts/fields.tsx';
import { AccessPanel } from './access-form.tsx';
import { ExplainPanel } from './explain-form.tsx';
import { HistoryList } from './history-list.tsx';
import { WhyPanel } from './why-form.tsx';

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
  return (
    <>
      <PageHead title="Why?" about="Questions about messages and clients, and what happened." />
      <Views
        label="Questions"
        views={[
          ['why', 'Why was it not delivered?', () => <WhyPanel />],
          ['explain', 'Who would get it?', () => <ExplainPanel />],
          ['access', 'May they?', () => <AccessPanel />],
          ['history', 'What happened', () => <Happened />],
        ]}
      />
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
        page={pageNumber()}
        onPage={goToPage}
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
