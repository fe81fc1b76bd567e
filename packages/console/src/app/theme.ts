/** Dark or light: as the system has it, until somebody chooses. */
import { signal } from '@preact/signals';

export type Theme = 'dark' | 'light';

const KEY = 'promptmq-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

export const theme = signal<Theme>(chosen() ?? ofSystem());

export function startTheme(): void {
  apply();
  system.addEventListener('change', () => {
    if (chosen() !== null) return;
    theme.value = ofSystem();
    apply();
  });
}

export function switchTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // Chosen for this page only, where nothing may be kept.
  }
  apply();
}

function apply(): void {
  document.documentElement.dataset['theme'] = theme.value;
}

function chosen(): Theme | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'dark' || kept === 'light' ? kept : null;
  } catch {
    return null;
  }
}

function ofSystem(): Theme {
  return system.matches ? 'dark' : 'light';
}
