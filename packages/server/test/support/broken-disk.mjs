/** Preloaded into the process of a broker: from SIGUSR2 on every fdatasync fails, as on a disk that breaks. */
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const handle = await open(fileURLToPath(import.meta.url));
const prototype = Object.getPrototypeOf(handle);
await handle.close();

let isBroken = false;
process.on('SIGUSR2', () => {
  isBroken = true;
  process.stdout.write('the disk is broken\n');
});

const { datasync } = prototype;
prototype.datasync = function () {
  if (!isBroken) return datasync.call(this);
  return Promise.reject(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }));
};
