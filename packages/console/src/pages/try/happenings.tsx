import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { clock, count, visible } from '../../app/format.ts';
import { payloadLine } from '../../model/payload.ts';
import type { Properties } from '../../mqtt/properties.ts';
import { Badge, Facts, Name, Panel } from '../../parts/basic.tsx';
import { SearchField } from '../../parts/fields.tsx';
import { Payload } from '../../parts/payload.tsx';
import { clear, type Happening, happenings, notShown, received } from './connection.ts';
import { draft } from './draft.ts';

const SIGNS = { in: '←', out: '→', note: '·', fault: '!' } as const;
const MEANINGS = { in: 'received', out: 'published', note: 'note', fault: 'error' } as const;

/** What came, was sent and answered, newest first. */
export function Happenings() {
  const [isPaused, setIsPaused] = useState<readonly Happening[] | null>(null);
  const [search, setSearch] = useState('');
  const [open, setOpen] = useState<number | null>(null);
  const all = isPaused ?? happenings.value;
  const shown = search === '' ? all : all.filter(({ title }) => title.includes(search));
  return (
    <Panel
      title={`Messages, ${count(received.value)} received`}
      actions={
        <>
          <SearchField label="topic contains" value={search} onSearch={setSearch} />
          <button
            type="button"
            aria-pressed={isPaused !== null}
            onClick={() => setIsPaused(isPaused === null ? happenings.value : null)}
          >
            {isPaused === null ? 'Pause' : 'Continue'}
          </button>
          <button type="button" onClick={clear}>
            Clear
          </button>
        </>
      }
    >
      {notShown.value > 0 && (
        <p class="muted">{count(notShown.value)} more came than are shown, 50 a second.</p>
      )}
      {shown.length === 0 && (
        <p class="empty">Nothing yet. Connect, subscribe to a filter such as #, and publish.</p>
      )}
      <ol class="lines">
        {shown.map((happening) => (
          <li key={happening.id} class={`of-${happening.kind}`}>
            <Row
              happening={happening}
              isOpen={open === happening.id}
              onToggle={() => setOpen(open === happening.id ? null : happening.id)}
            />
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function Row({
  happening: { at, kind, title, message, properties },
  isOpen,
  onToggle,
}: {
  readonly happening: Happening;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}) {
  const hasMore = message !== null || Object.keys(properties ?? {}).length > 0;
  return (
    <>
      <button
        type="button"
        class="line"
        disabled={!hasMore}
        aria-expanded={isOpen}
        onClick={onToggle}
      >
        <time class="muted">{clock(at)}</time>
        <span class="sign" role="img" aria-label={MEANINGS[kind]}>
          {SIGNS[kind]}
        </span>
        <span class="title">
          <Name value={title} max={300} />
        </span>
        {message !== null && (
          <>
            <span class="muted">QoS {message.qos}</span>
            {message.retain && <Badge tone="info">retained</Badge>}
            {message.duplicate === true && <Badge tone="warn">duplicate</Badge>}
            <span class="preview">
              <Name value={payloadLine(message.payload)} />
            </span>
          </>
        )}
      </button>
      {isOpen && (
        <div class="more">
          {message !== null && <Payload bytes={message.payload} />}
          {properties !== null && <PropertyList properties={properties} />}
          {kind === 'in' && properties?.responseTopic !== undefined && (
            <button type="button" onClick={() => answer(properties)}>
              Answer it
            </button>
          )}
        </div>
      )}
    </>
  );
}

function PropertyList({ properties }: { readonly properties: Properties }) {
  const { userProperties = [], ...others } = properties;
  const rows: [string, ComponentChildren][] = [
    ...Object.entries(others).map(([name, value]): [string, ComponentChildren] => [
      inWords(name),
      <Name
        key={name}
        value={value instanceof Uint8Array ? payloadLine(value, 200) : String(value)}
      />,
    ]),
    ...userProperties.map(([name, value], index): [string, ComponentChildren] => [
      `${index + 1}: ${visible(name)}`,
      <Name key={name} value={value} none="(empty)" />,
    ]),
  ];
  return rows.length === 0 ? null : <Facts facts={rows} />;
}

/** `contentType` as “content type”. */
function inWords(name: string): string {
  return name.replaceAll(/[A-Z][a-z]*/g, (part) => ` ${part.toLowerCase()}`).trim();
}

function answer({ responseTopic = '', correlationData }: Properties): void {
  draft.value = {
    ...draft.value,
    topic: responseTopic,
    correlationData: correlationData === undefined ? '' : new TextDecoder().decode(correlationData),
  };
  document.querySelector<HTMLTextAreaElement>('textarea[name=payload]')?.focus();
}
