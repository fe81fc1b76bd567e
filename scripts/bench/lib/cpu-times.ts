import { readFileSync } from 'node:fs';
import type { ChaosSystem } from '../../../packages/server/test/chaos/chaos-system.ts';

/** Microseconds of the processor, by kind of process. */
export type CpuTimes = Readonly<Record<string, number>>;

/** What the system counts in: USER_HZ, which is 100 on all machines. */
const MICROS_PER_TICK = 10_000;

/** What the processes of a system, and this one (`harness`), have used since they began. */
export function cpuTimes(programs: ChaosSystem['programs']): CpuTimes {
  const times: Record<string, number> = {};
  for (const [kind, ofKind] of Object.entries(programs)) {
    const processes = ofKind.flatMap((program) => program.processes);
    times[kind] = processes.reduce((total, id) => total + ticksOf(id) * MICROS_PER_TICK, 0);
  }
  const { user, system } = process.cpuUsage();
  times.harness = user + system;
  return times;
}

/** What was used between two looks, for each message. */
export function cpuMicrosOf(begin: CpuTimes, end: CpuTimes, messages: number): CpuTimes {
  return Object.fromEntries(
    Object.entries(end).map(([kind, micros]) => [
      kind,
      Number(((micros - (begin[kind] ?? 0)) / messages).toFixed(1)),
    ]),
  );
}

/** Of a process with all its threads; 0 when it has ended. */
function ticksOf(id: number): number {
  try {
    // The name of the program, which comes before, may have spaces and brackets.
    const [, , , , , , , , , , , user, system] = readFileSync(`/proc/${id}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(user) + Number(system);
  } catch {
    return 0;
  }
}
