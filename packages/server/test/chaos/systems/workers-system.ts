import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bin } from '../../support/command.ts';
import { freePort } from '../../support/free-port.ts';
import type { ChaosSystem, Fault } from '../chaos-system.ts';
import { Program, processesOf } from '../program.ts';

/** One broker of several processes on one machine: `server.workers`. */
export async function workersSystem(folder: string, workers = 3): Promise<ChaosSystem> {
  mkdirSync(folder, { recursive: true });
  const [port, metricsPort] = [await freePort(), await freePort()];
  const program = new Program(
    [
      ...[process.execPath, bin, '--workers', `${workers}`, '--bind', `127.0.0.1:${port}`],
      ...[
        '--ws-bind',
        'none',
        '--admin-bind',
        'none',
        '--metrics-bind',
        `127.0.0.1:${metricsPort}`,
      ],
      ...['--data-dir', join(folder, 'data'), '--wal-dir', join(folder, 'wal')],
      ...['--log-format', 'json', '--log-level', 'info'],
    ],
    join(folder, 'log'),
  );
  let isHarmed = false;

  async function untilWell(signal?: AbortSignal): Promise<void> {
    for (;;) {
      try {
        if ((await fetch(`http://127.0.0.1:${metricsPort}/ready`)).ok) return;
      } catch {
        // It doesn't listen yet.
      }
      if (!program.isRunning && !isHarmed) throw new Error(`it ended:\n${program.tail()}`);
      if (signal?.aborted) return;
      await sleep(50);
    }
  }

  const workerPids = () => processesOf(program.group).filter((pid) => pid !== program.group);
  const faults: Fault[] = [
    {
      name: 'worker killed',
      weight: 6,
      lastsMs: [0, 0],
      async begin(random) {
        const pids = workerPids();
        if (pids.length === 0) return null;
        process.kill(random.pick(pids), 'SIGKILL');
        return async () => {};
      },
    },
    {
      name: 'worker stopped',
      weight: 2,
      lastsMs: [500, 5_000],
      async begin(random) {
        const pids = workerPids();
        if (pids.length === 0) return null;
        const pid = random.pick(pids);
        process.kill(pid, 'SIGSTOP');
        return async () => {
          try {
            process.kill(pid, 'SIGCONT');
          } catch {
            // It was killed meanwhile.
          }
        };
      },
    },
    {
      name: 'all killed',
      weight: 1,
      lastsMs: [0, 2_000],
      async begin() {
        isHarmed = true;
        await program.kill();
        return async () => {
          program.start();
          isHarmed = false;
        };
      },
    },
    {
      name: 'restarted in order',
      weight: 1,
      lastsMs: [0, 1_000],
      needsWell: true,
      async begin() {
        isHarmed = true;
        const code = await program.terminate();
        if (code !== 0) throw new Error(`it ended with ${code}:\n${program.tail()}`);
        return async () => {
          program.start();
          isHarmed = false;
        };
      },
    },
  ];
  return {
    name: `PromptMQ, ${workers} workers`,
    ports: [port],
    maximumQoS: 2,
    versions: [5, 4],
    faults,
    programs: { brokers: [program] },
    async start() {
      program.start();
      await untilWell();
    },
    untilWell,
    whatEnded: () => (program.isRunning || isHarmed ? null : `it ended:\n${program.tail()}`),
    stop: () => program.kill(),
  };
}
