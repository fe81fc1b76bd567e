/** Preloaded into the process of a broker: from SIGUSR2 on every fdatasync fails, as on a disk that breaks. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

let isBroken = false;
process.on('SIGUSR2', () => {
  isBroken = true;
  process.stdout.write('the disk is broken\n');
});

const { fdatasync } = fs;
fs.fdatasync = (descriptor, callback) => {
  if (!isBroken) fdatasync(descriptor, callback);
  else callback(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }));
};
// For those who import it by name.
syncBuiltinESMExports();
