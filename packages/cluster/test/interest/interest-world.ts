import { matchesFilter, parseSharedFilter } from '@promptmq/topics';
import type { Random } from '@promptmq/wal/testing';
import { Announcer } from '../../src/interest/announcer.ts';
import { Interest } from '../../src/interest/interest.ts';
import { InterestTable } from '../../src/interest/interest-table.ts';
import type { Link } from '../../src/links/link.ts';
import { LinkSet } from '../../src/links/link-set.ts';
import { MemoryLink } from '../../src/links/memory-link.ts';

export type QoS = 0 | 1 | 2;

/** What is under way, and the time, for processes that are simulated. */
export class World {
  now = 0;
  #queue: (() => void)[] = [];
  readonly #timers = new Map<() => void, number>();

  get isIdle(): boolean {
    return this.#queue.length === 0;
  }

  readonly later = (callback: () => void): void => {
    this.#queue.push(callback);
  };

  readonly setTimer = (delayMs: number, callback: () => void): (() => void) => {
    const timer = () => callback();
    this.#timers.set(timer, this.now + delayMs);
    return () => this.#timers.delete(timer);
  };

  /** Has something happen that is under way: the first of it, or any. */
  step(random: Random | null = null): void {
    const index = random === null ? 0 : random.below(this.#queue.length);
    const [callback] = this.#queue.splice(index, 1);
    callback?.();
  }

  runAll(): void {
    while (!this.isIdle) this.step();
  }

  pass(milliseconds: number): void {
    this.now += milliseconds;
    const due = [...this.#timers].filter(([, at]) => at <= this.now);
    for (const [timer] of due.sort(([, one], [, other]) => one - other)) {
      if (this.#timers.delete(timer)) timer();
    }
  }
}

/** One process with one cell. What its clients have subscribed to outlives it. */
export class Process {
  readonly cell: number;
  readonly #world: World;
  readonly #cellCount: number;
  readonly subscriptions = new Map<string, QoS>();
  /** Subscriptions that were acknowledged. */
  readonly promised = new Map<string, QoS>();
  /** Members of shared groups that are connected. */
  readonly connected = new Map<string, number>();
  links = new LinkSet();
  announcer: Announcer;
  table: InterestTable<string>;
  /** How often it has begun. */
  starts = 0;
  #isServing = false;
  /** The last SUBSCRIBE of each filter. */
  readonly #numbers = new Map<string, number>();
  #count = 0;

  constructor(world: World, cell: number, cellCount: number) {
    this.cell = cell;
    this.#world = world;
    this.#cellCount = cellCount;
    this.announcer = this.#newAnnouncer();
    this.table = this.#newTable();
    this.start();
  }

  get end() {
    const { cell, starts } = this;
    const cells = [{ cell, epoch: starts }];
    return { node: `node-${cell}`, incarnation: `${starts}`, cells };
  }

  /** Whether it routes messages: it never does before it has heard of all others. */
  get isServing(): boolean {
    const others = Array.from({ length: this.#cellCount }, (_, cell) => cell);
    this.#isServing ||= this.table.hasAllOf(others.filter((cell) => cell !== this.cell));
    return this.#isServing;
  }

  /** Begins anew, with the subscriptions that it had. */
  start(): void {
    this.announcer.close();
    this.starts++;
    this.#isServing = false;
    this.links = new LinkSet((error) => {
      throw error;
    });
    this.announcer = this.#newAnnouncer();
    this.table = this.#newTable();
    new Interest(this.links, this.table, [this.announcer]);
    for (let cell = 0; cell < this.#cellCount; cell++) {
      if (cell !== this.cell) this.announcer.expect(`node-${cell}`);
    }
    for (const [topicFilter, qos] of this.subscriptions) this.announcer.add({ topicFilter, qos });
  }

  subscribe(topicFilter: string, qos: QoS): void {
    const former = this.subscriptions.get(topicFilter);
    this.subscriptions.set(topicFilter, qos);
    this.promised.delete(topicFilter);
    const had = former === undefined ? undefined : { topicFilter, qos: former };
    this.announcer.add({ topicFilter, qos }, had);
    const number = this.#count++;
    this.#numbers.set(topicFilter, number);
    this.announcer.whenRouted((isRouted) => {
      const isLast = this.#numbers.get(topicFilter) === number;
      if (isRouted && isLast) this.promised.set(topicFilter, qos);
    });
  }

  unsubscribe(topicFilter: string): void {
    const qos = this.subscriptions.get(topicFilter);
    if (qos === undefined) return;
    this.subscriptions.delete(topicFilter);
    this.#numbers.delete(topicFilter);
    this.promised.delete(topicFilter);
    this.announcer.remove({ topicFilter, qos });
  }

  /** At which QoS messages of a topic go to a cell that has subscribed by a filter; -1: none goes. */
  qosTo(cell: number, filter: string): number {
    const shared = parseSharedFilter(filter);
    const topic = topicOf(shared?.topicFilter ?? filter);
    const route = this.table.routeOf({ topic });
    if (shared === null) {
      return route?.targets.find(({ peer }) => peer === `cell-${cell}`)?.qos ?? -1;
    }
    const group = route?.groups.find(({ wholeFilter }) => wholeFilter === filter);
    for (let turn = 0; turn < 16; turn++) {
      const target = group?.next(false);
      if (target?.peer === `cell-${cell}`) return target.qos;
    }
    return -1;
  }

  #newAnnouncer(): Announcer {
    return new Announcer(this.cell, this.starts, {
      defer: this.#world.later,
      setTimer: this.#world.setTimer,
      patienceMs: 5000,
      now: () => 0,
      connectedOf: (wholeFilter) => this.connected.get(wholeFilter) ?? 0,
    });
  }

  #newTable(): InterestTable<string> {
    return new InterestTable(
      (cell) => `cell-${cell}`,
      (wholeFilter) => this.announcer.countsOf(wholeFilter),
    );
  }
}

/** Processes that can be linked with one another. */
export class Cluster {
  readonly world = new World();
  readonly processes: Process[];
  readonly #links = new Map<string, MemoryLink>();

  constructor(cellCount: number) {
    this.processes = Array.from(
      { length: cellCount },
      (_, cell) => new Process(this.world, cell, cellCount),
    );
  }

  at(cell: number): Process {
    return this.processes[cell] as Process;
  }

  link(one: number, other: number, busyBytes = 1_048_576): void {
    if (one === other) return;
    const key = [one, other].sort().join();
    if (this.#links.get(key)?.isUp) return;
    const [a, b] = [this.at(one), this.at(other)];
    const link = new MemoryLink(a, b, { later: this.world.later, busyBytes });
    this.#links.set(key, link);
  }

  linkAll(busyBytes?: number): void {
    for (const { cell } of this.processes) {
      for (const other of this.processes) this.link(cell, other.cell, busyBytes);
    }
  }

  cut(one: number, other: number): void {
    this.#links.get([one, other].sort().join())?.cut();
  }

  restart(cell: number): void {
    for (const { cell: other } of this.processes) {
      const key = [cell, other].sort().join();
      this.#links.get(key)?.cut();
      this.#links.delete(key);
    }
    this.at(cell).start();
  }

  /** @throws {Error} when a process that serves would not route to a subscription that was acknowledged */
  check(): void {
    for (const process of this.processes) {
      process.announcer.checkInvariants();
      process.table.checkInvariants();
      for (const [filter, qos] of process.promised) {
        for (const other of this.processes) {
          if (other === process || !other.isServing) continue;
          const found = other.qosTo(process.cell, filter);
          if (found < qos) {
            throw new Error(`${filter} of ${process.cell} at ${other.cell}: ${found} of ${qos}`);
          }
        }
      }
    }
  }
}

/** A topic that a filter matches. */
function topicOf(filter: string): string {
  const topic = filter.replaceAll('+', 'x').replaceAll('#', 'y/z');
  if (!matchesFilter(filter, topic)) throw new Error(`${topic} is not of ${filter}`);
  return topic;
}

/** The link of a process to another. */
export function linkOf({ links }: Process, node: string): Link {
  return links.of(node) as Link;
}
