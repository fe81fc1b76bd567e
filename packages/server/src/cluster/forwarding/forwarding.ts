import { createHash } from 'node:crypto';
import {
  FrameType,
  type Lane,
  type Link,
  type LinkSet,
  type LinkUser,
  readApplied,
  readForwardCells,
  readResume,
  readResumed,
} from '@promptmq/cluster';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import { Applier } from './applier.ts';
import { Forwarder } from './forwarder.ts';
import type { ForwardingHost } from './host.ts';

/** Bytes of a number that a generation is. */
const GENERATION_SIZE = 6;

/** What goes and comes at QoS 0, and what clients of other cells have subscribed to. */
export interface ForwardingPeers {
  useForwarding(forwarding: Forwarding): void;
  /** Calls back when it is known of all cells what their clients have subscribed to; before this returns where it is. */
  whenWhole(callback: () => void): void;
}

/**
 * The messages of QoS 1 and 2 that a cell sends to others, and gets from them.
 *
 * The session of another cell is there from the first time that it is asked for, whether there is a link to that cell or not;
 * what waits in it is sent when there is one.
 *
 * Nothing is taken from others before it is known what all cells have subscribed to: of a shared group that has no member here any more, one
 * elsewhere is to get it.
 */
export class Forwarding implements LinkUser {
  readonly #host: ForwardingHost;
  readonly #cell: number;
  readonly #generation: number;
  /** By cell. */
  readonly #forwarders: Map<number, Forwarder>;
  readonly #appliers: Map<number, Applier>;
  /** Those from which nothing is taken yet. */
  readonly #early: Set<Link>;
  #isWhole: boolean;

  /**
   * @param host - has been recovered
   * @param cell - that it serves
   * @param links - to which there is no link yet
   * @param peers - what goes and comes at QoS 0 is to keep its place among what goes and comes here
   */
  constructor(host: ForwardingHost, cell: number, links: LinkSet, peers: ForwardingPeers) {
    peers.useForwarding(this);
    this.#host = host;
    this.#cell = cell;
    // What is in memory alone is numbered anew by each process.
    this.#generation = host.journal.generation || numberOf(host.runtime.uniqueId());
    this.#forwarders = new Map();
    this.#appliers = new Map();
    this.#early = new Set();
    this.#isWhole = false;
    links.handle([FrameType.forward], (link, body) => this.#onForward(link, body));
    links.handle([FrameType.applied], (_link, body) => this.#onApplied(body));
    links.handle([FrameType.resume], (link, body) => this.#onResume(link, body));
    links.handle([FrameType.resumed], (link, body) => this.#onResumed(link, body));
    links.follow(this);
    peers.whenWhole(() => this.#onWhole());
  }

  /** What is for another cell is delivered to this session. */
  sessionOf(cell: number): BrokerSession {
    return this.#forwarderOf(cell).session;
  }

  /** A message is about to be stored for another cell; see `Forwarder`. */
  noteStored(cell: number, topic: string, ahead: number): void {
    this.#forwarderOf(cell).noteStored(topic, ahead);
  }

  /** Whether something of a topic waits for another cell, so that what comes after it has to wait, too. */
  isBehind(cell: number, topic: string): boolean {
    return this.#forwarderOf(cell).isBehind(topic);
  }

  /** Whether what comes from another cell at QoS 0 may be taken at once. */
  isInOrder(cell: number): boolean {
    return this.#appliers.get(cell)?.isInOrder ?? true;
  }

  /**
   * Has a frame of QoS 0 that has come from another cell taken in its place among those that have a sequence.
   *
   * @param topic - of its message
   * @param take - takes it, now or later
   * @returns false when it comes too early or is too much, and is dropped
   */
  takeInOrder(
    cell: number,
    topic: string,
    body: Uint8Array,
    take: (body: Uint8Array) => void,
  ): boolean {
    return this.#applierOf(cell).takeInOrder(topic, body, take);
  }

  /** Calls back when all that waits for other cells by now is applied there, or given up; before this returns where it is. */
  whenApplied(cells: readonly number[], onApplied: () => void): void {
    let missing = 1;
    const note = () => {
      missing--;
      if (missing === 0) onApplied();
    };
    for (const cell of cells) {
      missing++;
      this.#forwarderOf(cell).whenApplied(note);
    }
    note();
  }

  #forwarderOf(cell: number): Forwarder {
    let forwarder = this.#forwarders.get(cell);
    if (forwarder === undefined) {
      forwarder = new Forwarder(this.#host, this.#cell, cell, this.#generation);
      this.#forwarders.set(cell, forwarder);
    }
    return forwarder;
  }

  #applierOf(cell: number): Applier {
    let applier = this.#appliers.get(cell);
    if (applier === undefined) {
      applier = new Applier(this.#host, cell, this.#cell);
      this.#appliers.set(cell, applier);
    }
    return applier;
  }

  // ------------------------------------------------------------------------- links

  onUp(link: Link): void {
    if (!this.#isWhole) {
      this.#early.add(link);
      return;
    }
    for (const { cell } of link.peer.cells) this.#applierOf(cell).begin(link);
  }

  #onWhole(): void {
    this.#isWhole = true;
    const early = [...this.#early];
    this.#early.clear();
    for (const link of early) this.onUp(link);
  }

  onDown(link: Link): void {
    this.#early.delete(link);
    for (const forwarder of this.#forwarders.values()) forwarder.onDown(link);
    for (const applier of this.#appliers.values()) applier.onDown(link);
  }

  onDrained(link: Link, lane: Lane): void {
    if (lane !== 2) return;
    for (const forwarder of this.#forwarders.values()) forwarder.onDrained(link);
  }

  #onForward(link: Link, body: Uint8Array): void {
    const { from, to } = readForwardCells(body);
    this.#checkServed(to);
    this.#applierOf(from).onForward(link, body);
  }

  #onApplied(body: Uint8Array): void {
    const applied = readApplied(body);
    this.#checkServed(applied.from);
    this.#forwarderOf(applied.to).onApplied(applied);
  }

  #onResume(link: Link, body: Uint8Array): void {
    const resume = readResume(body);
    this.#checkServed(resume.from);
    this.#forwarderOf(resume.to).resume(link, resume);
  }

  #onResumed(link: Link, body: Uint8Array): void {
    const resumed = readResumed(body);
    this.#checkServed(resumed.to);
    this.#applierOf(resumed.from).onResumed(link, resumed);
  }

  #checkServed(cell: number): void {
    if (cell !== this.#cell) throw new RangeError(`cell ${cell} is not served here`);
  }

  /** The broker stops: nothing is sent or taken any more, and what waits goes on waiting. */
  stop(): void {
    for (const forwarder of this.#forwarders.values()) forwarder.detach();
    for (const applier of this.#appliers.values()) applier.stop();
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    for (const forwarder of this.#forwarders.values()) forwarder.checkInvariants();
    for (const applier of this.#appliers.values()) applier.checkInvariants();
  }
}

function numberOf(uniqueId: string): number {
  return createHash('sha256').update(uniqueId).digest().readUIntBE(0, GENERATION_SIZE);
}
