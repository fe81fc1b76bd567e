import { count } from '../../app/format.ts';
import type { Page } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { may } from '../../app/session.ts';
import { Bar } from '../../parts/bar.tsx';
import { Badge, Failure, Name, PageHead } from '../../parts/basic.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { ListenerActions } from './listener-actions.tsx';
import type { CertificateInfo, ListenerInfo } from './listener-info.ts';

const EVERY_MS = 5000;

/** Certificates that expire sooner are shown as something to do. */
const SOON_DAYS = 30;
const URGENT_DAYS = 7;

const TYPES: Readonly<Record<string, string>> = {
  tcp: 'MQTT',
  ssl: 'MQTT over TLS',
  ws: 'WebSocket',
  wss: 'WebSocket over TLS',
  auto: 'whatever comes',
};

const COLUMNS: readonly Column<ListenerInfo>[] = [
  { key: 'name', title: 'Listener', cell: ({ id }) => <Name value={id} /> },
  { key: 'type', title: 'Takes', isExtra: true, cell: ({ type }) => TYPES[type] ?? type },
  {
    key: 'bind',
    title: 'Address',
    isExtra: true,
    cell: ({ bind, urls }) => (
      <span title={urls.join(' ')}>
        <Name value={bind} />
      </span>
    ),
  },
  {
    key: 'running',
    title: 'State',
    cell: ({ running }) => (
      <Badge tone={running ? 'good' : 'bad'}>{running ? 'listening' : 'stopped'}</Badge>
    ),
  },
  {
    key: 'connections',
    title: 'Connections',
    cell: ({ current_connections: current, max_connections: max }) => (
      <Bar part={max > 0 ? current / max : 0} text={`${count(current)} of ${count(max)}`} />
    ),
  },
  {
    key: 'certificates',
    title: 'Certificates',
    cell: ({ certificates }) =>
      certificates.length === 0 ? (
        <span class="muted">–</span>
      ) : (
        <ul class="bare-list">
          {certificates.map((one) => (
            <li key={`${one.name} ${one.expires_at}`}>
              <Certificate certificate={one} />
            </li>
          ))}
        </ul>
      ),
  },
];

/** Where clients come in, and how long the certificates are good. */
export function ListenersPage() {
  const { data, failure, reload } = usePoll<readonly ListenerInfo[]>('/listeners', {
    everyMs: EVERY_MS,
  });
  const actions: Column<ListenerInfo> = {
    key: 'actions',
    title: '',
    cell: (listener) => <ListenerActions listener={listener} onChanged={reload} />,
  };
  const soon = (data ?? [])
    .flatMap(({ id, certificates }) => certificates.map((one) => ({ id, one })))
    .filter(({ one }) => one.days_left < SOON_DAYS);
  return (
    <>
      <PageHead title="Listeners" about="Where clients come in." />
      <Failure failure={failure} />
      {soon.map(({ id, one }) => (
        <p key={`${id} ${one.name}`} class="note warn" role="alert">
          The certificate <Name value={one.name} /> of {id} <Left certificate={one} />. A new file
          in its place is taken without a restart.
        </p>
      ))}
      {data !== null && (
        <Table
          caption="Listeners"
          columns={may('config') ? [...COLUMNS, actions] : COLUMNS}
          rows={data}
          rowKey={({ id, bind }) => `${id} ${bind}`}
          empty="The broker has no listeners."
        />
      )}
    </>
  );
}

function Certificate({ certificate }: { readonly certificate: CertificateInfo }) {
  const days = certificate.days_left;
  const tone = days < URGENT_DAYS ? 'bad' : days < SOON_DAYS ? 'warn' : 'good';
  return (
    <>
      <Name value={certificate.name} />{' '}
      <span title={`${certificate.expires_at}, issued by ${certificate.issuer}`}>
        <Badge tone={tone}>
          <Left certificate={certificate} />
        </Badge>
      </span>
    </>
  );
}

function Left({ certificate }: { readonly certificate: CertificateInfo }) {
  const days = certificate.days_left;
  if (days < 0) return <>has expired</>;
  return <>{days === 0 ? 'expires today' : `expires in ${count(days)} days`}</>;
}

export const listenersPage: Page = {
  path: '/listeners',
  title: 'Listeners',
  menu: { group: 'Operate', key: 'n' },
  View: ListenersPage,
};
