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

/** Opens a log in faulty files. */
export function openLog(
  files: FaultyFiles,
  options: Partial<LogOptions> = {},
  events: LogEvent[] = [],
): Promise<Log> {
  return Log.open({
    directory: DIRECTORY,
    files,
    clock: testClock,
    segmentSize: 4096,
    onEvent: (event) => {
      if (event.type !== 'recovering' && event.type !== 'checking') events.push(event);
    },
    ...options,
  });
}

/** Lets everything go on that can without the clock. */
export async function settle(turns = 30): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done));
}
