import { type Page, path } from '../../app/api.ts';
import { count } from '../../app/format.ts';
import { usePoll } from '../../app/poll.ts';
import { goToPage, pageNumber } from '../../app/router.ts';
import { Badge, Failure, Name, Panel } from '../../parts/basic.tsx';
import { type Column, Pager, Table } from '../../parts/table.tsx';

interface Member {
  readonly clientid: string;
  readonly qos: number;
  readonly connected: boolean;
  /** Whether it takes a message of QoS 1 or 2 at once. */
  readonly ready: boolean;
  readonly mqueue_len: number;
  readonly inflight_cnt: number;
}

/** A group that shares what matches a filter. */
interface Group {
  readonly share_group: string;
  readonly topic: string;
  readonly members_cnt: number;
  /** The first of them. */
  readonly members: readonly Member[];
  /** The client that would get the next message. */
  readonly next: string | null;
}

const LIMIT = 20;

const columnsOf = (next: string | null): readonly Column<Member>[] => [
  {
    key: 'client',
    title: 'Member',
    cell: ({ clientid }) => (
      <>
        <a href={`#${path`/clients/${clientid}`}`}>
          <Name value={clientid} />
        </a>{' '}
        {clientid === next && <Badge tone="info">gets the next one</Badge>}
      </>
    ),
  },
  {
    key: 'state',
    title: 'State',
    cell: ({ connected, ready }) => {
      if (!connected) return <Badge tone="warn">offline</Badge>;
      return ready ? <Badge tone="good">ready</Badge> : <Badge tone="warn">busy</Badge>;
    },
  },
  { key: 'qos', title: 'QoS', isNumber: true, cell: ({ qos }) => qos },
  {
    key: 'inflight',
    title: 'Under way',
    isNumber: true,
    cell: ({ inflight_cnt: inflight }) => count(inflight),
  },
  {
    key: 'queue',
    title: 'Queue',
    isNumber: true,
    cell: ({ mqueue_len: queued }) => count(queued),
  },
];

/** Groups of shared subscriptions with their members, and who gets the next message. */
export function SharedGroups() {
  const page = pageNumber();
  const { data, failure } = usePoll<Page<Group>>('/shared_groups', {
    query: { page, limit: LIMIT },
    everyMs: 3000,
  });
  return (
    <>
      <p class="muted bar">Each message goes to one member of a group.</p>
      <Failure failure={failure} />
      {data?.data.length === 0 && <p class="empty">There are no shared subscriptions.</p>}
      {data?.data.map(({ share_group: name, topic, members, members_cnt: size, next }) => (
        <Panel
          key={`${name}/${topic}`}
          title={
            <>
              <Name value={name} /> <span class="muted">shares</span> <Name value={topic} />
            </>
          }
          actions={<span class="muted">{count(size)} members</span>}
          isFlush
        >
          <Table
            caption={`Members of ${name}`}
            columns={columnsOf(next)}
            rows={members}
            rowKey={({ clientid }) => clientid}
            empty="It has no members."
          />
          {size > members.length && (
            <p class="muted panel-note">The first {count(members.length)} are shown.</p>
          )}
        </Panel>
      ))}
      {data !== null && (
        <Pager
          page={page}
          limit={LIMIT}
          count={data.meta.count}
          hasNext={data.meta.hasnext}
          shown={data.data.length}
          onPage={goToPage}
        />
      )}
    </>
  );
}
