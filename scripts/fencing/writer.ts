/**
 * Owns the logs of cells as often as it can, and appends to them: a process for `node scripts fencing`, which kills and stops it. It reads
 * its options as JSON from its only argument, writes a line for each entry that counts to standard output, before anything else happens,
 * and takes lines `trim CELL POSITION` from standard input.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  claimCell,
  type EngineLog,
  FencedError,
  type FencedLog,
  FencedReader,
  NatsEngine,
} from '../../packages/cluster/dist/index.js';
import type { WriterOptions } from '../../packages/cluster/test/fencing/writer-options.ts';
import { untilThere } from '../../packages/cluster/test/support/until-there.ts';
import { nodeClock } from '../../packages/wal/dist/index.js';

/** Entries of a segment. */
const SEGMENT_ENTRIES = 100;
/** Entries that wait at once. */
const WAITING_MAX = 8;
/** Between two appends, in milliseconds. */
const PACE_MS = 4;

const options = JSON.parse(process.argv[2] ?? '') as WriterOptions;
const { name, cells, window, engine: engineOptions } = options;
const logs = new Map<number, FencedLog>();

process.stdin.on('end', () => process.exit());
process.stdin.setEncoding('utf8').on('data', (text: string) => {
  for (const line of text.trim().split('\n')) {
    const [, cell, position] = line.split(' ').map(Number);
    logs
      .get(cell ?? -1)
      ?.trim(position ?? 0)
      .catch(() => {});
  }
});

const engine = new NatsEngine({ ...engineOptions, sync: 'assumed' });
await untilThere(() => engine.connect());
say('ready');
await Promise.all(cells.map(runCell));

/** A line reaches the parent whatever happens to this process afterwards. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function runCell(cell: number): Promise<never> {
  const log = await untilThere(() => engine.openLog(cell));
  for (let life = 0; ; life++) {
    try {
      await own(cell, log, life);
    } catch (error) {
      if (!(error instanceof FencedError)) throw error;
      // Another owner trimmed what was about to be read; whatever else it is must not happen.
      if (error.code !== 'trimmed') say(`! ${cell} ${error.code}: ${error.message}`);
    }
    await sleep(200 + Math.random() * 1_500);
  }
}

/** Claims a cell, and appends until another owner has it. */
async function own(cell: number, engineLog: EngineLog, life: number): Promise<void> {
  let end = 0;
  const reader = new FencedReader(engineLog, ({ kind, entry }) => {
    end = kind === 'owner' ? entry.position : entry.position + entry.bodySize;
  });
  await untilThere(() => reader.readOn());
  const claim = await claimCell(
    engineLog,
    reader,
    reader.state.epoch + 1,
    { node: name, incarnation: `${process.pid}/${life}`, identity: 'x', level: 1, timeMs: 0 },
    { clock: nodeClock, window, onFailed },
  );
  if (claim.kind === 'taken') return;
  const { log } = claim;
  const { epoch } = log.state;
  let isOver = false;
  logs.set(cell, log);
  say(`c ${cell} ${epoch} ${end}`);
  let segment = end;
  for (let count = 0; !isOver; count++) {
    if (log.pendingCount >= WAITING_MAX) {
      await sleep(PACE_MS);
      continue;
    }
    if (count % SEGMENT_ENTRIES === 0) segment = end;
    const text = `${name}/${process.pid}/${life}/${count};`.padEnd(1 << (count % 12), '.');
    const position = end;
    end = position + text.length;
    const bytes = { position, segment, isSealed: false, parts: [Buffer.from(text)] };
    try {
      log.append(bytes, () => say(`a ${cell} ${epoch} ${position} ${text.length}`));
    } catch {
      break;
    }
    await sleep(PACE_MS);
  }
  logs.delete(cell);

  function onFailed(error: FencedError): void {
    isOver = true;
    say(
      error.code === 'fenced' ? `f ${cell} ${epoch}` : `! ${cell} ${error.code}: ${error.message}`,
    );
  }
}
