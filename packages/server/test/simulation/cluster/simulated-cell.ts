import { type Link, LinkSet } from '@promptmq/cluster';
import type { MemoryLink } from '@promptmq/cluster/testing';
import type { Broker } from '../../../src/broker.ts';
import { Forwarding } from '../../../src/cluster/forwarding/forwarding.ts';
import { CellPeers } from '../../../src/cluster/peers/cell-peers.ts';
import type { AbandonedProcess, SimulatedDisk, SimulatedHost } from '../simulated-host.ts';

/** The links of one process: they end with it, and it hears of nothing afterwards. */
class ProcessLinks extends LinkSet {
  isOver = false;

  override add(link: Link): void {
    if (!this.isOver) super.add(link);
  }

  override frame(link: Link, type: number, body: Uint8Array): void {
    if (!this.isOver) super.frame(link, type, body);
  }

  override drained(link: Link, lane: 1 | 2): void {
    if (!this.isOver) super.drained(link, lane);
  }

  override remove(link: Link, why: string): void {
    if (!this.isOver) super.remove(link, why);
  }
}

/** What a process that serves a cell has beside its broker. */
export interface Process {
  readonly broker: Broker;
  readonly epoch: number;
  readonly links: ProcessLinks;
  readonly peers: CellPeers;
  /** From when it has recovered. */
  forwarding: Forwarding | null;
}

/** A process that doesn't know yet that another one has its cell. */
interface Zombie {
  readonly process: AbandonedProcess;
  /** Null while it had none yet. */
  readonly links: ProcessLinks | null;
  readonly linksUp: readonly MemoryLink[];
}

/** One cell of a simulated cluster: a machine, and what runs on it. */
export class SimulatedCell {
  readonly cell: number;
  readonly host: SimulatedHost;
  /** From when its broker is made; null while there is none. */
  process: Process | null = null;
  /** It takes clients. */
  isServing = false;
  /** Of another machine, to which the cell may move. */
  otherDisk: SimulatedDisk;
  /** On that machine; null when there is none. */
  #zombie: Zombie | null = null;
  readonly #count: number;
  readonly #onError: (error: unknown) => void;
  #epoch = 0;

  /**
   * @param count - of all cells
   * @param otherDisk - empty
   */
  constructor(
    cell: number,
    count: number,
    host: SimulatedHost,
    otherDisk: SimulatedDisk,
    onError: (error: unknown) => void,
  ) {
    this.cell = cell;
    this.host = host;
    this.otherDisk = otherDisk;
    this.#count = count;
    this.#onError = onError;
  }

  /** The same for each process that serves it. */
  get node(): string {
    return nodeOf(this.cell);
  }

  /** The broker is made: what its clients subscribe to is announced from here on. */
  prepare(broker: Broker): void {
    const links = new ProcessLinks((error) => this.#onError(error));
    const others = new Map<number, string>();
    for (let cell = 0; cell < this.#count; cell++) {
      if (cell !== this.cell) others.set(cell, nodeOf(cell));
    }
    const epoch = ++this.#epoch;
    const peers = new CellPeers(broker, { cell: this.cell, epoch, others }, links);
    broker.announcements = peers.announcer;
    broker.router.peers = peers;
    this.process = { broker, epoch, links, peers, forwarding: null };
  }

  /**
   * The broker has recovered: it has a part in the cluster from now on, and takes clients when it knows who subscribes in the other cells.
   *
   * @param onServing - told then
   */
  join(onServing: () => void): void {
    const process = this.process as Process;
    const { broker, links, peers } = process;
    process.forwarding = new Forwarding(broker, this.cell, links, peers);
    peers.whenWhole(() => {
      if (this.process !== process || this.host.broker !== broker) return;
      this.isServing = true;
      onServing();
    });
  }

  /** It serves no more, in order or not: nothing comes to it or from it. */
  leave(): void {
    const { process } = this;
    this.isServing = false;
    if (process === null) return;
    this.process = null;
    process.links.isOver = true;
  }

  /**
   * The cell moves to the other machine, and its process here goes on.
   *
   * @param linksUp - that it has, and keeps until its successor has others in their place
   */
  moveFromZombie(linksUp: readonly MemoryLink[]): void {
    const { host, process } = this;
    this.isServing = false;
    this.process = null;
    const disk = this.endZombie();
    this.#zombie = { process: host.abandon(), links: process?.links ?? null, linksUp };
    host.disk = disk;
  }

  /** The cell moves to the other machine; there is no process here. */
  move(): void {
    const disk = this.endZombie();
    this.otherDisk = this.host.disk;
    this.host.disk = disk;
  }

  /** @returns what the other machine has then */
  endZombie(): SimulatedDisk {
    const zombie = this.#zombie;
    if (zombie === null) return this.otherDisk;
    this.#zombie = null;
    this.otherDisk = zombie.process.kill('anything');
    if (zombie.links !== null) zombie.links.isOver = true;
    for (const link of zombie.linksUp) link.cut();
    return this.otherDisk;
  }

  /** What a link says of this side. */
  get end() {
    const { epoch } = this.process as Process;
    return { node: this.node, incarnation: `${epoch}`, cells: [{ cell: this.cell, epoch }] };
  }

  /** Another cell's process is over. */
  forget(other: SimulatedCell): void {
    this.process?.peers.forget(other.node);
  }

  checkInvariants(): void {
    const { process } = this;
    // Not while it recovers or stops.
    if (process === null || process.broker !== this.host.broker) return;
    process.broker.checkInvariants();
    process.forwarding?.checkInvariants();
    process.peers.checkInvariants();
  }
}

function nodeOf(cell: number): string {
  return `node-${cell}`;
}
