import { signal } from '@preact/signals';

/** The time, as of some seconds ago at most: what says how long ago something was is drawn again by it. */
export const now = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 5_000);
}
