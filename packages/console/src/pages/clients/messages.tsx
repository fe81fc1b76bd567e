import { useState } from 'preact/hooks';
import { path } from '../../app/api.ts';
import { bytes, count } from '../../app/format.ts';
import { usePoll } from '../../app/poll.ts';
import { fromBase64, payloadLine } from '../../model/payload.ts';
import { Badge, Failure, Name } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Payload } from '../../parts/payload.tsx';
import { type Column, Table } from '../../parts/table.tsx';

/** What the API says of a message of a client; null is what isn't known of it any more. */
interface Message {
  readonly msgid: string;
  readonly topic: string | null;
  readonly qos: number | null;
  readonly retain: boolean | null;
  readonly from_clientid: string | null;
  /** In Base64. */
  readonly payload?: string;
  readonly payload_size: number | null;
  readonly packet_id: number | null;
  readonly state: 'queued' | 'sent' | 'released';
}

interface MessageList {
  readonly data: readonly Message[];
  readonly meta: {
    /** Of the next page; `none` where there is none. */
    readonly position: string;
    readonly count: number;
  };
}

type Kind = 'inflight' | 'mqueue';

const LIMIT = 50;

/** What a client was sent and hasn't settled (`inflight`), or what waits for it (`mqueue`), page by page. */
export function Messages(props: { readonly clientId: string; readonly kind: Kind }) {
  const { clientId, kind } = props;
  const at = `${kind}_messages`;
  /** Where the pages begin that have been seen; the last one is shown. */
  const [positions, setPositions] = useState<readonly string[]>(['none']);
  const { data, failure } = usePoll<MessageList>(`${path`/clients/${clientId}/`}${at}`, {
    query: { limit: LIMIT, payload: 'base64', position: positions.at(-1) },
    everyMs: 3_000,
  });
  const [shown, setShown] = useState<Message | null>(null);
  const next = data?.meta.position ?? 'none';
  const first = (positions.length - 1) * LIMIT + 1;
  const rows = data?.data ?? [];
  return (
    <>
      {failure?.status !== 404 && <Failure failure={failure} />}
      <Table
        columns={columnsOf(kind, setShown)}
        rows={rows}
        rowKey={({ msgid }) => msgid}
        caption={kind === 'inflight' ? 'Messages under way' : 'Messages that wait'}
        empty={emptyText(data === null && failure === null, kind)}
      />
      {(positions.length > 1 || next !== 'none') && (
        <nav class="pager" aria-label="Pages of the messages">
          <span class="muted">
            {count(first)}–{count(first + rows.length - 1)} of {count(data?.meta.count)}
          </span>
          <button
            type="button"
            disabled={positions.length === 1}
            onClick={() => setPositions(positions.slice(0, -1))}
          >
            Previous
          </button>
          <button
            type="button"
            disabled={next === 'none'}
            onClick={() => setPositions([...positions, next])}
          >
            Next
          </button>
        </nav>
      )}
      {shown !== null && (
        <Dialog title={<Name value={shown.topic} />} onClose={() => setShown(null)}>
          <Payload bytes={fromBase64(shown.payload ?? '')} />
          <div class="dialog-actions">
            <button type="button" class="primary" onClick={() => setShown(null)}>
              Close
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function columnsOf(kind: Kind, show: (message: Message) => void): readonly Column<Message>[] {
  return [
    {
      key: 'topic',
      title: 'Topic',
      cell: ({ topic }) => <Name value={topic} none="not known any more" />,
    },
    {
      key: 'qos',
      title: 'QoS',
      cell: ({ qos, retain }) => `${qos ?? '–'}${retain ? ', retained' : ''}`,
      isExtra: true,
    },
    {
      key: 'from',
      title: 'From',
      cell: ({ from_clientid }) => <Name value={from_clientid} />,
      isExtra: true,
    },
    ...(kind === 'inflight' ? [STATE] : []),
    {
      key: 'payload',
      title: 'Payload',
      cell: ({ payload }) => <Name value={payloadLine(fromBase64(payload ?? ''))} />,
      isExtra: true,
    },
    {
      key: 'size',
      title: 'Size',
      cell: ({ payload_size }) => bytes(payload_size),
      isNumber: true,
    },
    {
      key: 'view',
      title: <span class="hidden">View</span>,
      cell: (message) => (
        <button type="button" class="small" onClick={() => show(message)}>
          View
        </button>
      ),
    },
  ];
}

const STATE: Column<Message> = {
  key: 'state',
  title: 'Waits for',
  cell: ({ state, qos, packet_id }) => (
    <>
      <Badge>{state === 'released' ? 'PUBCOMP' : qos === 2 ? 'PUBREC' : 'PUBACK'}</Badge>
      {packet_id !== null && <span class="muted"> {packet_id}</span>}
    </>
  ),
};

function emptyText(isAsking: boolean, kind: Kind): string {
  if (isAsking) return ' ';
  return kind === 'inflight' ? 'Nothing is under way.' : 'Nothing waits.';
}
