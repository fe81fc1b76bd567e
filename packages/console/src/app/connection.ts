import { signal } from '@preact/signals';

/** When the broker stopped answering, in milliseconds since 1970; null while it answers. */
export const lostSince = signal<number | null>(null);

/** When it answered last. */
export const answeredAt = signal<number>(Date.now());

export function noteAnswer(): void {
  answeredAt.value = Date.now();
  lostSince.value = null;
}

export function noteSilence(): void {
  lostSince.value ??= Date.now();
}
