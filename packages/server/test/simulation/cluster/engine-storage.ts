import type { MemoryEngine, MemoryServers } from '@promptmq/cluster/testing';
import { ReasonCode } from '@promptmq/codec';
import type { Replica } from '@promptmq/wal';
import type { Broker } from '../../../src/broker.ts';
import { CellHost } from '../../../src/cluster/cell/cell-host.ts';
import type { SimulatedClock } from '../../../src/testing/clock/simulated-clock.ts';
import { Violation } from '../../model/publication.ts';
import type { SimulatedStorage } from '../simulated-host.ts';

type Resources = Parameters<SimulatedStorage['recover']>[1];

/** A cell that a broker serves in one process. */
interface Hosted {
  fence(why: string): void;
  stop(): Promise<void>;
}

/** As `CellHostOptions` has them. */
export interface EngineSizes {
  readonly snapshotSize: number;
  readonly appendBytes: number;
  readonly appendWindow: number;
}

/** Longest that an orderly stop waits for connections to close where nobody says how long, in milliseconds. */
const STOP_TIMEOUT_MS = 500;

/**
 * The log of one cell on a cluster's engine: each process that serves it claims it first, and acknowledges nothing that the engine doesn't
 * have.
 */
export class EngineStorage implements SimulatedStorage {
  readonly #servers: MemoryServers;
  readonly #cell: number;
  readonly #clock: SimulatedClock;
  readonly #onEnded: (why: string) => void;
  readonly #sizes: EngineSizes;
  #epoch = 0;
  #engine: MemoryEngine | null = null;
  #host: CellHost<Hosted> | null = null;
  #replica: ObservedReplica | null = null;

  /** @param onEnded - told when a process has ended its cell that no other one has taken */
  constructor(
    servers: MemoryServers,
    cell: number,
    clock: SimulatedClock,
    sizes: EngineSizes,
    onEnded: (why: string) => void,
  ) {
    this.#sizes = sizes;
    this.#servers = servers;
    this.#cell = cell;
    this.#clock = clock;
    this.#onEnded = onEnded;
  }

  async recover(broker: Broker, { files, index, clock }: Resources): Promise<void> {
    const epoch = ++this.#epoch;
    const engine = this.#servers.client();
    this.#engine = engine;
    this.#host = null;
    this.#replica = null;
    const host = await CellHost.open<Hosted>({
      ...{ engine, cell: this.#cell, claim: { epoch, witness: null } },
      ...{ node: `node-${this.#cell}`, incarnation: `${epoch}` },
      ...{ directory: '/wal', files, clock, ...this.#sizes },
      onEnded: (why) => {
        if (epoch === this.#epoch) this.#onEnded(why);
      },
      openBroker: async ({ replica, ...resources }) => {
        const observed = new ObservedReplica(replica as Replica, this.#clock);
        if (epoch === this.#epoch) this.#replica = observed;
        await broker.recover({ ...resources, replica: observed, files, index, clock });
        return {
          fence: (why) => broker.storage?.log.fence(why),
          stop: () => broker.stop(STOP_TIMEOUT_MS, ReasonCode.ServerShuttingDown),
        };
      },
    });
    if (epoch !== this.#epoch) return;
    if (host === null) throw new Violation(`cell ${this.#cell} was taken from epoch ${epoch}`);
    this.#host = host;
  }

  async stop(broker: Broker, timeoutMs: number, reasonCode: number): Promise<void> {
    if (this.#host === null) await broker.stop(timeoutMs, reasonCode);
    else await this.#host.stop();
  }

  end(): void {
    this.#engine?.end();
    this.#abandon();
  }

  /** The process goes on, and has no part in what becomes of the cell. */
  abandon(): void {
    this.#abandon();
  }

  /** Of the present process; null while it has none. */
  get engine(): MemoryEngine | null {
    return this.#engine;
  }

  #abandon(): void {
    // Nobody has this one: what the process does from now on is told nobody.
    this.#epoch++;
    this.#engine = null;
    this.#host = null;
    this.#replica = null;
  }

  get waitedMs(): number {
    return this.#replica?.waitedMs ?? 0;
  }
}

/** What a log was given while the engine was busy is written within this time, in milliseconds. */
const GATHERED_MS = 300;

/** Knows since when what a log writes may have waited for the engine. */
class ObservedReplica implements Replica {
  readonly #replica: Replica;
  readonly #clock: SimulatedClock;
  /** When what the engine has not answered was shipped. */
  readonly #shippedMs: number[] = [];
  /** What the log was given before this time is with the engine, but for its way to the disk. */
  #safeMs: number;
  /** When the engine last answered. */
  #answeredMs: number;

  constructor(replica: Replica, clock: SimulatedClock) {
    this.#replica = replica;
    this.#clock = clock;
    this.#safeMs = clock.time;
    this.#answeredMs = clock.time;
  }

  get position(): number {
    return this.#replica.position;
  }

  get window(): number {
    return this.#replica.window;
  }

  get waitedMs(): number {
    return this.#isIdle ? 0 : this.#clock.time - this.#safeMs;
  }

  get #isIdle(): boolean {
    return this.#shippedMs.length === 0 && this.#clock.time > this.#answeredMs + GATHERED_MS;
  }

  ship(...[position, segment, parts, onReplicated]: Parameters<Replica['ship']>): void {
    const { time } = this.#clock;
    if (this.#isIdle) this.#safeMs = time;
    this.#shippedMs.push(time);
    this.#replica.ship(position, segment, parts, () => {
      this.#safeMs = this.#shippedMs.shift() as number;
      this.#answeredMs = this.#clock.time;
      onReplicated();
    });
  }

  trim(position: number): void {
    this.#replica.trim(position);
  }
}
