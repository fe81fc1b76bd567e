import { count, duration } from '../app/format.ts';
import type { Page } from '../app/page.ts';
import { usePoll } from '../app/poll.ts';
import { Failure, PageHead, Tile } from '../parts/basic.tsx';

interface Status {
  readonly node: string;
  readonly version: string;
  readonly uptime: number;
  readonly connections: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retained: number;
}

function Overview() {
  const { data: status, failure } = usePoll<Status>('/status');
  const about =
    status === null ? ' ' : `${status.node} · ${status.version} · up ${duration(status.uptime)}`;
  return (
    <>
      <PageHead title="Overview" about={about} />
      <Failure failure={failure} />
      <div class="tiles">
        <Tile label="Connections" value={count(status?.connections)} />
        <Tile label="Sessions" value={count(status?.sessions)} />
        <Tile label="Subscriptions" value={count(status?.subscriptions)} />
        <Tile label="Retained" value={count(status?.retained)} />
      </div>
    </>
  );
}

export const overviewPage: Page = {
  path: '/',
  title: 'Overview',
  menu: { group: 'Watch', key: 'o' },
  View: Overview,
};
