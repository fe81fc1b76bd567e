import { Random } from '@promptmq/wal/testing';
import { type MemoryEngine, MemoryServers } from '../../src/engine/memory-engine.ts';
import { claimCell, type FencedLog, FencedReader } from '../../src/log/fenced-log.ts';
import type { Directory } from '../../src/map/directory.ts';
import {
  type CellRecord,
  cellKey,
  decodeCell,
  decodeDrain,
  decodeNode,
  drainKey,
  nodeKey,
} from '../../src/map/records.ts';
import { Member } from '../../src/membership/member.ts';
import type { MemberTimes } from '../../src/membership/member-options.ts';
import type {
  MemberState,
  MembershipEvent,
  MembershipHost,
  StateReason,
} from '../../src/membership/membership-host.ts';
import { ModelEngine, ModelProcess } from './model-node.ts';
import { TestClock } from './test-clock.ts';

/** How often nodes look at their links, in milliseconds. */
const LINKS_MS = 250;

/** How often the broker of a cell writes something, in milliseconds. */
const WRITE_MS = 500;

const ONE_BYTE = new Uint8Array(1);

export interface WorldOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly cells?: number;
  /** Until a cell is restored once its log is claimed, in milliseconds, at most. */
  readonly restoreMs?: number;
  /** Until a request arrives, and until its answer does, in milliseconds, at most. */
  readonly delayMs?: number;
  readonly times?: Partial<MemberTimes>;
  /** Whether nodes know of each other's links. */
  readonly hasLinks?: boolean;
  /** Whether each cell stays at its home: the nodes there are at the beginning are all there can be. */
  readonly isBound?: boolean;
  readonly onEvent?: (text: string) => void;
}

/**
 * Nodes of a cluster on the engine in memory, in simulated time, whose cells write to their logs all the time; and what is judged of them.
 */
export class MembershipWorld {
  readonly clock = new TestClock();
  readonly random: Random;
  readonly servers: MemoryServers;
  readonly cells: number;
  readonly options: WorldOptions;
  /** By name; a node that is killed stays until it starts again. */
  readonly nodes = new Map<string, ModelNode>();
  /** Pairs of nodes without a link, as `one other`, in both orders. */
  readonly cutLinks = new Set<string>();
  /** By cell: when something was acknowledged last. */
  readonly writtenAt: number[];
  /** By cell: when it began to be served last. */
  readonly servedAt: number[];
  /** By cell and epoch: the position of what was acknowledged first. */
  readonly #begins: Map<number, number>[];
  /** `cell/epoch` of all that was opened, and that was served. */
  readonly #opened = new Set<string>();
  readonly #served = new Set<string>();
  #violation: Error | null = null;
  readonly counts = { served: 0, moves: 0, fenced: 0, late: 0, cancelled: 0, failed: 0, apart: 0 };

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.cells = options.cells ?? 6;
    this.servers = new MemoryServers({
      clock: this.clock,
      random: this.random,
      faults: { delayMsMax: options.delayMs ?? 3 },
    });
    this.writtenAt = Array.from({ length: this.cells }, () => 0);
    this.servedAt = Array.from({ length: this.cells }, () => 0);
    this.#begins = Array.from({ length: this.cells }, () => new Map());
    for (const name of this.peers) this.start(name);
    if (options.hasLinks !== false) this.#lookAtLinks();
  }

  get now(): number {
    return this.clock.now();
  }

  /** Names of the nodes that there are at the beginning. */
  get peers(): readonly string[] {
    return Array.from({ length: this.options.nodes ?? 3 }, (_, index) => `node-${index}`);
  }

  node(index: number): ModelNode {
    return this.nodes.get(`node-${index}`) as ModelNode;
  }

  get running(): readonly ModelNode[] {
    return [...this.nodes.values()].filter((node) => node.isRunning);
  }

  start(name: string): ModelNode {
    const incarnation = `${name}/${this.random.below(1 << 30)}`;
    const node = new ModelNode(this, name, incarnation);
    this.nodes.set(name, node);
    this.onEvent(`${name} starts`);
    return node;
  }

  /** By cell, as the engine has it. */
  record(cell: number): CellRecord | null {
    const found = this.servers.map.get(cellKey(cell));
    return found === null ? null : decodeCell(cellKey(cell), found.value);
  }

  /** Whether operators want a node to have no cells, as the engine has it. */
  isDrained(name: string): boolean {
    const [drain, node] = [drainKey(name), nodeKey(name)].map((key) => this.servers.map.get(key));
    if (drain === null || drain === undefined || node === null || node === undefined) return false;
    const { incarnation } = decodeNode(nodeKey(name), node.value);
    return decodeDrain(drainKey(name), drain.value).incarnation === incarnation;
  }

  /** By cell: the node that serves it with the newest epoch. */
  owners(): readonly (string | null)[] {
    return Array.from({ length: this.cells }, (_, cell) => {
      let best: { name: string; epoch: number } | null = null;
      for (const { name, serving, isRunning } of this.nodes.values()) {
        const epoch = serving.get(cell)?.epoch;
        if (!isRunning || epoch === undefined || epoch < (best?.epoch ?? 0)) continue;
        best = { name, epoch };
      }
      return best?.name ?? null;
    });
  }

  /** How many cells each running node serves. */
  loads(): readonly number[] {
    const owners = this.owners();
    return this.running.map(({ name }) => owners.filter((owner) => owner === name).length);
  }

  /** Lets time pass. */
  async run(forMs: number): Promise<void> {
    await this.clock.run(forMs);
    this.throwViolation();
  }

  /** Lets time pass until something holds; throws when it doesn't in time. */
  async until(what: string, holds: () => boolean, withinMs: number): Promise<void> {
    const end = this.now + withinMs;
    while (!holds()) {
      if (this.now >= end)
        throw new Error(`not within ${withinMs} ms: ${what}\n${this.describe()}`);
      await this.run(20);
    }
  }

  describe(): string {
    const cells = Array.from({ length: this.cells }, (_, cell) =>
      JSON.stringify(this.record(cell)),
    );
    const nodes = [...this.nodes.values()].map(
      ({ name, state, why, isRunning, serving }) =>
        `${name} ${isRunning ? state : 'down'} ${why ?? ''} serves ${[...serving.keys()].join(' ')}`,
    );
    return [...nodes, ...cells].join('\n');
  }

  onEvent(text: string): void {
    this.options.onEvent?.(`${(this.now / 1_000).toFixed(3)} ${text}`);
  }

  onOpening(name: string, cell: number, epoch: number): void {
    const key = `${cell}/${epoch}`;
    if (this.#opened.has(key)) this.violate(`${name} opens cell ${cell} with epoch ${epoch} again`);
    this.#opened.add(key);
  }

  onServing(name: string, cell: number, epoch: number): void {
    this.counts.served++;
    const key = `${cell}/${epoch}`;
    if (this.#served.has(key))
      this.violate(`${name} serves cell ${cell} with epoch ${epoch} again`);
    this.#served.add(key);
    this.servedAt[cell] = this.now;
  }

  /** Something was acknowledged, maybe long after it was appended: it has to lie before all that later owners wrote. */
  onWritten(name: string, cell: number, epoch: number, position: number): void {
    const begins = this.#begins[cell] as Map<number, number>;
    for (const [other, begin] of begins) {
      if (other > epoch && begin <= position) {
        this.violate(`${name} has written at ${position} of cell ${cell} with epoch ${epoch}`);
      }
    }
    if (!begins.has(epoch)) begins.set(epoch, position);
    this.writtenAt[cell] = this.now;
  }

  violate(what: string): void {
    this.#violation ??= new Error(`${what}\n${this.describe()}`);
  }

  throwViolation(): void {
    if (this.#violation !== null) throw this.#violation;
  }

  hasLink(one: string, other: string): boolean {
    return !this.cutLinks.has(`${one} ${other}`);
  }

  cutLink(one: string, other: string): void {
    this.cutLinks.add(`${one} ${other}`).add(`${other} ${one}`);
  }

  #lookAtLinks(): void {
    for (const node of this.nodes.values()) node.lookAtLinks();
    this.clock.setTimer(LINKS_MS, () => this.#lookAtLinks());
  }
}

interface Serving {
  readonly epoch: number;
  readonly log: FencedLog;
}

/** A node of the model: its member, and cells that write to their logs. */
export class ModelNode implements MembershipHost {
  readonly name: string;
  readonly process: ModelProcess;
  readonly engine: MemoryEngine;
  readonly member: Member;
  readonly serving = new Map<number, Serving>();
  readonly #world: MembershipWorld;
  readonly #incarnation: string;
  readonly modelEngine: ModelEngine;
  /** By cell: ends what opens it. */
  readonly #opening = new Map<number, { isWanted: boolean }>();
  /** Cells that were restored while another node serves them. */
  readonly #prepared = new Set<number>();
  state: MemberState = 'active';
  why: StateReason | null = null;
  directory: Directory | null = null;
  /** Nodes at whose address it finds nobody, whatever is there. */
  readonly wrongly = new Set<string>();
  /** Whether cells can't be opened here. */
  isBroken = false;
  /** Whether it has left in order. */
  hasLeft = false;
  readonly events: MembershipEvent[] = [];

  constructor(world: MembershipWorld, name: string, incarnation: string) {
    this.#world = world;
    this.name = name;
    this.#incarnation = incarnation;
    this.process = new ModelProcess(world.clock);
    this.engine = world.servers.client();
    this.modelEngine = new ModelEngine(this.engine, this.process);
    this.member = new Member(this, {
      map: this.modelEngine.map,
      clock: this.process.clock,
      node: name,
      incarnation,
      facts: {
        address: '127.0.0.1:7000',
        clients: [],
        version: '1.0.0',
        level: 1,
        fingerprint: null,
      },
      cells: world.cells,
      ...(world.options.isBound === true ? { durability: 'node', peers: world.peers } : {}),
      ...(world.options.times === undefined ? {} : { times: world.options.times }),
    });
    this.member.join().catch((error: Error) => {
      if (!this.hasLeft) world.violate(`${name}: ${error.message}`);
    });
  }

  get isRunning(): boolean {
    return !this.process.isDead && !this.hasLeft;
  }

  kill(): void {
    this.#world.onEvent(`${this.name} is killed`);
    this.process.kill();
    for (const { log } of this.serving.values()) log.close();
    this.serving.clear();
    // Whatever comes, it doesn't hear; else what waits for it would be tried again for ever.
    this.engine.isCut = false;
  }

  async leave(): Promise<void> {
    this.#world.onEvent(`${this.name} leaves`);
    await this.member.leave();
    this.hasLeft = true;
    this.#world.onEvent(`${this.name} has left`);
    if (this.serving.size > 0) this.#world.violate(`${this.name} has left, and serves cells`);
  }

  lookAtLinks(): void {
    if (!this.isRunning) return;
    const others = [...this.#world.nodes.values()].filter(({ name }) => name !== this.name);
    const linked = others.filter(({ name }) => this.#world.hasLink(this.name, name));
    // Who is paused still has its links for a while, and accepts connections.
    const reached = linked.filter(({ isRunning, process }) => isRunning && !process.isPaused);
    this.process.run(() =>
      this.member.setReach({
        reaches: reached.map(({ name }) => name),
        refused: linked
          .filter(({ isRunning, name }) => !isRunning || this.wrongly.has(name))
          .map(({ name }) => name),
        withoutEngine: reached
          .filter(({ member }) => member.stand.state !== 'active')
          .map(({ name }) => name),
      }),
    );
  }

  // ------------------------------------------------------------ MembershipHost

  async openCell(cell: number, epoch: number): Promise<'serving' | 'taken'> {
    const { clock } = this.process;
    this.#world.onOpening(this.name, cell, epoch);
    if (this.serving.has(cell) || this.#opening.has(cell)) {
      this.#world.violate(`${this.name} opens cell ${cell} twice`);
    }
    if (this.isBroken) throw new Error('the disk is broken');
    const opening = { isWanted: true };
    this.#opening.set(cell, opening);
    try {
      const engineLog = await this.modelEngine.openLog(cell);
      const owner = {
        ...{ node: this.name, incarnation: this.#incarnation, identity: 'one', level: 1 },
        timeMs: clock.wallNow(),
      };
      const reader = new FencedReader(engineLog, () => {});
      const onFailed = () => this.#onFenced(cell, epoch);
      const options = { clock, onFailed };
      const isWanted = () => opening.isWanted;
      const claim = await claimCell(engineLog, reader, epoch, owner, options, isWanted);
      if (claim.kind === 'taken') return 'taken';
      // What was prepared lacks only what was written since.
      if (!this.#prepared.has(cell)) await this.#restore();
      if (!opening.isWanted) {
        claim.log.close();
        throw new Error('it is not wanted any more');
      }
      if (claim.log.failure !== null) throw claim.log.failure;
      this.serving.set(cell, { epoch, log: claim.log });
      this.#world.onServing(this.name, cell, epoch);
      this.#write(cell, epoch);
      return 'serving';
    } finally {
      if (this.#opening.get(cell) === opening) this.#opening.delete(cell);
      this.#prepared.delete(cell);
    }
  }

  async prepareCell(cell: number): Promise<void> {
    if (this.isBroken) throw new Error('the disk is broken');
    await this.#restore();
    this.#prepared.add(cell);
  }

  async releaseCell(cell: number, how: 'move' | 'abandon'): Promise<void> {
    this.#prepared.delete(cell);
    const opening = this.#opening.get(cell);
    if (opening !== undefined) {
      opening.isWanted = false;
      this.#opening.delete(cell);
    }
    const serving = this.serving.get(cell);
    if (how === 'move') {
      this.#world.counts.moves++;
      await this.#wait(this.#world.random.next() * 100);
    }
    serving?.log.close();
    if (this.serving.get(cell) === serving) this.serving.delete(cell);
  }

  onDirectory(directory: Directory): void {
    this.directory = directory;
  }

  onState(state: MemberState, why: StateReason | null): void {
    this.#world.onEvent(`${this.name}: ${state} ${why ?? ''}`);
    this.state = state;
    this.why = why;
    if (state === 'fenced' && this.serving.size > 0) {
      this.#world.violate(`${this.name} serves cells though it is fenced`);
    }
  }

  onEvent(event: MembershipEvent): void {
    this.events.push(event);
    this.#world.onEvent(`${this.name}: ${JSON.stringify(event)}`);
    const { counts } = this.#world;
    if (event.kind === 'node-late') counts.late++;
    else if (event.kind === 'move-cancelled') counts.cancelled++;
    else if (event.kind === 'cell-ended') counts.failed++;
    else if (event.kind === 'apart') counts.apart++;
  }

  // --------------------------------------------------------------------- cells

  /** What serves a cell ends by itself. */
  crashCell(cell: number): void {
    const serving = this.serving.get(cell);
    if (serving === undefined) return;
    serving.log.close();
    this.serving.delete(cell);
    this.process.run(() => this.member.cellEnded(cell, serving.epoch, 'it was killed'));
  }

  #onFenced(cell: number, epoch: number): void {
    this.#world.counts.fenced++;
    if (this.serving.get(cell)?.epoch !== epoch) return;
    this.serving.delete(cell);
    this.member.cellEnded(cell, epoch, 'fenced');
  }

  #write(cell: number, epoch: number): void {
    const serving = this.serving.get(cell);
    if (serving?.epoch !== epoch || serving.log.failure !== null) return;
    const { head, segment } = serving.log.state;
    const bytes = { position: head, segment, isSealed: false, parts: [ONE_BYTE] };
    serving.log.append(bytes, () => {
      this.#world.onWritten(this.name, cell, epoch, head);
      this.process.clock.setTimer(WRITE_MS, () => this.#write(cell, epoch));
    });
  }

  #restore(): Promise<void> {
    return this.#wait(this.#world.random.next() * (this.#world.options.restoreMs ?? 200));
  }

  #wait(forMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.process.clock.setTimer(forMs, resolve);
    });
  }
}
