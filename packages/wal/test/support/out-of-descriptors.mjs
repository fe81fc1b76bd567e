/** Writes to a log after all file descriptors of the process have been taken; prints what came of it. */
import { openSync } from 'node:fs';

const [source, directory] = process.argv.slice(2);
const { Log } = await import(source);
const log = await Log.open({ directory, segmentSize: 65_536 });
const append = () =>
  new Promise((done) => log.append(Buffer.alloc(20_000), (error) => done(error?.code ?? 'safe')));
// The first segment, and what is loaded when it is needed.
await append();
try {
  for (;;) openSync('/dev/null', 'r');
} catch (error) {
  process.stdout.write(`${error.code}\n`);
}
const outcomes = new Map();
for (let count = 0; count < 40; count++) {
  const outcome = await append();
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}
process.stdout.write(`${JSON.stringify([...outcomes])} ${log.segments.length} ${log.failure}\n`);
process.exit(0);
