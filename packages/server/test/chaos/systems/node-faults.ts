import type { Fault } from '../chaos-system.ts';
import type { Program } from '../program.ts';

/** One node of a system at a time is killed, or stopped: whatever they are, so are all their processes. */
export function nodeFaults(nodes: readonly Program[]): Fault[] {
  return [
    {
      name: 'node killed',
      weight: 4,
      lastsMs: [1_000, 5_000],
      needsWell: true,
      async begin(random) {
        const node = random.pick(nodes);
        await node.kill();
        return async () => node.start();
      },
    },
    {
      name: 'node stopped',
      weight: 1,
      lastsMs: [1_000, 12_000],
      needsWell: true,
      async begin(random) {
        const node = random.pick(nodes);
        node.signal('SIGSTOP');
        return async () => node.signal('SIGCONT');
      },
    },
  ];
}
