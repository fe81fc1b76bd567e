import { useState } from 'preact/hooks';
import { post } from '../../app/api.ts';
import { count } from '../../app/format.ts';
import type { Page } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { route, setQuery } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Badge, Failure, Name, PageHead } from '../../parts/basic.tsx';
import { FormDialog } from '../../parts/dialog.tsx';
import { Choice, SearchField } from '../../parts/fields.tsx';
import { type Column, Table } from '../../parts/table.tsx';

/** An option as the API has it. */
interface Option {
  /** Such as `mqtt.max-qos`. */
  readonly key: string;
  /** As in a file, in YAML. */
  readonly value: string;
  readonly default: string;
  readonly is_default: boolean;
  readonly origin: 'default' | 'file' | 'environment' | 'flag';
  /** The flag, the variable, or the file with line and column. */
  readonly source: string;
  readonly needs_restart: boolean;
  readonly description: string;
}

interface Configuration {
  readonly file: string | null;
  readonly data: readonly Option[];
}

interface Reloaded {
  readonly changed: readonly string[];
  readonly need_restart: readonly string[];
}

const SHOWN = [
  ['', 'all'],
  ['set', 'set by somebody'],
  ['restart', 'need a restart'],
] as const;

const COLUMNS: readonly Column<Option>[] = [
  {
    key: 'key',
    title: 'Option',
    cell: ({ key, description }) => (
      <>
        <code class="name" title={description}>
          {key}
        </code>
        <div class="muted small">{description}</div>
      </>
    ),
  },
  {
    key: 'value',
    title: 'Value',
    cell: ({ value, is_default: isDefault }) =>
      isDefault ? (
        <span class="muted">
          <Name value={value} none="none" />
        </span>
      ) : (
        <strong>
          <Name value={value} none="none" />
        </strong>
      ),
  },
  {
    key: 'origin',
    title: 'From',
    cell: ({ origin, source, is_default: isDefault, default: base }) => (
      <>
        {isDefault ? <span class="muted">default</span> : <Badge tone="info">{origin}</Badge>}{' '}
        {!isDefault && <Name value={source} />}
        {!isDefault && <div class="muted small">default: {base}</div>}
      </>
    ),
  },
  {
    key: 'restart',
    title: 'Changed by',
    isExtra: true,
    cell: ({ needs_restart: needsRestart }) =>
      needsRestart ? <Badge tone="warn">restart</Badge> : <Badge>reload</Badge>,
  },
];

/** What is configured, where each value comes from, and a reload. */
export function ConfigurationPage() {
  const { query } = route.value;
  const search = (query.get('search') ?? '').toLowerCase();
  const shown = SHOWN.find(([one]) => one === query.get('show'))?.[0] ?? '';
  const [isReloading, setReloading] = useState(false);
  const [result, setResult] = useState<Reloaded | null>(null);
  const { data, failure, reload } = usePoll<Configuration>('/configs', {
    everyMs: null,
  });
  const rows = (data?.data ?? []).filter(
    (option) =>
      (option.key.includes(search) ||
        option.description.toLowerCase().includes(search) ||
        option.value.toLowerCase().includes(search)) &&
      (shown !== 'set' || !option.is_default) &&
      (shown !== 'restart' || option.needs_restart),
  );
  return (
    <>
      <PageHead title="Configuration" about="What was read last, and where each value comes from.">
        {may('config') && (
          <button type="button" onClick={() => setReloading(true)}>
            Reload …
          </button>
        )}
      </PageHead>
      {result !== null && <Result {...result} />}
      <div class="bar">
        <SearchField
          label="option, value or description"
          value={query.get('search') ?? ''}
          onSearch={(text) => setQuery({ search: text })}
        />
        <Choice
          label="Which"
          value={shown}
          options={SHOWN}
          onChoose={(value) => setQuery({ show: value })}
        />
        <span class="muted">
          {count(rows.length)} options
          {data?.file != null && (
            <>
              {' '}
              of <Name value={data.file} />
            </>
          )}
        </span>
      </div>
      <Failure failure={failure} />
      {data !== null && (
        <Table
          caption="Options"
          columns={COLUMNS}
          rows={rows}
          rowKey={({ key }) => key}
          empty="There is no such option."
        />
      )}
      {isReloading && (
        <FormDialog
          title="Reload the configuration"
          action="Reload"
          onSubmit={async () => {
            setResult(await post<Reloaded>('/configs/reload', undefined, { waitMs: null }));
            reload();
          }}
          onClose={() => setReloading(false)}
        >
          <p>
            The file, and the files that it names, are read again. Clients stay connected. What is
            wrong in it is said, and then nothing changes.
          </p>
        </FormDialog>
      )}
    </>
  );
}

function Result({ changed, need_restart: needRestart }: Reloaded) {
  return (
    <div class="note" role="status">
      <p>
        {changed.length === 0
          ? 'Reloaded: nothing has changed.'
          : `Reloaded. In force now: ${changed.join(', ')}.`}
      </p>
      {needRestart.length > 0 && (
        <p>
          <Badge tone="warn">restart</Badge> These keep their former value until the broker is
          started again: {needRestart.join(', ')}.
        </p>
      )}
    </div>
  );
}

export const configurationPage: Page = {
  path: '/configuration',
  title: 'Configuration',
  menu: { group: 'Operate', key: 'f' },
  View: ConfigurationPage,
};
