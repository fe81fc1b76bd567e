import { useState } from 'preact/hooks';
import { path } from '../../app/api.ts';
import { bytes, count, duration } from '../../app/format.ts';
import type { Page, PageProps } from '../../app/page.ts';
import { usePoll } from '../../app/poll.ts';
import { route, setQuery } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Ago, Facts, Failure, Name, PageHead, Panel } from '../../parts/basic.tsx';
import { Tabs } from '../../parts/fields.tsx';
import { HistoryList } from '../why/history-list.tsx';
import { BanDialog, KickDialog } from './client-actions.tsx';
import { addressOf, type Client, ClientState, versionOf } from './client-parts.tsx';
import { LivePackets } from './live-packets.tsx';
import { Messages } from './messages.tsx';
import { Subscriptions } from './subscriptions.tsx';

type Tab = 'subscriptions' | 'inflight' | 'queue' | 'live' | 'history';

const FOR_EVER = 4_294_967_295;

function OneClient({ params }: PageProps) {
  const id = params['clientId'] as string;
  const { data: client, failure, reload } = usePoll<Client>(path`/clients/${id}`);
  const [asking, setAsking] = useState<'kick' | 'ban' | null>(null);
  const tab = (route.value.query.get('tab') ?? 'subscriptions') as Tab;
  const isGone = failure?.status === 404;
  const close = () => {
    setAsking(null);
    reload();
  };
  return (
    <>
      <PageHead
        title={<Name value={id} none="(empty)" max={90} />}
        about={<a href="#/clients">All clients</a>}
      >
        {client !== null && !isGone && <ClientState client={client} />}
        <a class="button" href={`#/why?${new URLSearchParams({ client: id })}`}>
          Why did it not get …?
        </a>
        {may('clients') && (
          <>
            {client?.connected === true && !isGone && (
              <button type="button" onClick={() => setAsking('kick')}>
                Disconnect
              </button>
            )}
            <button type="button" class="danger" onClick={() => setAsking('ban')}>
              Ban
            </button>
          </>
        )}
      </PageHead>
      {isGone ? (
        <p class="note">There is no such client now: it is not connected and has no session.</p>
      ) : (
        <Failure failure={failure} />
      )}
      {client !== null && !isGone && <ClientFacts client={client} />}
      <Tabs<Tab>
        label="What the client has"
        value={tab}
        onChoose={(next) => setQuery({ tab: next === 'subscriptions' ? null : next, page: null })}
        tabs={[
          ['subscriptions', `Subscriptions ${number(client?.subscriptions_cnt)}`],
          ['inflight', `Inflight ${number(client?.inflight_cnt)}`],
          ['queue', `Queue ${number(client?.mqueue_len)}`],
          ['live', 'Live packets'],
          ['history', 'History'],
        ]}
      />
      {tab === 'subscriptions' && <Subscriptions clientId={id} />}
      {tab === 'inflight' && <Messages key="inflight" clientId={id} kind="inflight" />}
      {tab === 'queue' && <Messages key="mqueue" clientId={id} kind="mqueue" />}
      {tab === 'live' && <LivePackets clientId={id} />}
      {tab === 'history' && <History clientId={id} />}
      {asking === 'kick' && <KickDialog clientId={id} onClose={close} />}
      {asking === 'ban' && (
        <BanDialog clientId={id} address={client?.ip_address ?? null} onClose={close} />
      )}
    </>
  );
}

function ClientFacts({ client }: { readonly client: Client }) {
  const since = client.connected ? client.connected_at : client.disconnected_at;
  return (
    <div class="grid">
      <Panel title="Connection">
        <Facts
          facts={[
            [client.connected ? 'Connected' : 'Left', <Ago key="since" at={since} />],
            ['User', <Name key="user" value={client.username} none="nobody" />],
            ['Address', addressOf(client)],
            ['Listener', client.listener],
            ['Over', client.protocol],
            ['MQTT', versionOf(client)],
            ['Keep alive', keepAliveText(client.keepalive)],
            ['Received', bytes(client.recv_oct)],
            ['Sent', bytes(client.send_oct)],
          ]}
        />
      </Panel>
      <Panel title="Session">
        <Facts
          facts={[
            ['Ends', expiryText(client.expiry_interval)],
            ['On disk', client.durable ? 'yes' : 'no'],
            ['Clean start', client.clean_start === null ? null : client.clean_start ? 'yes' : 'no'],
            ['Subscriptions', count(client.subscriptions_cnt)],
            ['Inflight', `${count(client.inflight_cnt)} of ${count(client.inflight_max)}`],
            ['Queued', `${count(client.mqueue_len)} of ${count(client.mqueue_max)}`],
            ['In the queue', bytes(client.mqueue_bytes)],
            [
              'Dropped',
              client.mqueue_dropped > 0 ? (
                <span class="bad-text">{count(client.mqueue_dropped)}</span>
              ) : (
                '0'
              ),
            ],
            ['Await PUBREL', count(client.awaiting_rel_cnt)],
          ]}
        />
      </Panel>
    </div>
  );
}

/** What happened to it lately, and where to ask more. */
function History({ clientId }: { readonly clientId: string }) {
  const { query } = route.value;
  return (
    <>
      <p class="tab-toolbar">
        <a href={`#/why?client=${encodeURIComponent(clientId)}`}>Why did it not get a message?</a>
      </p>
      <HistoryList
        clientid={clientId}
        page={Math.max(1, Number(query.get('page')) || 1)}
        onPage={(page) => setQuery({ page })}
        empty="Nothing is known of it."
      />
    </>
  );
}

function number(value: number | undefined): string {
  return value === undefined || value === 0 ? '' : count(value);
}

function keepAliveText(seconds: number | null): string | null {
  if (seconds === null) return null;
  return seconds === 0 ? 'off' : `${seconds} s`;
}

function expiryText(seconds: number): string {
  if (seconds === 0) return 'with the connection';
  return seconds === FOR_EVER ? 'never' : `${duration(seconds)} after the connection`;
}

export const clientPage: Page = {
  path: '/clients/:clientId',
  title: 'Client',
  View: OneClient,
};
