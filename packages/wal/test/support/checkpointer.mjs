/**
 * A process that takes checkpoints without end: `node checkpointer.mjs MODULE DIRECTORY FAULT`. It prints a line when
 * a checkpoint begins, with how many records are durable by then. FAULT is done once, in the second checkpoint:
 *
 *   kill-at-begin   the process is killed before LMDB writes
 *   kill-at-end     it is killed when LMDB has written all, and the checksums are not there yet
 *   damage SEED     bytes of the index change while it is in use, after it has been checked
 *   none
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const [source, directory, fault, seed = '1'] = process.argv.slice(2);
const path = join(directory, 'index.mdb');
let checkpoints = 0;

const { writeFile } = fs.promises;
fs.promises.writeFile = async (name, ...rest) => {
  await writeFile(name, ...rest);
  if (checkpoints !== 2) return;
  if (fault === 'kill-at-begin' && name === `${path}.changing`)
    process.kill(process.pid, 'SIGKILL');
  if (fault === 'kill-at-end' && name === `${path}.sum.new`) process.kill(process.pid, 'SIGKILL');
  if (fault === 'damage' && name === `${path}.changing`) damage(Number(seed));
};
syncBuiltinESMExports();

const { LmdbIndex, Log } = await import(source);

/** Its state: how many records there were, and 1,000 values that change with them. */
const entries = new Map();
let count = 0;
const apply = () => {
  count++;
  for (let at = 0; at < 40; at++) {
    entries.set(
      `key ${(count * 37 + at * 11) % 1000}`,
      Buffer.alloc(20 + ((count * at) % 300), count % 256),
    );
  }
  entries.set('count', Buffer.from(String(count)));
};
const owner = {
  restore: () => {},
  replay: apply,
  changes: () => {
    const changed = [...entries];
    entries.clear();
    return changed;
  },
};
const index = new LmdbIndex(directory, (event) =>
  process.stdout.write(`${JSON.stringify(event)}\n`),
);
const log = await Log.open({ directory, index, owner });
for (;;) {
  for (let number = 0; number < 20; number++) {
    log.append(Buffer.from(`record ${count}`));
    apply();
  }
  await log.flush();
  checkpoints++;
  process.stdout.write(`count ${count}\n`);
  await log
    .checkpoint()
    .catch((error) => process.stdout.write(`${error.code}: ${error.message}\n`));
  if (checkpoints === 4 && fault === 'damage') break;
}
await log.close();

/** Overwrites some stretches of the index, not its first pages. */
function damage(state) {
  let random = state;
  const below = (limit) => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return random % limit;
  };
  const file = fs.openSync(path, 'r+');
  const { size } = fs.fstatSync(file);
  for (let stretch = 0; stretch < 20; stretch++) {
    const bytes = Buffer.alloc(1 + below(600), below(256));
    fs.writeSync(file, bytes, 0, bytes.length, 8192 + below(size - 8192));
  }
  fs.closeSync(file);
}
