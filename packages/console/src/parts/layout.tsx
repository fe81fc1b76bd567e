/** What is around each page: the menu, who has logged in, and whether the broker answers. */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { answeredAt, lostSince } from '../app/connection.ts';
import { clock } from '../app/format.ts';
import { logOut } from '../app/login.ts';
import type { Page } from '../app/page.ts';
import { isReadOnly, session } from '../app/session.ts';
import { switchTheme, theme } from '../app/theme.ts';
import { Badge } from './basic.tsx';
import { Notices } from './dialog.tsx';
import { isHelpOpen } from './shortcuts.tsx';

const isMenuOpen = signal(false);

export function closeMenu(): void {
  isMenuOpen.value = false;
}

export function Layout(props: {
  readonly pages: readonly Page[];
  /** The page of the menu that is shown, or that has led to what is shown. */
  readonly current: Page | null;
  readonly children: ComponentChildren;
}) {
  return (
    <div class={isMenuOpen.value ? 'shell menu-open' : 'shell'}>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the page
      </button>
      <header class="top">
        <button
          type="button"
          class="quiet menu-button"
          aria-expanded={isMenuOpen.value}
          aria-controls="menu"
          onClick={() => {
            isMenuOpen.value = !isMenuOpen.value;
          }}
        >
          <span aria-hidden="true">☰</span>
          <span class="hidden">Menu</span>
        </button>
        <a class="brand" href="#/">
          <span class="brand-mark" aria-hidden="true" />
          PromptMQ
        </a>
        <span class="top-space" />
        {isReadOnly.value && <Badge tone="info">read-only</Badge>}
        <Connection />
        <button
          type="button"
          class="quiet"
          title="Keys that can be used (?)"
          onClick={() => {
            isHelpOpen.value = true;
          }}
        >
          <span aria-hidden="true">?</span>
          <span class="hidden">Keys that can be used</span>
        </button>
        <button type="button" class="quiet" onClick={switchTheme} title="Dark or light">
          <span aria-hidden="true">{theme.value === 'dark' ? '☀' : '☾'}</span>
          <span class="hidden">{theme.value === 'dark' ? 'Light' : 'Dark'} colours</span>
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => void logOut()}
          title={`Logged in by the key ${session.value?.name}`}
        >
          Log out
        </button>
      </header>
      <Menu {...props} />
      <main id="main" tabIndex={-1}>
        <LostBanner />
        {props.children}
      </main>
      <Notices />
    </div>
  );
}

function Menu({
  pages,
  current,
}: {
  readonly pages: readonly Page[];
  readonly current: Page | null;
}) {
  const groups = ['Watch', 'Messages', 'Operate'] as const;
  return (
    <nav id="menu" class="menu" aria-label="Pages">
      {groups.map((group) => {
        const its = pages.filter(({ menu }) => menu?.group === group);
        if (its.length === 0) return null;
        return (
          <div key={group} class="menu-group">
            <h2>{group}</h2>
            {its.map((page) => (
              <a
                key={page.path}
                href={`#${page.path}`}
                aria-current={page === current ? 'page' : undefined}
              >
                {page.title}
                <span class="key" aria-hidden="true">
                  g {page.menu?.key}
                </span>
              </a>
            ))}
          </div>
        );
      })}
    </nav>
  );
}

function Connection() {
  const isLost = lostSince.value !== null;
  return (
    <span class={isLost ? 'link lost' : 'link'} title={`Answered ${clock(answeredAt.value)}`}>
      <span class="dot" aria-hidden="true" />
      <span class="link-text">{isLost ? 'no connection' : 'connected'}</span>
    </span>
  );
}

function LostBanner() {
  if (lostSince.value === null) return null;
  return (
    <p class="lost-banner" role="alert">
      The broker does not answer. What is shown is from {clock(answeredAt.value)}; it is asked again
      and again.
    </p>
  );
}
