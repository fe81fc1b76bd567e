import { describe, expect, jest, test } from '@jest/globals';
import {
  type Log,
  type LogError,
  type LogEvent,
  type LogOptions,
  nodeClock,
} from '../src/index.ts';
import {
  FaultyFiles,
  Ledger,
  MemoryIndex,
  MemoryReplica,
  Random,
  type Survival,
  systemError,
} from '../src/testing/index.ts';
import { checkItems, LiveSet, type Step } from './support/live-set.ts';
import { DIRECTORY, openLog, settle } from './support/open-log.ts';

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

const SURVIVALS: readonly Survival[] = ['everything', 'nothing', 'anything'];

/** One that confirms only when it is asked to. */
function slowReplica(): MemoryReplica {
  const replica = new MemoryReplica();
  replica.isPrompt = false;
  return replica;
}

/** Waits for what waits for the replica. */
async function confirming(replica: MemoryReplica, done: Promise<unknown>): Promise<void> {
  let isDone = false;
  const ended = done.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await settle();
    replica.confirm();
  }
  await ended;
}

async function contents(log: Log): Promise<string[]> {
  const found: string[] = [];
  for await (const { position, data } of log.records()) found.push(`${position} ${data}`);
  return found;
}

describe('a log with a replica acknowledges what both have', () => {
  test('not before the replica has it', async () => {
    const replica = slowReplica();
    const ledger = new Ledger();
    const log = await openLog(new FaultyFiles(), { replica });
    ledger.append(log);
    await settle();
    expect(log.durablePosition).toBe(log.head);
    expect(ledger.acknowledged.size).toBe(0);
    expect(log.acknowledgedPosition).toBe(0);
    expect(log.pendingBytes).toBeGreaterThan(0);
    replica.confirm();
    expect(ledger.acknowledged.size).toBe(1);
    expect(log.acknowledgedPosition).toBe(log.head);
    expect(log.replicatedPosition).toBe(log.head);
    expect(log.pendingBytes).toBe(0);
    await log.close();
  });

  test('not before its own disk has it', async () => {
    const files = new FaultyFiles();
    const replica = slowReplica();
    const ledger = new Ledger();
    const log = await openLog(files, { replica });
    ledger.append(log);
    await settle();
    replica.confirm();
    ledger.acknowledged.clear();
    let goOn = () => {};
    files.beforeOperation = (name) => {
      if (name !== 'write') return;
      // From the next operation on, which is the sync of what is written now.
      const gate = new Promise<void>((done) => {
        goOn = done;
      });
      files.delay = () => gate;
    };
    ledger.append(log);
    await settle();
    expect(replica.waiting).toBe(1);
    replica.confirm();
    expect(log.replicatedPosition).toBe(log.head);
    expect(ledger.acknowledged.size).toBe(0);
    files.beforeOperation = () => {};
    files.delay = async () => {};
    goOn();
    await settle();
    expect(ledger.acknowledged.size).toBe(1);
    replica.isPrompt = true;
    await log.close();
  });

  test('in modes batch and periodic, too', async () => {
    for (const syncMode of ['batch', 'periodic'] as const) {
      const replica = slowReplica();
      const ledger = new Ledger();
      const log = await openLog(new FaultyFiles(), { replica, syncMode, syncInterval: 1e6 });
      ledger.append(log);
      await settle();
      expect(ledger.acknowledged.size).toBe(0);
      replica.confirm();
      expect(ledger.acknowledged.size).toBe(1);
      replica.isPrompt = true;
      await log.close();
    }
  });

  test('flush, checkpoint and close wait for the replica', async () => {
    const replica = slowReplica();
    const log = await openLog(new FaultyFiles(), { replica, index: new MemoryIndex() });
    for (const wait of [() => log.flush(), () => log.checkpoint(), () => log.close()]) {
      let isOver = false;
      log.append(Buffer.from('x'));
      const waiting = wait().then(() => {
        isOver = true;
      });
      await settle();
      expect(isOver).toBe(false);
      replica.confirm();
      await waiting;
    }
  });

  test.each([1, 8])(
    'what is appended gathers while the replica owes %i batches',
    async (window) => {
      const replica = slowReplica();
      replica.window = window;
      const ledger = new Ledger();
      const log = await openLog(new FaultyFiles(), { replica });
      for (let count = 0; count < 100; count++) {
        ledger.append(log);
        await settle(5);
      }
      expect(replica.waiting).toBe(window);
      expect(log.stats.batches).toBe(window);
      expect(log.stats.syncs).toBe(window);
      replica.isPrompt = true;
      replica.confirm();
      await log.flush();
      expect(ledger.acknowledged.size).toBe(100);
      expect(log.stats.batches).toBeLessThan(window + 4);
      await log.close();
    },
  );
});

describe('a replica has the same bytes at the same positions', () => {
  test('over several segments', async () => {
    const files = new FaultyFiles();
    const replica = new MemoryReplica();
    const ledger = new Ledger();
    const log = await openLog(files, { replica, segmentSize: 600 });
    for (let count = 0; count < 20; count++) {
      ledger.append(log, 60);
      await settle(5);
    }
    await log.close();
    const copy = replica.files(DIRECTORY);
    const paths = copy.paths;
    expect(paths.length).toBeGreaterThan(3);
    for (const path of paths) {
      const size = copy.contentOf(path).length;
      expect(copy.contentOf(path).equals(files.contentOf(path).subarray(0, size))).toBe(true);
    }
    const restored = await openLog(copy, { replica: replica.reopen() });
    await ledger.check(restored);
    expect(restored.id).toBe(log.id);
    expect(restored.head).toBe(replica.position);
    await restored.close();
  });

  test('what it lacks when a log is opened, it gets before that is open', async () => {
    const files = new FaultyFiles();
    const replica = slowReplica();
    replica.window = 8;
    const ledger = new Ledger();
    const log = await openLog(files, { replica, segmentSize: 600 });
    for (let count = 0; count < 7; count++) {
      ledger.append(log, 60);
      await settle(5);
    }
    replica.crash(2);
    const next = replica.reopen();
    const before = next.position;
    const reopened = await openLog(files.crash('everything', new Random(1)), { replica: next });
    expect(before).toBeLessThan(next.position);
    expect(reopened.head).toBe(next.position);
    const copied = await openLog(next.files(DIRECTORY));
    expect(await contents(copied)).toEqual(await contents(reopened));
    await reopened.close();
  });

  test('a log that has less than its replica is not opened', async () => {
    const replica = new MemoryReplica();
    replica.position = 4096;
    const opening = openLog(new FaultyFiles(), { replica });
    await expect(opening).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('on a full disk: what was refused is in neither, and what follows is in both', async () => {
    const files = new FaultyFiles();
    const replica = slowReplica();
    replica.window = 8;
    const ledger = new Ledger();
    const timers: (() => void)[] = [];
    const log = await openLog(files, {
      replica,
      clock: {
        now: () => 0,
        wallNow: () => 0,
        defer: (callback) => void setImmediate(callback),
        setTimer: (_, callback) => {
          timers.push(callback);
          return () => {};
        },
      },
    });
    ledger.append(log);
    await settle();
    files.capacity = files.used;
    ledger.append(log, 3000);
    ledger.append(log, 3000);
    await settle();
    expect(log.isFull).toBe(true);
    expect(ledger.refused.size).toBe(2);
    // What could not be written was not shipped.
    expect(replica.waiting).toBe(1);
    files.capacity = Number.POSITIVE_INFINITY;
    for (const timer of timers.splice(0)) timer();
    await settle();
    expect(log.isFull).toBe(false);
    // Written before, and not replicated: it is not taken for acknowledged because positions are passed over.
    expect(ledger.acknowledged.size).toBe(0);
    expect(log.acknowledgedPosition).toBe(0);
    let isFlushed = false;
    const flushed = log.flush().then(() => {
      isFlushed = true;
    });
    await settle();
    expect(isFlushed).toBe(false);
    replica.confirm();
    await flushed;
    ledger.append(log);
    replica.isPrompt = true;
    await log.flush();
    expect(ledger.acknowledged.size).toBe(2);
    await log.close();
    const restored = await openLog(replica.files(DIRECTORY));
    await ledger.check(restored);
    expect([...ledger.acknowledged]).toHaveLength((await contents(restored)).length);
  });

  describe.each([
    { when: 'before anything was written', isBegun: false, rounds: 1 },
    { when: 'twice, before anything was written', isBegun: false, rounds: 2 },
    { when: 'twice, with nothing written between', isBegun: true, rounds: 2 },
  ])('on a disk that is full $when', ({ isBegun, rounds }) => {
    test.each([
      { what: 'the log continues', isKilled: false },
      { what: 'the next process continues', isKilled: true },
    ])('$what with what the replica expects', async ({ isKilled }) => {
      const files = new FaultyFiles();
      const index = new MemoryIndex();
      const replica = slowReplica();
      const ledger = new Ledger();
      let retry = () => {};
      const clock = {
        ...nodeClock,
        setTimer: (_: number, callback: () => void) => {
          retry = callback;
          return () => {};
        },
      };
      let log = await openLog(files, { replica, clock, index });
      if (isBegun) {
        ledger.append(log);
        await settle();
        replica.confirm();
      }
      for (let round = 0; round < rounds; round++) {
        files.beforeOperation = (name) => {
          if (name === 'write') throw systemError('ENOSPC', name);
        };
        ledger.append(log);
        await settle();
        expect(log.isFull).toBe(true);
        files.beforeOperation = () => {};
        retry();
        await settle();
        expect(log.isFull).toBe(false);
        await confirming(replica, log.checkpoint());
      }
      let [disk, copy] = [files, replica];
      if (isKilled) {
        disk = files.crash('everything', new Random(1));
        copy = replica.reopen();
        log = await openLog(disk, { replica: copy, clock, index: index.crash() });
      }
      ledger.append(log);
      await confirming(copy, log.flush());
      expect(ledger.acknowledged.size).toBe(isBegun ? 2 : 1);
      copy.isPrompt = true;
      await log.close();
      for (const there of [copy.files(DIRECTORY), disk]) {
        const restored = await openLog(there);
        await ledger.check(restored);
        await restored.close();
      }
    });
  });

  test('on a full disk: what changes without a record, the replica has when the next checkpoint is taken', async () => {
    const files = new FaultyFiles();
    const index = new MemoryIndex();
    const replica = new MemoryReplica();
    let state = 'first';
    const entries = () => [['state', Buffer.from(state)]] as const;
    const owner = { restore() {}, replay() {}, changes: entries, snapshot: entries };
    let retry = () => {};
    const clock = {
      now: () => 0,
      wallNow: () => 0,
      defer: (callback: () => void) => void setImmediate(callback),
      setTimer: (_: number, callback: () => void) => {
        retry = callback;
        return () => {};
      },
    };
    const log = await openLog(files, { replica, index, owner, clock });
    log.append(Buffer.from('kept'));
    await log.flush();
    files.capacity = files.used;
    log.append(Buffer.alloc(3000));
    await settle();
    expect(log.isFull).toBe(true);
    state = 'changed on a full disk';
    files.capacity = Number.POSITIVE_INFINITY;
    retry();
    await settle();
    await log.checkpoint();
    expect(log.checkpointPosition).toBeLessThanOrEqual(replica.reopen().position);
    const restored: string[] = [];
    const elsewhere = await openLog(replica.files(DIRECTORY), {
      owner: {
        ...owner,
        restore: (found) => {
          for (const [, value] of found) restored.push(Buffer.from(value).toString());
        },
      },
    });
    expect(restored).toEqual(['changed on a full disk']);
    await elsewhere.close();
    // Not with each checkpoint from then on.
    const { snapshots } = log.stats;
    await log.checkpoint();
    expect(log.stats.snapshots).toBe(snapshots);
    await log.close();
  });
});

describe('a log that is fenced', () => {
  test('refuses what waits, and acknowledges nothing any more', async () => {
    const replica = slowReplica();
    const events: LogEvent[] = [];
    const refused: number[] = [];
    const onRefused = (from: number) => refused.push(from);
    const log = await openLog(new FaultyFiles(), { replica, onRefused }, events);
    log.append(Buffer.from('first'));
    await settle();
    replica.confirm();
    const acknowledged = log.acknowledgedPosition;
    const errors: (Error | null)[] = [];
    log.append(Buffer.from('second'), (error) => errors.push(error));
    await settle();
    const flushing = log.flush();
    flushing.catch(() => {});
    log.fence('epoch 8 is of node b');
    expect(errors).toMatchObject([{ code: 'fenced' }]);
    expect((errors[0] as LogError).message).toContain('epoch 8 is of node b');
    expect(refused).toEqual([acknowledged]);
    expect(events).toMatchObject([{ type: 'failed' }]);
    await expect(flushing).rejects.toMatchObject({ code: 'fenced' });
    await expect(log.flush()).rejects.toMatchObject({ code: 'fenced' });
    expect(() => log.append(Buffer.from('third'))).toThrow('epoch 8');
    replica.confirm();
    expect(errors).toHaveLength(1);
    expect(log.acknowledgedPosition).toBe(acknowledged);
    await log.close();
  });

  test('can be closed while its writer waits for room at the replica', async () => {
    const replica = slowReplica();
    const log = await openLog(new FaultyFiles(), { replica });
    for (let count = 0; count < 20; count++) {
      log.append(Buffer.from('x'));
      await settle(5);
    }
    log.fence('over');
    await log.close();
  });
});

// --------------------------------------------------------------------- crashes

/** What a crash left: of the disk, the index, and the replica. */
interface Left {
  readonly files: FaultyFiles;
  readonly index: MemoryIndex;
  readonly replica: MemoryReplica;
}

/** Works on a log until an operation of its files, and cuts all off there. */
async function cutAt(
  at: number,
  survival: Survival,
  work: (
    files: FaultyFiles,
    index: MemoryIndex,
    replica: MemoryReplica,
    isAlive: () => boolean,
  ) => Promise<void>,
): Promise<Left & { readonly operations: number }> {
  const random = new Random(at);
  const files = new FaultyFiles();
  const index = new MemoryIndex();
  const replica = slowReplica();
  let left: Left | null = null;
  const leave = (): Left => {
    replica.crash(random.below(replica.waiting + 1));
    return {
      files: files.crash(survival, random),
      index: index.crash(),
      replica: replica.reopen(),
    };
  };
  const cut = new Promise<void>((done) => {
    files.beforeOperation = (_, count) => {
      if (left !== null || count !== at) return;
      left = leave();
      done();
    };
  });
  let isOver = false;
  // It confirms some, at any time.
  const confirmSome = () => {
    if (isOver) return;
    replica.confirm(random.below(3));
    setImmediate(confirmSome);
  };
  confirmSome();
  const isAlive = () => left === null;
  await Promise.race([work(files, index, replica, isAlive).catch(() => {}), cut]);
  isOver = true;
  return { ...(left ?? leave()), operations: files.operations };
}

/** Opens what the machine has left, if its replica has no more than that. */
async function reopen(left: Left, options: Partial<LogOptions>): Promise<Log | null> {
  const { files, index, replica } = left;
  try {
    return await openLog(files, { index, replica, ...options });
  } catch (error) {
    expect(error).toMatchObject({ code: 'corrupt' });
    return null;
  }
}

describe('a crash at every operation', () => {
  async function append(
    ledger: Ledger,
    files: FaultyFiles,
    index: MemoryIndex,
    replica: MemoryReplica,
    isAlive: () => boolean,
  ): Promise<void> {
    const log = await openLog(files, { index, replica, segmentSize: 800 });
    for (let group = 0; group < 12 && isAlive(); group++) {
      for (let count = 0; count <= group % 5; count++) ledger.append(log, 50 + 100 * count);
      await settle(4);
    }
    if (isAlive()) replica.isPrompt = true;
    replica.confirm();
    await log.close();
  }

  test.each(SURVIVALS)(
    'what was acknowledged is at the replica alone, with %s of the disk',
    async (survival) => {
      let operations = Number.POSITIVE_INFINITY;
      let caughtUp = 0;
      for (let at = 1; at <= operations; at++) {
        const ledger = new Ledger();
        const left = await cutAt(at, survival, (...of) => append(ledger, ...of));
        operations = left.operations < at ? 0 : Number.POSITIVE_INFINITY;
        // The machine is lost: another one has only what the replica has.
        const moved = left.replica.reopen();
        const restored = await openLog(moved.files('/other'), {
          directory: '/other',
          replica: moved,
        });
        await ledger.check(restored);
        // The machine is back: it gives the replica what that lacks.
        const behind = left.replica.position;
        const reopened = await reopen(left, {});
        if (reopened === null) continue;
        await ledger.check(reopened);
        if (left.replica.position > behind) caughtUp++;
        ledger.append(reopened);
        await reopened.flush();
        const copied = await openLog(left.replica.files(DIRECTORY));
        expect(await contents(copied)).toEqual(await contents(reopened));
      }
      expect(caughtUp).toBeGreaterThan(survival === 'nothing' ? 0 : 5);
    },
  );

  test('during compaction: the state is made of the replica alone', async () => {
    let moved = 0;
    for (let at = 1; at <= 400; at += 3) {
      const owner = new LiveSet();
      const survival = SURVIVALS[at % 3] as Survival;
      const left = await cutAt(at, survival, async (files, index, replica, isAlive) => {
        const log = await openSet(files, index, replica, owner);
        await churn(log, owner, new Random(at), 40, isAlive);
        moved += log.stats.movedRecords;
      });
      const { steps, acknowledged } = owner;
      await checkRestored(left.replica, steps, acknowledged);
      const again = new LiveSet();
      const reopened = await reopen(left, { owner: again, onRefused: again.onRefused });
      if (reopened !== null) await checkItems(reopened, again, steps, acknowledged);
    }
    expect(moved).toBeGreaterThan(50);
  });
});

async function openSet(
  files: FaultyFiles,
  index: MemoryIndex,
  replica: MemoryReplica,
  owner: LiveSet,
  options: Partial<LogOptions> = {},
): Promise<Log> {
  const log = await openLog(files, {
    ...{ index, replica, owner, onRefused: owner.onRefused, segmentSize: 700 },
    compaction: { maxSize: 1200, checkInterval: 0, batchSize: 3 },
    ...options,
  });
  owner.log = log;
  return log;
}

/** Adds items and removes them, of which some stay for long, and compacts. */
async function churn(
  log: Log,
  owner: LiveSet,
  random: Random,
  rounds: number,
  isAlive: () => boolean = () => true,
): Promise<void> {
  for (let round = 0; round < rounds && isAlive(); round++) {
    for (let count = random.below(4); count >= 0; count--) {
      owner.add(log, `${owner.steps.length}-${round}`);
    }
    for (const id of [...owner.items.keys()]) {
      if (random.chance(id.charCodeAt(0) % 4 === 0 ? 0.05 : 0.5)) owner.remove(log, id);
    }
    if (round % 5 === 4) await log.compact();
    await settle(3);
  }
}

/** Opens the replica's copy, without an index. */
async function checkRestored(
  replica: MemoryReplica,
  steps: readonly Step[],
  acknowledged: number,
): Promise<void> {
  const owner = new LiveSet();
  const copy = replica.reopen();
  const files = copy.files(DIRECTORY);
  const restored = await openSet(files, new MemoryIndex(), copy, owner);
  await checkItems(restored, owner, steps, acknowledged);
  // What had been removed in the middle is there again, and known to be dead.
  await restored.compact();
  await checkItems(restored, owner, steps, acknowledged);
  await restored.close();
}

describe('how long a replica becomes', () => {
  test('compaction takes the oldest segments first when it is twice the log, and the replica is trimmed', async () => {
    const replica = new MemoryReplica();
    const owner = new LiveSet();
    const log = await openSet(new FaultyFiles(), new MemoryIndex(), replica, owner);
    // One that stays, in the oldest segment.
    owner.add(log, 'stays', 600);
    await log.flush();
    let longest = 0;
    for (let round = 0; round < 300; round++) {
      owner.add(log, `${round}`);
      owner.remove(log, `${round}`);
      if (round % 10 === 9) await log.compact();
      await settle(2);
      longest = Math.max(longest, replica.span);
    }
    await log.compact();
    expect(log.stats.removedBytes).toBeGreaterThan(20_000);
    expect(replica.trimmed).toBeGreaterThan(20_000);
    expect(replica.trimmed).toBe(log.tail);
    expect(longest).toBeLessThan(12_000);
    expect([...owner.items.keys()]).toEqual(['stays']);
    await checkRestored(replica, owner.steps, owner.acknowledged);
    await log.close();
  });

  test('a snapshot is written every snapshotSize bytes, so that little is replayed', async () => {
    const replica = new MemoryReplica();
    const owner = new LiveSet();
    const files = new FaultyFiles();
    const options = { compaction: { checkInterval: 0 }, snapshotSize: 3000 };
    const log = await openSet(files, new MemoryIndex(), replica, owner, options);
    for (let round = 0; round < 100; round++) {
      owner.add(log, `${round}`);
      if (round > 5) owner.remove(log, `${round - 5}`);
      await settle(6);
    }
    expect(log.stats.snapshots).toBeGreaterThan(3);
    await log.close();
    const again = new LiveSet();
    const restored = await openSet(
      replica.files(DIRECTORY),
      new MemoryIndex(),
      replica.reopen(),
      again,
    );
    await checkItems(restored, again, owner.steps, owner.acknowledged);
    expect(restored.stats.recoveredRecords).toBeLessThan(60);
    await restored.close();
  });
});
