import { useState } from 'preact/hooks';
import { path, post, remove } from '../../app/api.ts';
import { clock, short } from '../../app/format.ts';
import { usePoll } from '../../app/poll.ts';
import { may } from '../../app/session.ts';
import { Badge, Failure, Name, Panel } from '../../parts/basic.tsx';
import { attempt } from '../../parts/dialog.tsx';
import { QuestionForm, TextField } from '../../parts/fields.tsx';
import { type Column, Table } from '../../parts/table.tsx';

/** A topic filter whose messages are counted, every one of them. */
interface Counted {
  readonly topic: string;
  readonly create_time: string;
  /** Whether the configuration has it, which only a reload changes. */
  readonly is_configured: boolean;
  readonly metrics: Readonly<Record<string, number>>;
}

/** The filters by which messages are counted, and a form for one more. */
export function CountedFilters({ onChange }: { readonly onChange: () => void }) {
  const { data, failure, reload } = usePoll<readonly Counted[]>('/mqtt/topic_metrics', {
    everyMs: 3000,
  });
  const [filter, setFilter] = useState('');
  const change = async (what: () => Promise<unknown>, done: string) => {
    const isDone = await attempt(what, done);
    reload();
    onChange();
    return isDone;
  };
  const add = async () => {
    const isDone = await change(
      () => post('/mqtt/topic_metrics', { topic: filter }),
      'Counted from now on.',
    );
    if (isDone) setFilter('');
  };
  const columns: Column<Counted>[] = [...COLUMNS];
  if (may('config')) {
    columns.push({
      key: 'remove',
      title: <span class="hidden">Remove</span>,
      cell: ({ topic, is_configured: isConfigured }) =>
        !isConfigured && (
          <button
            type="button"
            class="small"
            aria-label={`count ${topic} no more`}
            onClick={() =>
              void change(() => remove(path`/mqtt/topic_metrics/${topic}`), 'Counted no more.')
            }
          >
            Remove
          </button>
        ),
    });
  }
  return (
    <Panel title="Counted filters" isFlush>
      {may('config') && (
        <QuestionForm action="Count it" onAsk={() => void add()}>
          <TextField
            label="Topic filter"
            name="counted-filter"
            value={filter}
            placeholder="plant/+/state"
            hint="Every message that matches is counted, until the broker is started again; metrics.topics has those that stay."
            isRequired
            onChange={setFilter}
          />
        </QuestionForm>
      )}
      <Failure failure={failure} />
      {data !== null && (
        <Table
          caption="Counted filters"
          columns={columns}
          rows={data}
          rowKey={({ topic }) => topic}
          empty="No filter is counted."
        />
      )}
    </Panel>
  );
}

const rateOf = (name: string): Column<Counted>['cell'] =>
  function Rate({ metrics }) {
    return `${short(metrics[`message.${name}.rate`])}/s`;
  };

const COLUMNS: readonly Column<Counted>[] = [
  {
    key: 'topic',
    title: 'Filter',
    cell: ({ topic, is_configured: isConfigured }) => (
      <>
        <a href={`#/topics?${new URLSearchParams({ filter: topic })}`}>
          <Name value={topic} />
        </a>{' '}
        {isConfigured && <Badge>configured</Badge>}
      </>
    ),
  },
  { key: 'in', title: 'In', isNumber: true, cell: rateOf('in') },
  { key: 'out', title: 'Out', isNumber: true, cell: rateOf('out') },
  { key: 'dropped', title: 'To nobody', isNumber: true, isExtra: true, cell: rateOf('dropped') },
  {
    key: 'since',
    title: 'Since',
    isExtra: true,
    cell: ({ create_time: at }) => clock(Date.parse(at)),
  },
];
