import { join } from 'node:path';
import { ReasonCode } from '@promptmq/codec';
import {
  type CompactionResult,
  type IndexSummary,
  LmdbIndex,
  LogError,
  type LogEvent,
} from '@promptmq/wal';
import {
  backupLog,
  type DumpedRecord,
  dumpLog,
  type LogStat,
  repairLog,
  statLog,
  type VerifyReport,
  verifyLog,
  whyIndexIsForeign,
} from '@promptmq/wal/tools';
import type { Argv, CommandModule } from 'yargs';
import { Broker } from '../broker.ts';
import { parseConfig } from '../config/index.ts';
import { lockDataDir } from '../embed/create-broker.ts';
import { noopLogger } from '../log/index.ts';
import { nodeRuntime } from '../runtime/runtime.ts';
import { progressBar } from './progress-bar.ts';

/**
 * What scripts can tell a run by. 1 is any other failure (also of the command line: 2), such as a folder
 * that isn't there or a newer format.
 */
const EXIT_FAILED = 1;
/** `verify` found damage or what is another log's, or `repair` had to give records up. */
const EXIT_DAMAGED = 3;
/** A process has the log open, and the command needs it for itself. */
const EXIT_LOCKED = 4;

/** Shown of a record's data, in bytes, unless all of it is asked for. */
const PREVIEW_MAX = 64;

interface LogArguments {
  readonly dir: string;
  readonly 'index-dir': string | undefined;
  readonly json: boolean;
}

/** `promptmq wal verify|stat|dump|backup|repair|compact DIR`: looks at a log, copies or mends it. */
export const walCommand: CommandModule = {
  command: 'wal <command>',
  describe: 'look at a log, back it up, or, while no broker runs, repair or compact it',
  builder: (args) =>
    args
      .command(verifyCommand)
      .command(statCommand)
      .command(dumpCommand)
      .command(backupCommand)
      .command(repairCommand)
      .command(compactCommand),
  // Never called: one of the commands above is.
  handler: () => {},
};

function logOptions<T>(args: Argv<T>) {
  return args
    .positional('dir', { describe: 'folder of the log', type: 'string', demandOption: true })
    .option('index-dir', {
      describe: 'folder of the index: `index` in storage.data-dir; that of the log when left out',
      type: 'string',
      requiresArg: true,
    })
    .option('json', {
      describe: 'one JSON document on standard output',
      boolean: true,
      default: false,
    });
}

const verifyCommand: CommandModule<object, LogArguments> = {
  command: 'verify <dir>',
  describe: 'check every byte; exit code 0: sound, 3: damaged',
  builder: (args) => logOptions(args),
  handler: ({ dir, 'index-dir': indexDir, json }) =>
    run(json, async () => {
      const index = await LmdbIndex.peek(indexDir ?? dir);
      const report = await verifyLog(dir, { index, onProgress: progressBar('verify') });
      print(json, { ...report, ...checkpointOf(index) }, verifyText(report, index));
      return report.isSound ? 0 : EXIT_DAMAGED;
    }),
};

const statCommand: CommandModule<object, LogArguments> = {
  command: 'stat <dir>',
  describe: 'say what the log consists of',
  builder: (args) => logOptions(args),
  handler: ({ dir, 'index-dir': indexDir, json }) =>
    run(json, async () => {
      const index = await LmdbIndex.peek(indexDir ?? dir);
      const stat = await statLog(dir, { index, onProgress: progressBar('stat') });
      print(json, { ...stat, ...checkpointOf(index) }, statText(stat, index));
      return 0;
    }),
};

interface DumpArguments extends LogArguments {
  readonly from: number | undefined;
  readonly limit: number | undefined;
  readonly stream: string | undefined;
  readonly data: 'preview' | 'text' | 'hex' | 'base64' | 'none';
}

const dumpCommand: CommandModule<object, DumpArguments> = {
  command: 'dump <dir>',
  describe: 'print the records, one a line; with --json a JSON document each',
  builder: (args) =>
    logOptions(args)
      .option('from', {
        describe: 'position of the first record',
        type: 'number',
        requiresArg: true,
      })
      .option('limit', { describe: 'records to print', type: 'number', requiresArg: true })
      .option('stream', {
        describe: 'only the records of this stream',
        type: 'string',
        requiresArg: true,
      })
      .option('data', {
        describe: 'how the data is printed',
        choices: ['preview', 'text', 'hex', 'base64', 'none'] as const,
        default: 'preview' as const,
        requiresArg: true,
      }),
  handler: ({ dir, 'index-dir': indexDir, json, from, limit, stream, data }) =>
    run(json, async () => {
      await warnOfForeignIndex(dir, indexDir ?? dir);
      let left = limit ?? Number.POSITIVE_INFINITY;
      if (left <= 0) return 0;
      // A reader that has seen enough, such as head, ends the dump.
      let isOpen = true;
      process.stdout.on('error', () => {
        isOpen = false;
      });
      await dumpLog(
        dir,
        (record) => {
          process.stdout.write(`${dumpLine(record, data, json)}\n`);
          left--;
          return isOpen && left > 0;
        },
        {
          ...(from === undefined ? {} : { from }),
          ...(stream === undefined ? {} : { stream: Buffer.from(stream) }),
        },
      );
      return 0;
    }),
};

interface BackupArguments extends LogArguments {
  readonly target: string;
}

const backupCommand: CommandModule<object, BackupArguments> = {
  command: 'backup <dir> <target>',
  describe:
    'copy the log of a broker, which may run, to an empty folder; storage.wal-dir for another',
  builder: (args) =>
    logOptions(args).positional('target', {
      describe: 'folder of the copy, empty or made',
      type: 'string',
      demandOption: true,
    }),
  handler: ({ dir, 'index-dir': indexDir, target, json }) =>
    run(json, async () => {
      await warnOfForeignIndex(dir, indexDir ?? dir);
      const report = await backupLog(dir, target, { onProgress: progressBar('backup') });
      print(json, report, [
        `${report.segments} segments of ${report.bytes} bytes, up to position ${report.head}`,
      ]);
      return 0;
    }),
};

const repairCommand: CommandModule<object, LogArguments> = {
  command: 'repair <dir>',
  describe:
    'cut off a torn tail, set damaged bytes aside; exit code 3: records were lost, 4: in use',
  builder: (args) => logOptions(args),
  handler: ({ dir, 'index-dir': indexDir, json }) =>
    run(json, async () => {
      const index = await LmdbIndex.peek(indexDir ?? dir);
      const report = await repairLog(dir, { index, onProgress: progressBar('repair') });
      const lines = report.events.map(eventText);
      for (const header of report.headers) lines.push(`${header}: header written again`);
      print(json, report, lines.length === 0 ? ['nothing to repair'] : lines);
      return report.isLossy ? EXIT_DAMAGED : 0;
    }),
};

interface CompactArguments {
  readonly dir: string;
  readonly json: boolean;
  readonly 'data-dir': string;
  readonly 'max-size': number;
  readonly 'max-age': number;
}

const compactCommand: CommandModule<object, CompactArguments> = {
  command: 'compact <dir>',
  describe: 'remove what no session needs from the log of a broker; exit code 4: in use',
  builder: (args) =>
    args
      .positional('dir', { describe: 'folder of the log', type: 'string', demandOption: true })
      .option('json', {
        describe: 'one JSON document on standard output',
        boolean: true,
        default: false,
      })
      .option('data-dir', {
        describe: 'storage.data-dir of the broker',
        type: 'string',
        demandOption: true,
        requiresArg: true,
      })
      .option('max-size', {
        describe: 'bytes that the log should not exceed; 0: as few as possible',
        type: 'number',
        default: 0,
        requiresArg: true,
      })
      .option('max-age', {
        describe: 'milliseconds after which what nobody needs is removed in any case',
        type: 'number',
        default: 0,
        requiresArg: true,
      }),
  handler: ({ dir, json, 'data-dir': dataDir, 'max-size': maxSize, 'max-age': maxAge }) =>
    run(json, async () => {
      const onProgress = progressBar('compact');
      const result = await compactLog(dir, dataDir, { maxSize, maxAge }, onProgress);
      print(json, result, [
        `removed ${result.removedSegments} segments of ${result.removedBytes} bytes`,
        `moved ${result.movedRecords} records of ${result.movedBytes} bytes`,
      ]);
      return 0;
    }),
};

/** Which records are live, only a broker knows: one without listeners takes the log up for the pass. */
async function compactLog(
  walDir: string,
  dataDir: string,
  limits: { readonly maxSize: number; readonly maxAge: number },
  onProgress: (doneBytes: number, totalBytes: number) => void,
): Promise<CompactionResult> {
  const onEvent = (event: LogEvent) => {
    if (event.type === 'compacting') onProgress(event.doneBytes, event.totalBytes);
  };
  // Only looks: it must not begin a log where there is none, nor take the index of one for that of another.
  const why = await foreignIndexOf(walDir, join(dataDir, 'index'));
  if (why !== null) {
    throw new LogError('foreign', `${why}; name the storage.data-dir of the broker with this log`);
  }
  const config = parseConfig({ storage: { enabled: true, walDir, dataDir } });
  const unlockDataDir = await lockDataDir(config.storage);
  const broker = new Broker(config, nodeRuntime, noopLogger);
  try {
    await broker.recover({ onEvent });
  } catch (error) {
    // It has a timer that would keep the process alive.
    await broker.stop(0, ReasonCode.ServerShuttingDown);
    await unlockDataDir();
    throw error;
  }
  try {
    const log = broker.storage?.log;
    if (log === undefined) throw new Error(`${walDir} could not be opened`);
    log.setCompaction({ ...limits, checkInterval: 0 });
    return await log.compact();
  } finally {
    await broker.stop(0, ReasonCode.ServerShuttingDown);
    await unlockDataDir();
  }
}

// --------------------------------------------------------------------------------- output

/** Runs a command, sets the exit code, and says in one line what failed. */
async function run(json: boolean, command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    const code = error instanceof LogError ? error.code : 'failed';
    const message = error instanceof Error ? error.message : String(error);
    if (json) process.stdout.write(`${JSON.stringify({ error: code, message })}\n`);
    else process.stderr.write(`promptmq: ${message}\n`);
    process.exitCode = code === 'locked' ? EXIT_LOCKED : EXIT_FAILED;
  }
}

/** What is wrong with the index in a folder, when it is another log's. */
async function foreignIndexOf(dir: string, indexDir: string): Promise<string | null> {
  return whyIndexIsForeign(dir, { index: await LmdbIndex.peek(indexDir) });
}

/** For what doesn't use the index, but may have been called with the wrong folder. */
async function warnOfForeignIndex(dir: string, indexDir: string): Promise<void> {
  const why = await foreignIndexOf(dir, indexDir);
  if (why !== null) process.stderr.write(`promptmq: ${why}\n`);
}

function checkpointOf(index: IndexSummary | null) {
  return { checkpointPosition: index?.position ?? 0, indexLogId: index?.logId ?? null };
}

function print(json: boolean, report: object, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${lines.join('\n')}\n`);
}

function verifyText(report: VerifyReport, index: IndexSummary | null): string[] {
  const { segments, batches, records, bytes, problems } = report;
  return [
    ...problems.map(({ kind, file, offset, bytes }) => {
      if (kind !== 'foreign') return `${file}: ${kind}, ${bytes} bytes at offset ${offset}`;
      const noun = file === index?.file ? 'index' : 'segment';
      return `${file}: foreign, the ${noun} of another log than ${report.logId}`;
    }),
    `${segments} segments, ${batches} batches, ${records} records, ${bytes} bytes`,
    soundness(report),
  ];
}

function soundness({ isSound, problems }: VerifyReport): string {
  if (isSound) return 'sound';
  const isDamaged = problems.some(({ kind }) => kind !== 'foreign' && kind !== 'torn-tail');
  return isDamaged ? 'damaged' : 'undamaged, but not of one log';
}

function statText(stat: LogStat, index: IndexSummary | null): string[] {
  const { snapshot } = stat;
  const lines = stat.segments.map(
    ({ file, first, end, records, lastWriteMs }) =>
      `${file}: positions ${first} to ${end}, ${records} records, last written ${time(lastWriteMs)}`,
  );
  return [
    ...lines,
    stat.logId === null ? 'a log without identity' : `log ${stat.logId}`,
    `positions ${stat.tail} to ${stat.head} in ${stat.segments.length} segments`,
    `${stat.bytes} bytes used of ${stat.fileBytes}`,
    `${stat.records} records in ${stat.batches} batches, ${stat.dataBytes} bytes of data`,
    `${stat.movedRecords} records moved by compaction`,
    `${stat.streams} streams`,
    snapshot === null
      ? 'no snapshot'
      : `last snapshot at ${snapshot.start}, ${snapshot.end - snapshot.start} bytes`,
    checkpointText(stat, index),
    `${stat.quarantinedFiles} files in quarantine`,
  ];
}

function checkpointText({ isIndexForeign }: LogStat, index: IndexSummary | null): string {
  if (isIndexForeign) return `${index?.file} is of another log, ${index?.logId}`;
  const position = index?.position ?? 0;
  return position === 0 ? 'no checkpoint' : `last checkpoint at ${position}`;
}

function time(timeMs: number): string {
  return timeMs === 0 ? 'never' : new Date(timeMs).toISOString();
}

function dumpLine(record: DumpedRecord, format: DumpArguments['data'], json: boolean): string {
  const { position, kind, origin, from, timeMs } = record;
  const stream = record.stream.toString();
  if (json) {
    const data =
      format === 'none' ? {} : { data: record.data.toString(encodingOf(format, 'base64')) };
    const length = record.data.length;
    return JSON.stringify({ position, kind, origin, from, timeMs, stream, length, ...data });
  }
  const moved = from === null ? '' : ` from ${from}`;
  const head = `${position} ${kind}${moved} ${time(timeMs)} ${JSON.stringify(stream)} ${record.data.length}`;
  if (format === 'none') return head;
  if (format !== 'preview') return `${head} ${record.data.toString(encodingOf(format, 'utf8'))}`;
  const shown = record.data.subarray(0, PREVIEW_MAX).toString('latin1');
  // Only what a terminal shows as it is.
  return `${head} ${shown.replace(/[^\x20-\x7e]/g, '.')}`;
}

function encodingOf(format: DumpArguments['data'], otherwise: BufferEncoding): BufferEncoding {
  if (format === 'text') return 'utf8';
  return format === 'hex' || format === 'base64' ? format : otherwise;
}

function eventText(event: LogEvent): string {
  switch (event.type) {
    case 'torn-tail':
      return `${event.file}: torn tail of ${event.bytes} bytes cut off at offset ${event.offset}`;
    case 'quarantined':
      return `${event.file}: ${event.bytes} bytes at offset ${event.offset} are lost; copy: ${event.copy ?? 'none'}`;
    default:
      return event.type;
  }
}
