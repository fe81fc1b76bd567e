import { bytes, count, duration, short } from '../../app/format.ts';
import type { Page } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { Bar } from '../../parts/bar.tsx';
import { Badge, Empty, Facts, Failure, Name, PageHead, Panel, Tile } from '../../parts/basic.tsx';
import { type Column, Table } from '../../parts/table.tsx';

interface Segment {
  /** Position of its first byte. */
  readonly first: number;
  readonly size: number;
  /** Bytes of it that are still needed. */
  readonly live_bytes: number;
  /** Whose it is, where several processes have a log. */
  readonly process?: string;
}

interface Positions {
  readonly tail: number;
  readonly head: number;
  readonly durable: number;
  readonly acknowledged: number;
  readonly checkpoint: number;
}

/** The log, as the API has it, or the logs of several processes. */
interface Storage {
  readonly directory: string;
  readonly sync_mode: string;
  readonly is_full: boolean;
  readonly failure: string | null;
  /** Where there is one. */
  readonly positions?: Positions;
  /** Where there are several. */
  readonly logs?: readonly {
    readonly process: string;
    readonly positions: Positions;
    readonly segments: readonly Segment[];
  }[];
  readonly size: number;
  readonly live_bytes: number;
  readonly segments: readonly Segment[];
  readonly written: {
    readonly records: number;
    readonly bytes: number;
    readonly syncs: number;
    readonly sync_ms: number;
    readonly refused_records: number;
  };
  readonly compaction: {
    readonly removed_segments: number;
    readonly removed_bytes: number;
    readonly moved_records: number;
    readonly moved_bytes: number;
  };
  readonly recovery: {
    readonly records: number;
    readonly duration_ms: number;
    readonly quarantined: number;
  };
}

const EVERY_MS = 2000;

/** The newest segments; the others are counted. */
const SEGMENTS_SHOWN = 200;

const OF_PROCESS: Column<Segment> = {
  key: 'process',
  title: 'Log of',
  cell: ({ process = '' }) => process,
};

const COLUMNS: readonly Column<Segment>[] = [
  { key: 'first', title: 'From position', cell: ({ first }) => count(first) },
  { key: 'size', title: 'Size', isNumber: true, cell: ({ size }) => bytes(size) },
  {
    key: 'live',
    title: 'Still needed',
    cell: ({ size, live_bytes: live }) => (
      <Bar part={size === 0 ? 0 : live / size} text={bytes(live)} />
    ),
  },
];

/** The log on the disk: its files, what is needed of them, and what the last start found. */
export function StoragePage() {
  const { data, failure } = usePoll<Storage>('/storage', { everyMs: EVERY_MS });
  const isOff = failure?.status === 404;
  return (
    <>
      <PageHead
        title="Storage"
        about={data === null || isOff ? undefined : <Name value={data.directory} />}
      />
      {isOff ? (
        <Empty>Nothing is kept on a disk: storage.enabled is false.</Empty>
      ) : (
        <Failure failure={failure} />
      )}
      {data !== null && !isOff && <Log storage={data} />}
    </>
  );
}

function Log({ storage }: { readonly storage: Storage }) {
  const { size, live_bytes: live, written, compaction, recovery } = storage;
  const segments = segmentsOf(storage);
  const positions = positionsOf(storage);
  const isSafe = storage.failure === null && !storage.is_full;
  const unsynced = sumOf(positions, ({ head, durable }) => head - durable);
  return (
    <>
      {storage.failure !== null && (
        <p class="failure" role="alert">
          <strong>The log has failed:</strong> {storage.failure}
        </p>
      )}
      {storage.is_full && (
        <p class="failure" role="alert">
          <strong>The disk is full:</strong> what has to be stored is refused.
        </p>
      )}
      {recovery.quarantined > 0 && (
        <p class="note warn" role="alert">
          {count(recovery.quarantined)} damaged parts were set aside when the broker started.
        </p>
      )}
      <div class="tiles">
        <Tile
          label="State"
          value={isSafe ? 'serves' : 'refuses'}
          tone={isSafe ? 'good' : 'bad'}
          note={`sync: ${storage.sync_mode}`}
        />
        <Tile
          label="On the disk"
          value={bytes(size)}
          note={`in ${count(segments.length)} ${segments.length === 1 ? 'segment' : 'segments'}`}
        />
        <Tile
          label="Still needed"
          value={bytes(live)}
          note={size === 0 ? ' ' : `${((live / size) * 100).toFixed(0)} % of it`}
        />
        <Tile
          label="Not yet durable"
          value={bytes(unsynced)}
          note="may be lost"
          tone={storage.sync_mode === 'immediate' || unsynced === 0 ? 'plain' : 'warn'}
        />
        <Tile
          label="A sync takes"
          value={written.syncs === 0 ? '–' : duration(written.sync_ms / written.syncs / 1000)}
          note={`on average, of ${short(written.syncs)}`}
        />
        <Tile
          label="Since a checkpoint"
          value={bytes(sumOf(positions, ({ head, checkpoint }) => head - checkpoint))}
          note="read at a start"
        />
      </div>
      <div class="grid">
        <Panel title="Written since the start">
          <Facts
            facts={[
              ['Records', count(written.records)],
              ['Bytes', bytes(written.bytes)],
              [
                'Refused',
                written.refused_records === 0 ? (
                  '0'
                ) : (
                  <Badge key="refused" tone="bad">
                    {count(written.refused_records)}
                  </Badge>
                ),
              ],
            ]}
          />
        </Panel>
        <Panel title="Compaction since the start">
          <Facts
            facts={[
              ['Segments removed', count(compaction.removed_segments)],
              ['Bytes freed', bytes(compaction.removed_bytes)],
              ['Records moved', count(compaction.moved_records)],
              ['Bytes moved', bytes(compaction.moved_bytes)],
            ]}
          />
        </Panel>
        <Panel title="Recovery at the last start">
          <Facts
            facts={[
              ['Took', duration(recovery.duration_ms / 1000)],
              ['Records read', count(recovery.records)],
              ['Set aside', count(recovery.quarantined)],
            ]}
          />
        </Panel>
      </div>
      <Panel title="Segments, the newest first" isFlush>
        <Table
          caption="Segments"
          columns={storage.logs === undefined ? COLUMNS : [OF_PROCESS, ...COLUMNS]}
          rows={segments.slice(-SEGMENTS_SHOWN).reverse()}
          rowKey={({ process = '', first }) => `${process} ${first}`}
          empty="There are none yet."
        />
      </Panel>
      {segments.length > SEGMENTS_SHOWN && (
        <p class="muted">{count(segments.length - SEGMENTS_SHOWN)} older ones are not shown.</p>
      )}
    </>
  );
}

function positionsOf({ positions, logs = [] }: Storage): readonly Positions[] {
  return positions === undefined ? logs.map((log) => log.positions) : [positions];
}

/** Those of several logs with whose they are. */
function segmentsOf({ segments, logs }: Storage): readonly Segment[] {
  if (logs === undefined) return segments;
  return logs.flatMap(({ process, segments: own }) => own.map((one) => ({ ...one, process })));
}

function sumOf(all: readonly Positions[], numberOf: (one: Positions) => number): number {
  return all.reduce((sum, one) => sum + numberOf(one), 0);
}

export const storagePage: Page = {
  path: '/storage',
  title: 'Storage',
  menu: { group: 'Operate', key: 'd' },
  View: StoragePage,
};
