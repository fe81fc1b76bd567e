import { type Clock, Log, type LogEvent, type LogOptions } from '../../src/index.ts';
import type { FaultyFiles } from '../../src/testing/index.ts';

export const DIRECTORY = '/log';

/** Its timers don't keep a test from ending. */
const testClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  defer: (callback) => void setImmediate(callback),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.min(delayMs, 0x7fff_ffff)).unref();
    return () => clearTimeout(timer);
  },
};

/** The log that was opened last: what has to hold of it is looked at all the time. */
let opened: Log | null = null;

/** Opens a log in faulty files. */
export async function openLog(
  files: FaultyFiles,
  options: Partial<LogOptions> = {},
  events: LogEvent[] = [],
): Promise<Log> {
  const log = await Log.open({
    directory: DIRECTORY,
    files,
    clock: testClock,
    segmentSize: 4096,
    onEvent: (event) => {
      if (event.type !== 'recovering' && event.type !== 'checking') events.push(event);
    },
    ...options,
    onCommitted: () => {
      opened?.checkInvariants();
      options.onCommitted?.();
    },
  });
  opened = log;
  log.checkInvariants();
  return log;
}

/** Lets everything continue that can without the clock. */
export async function settle(turns = 30): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await new Promise((done) => setImmediate(done));
    opened?.checkInvariants();
  }
}
