import { expect, test } from '@jest/globals';
import { CellProcesses } from '../../src/cluster/node/cell-processes.ts';
import type { ToWorker } from '../../src/cluster/worker-messages.ts';
import { PooledWorker, type WorkerPool, type WorkerUser } from '../../src/cluster/worker-pool.ts';

/** Cell 1 of node `a`, whose process says what a test has it say. */
function processesOf() {
  const sent: ToWorker[] = [];
  let user: WorkerUser | null = null;
  const worker = {
    isReady: true,
    send: (message: ToWorker) => void sent.push(message),
    claim: (message: ToWorker) => void sent.push(message),
  } as unknown as PooledWorker;
  const pool = {
    of: (label: number) => (label === 1 ? worker : null),
    start: (_task: unknown, its: WorkerUser) => {
      user = its;
      return worker;
    },
  } as unknown as WorkerPool;
  const processes = new CellProcesses({
    ...{ node: 'a', count: 2, pool, addressOf: () => 'here', onChanged: () => {} },
    ...{ witnessOf: () => null, onWitness: () => {}, onLoss: () => {}, onEnded: () => {} },
  });
  return { processes, sent, process: () => user as unknown as WorkerUser };
}

test('a process whose cell has an owner of a later epoch is told to end, and no other', async () => {
  const { processes, sent, process } = processesOf();
  const opened = processes.open(1, 5);
  await Promise.resolve();
  process().onReady([]);
  expect(await opened).toBe('serving');
  processes.depose(1, 5, 'it is its own');
  processes.depose(1, 4, 'it is older');
  processes.depose(0, 9, 'it is not here');
  expect(sent).toEqual([]);
  processes.depose(1, 6, 'node b has the cell');
  expect(sent).toEqual([{ kind: 'abandon', why: 'node b has the cell' }]);
});

test('a cell that is claimed before it is prepared is served only when its process serves', async () => {
  const { processes, sent, process } = processesOf();
  void processes.prepare(1);
  await Promise.resolve();
  const opened = processes.open(1, 5);
  await Promise.resolve();
  expect(sent).toEqual([{ kind: 'claim', epoch: 5, witness: null }]);
  process().onPrepared?.();
  process().onReady([]);
  expect(await opened).toBe('serving');
});

test('a process that does not listen yet hears that its cell is claimed when it begins', () => {
  const sent: ToWorker[] = [];
  const child = {
    isConnected: () => true,
    process: { send: (message: ToWorker) => void sent.push(message) },
  };
  const parameters = [{ label: 1, isAhead: true }, {}, child] as unknown;
  const worker = new PooledWorker(...(parameters as ConstructorParameters<typeof PooledWorker>));
  expect(worker.isPreparing).toBe(true);
  const claim = { kind: 'claim', epoch: 5, witness: null } as const;
  worker.claim(claim);
  expect(worker.isPreparing).toBe(false);
  expect(sent).toEqual([]);
  const cells = { kind: 'cells', cells: [], isClosed: false } as const;
  worker.begin(cells);
  expect(sent).toEqual([cells, claim]);
  worker.claim({ ...claim, epoch: 6 });
  expect(sent.length).toBe(3);
});
