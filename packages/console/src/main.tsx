import 'uplot/dist/uPlot.min.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/content.css';
import './styles/pages.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { get } from './app/api.ts';
import { lostSince } from './app/connection.ts';
import { restoreSession } from './app/login.ts';
import { startClock } from './app/now.ts';
import { paramsOf, route, startRouter } from './app/router.ts';
import { session } from './app/session.ts';
import { startTheme } from './app/theme.ts';
import { PAGES } from './pages/index.ts';
import { LoginPage } from './pages/login.tsx';
import { PageHead } from './parts/basic.tsx';
import { closeMenu, Layout } from './parts/layout.tsx';
import { ShortcutHelp, startShortcuts } from './parts/shortcuts.tsx';

/** A broker that went away is asked this often whether it is back. */
const LOST_MS = 3_000;

function App() {
  const { path } = route.value;
  useEffect(() => {
    closeMenu();
    scrollTo(0, 0);
  }, [path]);
  if (session.value === undefined) {
    const isLost = lostSince.value !== null;
    return <p class="empty">{isLost ? 'The broker does not answer; it is asked again.' : ' '}</p>;
  }
  if (session.value === null) return <LoginPage />;

  const page = PAGES.find((one) => paramsOf(one.path) !== null);
  const inMenu = PAGES.find((one) => one.menu !== undefined && isBelow(path, one.path));
  return (
    <>
      <Layout pages={PAGES} current={inMenu ?? null}>
        {page === undefined ? (
          <PageHead title="There is no such page" about={<a href="#/">To the overview</a>} />
        ) : (
          <page.View key={path} params={paramsOf(page.path) ?? {}} />
        )}
      </Layout>
      <ShortcutHelp pages={PAGES} />
    </>
  );
}

function isBelow(path: string, parent: string): boolean {
  return path === parent || (parent !== '/' && path.startsWith(`${parent}/`));
}

startTheme();
startClock();
startRouter();
startShortcuts(PAGES);
effect(() => {
  const { path } = route.value;
  const page = PAGES.find((one) => paramsOf(one.path) !== null);
  document.title = `${page?.title ?? path} · PromptMQ`;
});
// Whatever is asked beside it, it is found when the broker is back.
setInterval(() => {
  if (lostSince.value === null || document.hidden) return;
  if (session.value == null) void restoreSession();
  else get('/session').catch(() => {});
}, LOST_MS);
void restoreSession();
render(<App />, document.getElementById('app') as HTMLElement);
