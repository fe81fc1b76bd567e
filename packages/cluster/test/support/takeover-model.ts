import { Log, LogError, type LogOptions, type SourceEnd } from '@promptmq/wal';
import { FaultyFiles, MemoryIndex, Random, type Survival } from '@promptmq/wal/testing';
import { checkItems, LiveSet, type Step } from '../../../wal/test/support/live-set.ts';
import { type MemoryEngine, MemoryServers } from '../../src/engine/memory-engine.ts';
import { decodeEntry } from '../../src/log/entry.ts';
import { FencedError } from '../../src/log/fenced-error.ts';
import type { FencedLog } from '../../src/log/fenced-log.ts';
import { FollowedLog } from '../../src/log/followed-log.ts';
import { CellRestore } from '../../src/log/restore.ts';
import { Shipper } from '../../src/log/shipper.ts';
import { EngineLostData } from '../../src/witness/engine-lost-data.ts';
import { type Witness, witnessOf } from '../../src/witness/witness.ts';
import { WitnessBook } from '../../src/witness/witness-book.ts';
import { TestClock } from './test-clock.ts';

/** What happened in a run, to see that seeds do what they are for. */
export interface TakeoverCounts {
  acknowledged: number;
  /** Takeovers by a machine that had nothing, and by one that had something of the log. */
  emptyMachines: number;
  knownMachines: number;
  /** Takeovers by one that had read the log behind its owner. */
  prepared: number;
  /** Records that were read so before the cell was claimed. */
  readAhead: number;
  /** Bytes that a machine had and the engine didn't. */
  droppedBytes: number;
  /** Former owners that were still alive, and heard of it. */
  fenced: number;
  moved: number;
  trims: number;
  /** Entries that were part of a batch. */
  parts: number;
}

/** What became of a cell whose log lost its last entries. */
export type LossOutcome =
  /** The next owner has found it. */
  | 'found'
  /** None of them had been witnessed: nobody could find it. */
  | 'not-witnessed';

/**
 * As `runTakeovers`, on an engine that in the end forgets entries it has acknowledged; sometimes an owner that knows nothing of that has appended
 * others before the next one looks.
 *
 * @throws when what was witnessed is missing and the cell is opened all the same, or a machine has less on its disk than before
 */
export function runLoss(seed: number): Promise<LossOutcome> {
  return new TakeoverModel(seed).runLoss();
}

const DIRECTORY = '/cell-0';
const CELL = 0;
const SURVIVALS: readonly Survival[] = ['everything', 'nothing', 'anything'];
const ENTRY_BYTES_MAX = 400;

/** A machine with what is on its disk. */
interface Machine {
  files: FaultyFiles;
  index: MemoryIndex;
  /** The log that is open there, if any. */
  owner: CellOwner | null;
}

/** What reads the log behind its owner. */
interface Prepared {
  readonly engine: MemoryEngine;
  readonly set: LiveSet;
  /** The log is this machine's once it is claimed. */
  readonly opening: Promise<OpenedCell>;
  readonly claim: () => void;
}

/** A log with what it is appended to. */
interface OpenedCell {
  readonly log: Log;
  readonly fenced: FencedLog;
}

/** Who owns the cell, or believes so. */
interface CellOwner {
  readonly set: LiveSet;
  readonly log: Log;
  readonly fenced: FencedLog;
  readonly cut: () => void;
  /** How many steps there were when it was opened. */
  readonly base: number;
}

/**
 * Machines that take a cell over from one another, on an engine that delays, loses and elects, with all that may become of them: killed
 * with the loss of power, back with what their disks have left, lost with their disks, or alive and unaware.
 *
 * What must hold: the state of each new owner is that after some number of the steps that were made, with all that were acknowledged.
 *
 * @throws what was violated
 */
export async function runTakeovers(seed: number): Promise<TakeoverCounts> {
  const model = new TakeoverModel(seed);
  await model.run();
  return model.counts;
}

class TakeoverModel {
  readonly random: Random;
  readonly clock = new TestClock();
  readonly servers: MemoryServers;
  readonly machines: Machine[];
  /** Those that count, as far as is known. */
  steps: Step[] = [];
  /** How many of them were acknowledged. */
  acknowledged = 0;
  epoch = 0;
  /** What other nodes have been told of the log. */
  readonly book = new WitnessBook();
  readonly counts: TakeoverCounts = {
    acknowledged: 0,
    emptyMachines: 0,
    knownMachines: 0,
    prepared: 0,
    readAhead: 0,
    droppedBytes: 0,
    fenced: 0,
    moved: 0,
    trims: 0,
    parts: 0,
  };

  constructor(seed: number) {
    this.random = new Random(seed);
    const sometimes = () => (this.random.chance(0.5) ? this.random.next() * 0.2 : 0);
    this.servers = new MemoryServers({
      clock: this.clock,
      random: this.random,
      faults: {
        delayMsMax: this.random.pick([1, 5]),
        lostRequests: sometimes(),
        lostAnswers: sometimes(),
        lateRequests: sometimes(),
        lateMsMax: this.random.pick([50, 1_000]),
        timeoutMs: 20,
      },
    });
    this.machines = [0, 1, 2].map(() => ({
      files: new FaultyFiles(),
      index: new MemoryIndex(),
      owner: null,
    }));
  }

  /** @returns the machine of the last owner */
  async run(takeovers = 8): Promise<Machine> {
    let machine = this.random.pick(this.machines);
    for (let takeover = 0; takeover < takeovers; takeover++) {
      const former = machine.owner;
      const next = this.random.pick(this.machines);
      const isMoved = former !== null && next.owner === null && this.random.chance(0.5);
      const prepared = isMoved ? await this.#prepare(next, former) : null;
      this.#end(machine);
      machine = next;
      // A machine on which the log is open believes that it owns the cell: it hears first.
      if (machine.owner !== null) this.#crash(machine);
      const owner = await this.#take(machine, prepared);
      await this.#checkFormer(former, owner);
      await this.#work(owner);
      this.#note(owner);
    }
    return machine;
  }

  async runLoss(): Promise<LossOutcome> {
    const former = await this.run(1 + this.random.below(4));
    for (const machine of this.machines) if (machine.owner !== null) this.#crash(machine);
    const { last } = this.servers.log(CELL).bounds;
    const witness = this.book.of(CELL) as Witness;
    const witnessed = this.#witnessedEntry;
    const lost = 1 + this.random.below(this.random.pick([4, 30]));
    this.servers.loseTail(CELL, lost);
    const left = this.servers.log(CELL).bounds;
    // That none is left, nobody has to have told.
    const isWitnessed = witnessed > last - lost || left.first > left.last;
    if (this.random.chance(0.5)) await this.#takeUnaware();
    const machine = this.random.pick(this.machines);
    const before = bytesOf(machine);
    try {
      await this.#drive(this.#takeCell(machine, witness));
    } catch (error) {
      if (!(error instanceof EngineLostData)) throw error;
      if (!isWitnessed) throw new Error('what was witnessed is there', { cause: error });
      // Others may have had what was never acknowledged.
      if (machine === former && bytesOf(machine) < before)
        throw new Error('its machine has removed what the engine lost');
      return 'found';
    }
    if (isWitnessed) throw new Error('entries are missing, and nobody noticed');
    return 'not-witnessed';
  }

  /** A machine with nothing on its disk, of a node that was told nothing, appends what it likes. */
  async #takeUnaware(): Promise<void> {
    const machine = { files: new FaultyFiles(), index: new MemoryIndex(), owner: null };
    const taken = await this.#drive(this.#takeCell(machine, null)).catch((error) => {
      // Where nothing is left, nobody has to be told.
      if (error instanceof FencedError && error.code === 'lost') return null;
      throw error;
    });
    if (taken === null) return;
    if (taken.kind !== 'claimed') throw new Error(`epoch ${this.epoch} was claimed before`);
    const { head, segment } = taken.log.state;
    const count = head === 0 ? 0 : this.random.below(20);
    for (let position = head; position < head + 3 * count; position += 3) {
      const parts = [Buffer.from('new')];
      taken.log.append({ position, segment, isSealed: false, parts }, () => {});
      await this.clock.run(30);
    }
    taken.log.close();
  }

  /** What becomes of the machine that has owned the cell. */
  #end(machine: Machine): void {
    const { owner } = machine;
    if (owner === null) return;
    this.#note(owner);
    const what = this.random.below(4);
    if (what < 2) this.#crash(machine);
    else if (what === 2) {
      this.#crash(machine);
      machine.files = new FaultyFiles();
      machine.index = new MemoryIndex();
    }
    // Else it lives on, and knows of nothing.
  }

  #crash(machine: Machine): void {
    machine.owner?.cut();
    machine.owner = null;
    machine.files = machine.files.crash(this.random.pick(SURVIVALS), this.random);
    machine.index = machine.index.crash();
  }

  /** Reads the log, while its owner goes on. */
  async #prepare(machine: Machine, { set, log, fenced }: CellOwner): Promise<Prepared> {
    const engine = this.servers.client();
    const restore = await this.#restore(machine, engine);
    let claim = () => {};
    const claimed = new Promise<void>((resolve) => {
      claim = resolve;
    });
    const next = new LiveSet();
    const terms = { restore, clock: this.clock, claimed, onPrepared: () => {} };
    const opening = this.#open(machine, engine, next, (take) => ({
      source: new FollowedLog<void>({ ...terms, take: () => take(restore) }),
    }));
    opening.catch(() => {});
    for (let round = 3; round > 0; round--) {
      // Unless another owner has been there, of which it doesn't know.
      if (fenced.failure === null) this.#change(set, log);
      log.compact().catch(() => {});
      await this.clock.run(this.random.next() * 200);
    }
    this.counts.prepared++;
    this.counts.readAhead += next.count;
    return { engine, set: next, opening, claim };
  }

  async #restore({ files }: Machine, engine: MemoryEngine): Promise<CellRestore> {
    const engineLog = await engine.openLog(CELL);
    return this.#drive(CellRestore.open(engineLog, DIRECTORY, files));
  }

  async #takeCell(
    machine: Machine,
    witness: Witness | null,
    onFenced: (why: string) => void = () => {},
    known: CellRestore | null = null,
  ) {
    const restore = known ?? (await this.#restore(machine, this.servers.client()));
    const identity = this.random.next().toString(16).slice(2).padEnd(32, '0').slice(0, 32);
    return restore.take({
      ...{ clock: this.clock, witness },
      epoch: ++this.epoch,
      owner: { node: 'a', incarnation: `${this.epoch}`, identity, level: 1, timeMs: 0 },
      onFailed: (error) => {
        if (error.code === 'closed') return;
        if (error.code !== 'fenced') throw error;
        this.counts.fenced++;
        onFenced(error.message);
      },
    });
  }

  /** @param begin - with what the log is opened, which may take the cell before or later */
  async #open(
    machine: Machine,
    engine: MemoryEngine,
    set: LiveSet,
    begin: (
      take: (restore: CellRestore) => Promise<SourceEnd>,
    ) => Partial<LogOptions> | Promise<Partial<LogOptions>>,
  ): Promise<OpenedCell> {
    const { files, index } = machine;
    let log = null as Log | null;
    let fenced = null as FencedLog | null;
    const take = async (restore: CellRestore) => {
      const onFenced = (why: string) => log?.fence(why);
      const taken = await this.#takeCell(machine, this.book.of(CELL), onFenced, restore);
      if (taken.kind !== 'claimed') throw new Error(`epoch ${this.epoch} was claimed before`);
      this.counts.droppedBytes += taken.report.droppedBytes;
      fenced = taken.log;
      const replica = new Shipper(taken.log, { entryBytesMax: ENTRY_BYTES_MAX });
      return { replica, id: taken.identity };
    };
    try {
      log = await Log.open({
        ...{ directory: DIRECTORY, files, index, clock: this.clock, ...(await begin(take)) },
        ...{ owner: set, onRefused: set.onRefused, segmentSize: 1_500, onCorruption: 'refuse' },
        compaction: { maxSize: 3_000, checkInterval: 0, batchSize: 3 },
        onCommitted: () => log?.checkInvariants(),
      });
    } catch (error) {
      (fenced as FencedLog | null)?.close();
      engine.isCut = true;
      throw error;
    }
    return { log, fenced: fenced as unknown as FencedLog };
  }

  async #take(machine: Machine, prepared: Prepared | null): Promise<CellOwner> {
    this.counts[machine.files.paths.length > 0 ? 'knownMachines' : 'emptyMachines']++;
    if (prepared !== null) {
      prepared.claim();
      const opened = await this.#drive(prepared.opening).catch((error) => {
        // Its owner has removed what was to be read next: all is read, as by one that wasn't prepared.
        if (!(error instanceof LogError) || error.code !== 'missing') throw error;
        return null;
      });
      if (opened !== null) return this.#own(machine, prepared.engine, prepared.set, opened);
    }
    const engine = this.servers.client();
    const set = new LiveSet();
    const opening = this.#open(machine, engine, set, async (take) => {
      const { replica, id } = await take(await this.#restore(machine, engine));
      return { replica, id };
    });
    return this.#own(machine, engine, set, await this.#drive(opening));
  }

  async #own(
    machine: Machine,
    engine: MemoryEngine,
    set: LiveSet,
    { log, fenced }: OpenedCell,
  ): Promise<CellOwner> {
    set.log = log;
    log.checkInvariants();
    await this.#drive(checkItems(log, set, this.steps, this.acknowledged));
    this.steps = this.steps.slice(0, set.count);
    const owner: CellOwner = {
      ...{ set, log, fenced, base: set.count },
      cut: () => {
        engine.isCut = true;
        fenced.close();
      },
    };
    machine.owner = owner;
    return owner;
  }

  /** One that still believes that it owns the cell acknowledges nothing that the new owner doesn't know. */
  async #checkFormer(former: CellOwner | null, owner: CellOwner): Promise<void> {
    if (former === null || former === owner) return;
    for (let count = 0; count < 3; count++) {
      try {
        former.set.add(former.log, `late-${this.epoch}-${count}`);
      } catch {}
      await this.clock.run(30);
    }
    if (former.base + former.set.acknowledged > owner.base) {
      const known = `${owner.base} steps are known to the new owner`;
      throw new Error(`${former.base + former.set.acknowledged} were acknowledged, ${known}`);
    }
  }

  async #work({ set, log, fenced }: CellOwner): Promise<void> {
    const { random } = this;
    let compacting: Promise<unknown> = Promise.resolve();
    for (let round = 10 + random.below(20); round > 0; round--) {
      this.#change(set, log);
      if (round % 5 === 0) {
        compacting = log.compact();
        compacting.catch(() => {});
      }
      if (round % 7 === 0) log.checkpoint().catch(() => {});
      if (random.chance(0.03)) this.servers.elect(random.next() * 300);
      await this.clock.run(random.next() * 8);
      // Now and then it tells others, as it is wont to.
      if (random.chance(0.5)) this.#witness(fenced);
      log.checkInvariants();
      fenced.checkInvariants();
    }
    // Mostly it ends in the middle of something.
    if (random.chance(0.3)) await this.#drive(log.flush());
    this.counts.moved += log.stats.movedRecords;
    if (this.servers.log(CELL).bounds.first > 1) this.counts.trims++;
  }

  #witness({ failure, state }: FencedLog): void {
    if (failure === null) this.book.note(witnessOf(CELL, 'a', state));
  }

  /** The last one that counts, of those up to the one that was witnessed. */
  get #witnessedEntry(): number {
    const { sequence, chain } = this.book.of(CELL) as Witness;
    for (let entry = sequence; entry > 0; entry--) {
      const data = this.servers.log(CELL).at(entry);
      if (data !== null && decodeEntry(data)?.sum === chain) return entry;
    }
    return 0;
  }

  #change(set: LiveSet, log: Log): void {
    const { random } = this;
    for (let count = random.below(4); count >= 0; count--) {
      // Some are larger than an entry of the engine's.
      const size = random.chance(0.1) ? 3 * ENTRY_BYTES_MAX : 40;
      if (size > ENTRY_BYTES_MAX) this.counts.parts++;
      set.add(log, `${this.epoch}-${set.steps.length}`, size);
    }
    for (const id of [...set.items.keys()]) if (random.chance(0.4)) set.remove(log, id);
  }

  /** What is known of the steps, when nothing more will be heard of an owner. */
  #note({ set, base }: CellOwner): void {
    this.steps = [...this.steps.slice(0, base), ...set.steps];
    this.acknowledged = Math.max(this.acknowledged, base + set.acknowledged);
    this.counts.acknowledged += set.acknowledged;
  }

  /** Lets time pass until something is done. */
  async #drive<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const noted = promise.finally(() => {
      isDone = true;
    });
    noted.catch(() => {});
    for (let idle = 0; !isDone && idle < 1_000; ) {
      await this.clock.settle();
      if (isDone) break;
      idle = this.clock.step() ? 0 : idle + 1;
    }
    if (!isDone) throw new Error('nothing happens any more, and something is awaited');
    return noted;
  }
}

/** Bytes of the log on a machine's disk. */
function bytesOf({ files }: Machine): number {
  return files.used;
}
