import { Random } from '@promptmq/wal/testing';
import type { EngineLog } from '../../src/engine/engine.ts';
import { type MemoryEngine, MemoryServers } from '../../src/engine/memory-engine.ts';
import { type Claim, claimCell, type FencedLog, FencedReader } from '../../src/log/fenced-log.ts';
import { TestClock } from './test-clock.ts';

/** What happened in a run, to see that seeds do what they are for. */
export interface ModelCounts {
  acknowledged: number;
  claims: number;
  fenced: number;
  voidEntries: number;
  trims: number;
  unknown: number;
  conflicts: number;
}

interface Acknowledged {
  readonly epoch: number;
  readonly position: number;
  readonly text: string;
}

interface Counted extends Acknowledged {
  readonly sequence: number;
}

const CELL = 3;
const HEADER = 8;

/**
 * Several nodes that want to own one cell, each of which may be cut off, paused, killed and started again at any moment, on an engine that
 * delays, loses and repeats; and a reader of its own, which knows the rule of epochs only as it is written down.
 *
 * @param onEvent - gets each event, for whoever looks at one seed
 * @throws what was violated
 */
export async function runFencing(
  seed: number,
  { window = 1, onEvent = () => {} }: { window?: number; onEvent?: (text: string) => void } = {},
): Promise<ModelCounts> {
  const model = new FencingModel(seed, window, onEvent);
  await model.run();
  return model.counts;
}

class FencingModel {
  readonly random: Random;
  readonly clock = new TestClock();
  readonly servers: MemoryServers;
  readonly window: number;
  readonly onEvent: (text: string) => void;
  readonly acknowledged: Acknowledged[] = [];
  readonly nodes: ModelNode[] = [];
  /** Each epoch is claimed once. */
  epochs = 0;
  /** What was trimmed is not looked for any more. */
  trimmedTo = 0;
  #violation: Error | null = null;
  readonly counts: ModelCounts = {
    acknowledged: 0,
    claims: 0,
    fenced: 0,
    voidEntries: 0,
    trims: 0,
    unknown: 0,
    conflicts: 0,
  };

  constructor(seed: number, window: number, onEvent: (text: string) => void) {
    this.random = new Random(seed);
    this.window = window;
    this.onEvent = onEvent;
    const often = () => (this.random.chance(0.5) ? this.random.next() * 0.3 : 0);
    this.servers = new MemoryServers({
      clock: this.clock,
      random: this.random,
      faults: {
        delayMsMax: this.random.pick([1, 5, 50]),
        lostRequests: often(),
        lostAnswers: often(),
        lateRequests: often(),
        lateMsMax: this.random.pick([50, 5_000]),
        timeoutMs: this.random.pick([20, 200]),
        brokenReads: often(),
        staleReads: often(),
      },
    });
  }

  async run(): Promise<void> {
    for (let index = 0; index < 3; index++) this.nodes.push(new ModelNode(this, `node-${index}`));
    for (let events = 0; events < 80; events++) {
      await this.clock.run(this.random.next() * 40);
      await this.#event();
      for (const { log } of this.nodes) log?.checkInvariants();
      this.#throwViolation();
    }
    // All is well again, and somebody reads what is there.
    this.servers.faults = { ...this.servers.faults, ...QUIET };
    for (const node of this.nodes) node.engine.isCut = false;
    await this.clock.run(20_000);
    this.#throwViolation();
    for (const { name, log } of this.nodes) {
      if (log === null || log.failure !== null || log.pendingCount === 0) continue;
      throw new Error(`${name} owns the cell, and ${log.pendingCount} entries still wait`);
    }
    const found = this.counted();
    for (const acknowledged of this.acknowledged) this.#expectOnce(acknowledged, found);
    const last = await this.nodes[0]?.takeOver();
    if (last !== undefined && last !== found.length) {
      throw new Error(
        `a new owner reads ${last} entries that count, and there are ${found.length}`,
      );
    }
  }

  async #event(): Promise<void> {
    const node = this.random.pick(this.nodes);
    const what = this.random.below(20);
    if (what < 10) node.append(1 + this.random.below(6));
    else if (what < 12) node.claim();
    else if (what === 12) for (const other of this.nodes) other.trim();
    else if (what === 13) node.engine.isCut = !node.engine.isCut;
    else if (what === 14) this.servers.elect(this.random.next() * 200);
    else if (what === 15) node.kill();
    else if (what === 16) node.trim();
    else if (what === 17) for (const { engine } of this.nodes) engine.isCut = false;
    else if (what === 18) await this.clock.run(1_500);
    else node.pause(this.random.next() * 300);
    this.onEvent(`${Math.round(this.clock.now())} ${node.name} ${what}`);
  }

  /** What counts in the engine's log now, by the rule as it is written down. */
  counted(): Counted[] {
    const log = this.servers.log(CELL);
    const { first, last } = log.bounds;
    const found: Counted[] = [];
    let epoch = 0;
    let head: number | null = null;
    let voidEntries = 0;
    for (let sequence = first; sequence <= last; sequence++) {
      const data = Buffer.from(log.at(sequence) as Uint8Array);
      const of = Number(data.readBigUInt64LE(8));
      const previous = Number(data.readBigUInt64LE(16));
      const position = Number(data.readBigUInt64LE(24));
      const isFirst = head === null;
      if (data[5] === 1) {
        if (of > epoch && (isFirst || previous === head)) {
          epoch = of;
          head = previous;
        } else voidEntries++;
        continue;
      }
      if (!isFirst && (of !== epoch || previous !== head)) {
        voidEntries++;
        continue;
      }
      epoch = of;
      head = position + data.length - 48;
      found.push({ sequence, epoch, position, text: data.toString('latin1', 48) });
    }
    this.counts.voidEntries = Math.max(this.counts.voidEntries, voidEntries);
    return found;
  }

  onAcknowledged(acknowledged: Acknowledged): void {
    this.counts.acknowledged++;
    this.acknowledged.push(acknowledged);
    this.onEvent(`${Math.round(this.clock.now())} acknowledged ${acknowledged.text}`);
    try {
      this.#expectOnce(acknowledged, this.counted());
    } catch (error) {
      this.onViolation(error as Error);
    }
  }

  /** Ends the run, soon. */
  onViolation(error: Error): void {
    this.#violation ??= error;
  }

  #throwViolation(): void {
    if (this.#violation !== null) throw this.#violation;
  }

  #expectOnce(acknowledged: Acknowledged, found: readonly Counted[]): void {
    const { position, text, epoch } = acknowledged;
    if (position < this.trimmedTo) return;
    const same = found.filter((entry) => entry.text === text);
    const [entry] = same;
    if (same.length === 1 && entry?.position === position && entry.epoch === epoch) return;
    throw new Error(
      `${text} of epoch ${epoch} at ${position} was acknowledged, and counts ${same.length} times`,
    );
  }
}

const QUIET = {
  lostRequests: 0,
  lostAnswers: 0,
  lateRequests: 0,
  brokenReads: 0,
  staleReads: 0,
};

class ModelNode {
  readonly #model: FencingModel;
  readonly name: string;
  engine: MemoryEngine;
  log: FencedLog | null = null;
  #life = 0;
  #texts = 0;
  #isClaiming = false;
  /** Where the next bytes go. */
  #end = 0;
  #segment = 0;
  #resume: (() => void)[] | null = null;

  constructor(model: FencingModel, name: string) {
    this.#model = model;
    this.name = name;
    this.engine = model.servers.client();
  }

  /** Wants to own the cell. */
  claim(): void {
    if (this.#isClaiming) return;
    this.#isClaiming = true;
    this.#forget();
    const life = this.#life;
    this.#claim(life)
      .catch((error) => this.#model.onViolation(error))
      .finally(() => {
        if (life === this.#life) this.#isClaiming = false;
      });
  }

  async #claim(life: number): Promise<void> {
    const model = this.#model;
    const engineLog = await this.#openLog();
    const taken: string[] = [];
    let end = 0;
    let segment = 0;
    const reader = new FencedReader(engineLog, ({ kind, entry }) => {
      if (kind === 'owner') {
        end = entry.position;
        return;
      }
      taken.push(Buffer.from(entry.body).toString('latin1'));
      end = entry.position + entry.bodySize;
      segment = entry.segment;
    });
    const epoch = ++model.epochs;
    const owner = {
      node: this.name,
      incarnation: `${life}`,
      identity: 'x',
      level: 1,
      timeMs: model.clock.wallNow(),
    };
    const options = {
      clock: model.clock,
      window: model.window,
      onFailed: (error: Error & { code: string }) => {
        if (error.code !== 'fenced') model.onViolation(error);
        model.counts.fenced++;
      },
    };
    let claim: Claim;
    try {
      claim = await claimCell(
        engineLog,
        reader,
        epoch,
        owner,
        options,
        () => life === this.#life && model.clock.now() < 1e6,
      );
    } catch (error) {
      if ((error as { code?: string }).code === 'closed') return;
      // The owner has trimmed what this one was about to read: it begins again some time.
      if ((error as { code?: string }).code === 'trimmed') return;
      throw error;
    }
    if (claim.kind === 'taken' || life !== this.#life) return;
    model.counts.claims++;
    model.onEvent(`${Math.round(model.clock.now())} ${this.name} has epoch ${epoch}`);
    // The owner that begins has read all that was acknowledged to those before it; there may be one after it already.
    for (const { position, text, epoch: before } of model.acknowledged) {
      if (before < epoch && position >= model.trimmedTo && !taken.includes(text)) {
        throw new Error(`epoch ${epoch} has begun without ${text}`);
      }
    }
    this.log = claim.log;
    this.#end = end;
    this.#segment = segment;
  }

  async #openLog(): Promise<EngineLog> {
    const log = await this.engine.openLog(CELL);
    const append: EngineLog['append'] = async (after, parts) => {
      const outcome = await log.append(after, parts);
      // Whatever comes while the node is paused, it sees later.
      await this.#awake();
      if (outcome.kind === 'unknown') this.#model.counts.unknown++;
      if (outcome.kind === 'conflict') this.#model.counts.conflicts++;
      return outcome;
    };
    return {
      append,
      read: (from, bytesMax) => log.read(from, bytesMax),
      bounds: () => log.bounds(),
      trim: (before) => log.trim(before),
      close: () => log.close(),
    };
  }

  append(count: number): void {
    const { log } = this;
    const model = this.#model;
    if (log === null || log.failure !== null) return;
    for (let index = 0; index < count; index++) {
      const text = `${this.name}/${this.#life}/${this.#texts++};`;
      const begins = this.#end === 0 || model.random.chance(0.2);
      const position = begins ? this.#end + model.random.below(3) * HEADER : this.#end;
      if (begins) this.#segment = position;
      this.#end = position + text.length;
      const { epoch } = log.state;
      const parts = [Buffer.from(text.slice(0, 3)), Buffer.from(text.slice(3))];
      log.append({ position, segment: this.#segment, isSealed: false, parts }, () => {
        model.onAcknowledged({ epoch, position, text });
      });
    }
  }

  trim(): void {
    const { log } = this;
    const model = this.#model;
    if (log === null || log.failure !== null) return;
    const known = model.acknowledged.filter(({ epoch }) => epoch === log.state.epoch);
    if (known.length === 0) return;
    // Of what it knows to be safe: a segment that has begun before.
    const { position } = model.random.pick(known);
    model.trimmedTo = Math.max(model.trimmedTo, position);
    model.counts.trims++;
    log.trim(position).catch(() => {});
  }

  kill(): void {
    this.#forget();
    this.engine = this.#model.servers.client();
  }

  /** Sees nothing of what happens for this time. */
  pause(forMs: number): void {
    if (this.#resume !== null) return;
    const waiting: (() => void)[] = [];
    this.#resume = waiting;
    this.#model.clock.setTimer(forMs, () => {
      this.#resume = null;
      for (const resume of waiting) resume();
    });
  }

  /** Takes the cell over at the end. @returns how many entries count, as it reads them */
  async takeOver(): Promise<number> {
    let count = 0;
    const log = await this.#model.servers.client().openLog(CELL);
    const reader = new FencedReader(log, ({ kind }) => {
      if (kind === 'bytes') count++;
    });
    const reading = reader.readOn();
    await this.#model.clock.run(1_000);
    await reading;
    return count;
  }

  #forget(): void {
    this.#life++;
    this.#isClaiming = false;
    this.log?.close();
    this.log = null;
  }

  async #awake(): Promise<void> {
    const waiting = this.#resume;
    if (waiting === null) return;
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
}
