import type { Page } from '../../app/page.ts';
import { may } from '../../app/session.ts';
import { PageHead } from '../../parts/basic.tsx';
import { ConnectForm } from './connect-form.tsx';
import { isConnected } from './connection.ts';
import { Happenings } from './happenings.tsx';
import { PublishForm } from './publish-form.tsx';
import { SubscribeForm } from './subscribe-form.tsx';

/** A client of MQTT 5 to try things with, over the broker's WebSocket listener. */
export function TryPage() {
  return (
    <>
      <PageHead
        title="Try it"
        about="A client of MQTT 5 in this page, over WebSocket. It stays connected while the console is open."
      />
      <div class="try">
        <div>
          <ConnectForm />
          {isConnected.value && <SubscribeForm />}
          {isConnected.value && may('publish') && <PublishForm />}
        </div>
        <Happenings />
      </div>
    </>
  );
}

export const tryPage: Page = {
  path: '/try',
  title: 'Try it',
  menu: { group: 'Messages', key: 'y' },
  View: TryPage,
};
