import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readFileBytes } from '../config/index.ts';

/** Another broker has the PID file. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
}

/**
 * Writes this process's identifier to a file, for those who want to stop it. A file that a process left
 * behind when it was killed is taken over.
 *
 * @returns a function that removes the file
 * @throws {AlreadyRunningError} when the process that the file names is running
 */
export function claimPidFile(path: string): () => void {
  const running = runningProcess(path);
  if (running !== null && running !== process.pid) {
    throw new AlreadyRunningError(`a broker is running already: process ${running} of ${path}`);
  }
  process.title = TITLE;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  // Fails if another broker was quicker.
  writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
  return () => {
    if (readPid(path) === process.pid) rmSync(path, { force: true });
  };
}

/** The process that a PID file names, if it is running and a broker; else null. */
export function runningProcess(path: string): number | null {
  const pid = readPid(path);
  return pid !== null && isRunning(pid) && isBroker(pid) ? pid : null;
}

function readPid(path: string): number | null {
  try {
    // Without waiting, should there be a pipe.
    const text = readFileBytes(path, 'server.pid-file', 100).toString().trim();
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, but another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What a broker's process is called; it takes the place of its arguments, which may hold secrets. */
const TITLE = 'promptmq';

/** Identifiers are used again: where the system tells what a process is called, it has to be a broker. */
function isBroker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(TITLE);
  } catch {
    return true;
  }
}
