import { path } from '../../app/api.ts';
import { count } from '../../app/format.ts';
import { usePoll } from '../../app/poll.ts';
import { Badge, Failure, Name, type Tone } from '../../parts/basic.tsx';
import { type Column, Table } from '../../parts/table.tsx';

interface Recipient {
  readonly clientid: string;
  readonly connected: boolean;
  readonly filters: readonly string[];
  readonly outcome: 'sent' | 'queued' | 'nothing';
  readonly qos: number | null;
  readonly retain: boolean | null;
  readonly why: string | null;
  readonly rule: string | null;
}

interface Explanation {
  readonly topic: string;
  readonly publisher: {
    readonly clientid: string;
    readonly connected: boolean;
    readonly allowed: boolean;
    readonly rule: string | null;
  } | null;
  readonly count: number;
  readonly recipients: readonly Recipient[];
}

const REASONS: Readonly<Record<string, string>> = {
  offline: 'it is not connected',
  behind: 'others wait before it',
  'queue-full': 'its queue is full',
  'no-local': 'No Local: it is the publisher',
  denied: 'the rules deny it',
  'not-chosen': 'another member of the group gets it',
  'one-of-several': 'unless a member in another process does, of the same group',
};

const OUTCOMES: Readonly<Record<Recipient['outcome'], readonly [Tone, string]>> = {
  sent: ['good', 'gets it'],
  queued: ['warn', 'gets it later'],
  nothing: ['bad', 'gets nothing'],
};

const columnsOf = (topic: string): readonly Column<Recipient>[] => [
  {
    key: 'client',
    title: 'Client',
    cell: ({ clientid }) => (
      <a href={`#${path`/clients/${clientid}`}`}>
        <Name value={clientid} />
      </a>
    ),
  },
  {
    key: 'outcome',
    title: 'Outcome',
    cell: ({ outcome, why }) =>
      why === 'not-chosen' ? (
        <Badge>not its turn</Badge>
      ) : (
        <Badge tone={OUTCOMES[outcome][0]}>{OUTCOMES[outcome][1]}</Badge>
      ),
  },
  {
    key: 'why',
    title: 'Why',
    cell: ({ why, rule, clientid }) => (
      <>
        {why !== null && (
          <a href={`#/why?${new URLSearchParams({ client: clientid, topic })}`}>
            {REASONS[why] ?? why}
          </a>
        )}
        {rule !== null && (
          <>
            : <Name value={rule} />
          </>
        )}
      </>
    ),
  },
  { key: 'qos', title: 'QoS', isNumber: true, cell: ({ qos }) => qos ?? '–' },
  {
    key: 'filters',
    title: 'By its subscription to',
    isExtra: true,
    cell: ({ filters }) => <Name value={filters.join(', ')} />,
  },
];

/** Who would get a message, and who not and why; asked again while it is shown. */
export function ExplainResult(props: {
  readonly topic: string;
  readonly qos?: string;
  readonly from?: string;
}) {
  const { topic, qos, from } = props;
  const { data, failure } = usePoll<Explanation>(topic === '' ? null : '/explain', {
    query: { topic, qos, from },
    everyMs: 5000,
  });
  if (topic === '') return null;
  if (failure !== null) return <Failure failure={failure} />;
  if (data === null) return <p class="empty">…</p>;
  const { publisher, recipients } = data;
  return (
    <>
      {publisher !== null && !publisher.allowed && (
        <p class="failure">
          Nobody: <Name value={publisher.clientid} /> may not publish it
          {publisher.rule === null ? ', as no rule allows it' : ': '}
          <Name value={publisher.rule} none="" />.
        </p>
      )}
      <Table
        caption="Who would get the message"
        columns={columnsOf(topic)}
        rows={recipients}
        rowKey={({ clientid, filters }) => `${clientid} ${filters.join(' ')}`}
        empty="Nobody: there is no subscription that matches."
      />
      {data.count > recipients.length && (
        <p class="muted panel-note">
          The first {count(recipients.length)} of {count(data.count)} are shown.
        </p>
      )}
    </>
  );
}
