import { type Link, LinkSet } from '@promptmq/cluster';
import type { SubscriptionTrie } from '@promptmq/topics';
import type { Broker } from '../../../src/broker.ts';
import { Forwarding } from '../../../src/cluster/forwarding/forwarding.ts';
import type { BrokerSession } from '../../../src/sessions/broker-session.ts';
import type { SimulatedHost } from '../simulated-host.ts';

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
interface Process {
  readonly broker: Broker;
  readonly links: ProcessLinks;
  readonly forwarding: Forwarding;
}

/** One cell of a simulated cluster: a machine, and what runs on it. */
export class SimulatedCell {
  readonly cell: number;
  readonly host: SimulatedHost;
  /** Serving; null while there is none. */
  process: Process | null = null;
  /** What was subscribed to here when that was last known: it holds while no process serves. */
  trie: SubscriptionTrie<BrokerSession> | null = null;
  readonly #onError: (error: unknown) => void;
  #incarnation = 0;

  constructor(cell: number, host: SimulatedHost, onError: (error: unknown) => void) {
    this.cell = cell;
    this.host = host;
    this.#onError = onError;
  }

  get node(): string {
    return `node-${this.cell}`;
  }

  /** The broker serves: it has a part in the cluster from now on. */
  join(): Process {
    const broker = this.host.broker as Broker;
    const links = new ProcessLinks((error) => this.#onError(error));
    this.trie = broker.router.trie;
    this.#incarnation++;
    const forwarding = new Forwarding(broker, this.cell, links, { useForwarding: () => {} });
    this.process = { broker, links, forwarding };
    return this.process;
  }

  /** It serves no more, in order or not: nothing comes to it or from it. */
  leave(): void {
    const { process } = this;
    if (process === null) return;
    this.process = null;
    process.links.isOver = true;
  }

  /** What a link says of this side. */
  get end() {
    const cells = [{ cell: this.cell, epoch: 1 }];
    return { node: this.node, incarnation: `${this.#incarnation}`, cells };
  }

  checkInvariants(): void {
    const { process } = this;
    // Not while it stops.
    if (process === null || process.broker !== this.host.broker) return;
    process.broker.checkInvariants();
    process.forwarding.checkInvariants();
  }
}
