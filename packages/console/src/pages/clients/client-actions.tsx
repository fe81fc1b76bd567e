import { useState } from 'preact/hooks';
import { path, post, remove } from '../../app/api.ts';
import { Name } from '../../parts/basic.tsx';
import { FormDialog, notify } from '../../parts/dialog.tsx';
import { CheckField, Field, TextField } from '../../parts/fields.tsx';

export function KickDialog(props: { readonly clientId: string; onClose(): void }) {
  const { clientId, onClose } = props;
  const [endsSession, setEndsSession] = useState(false);
  const [preventsWill, setPreventsWill] = useState(false);
  return (
    <FormDialog
      title="Disconnect this client?"
      action="Disconnect"
      isDangerous
      onClose={onClose}
      onSubmit={async () => {
        await remove(path`/clients/${clientId}`, {
          query: { cleanSession: endsSession, preventWillMessage: preventsWill },
        });
        notify('Disconnected.');
      }}
    >
      <p>
        <Name value={clientId} /> may connect again at once.
      </p>
      <CheckField
        label="End its session, too: subscriptions and messages that wait are gone"
        value={endsSession}
        onChange={setEndsSession}
      />
      <CheckField
        label="Without its will message"
        value={preventsWill}
        onChange={setPreventsWill}
      />
    </FormDialog>
  );
}

const HOUR_MS = 3_600_000;

/** How long a ban lasts; null: until somebody ends it. */
const TERMS: readonly (readonly [text: string, ms: number | null])[] = [
  ['1 hour', HOUR_MS],
  ['1 day', 24 * HOUR_MS],
  ['30 days', 720 * HOUR_MS],
  ['until it is removed', null],
];

export function BanDialog(props: {
  readonly clientId: string;
  readonly address: string | null;
  onClose(): void;
}) {
  const { clientId, address, onClose } = props;
  const [as, setAs] = useState<'clientid' | 'peerhost'>('clientid');
  const [term, setTerm] = useState(0);
  const [reason, setReason] = useState('');
  return (
    <FormDialog
      title="Ban this client?"
      action="Ban"
      isDangerous
      onClose={onClose}
      onSubmit={async () => {
        const ms = TERMS[term]?.[1] ?? null;
        await post('/banned', {
          as,
          who: as === 'clientid' ? clientId : address,
          ...(reason === '' ? {} : { reason }),
          ...(ms === null ? {} : { until: new Date(Date.now() + ms).toISOString() }),
        });
        notify('Banned.');
      }}
    >
      <Field label="Whom">
        <select
          value={as}
          onChange={(event) => setAs(event.currentTarget.value as 'clientid' | 'peerhost')}
        >
          <option value="clientid">The client identifier</option>
          {address !== null && <option value="peerhost">All clients of {address}</option>}
        </select>
      </Field>
      <Field label="For">
        <select value={term} onChange={(event) => setTerm(Number(event.currentTarget.value))}>
          {TERMS.map(([text], index) => (
            <option key={text} value={index}>
              {text}
            </option>
          ))}
        </select>
      </Field>
      <TextField
        label="Reason"
        value={reason}
        hint="An MQTT 5 client that is disconnected is sent it."
        lengthMax={256}
        onChange={setReason}
      />
      <p>It is disconnected, and refused from then on.</p>
    </FormDialog>
  );
}
