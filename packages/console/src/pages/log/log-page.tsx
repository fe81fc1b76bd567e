import { useRef, useState } from 'preact/hooks';
import type { StreamEvent } from '../../app/event-stream.ts';
import { type StreamState, useStream } from '../../app/events.ts';
import { clock, count } from '../../app/format.ts';
import type { Page } from '../../app/page.ts';
import { route, setQuery } from '../../app/router.ts';
import { isVisible } from '../../app/visible.ts';
import { Badge, Empty, Failure, Name, PageHead, Panel, type Tone } from '../../parts/basic.tsx';
import { Choice, SearchField } from '../../parts/fields.tsx';
import { type LogLine, logLineOf } from './log-line.ts';

const LEVELS = [
  ['error', 'errors'],
  ['warn', 'warnings and errors'],
  ['info', 'info and above'],
  ['debug', 'debug and above'],
  ['trace', 'all'],
] as const;

const TONES: Readonly<Record<string, Tone>> = {
  fatal: 'bad',
  error: 'bad',
  warn: 'warn',
  info: 'info',
};

const STATES: Readonly<Record<StreamState, string>> = {
  off: 'Paused',
  connecting: 'Connecting …',
  open: 'Live',
  ended: 'Not connected',
};

const LINES_MAX = 1000;

/** Fields that lead to what they name. */
const CLIENT_FIELDS = ['client', 'clientId', 'clientid'];

/** The log as it is written, with what is looked for. */
export function LogPage() {
  const { query } = route.value;
  const level = LEVELS.find(([one]) => one === query.get('level'))?.[0] ?? 'info';
  const search = query.get('search') ?? '';
  return (
    <>
      <PageHead title="Log" about="What the broker writes; log.level says what that is.">
        <SearchField
          label="line contains"
          value={search}
          onSearch={(text) => setQuery({ search: text })}
        />
        <Choice
          label="Level"
          value={level}
          options={LEVELS}
          onChoose={(value) => setQuery({ level: value === 'info' ? null : value })}
        />
      </PageHead>
      <Lines key={`${level} ${search}`} level={level} search={search} />
    </>
  );
}

/** One tail: another level or search is another one. */
function Lines({ level, search }: { readonly level: string; readonly search: string }) {
  const [isOn, setOn] = useState(true);
  // Who comes back is sent the last lines again.
  const lastId = useRef(0);
  const read = (event: StreamEvent) => {
    const line = logLineOf(event);
    if (line === null || line.id === null) return line;
    if (line.id <= lastId.current) return null;
    lastId.current = line.id;
    return line;
  };
  const { items, state, failure, goneCount, clear } = useStream<LogLine>(
    isOn && isVisible.value ? '/logs' : null,
    { query: { level, filter: search }, itemsMax: LINES_MAX, read },
  );
  return (
    <>
      <Failure failure={failure} />
      <Panel
        title={STATES[state]}
        isFlush
        actions={
          <>
            {goneCount > 0 && (
              <span class="muted">{count(goneCount)} older lines are no longer shown.</span>
            )}
            <button type="button" aria-pressed={!isOn} onClick={() => setOn(!isOn)}>
              {isOn ? 'Pause' : 'Continue'}
            </button>
            <button type="button" onClick={clear}>
              Clear
            </button>
          </>
        }
      >
        {items.length === 0 && <Empty>No such line yet.</Empty>}
        <ol class="log-lines" aria-label="Lines of the log, newest first">
          {items.toReversed().map((line) => (
            <Line key={line.key} line={line} />
          ))}
        </ol>
      </Panel>
    </>
  );
}

function Line({ line: { at, level, event, fields } }: { readonly line: LogLine }) {
  return (
    <li class={level}>
      <time>{clock(at)}</time> <Badge tone={TONES[level] ?? 'plain'}>{level}</Badge>{' '}
      <strong>{event}</strong>{' '}
      {fields.map(([name, value]) => (
        <span key={name} class="log-field">
          <span class="muted">{name}=</span>
          {CLIENT_FIELDS.includes(name) ? (
            <a href={`#/clients/${encodeURIComponent(value)}`}>
              <Name value={value} />
            </a>
          ) : (
            <Name value={value} max={400} none='""' />
          )}{' '}
        </span>
      ))}
    </li>
  );
}

export const logPage: Page = {
  path: '/log',
  title: 'Log',
  menu: { group: 'Watch', key: 'l' },
  View: LogPage,
};
