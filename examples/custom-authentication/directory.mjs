/** What is known of devices. Stands for a database or an HTTP service: `find` promises its answer, and may be aborted. */
import { setTimeout } from 'node:timers/promises';

const devices = new Map([
  ['lamp', { home: 'garden-street-1' }],
  ['door', { home: 'garden-street-1' }],
]);

export const directory = {
  async find(name, signal) {
    await setTimeout(5, undefined, { signal });
    return devices.get(name) ?? null;
  },
};
