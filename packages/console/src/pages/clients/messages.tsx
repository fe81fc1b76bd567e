import { useState } from 'preact/hooks';
import { path } from '../../app/api.ts';
import { bytes } from '../../app/format.ts';
import { usePoll } from '../../app/poll.ts';
import { fromBase64, payloadLine } from '../../model/payload.ts';
import { Ago, Failure, Name } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Payload } from '../../parts/payload.tsx';
import { type Column, Table } from '../../parts/table.tsx';

interface Message {
  readonly msgid: string;
  readonly topic: string;
  readonly qos: number;
  /** Milliseconds since 1970. */
  readonly publish_at: number;
  readonly from_clientid?: string | null;
  readonly payload?: string;
}

interface MessageList {
  readonly data: readonly Message[];
}

const LIMIT = 100;
const PAYLOAD_BYTES_MAX = 65_536;

/** What a client was sent and hasn't settled (`inflight`), or what waits for it (`mqueue`): the first of it. */
export function Messages(props: {
  readonly clientId: string;
  readonly kind: 'inflight' | 'mqueue';
}) {
  const { clientId, kind } = props;
  const at = kind === 'inflight' ? 'inflight_messages' : 'mqueue_messages';
  const { data, failure } = usePoll<MessageList>(path`/clients/${clientId}/${at}`, {
    query: { limit: LIMIT, payload: 'base64', max_payload_bytes: PAYLOAD_BYTES_MAX },
    everyMs: 4_000,
  });
  const [shown, setShown] = useState<Message | null>(null);
  return (
    <>
      {failure?.status !== 404 && <Failure failure={failure} />}
      <Table
        columns={columnsOf(setShown)}
        rows={data?.data ?? []}
        rowKey={({ msgid }) => msgid}
        caption={kind === 'inflight' ? 'Inflight messages' : 'Messages in the queue'}
        empty={
          data === null ? ' ' : kind === 'inflight' ? 'Nothing is under way.' : 'Nothing waits.'
        }
      />
      {data?.data.length === LIMIT && <p class="muted">The first {LIMIT} are shown.</p>}
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

function columnsOf(show: (message: Message) => void): readonly Column<Message>[] {
  return [
    { key: 'topic', title: 'Topic', cell: ({ topic }) => <Name value={topic} /> },
    { key: 'qos', title: 'QoS', cell: ({ qos }) => qos, isNumber: true },
    {
      key: 'from',
      title: 'From',
      cell: ({ from_clientid }) => <Name value={from_clientid} />,
      isExtra: true,
    },
    { key: 'at', title: 'Published', cell: ({ publish_at }) => <Ago at={publish_at} /> },
    {
      key: 'payload',
      title: 'Payload',
      cell: ({ payload }) => <Name value={payloadLine(fromBase64(payload ?? ''))} none="(empty)" />,
      isExtra: true,
    },
    {
      key: 'size',
      title: 'Size',
      cell: ({ payload }) => bytes(fromBase64(payload ?? '').length),
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
