import { signal } from '@preact/signals';

/** Whether somebody can see the page: nothing is asked while nobody does. */
export const isVisible = signal(!document.hidden);

document.addEventListener('visibilitychange', () => {
  isVisible.value = !document.hidden;
});
