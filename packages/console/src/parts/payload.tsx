import { useState } from 'preact/hooks';
import { bestView, type PayloadView, shownPayload } from '../model/payload.ts';

const VIEWS: readonly (readonly [PayloadView, string])[] = [
  ['text', 'Text'],
  ['json', 'JSON'],
  ['hex', 'Hex'],
];

/** A payload as text, JSON or hex; what is large is cut, and says so. */
export function Payload({ bytes }: { readonly bytes: Uint8Array }) {
  const [chosen, setChosen] = useState<PayloadView | null>(null);
  const view = chosen ?? bestView(bytes);
  const { text, note } = shownPayload(bytes, view);
  return (
    <div class="payload">
      <div class="payload-head">
        <fieldset class="switch" aria-label="Show the payload as">
          {VIEWS.map(([name, label]) => (
            <button
              key={name}
              type="button"
              aria-pressed={view === name}
              onClick={() => setChosen(name)}
            >
              {label}
            </button>
          ))}
        </fieldset>
        <span class="muted">{bytes.length.toLocaleString('en')} bytes</span>
      </div>
      {bytes.length === 0 ? <p class="muted">It is empty.</p> : <pre class="bytes">{text}</pre>}
      {note !== null && <p class="muted">{note}</p>}
    </div>
  );
}
