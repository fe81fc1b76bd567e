import { useState } from 'preact/hooks';
import { type Page, path, post, remove } from '../../app/api.ts';
import { usePoll } from '../../app/poll.ts';
import { may } from '../../app/session.ts';
import { Ago, Name } from '../../parts/basic.tsx';
import { attempt, FormDialog } from '../../parts/dialog.tsx';
import { Choice, Field, TextField } from '../../parts/fields.tsx';
import { type Column, ListTable } from '../../parts/table.tsx';

interface Ban {
  readonly as: string;
  readonly who: string;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
  /** `infinity` for one that has to be lifted. */
  readonly until: string;
}

const KINDS = [
  ['clientid', 'client identifier'],
  ['username', 'user name'],
  ['peerhost', 'address'],
  ['clientid_re', 'client identifiers that begin so'],
  ['username_re', 'user names that begin so'],
  ['peerhost_net', 'network of addresses'],
] as const;

const LASTS = [
  ['', 'until it is lifted'],
  ['600', 'for 10 minutes'],
  ['3600', 'for an hour'],
  ['86400', 'for a day'],
] as const;

const LIMIT = 50;

/** Who isn't let in. */
export function Bans() {
  const [page, setPage] = useState(1);
  const [isAdding, setAdding] = useState(false);
  const list = usePoll<Page<Ban>>('/banned', {
    query: { page, limit: LIMIT },
    everyMs: 5000,
  });
  const lift = async ({ as, who }: Ban) => {
    await attempt(() => remove(path`/banned/${as}/${who}`), `${who} may come again`);
    list.reload();
  };
  const columns: Column<Ban>[] = [
    { key: 'who', title: 'Who', cell: ({ who }) => <Name value={who} /> },
    {
      key: 'as',
      title: 'by',
      cell: ({ as }) => KINDS.find(([kind]) => kind === as)?.[1] ?? as,
    },
    { key: 'reason', title: 'Reason', cell: ({ reason }) => <Name value={reason} /> },
    { key: 'by', title: 'Banned by', isExtra: true, cell: ({ by }) => <Name value={by} /> },
    { key: 'at', title: 'Since', isExtra: true, cell: ({ at }) => <Ago at={at} /> },
    { key: 'until', title: 'Until', cell: ({ until }) => <Until until={until} /> },
  ];
  if (may('clients')) {
    columns.push({
      key: 'lift',
      title: <span class="hidden">Lift</span>,
      cell: (ban) => (
        <button type="button" class="small" onClick={() => void lift(ban)}>
          Lift
        </button>
      ),
    });
  }
  return (
    <>
      <div class="bar">
        <span class="muted grow">They are disconnected, and can’t connect again.</span>
        {may('clients') && (
          <button type="button" onClick={() => setAdding(true)}>
            Ban …
          </button>
        )}
      </div>
      <ListTable
        caption="Bans"
        columns={columns}
        list={list}
        rowKey={({ as, who }) => `${as} ${who}`}
        empty="Nobody is banned."
        page={page}
        limit={LIMIT}
        onPage={setPage}
      />
      {isAdding && (
        <BanDialog
          onClose={() => {
            setAdding(false);
            list.reload();
          }}
        />
      )}
    </>
  );
}

function Until({ until }: { readonly until: string }) {
  if (until === 'infinity') return <>it is lifted</>;
  const at = new Date(until);
  return <time dateTime={until}>{at.toLocaleString('en-GB')}</time>;
}

/** A regular expression for what begins so. */
function beginningOf(text: string): string {
  return `^${text.replaceAll(/[\\.*+?^$(){}|[\]]/g, '\\$&')}`;
}

function BanDialog({ onClose }: { readonly onClose: () => void }) {
  const [as, setAs] = useState<(typeof KINDS)[number][0]>('clientid');
  const [who, setWho] = useState('');
  const [reason, setReason] = useState('');
  const [lasts, setLasts] = useState<(typeof LASTS)[number][0]>('');
  const submit = async () => {
    const until = new Date(Date.now() + Number(lasts) * 1000).toISOString();
    await post('/banned', {
      as,
      who: as.endsWith('_re') ? beginningOf(who) : who,
      ...(reason === '' ? {} : { reason }),
      ...(lasts === '' ? {} : { until }),
    });
  };
  return (
    <FormDialog title="Ban" action="Ban" isDangerous onSubmit={submit} onClose={onClose}>
      <Field label="By">
        <Choice label="By" value={as} options={KINDS} onChoose={(value) => setAs(value)} />
      </Field>
      <TextField label="Who" name="who" value={who} isRequired onChange={setWho} />
      <TextField
        label="Reason"
        name="reason"
        value={reason}
        hint="An MQTT 5 client that is disconnected is sent it."
        onChange={setReason}
      />
      <Field label="For how long">
        <Choice
          label="For how long"
          value={lasts}
          options={LASTS}
          onChoose={(value) => setLasts(value)}
        />
      </Field>
    </FormDialog>
  );
}
