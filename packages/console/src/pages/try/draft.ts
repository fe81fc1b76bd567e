import { signal } from '@preact/signals';

/** What is written into the form for publishing: also set by whoever answers a message. */
export const draft = signal({ topic: 'test/hello', payload: 'Hello', correlationData: '' });
