import { cellOf, LinkSet } from '@promptmq/cluster';
import { MemoryLink } from '@promptmq/cluster/testing';
import type { Random } from '@promptmq/wal/testing';
import { Forwarding } from '../../src/cluster/forwarding/forwarding.ts';
import { CellPeers } from '../../src/cluster/peers/cell-peers.ts';
import type { ConfigInput } from '../../src/config/index.ts';
import { type SimulatedClient, Simulation } from './simulation.ts';

/** The broker of one cell. */
export class SimulatedCell {
  readonly simulation: Simulation;
  readonly links: LinkSet;
  readonly forwarding: Forwarding;
  readonly peers: CellPeers;
  readonly cell: number;
  /** What a link could not deal with. */
  readonly errors: unknown[] = [];

  constructor(cell: number, count: number, options: ConfigInput) {
    this.cell = cell;
    this.simulation = new Simulation(options);
    const { broker } = this.simulation;
    this.links = new LinkSet((error) => this.errors.push(error));
    const others = new Map<number, string>();
    for (let other = 0; other < count; other++) {
      if (other !== cell) others.set(other, `node-${other}`);
    }
    const place = { cell, epoch: 1, others };
    this.peers = new CellPeers(broker, place, this.links);
    broker.announcements = this.peers.announcer;
    broker.router.peers = this.peers;
    this.forwarding = new Forwarding(broker, cell, this.links, this.peers);
  }

  get end() {
    const { cell } = this;
    return { node: `node-${cell}`, incarnation: '1', cells: [{ cell, epoch: 1 }] };
  }

  connect(...terms: Parameters<Simulation['connect']>): SimulatedClient {
    return this.simulation.connect(...terms);
  }
}

/** Brokers of several cells in one process, between which nothing passes but when told to. */
export class SimulatedCells {
  readonly cells: SimulatedCell[];
  readonly #busyBytes: number;
  #queue: (() => void)[] = [];
  /** Draws what arrives next, of all that is under way; null: what was sent first. */
  random: Random | null = null;
  readonly #links = new Map<string, MemoryLink>();

  constructor(count: number, options: ConfigInput = {}, busyBytes = 1_048_576) {
    this.#busyBytes = busyBytes;
    this.cells = Array.from(
      { length: count },
      (_, cell) => new SimulatedCell(cell, count, options),
    );
  }

  /** The same, of which each has heard of all others. */
  static linked(count: number, options: ConfigInput = {}, busyBytes?: number): SimulatedCells {
    const cells = new SimulatedCells(count, options, busyBytes);
    cells.linkAll();
    cells.settle();
    return cells;
  }

  at(cell: number): SimulatedCell {
    return this.cells[cell] as SimulatedCell;
  }

  linkAll(): void {
    for (let other = 1; other < this.cells.length; other++) {
      for (let one = 0; one < other; one++) this.link(one, other);
    }
  }

  link(one: number, other: number): void {
    const options = {
      later: (callback: () => void) => void this.#queue.push(callback),
      busyBytes: this.#busyBytes,
    };
    const link = new MemoryLink(this.at(one), this.at(other), options);
    this.#links.set(`${one} ${other}`, link);
  }

  /** Breaks a link; both sides have noticed. */
  cut(one: number, other: number): void {
    this.#links.get(`${one} ${other}`)?.cut();
    this.settle();
  }

  /** Has something arrive that is under way between the cells; false when there is nothing. */
  step(): boolean {
    this.#endTurns();
    const index = this.random?.below(Math.max(1, this.#queue.length)) ?? 0;
    const [callback] = this.#queue.splice(index, 1);
    callback?.();
    this.#endTurns();
    return callback !== undefined;
  }

  /** Has all arrive that is under way, and what follows from it. */
  settle(): void {
    while (this.step());
  }

  /** Lets time pass for all, in seconds. */
  advance(seconds: number): void {
    for (const { simulation } of this.cells) simulation.advance(seconds);
    this.settle();
  }

  checkInvariants(): void {
    for (const { simulation, peers, errors } of this.cells) {
      simulation.broker.checkInvariants();
      peers.checkInvariants();
      if (errors.length > 0) throw errors[0];
    }
  }

  #endTurns(): void {
    for (const { simulation } of this.cells) simulation.runtime.endTurn();
  }
}

/** A topic whose retained messages a cell keeps. */
export function topicOf(cell: number, count: number, prefix = 't'): string {
  for (let number = 0; ; number++) {
    const topic = `${prefix}/${number}`;
    if (cellOf(topic, count) === cell) return topic;
  }
}
