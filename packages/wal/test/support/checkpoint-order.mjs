/**
 * A process that takes one checkpoint, then trims its log: `node checkpoint-order.mjs MODULE DIRECTORY`. It prints, in their
 * order, what has been done to files by name: `sync`, `rename` and `remove`, once each is complete.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, join } from 'node:path';

const [source, directory] = process.argv.slice(2);
const print = (what, path) => process.stdout.write(`${what} ${basename(path)}\n`);

const { open, fsync, fdatasync } = fs;
const names = new Map();
fs.open = (path, flags, mode, done) =>
  open(path, flags, mode, (error, file) => {
    names.set(file, path);
    done(error, file);
  });
const printed = (sync) => (file, done) =>
  sync(file, (error) => {
    print('sync', names.get(file) ?? 'another');
    done(error);
  });
fs.fsync = printed(fsync);
fs.fdatasync = printed(fdatasync);
const { rename } = fs.promises;
fs.promises.rename = async (from, to) => {
  await rename(from, to);
  print('rename', to);
};
syncBuiltinESMExports();

const { LmdbIndex, Log, nodeFiles } = await import(source);

const files = {
  ...nodeFiles,
  remove: async (path) => {
    await nodeFiles.remove(path);
    print('remove', path);
  },
};
const owner = { restore: () => {}, replay: () => {}, changes: () => [['count', Buffer.from('1')]] };
const index = new LmdbIndex(join(directory, 'index'));
const log = await Log.open({ directory, index, owner, files, segmentSize: 65_536 });
for (let batch = 0; batch < 3; batch++) {
  log.append(Buffer.alloc(60_000, batch));
  await log.flush();
}
await log.trim(Number.MAX_SAFE_INTEGER);
await log.close();
