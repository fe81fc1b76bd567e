import { useState } from 'preact/hooks';
import { type Page, remove } from '../../app/api.ts';
import { count } from '../../app/format.ts';
import { usePoll } from '../../app/poll.ts';
import { bytesOf } from '../../model/message-event.ts';
import { payloadLine } from '../../model/payload.ts';
import { Failure, Name } from '../../parts/basic.tsx';
import { FormDialog, notify } from '../../parts/dialog.tsx';
import { Field } from '../../parts/fields.tsx';
import type { RetainedSummary } from './retained-message.ts';

export interface ClearedFilter {
  /** What stands in the field at first. */
  readonly filter: string;
}

/** Topics that are named before they are cleared. */
const PREVIEW_MAX = 5;

/** Bytes of a payload that are shown of each. */
const PAYLOAD_BYTES = 64;

/** Counts before it is done: nothing is cleared that wasn't shown. */
const COUNTED_MAX = 10_000;

/** Clears retained messages by a filter, and says before how many there are. */
export function ClearRetained({
  filter: first,
  onDone,
}: ClearedFilter & { readonly onDone: (wasCleared: boolean) => void }) {
  const [filter, setFilter] = useState(first);
  const [counted, setCounted] = useState<string | null>(first === '' ? null : first);
  const [wasCleared, setCleared] = useState(false);
  const { data, failure, isCurrent } = usePoll<Page<RetainedSummary>>(
    counted === null ? null : '/mqtt/retainer/messages',
    { query: { topic: counted, limit: COUNTED_MAX, payload_bytes: PAYLOAD_BYTES }, everyMs: null },
  );
  const isKnown = data !== null && isCurrent && counted === filter;
  const size = data?.meta.count ?? data?.data.length ?? 0;
  const isMore = data?.meta.count === undefined && data?.meta.hasnext === true;

  const submit = async () => {
    if (!isKnown) {
      setCounted(filter);
      throw new Error('Look at how many there are, and then press it again.');
    }
    await remove('/mqtt/retainer/messages', { query: { topic: filter }, waitMs: null });
    setCleared(true);
    notify(isMore ? 'they are gone' : `${count(size)} retained messages are gone`);
  };

  return (
    <FormDialog
      title="Clear retained messages"
      action={isKnown ? `Clear ${count(size)}${isMore ? ' and more' : ''}` : 'Count them'}
      isDangerous={isKnown}
      onSubmit={submit}
      onClose={() => onDone(wasCleared)}
    >
      <Field label="Topic filter" hint="+ stands for one level, # at the end for all below">
        <input
          name="clear-filter"
          value={filter}
          required
          onInput={(event) => setFilter(event.currentTarget.value)}
          onChange={(event) => setCounted(event.currentTarget.value || null)}
        />
      </Field>
      <Failure failure={counted === filter ? failure : null} />
      {isKnown && (
        <div class="preview">
          <p>
            <strong>
              {count(size)}
              {isMore && ' and more'}
            </strong>{' '}
            {size === 1 ? 'message is' : 'messages are'} retained that{' '}
            {size === 1 ? 'matches' : 'match'}.
          </p>
          <ul>
            {data.data.slice(0, PREVIEW_MAX).map(({ topic, payload = '' }) => (
              <li key={topic}>
                <Name value={topic} />{' '}
                <span class="muted">
                  <Name value={payloadLine(bytesOf(payload, 'base64'), 40)} />
                </span>
              </li>
            ))}
            {size > PREVIEW_MAX && <li class="muted">…</li>}
          </ul>
          <p class="muted">Subscribers are sent nothing; it can’t be undone.</p>
        </div>
      )}
    </FormDialog>
  );
}
