import { useState } from 'preact/hooks';
import { path, post } from '../../app/api.ts';
import { Name } from '../../parts/basic.tsx';
import { attempt, FormDialog, notify } from '../../parts/dialog.tsx';
import type { ListenerInfo } from './listener-info.ts';

/** Stops a listener that runs, and starts one that doesn't. */
export function ListenerActions(props: { readonly listener: ListenerInfo; onChanged(): void }) {
  const { listener, onChanged } = props;
  const [isAsked, setAsked] = useState(false);
  const { id, running } = listener;
  if (!running) {
    const start = async () => {
      await attempt(() => post(path`/listeners/${id}/start`), 'Started.');
      onChanged();
    };
    return (
      <button type="button" onClick={start}>
        Start
      </button>
    );
  }
  return (
    <>
      <button type="button" onClick={() => setAsked(true)}>
        Stop …
      </button>
      {isAsked && (
        <StopDialog
          id={id}
          clients={listener.current_connections}
          onStopped={onChanged}
          onClose={() => setAsked(false)}
        />
      )}
    </>
  );
}

function StopDialog(props: {
  readonly id: string;
  readonly clients: number;
  onStopped(): void;
  onClose(): void;
}) {
  const { id, clients, onStopped, onClose } = props;
  return (
    <FormDialog
      title="Stop this listener?"
      action="Stop"
      isDangerous
      onClose={onClose}
      onSubmit={async () => {
        await post(path`/listeners/${id}/stop`, undefined, { waitMs: null });
        notify('Stopped.');
        onStopped();
      }}
    >
      <p>
        <Name value={id} /> closes all its addresses, and{' '}
        {clients === 1 ? 'its client is' : `its ${clients} clients are`} disconnected. Nobody can
        connect there until it is started again, here or with the broker.
      </p>
    </FormDialog>
  );
}
