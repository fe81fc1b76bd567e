/** Keys that lead to pages, and the window that lists them. */
import { signal } from '@preact/signals';
import type { Page } from '../app/page.ts';
import { go } from '../app/router.ts';
import { switchTheme } from '../app/theme.ts';
import { Dialog } from './dialog.tsx';

export const isHelpOpen = signal(false);

/** After `g`, a letter is waited for this long. */
const SECOND_KEY_MS = 1_500;

/** Listens to keys from now on; while something is typed or a window is open, they are what they are. */
export function startShortcuts(pages: readonly Page[]): void {
  let goUntil = 0;
  addEventListener('keydown', (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (key === 'Escape' && isTyping(target)) (target as HTMLElement).blur();
    if (isTyping(target) || document.querySelector('dialog[open]') !== null) return;
    const isSecond = performance.now() < goUntil;
    goUntil = 0;
    const page = isSecond ? pages.find(({ menu }) => menu?.key === key) : undefined;
    if (page !== undefined) go(page.path);
    else if (key === 'g') goUntil = performance.now() + SECOND_KEY_MS;
    else if (!pressed(key)) return;
    event.preventDefault();
  });
}

/** @returns whether the key does something */
function pressed(key: string): boolean {
  switch (key) {
    case '?':
      isHelpOpen.value = true;
      return true;
    case 't':
      switchTheme();
      return true;
    case '/':
      document.querySelector<HTMLElement>('[data-search]')?.focus();
      return true;
    default:
      return false;
  }
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input, textarea, select, [contenteditable]') !== null
  );
}

export function ShortcutHelp({ pages }: { readonly pages: readonly Page[] }) {
  if (!isHelpOpen.value) return null;
  const keys: (readonly [string, string])[] = [
    ['/', 'Search'],
    ['↑ ↓', 'The row above or below'],
    ['t', 'Dark or light'],
    ['?', 'This list'],
    ['Esc', 'Close, or leave a field'],
  ];
  for (const { menu, title } of pages) if (menu !== undefined) keys.push([`g ${menu.key}`, title]);
  const close = () => {
    isHelpOpen.value = false;
  };
  return (
    <Dialog title="Keys" onClose={close}>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="dialog-actions">
        <button type="button" class="primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
