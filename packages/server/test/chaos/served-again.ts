import { setTimeout as sleep } from 'node:timers/promises';
import { clientIdOf } from '../support/client-ids.ts';
import { ChaosClient } from './chaos-client.ts';

export interface ServedAgainOptions {
  readonly cells: number;
  /** Of the nodes, in order: where clients connect, and where metrics are. */
  readonly ports: readonly number[];
  readonly metricsPorts: readonly number[];
  /** A session isn't there any more, or what was acknowledged hasn't come to it. */
  readonly onWrong: (what: string) => void;
}

/** A client that finds no answer for so long looks for another node. */
const PATIENCE_MS = 6_000;

/**
 * Measures for how long the sessions of a node are not served when that ends: until the client of one, at another node, has its session again,
 * and a message that it has sent has come to it.
 */
export class ServedAgain {
  readonly #options: ServedAgainOptions;
  readonly #probes: readonly Probe[];
  /** Cells that aren't served yet. */
  #waitingCount = 0;
  /** Milliseconds, one for each cell of each node that ended, by what had been done to the node. */
  readonly timesMs: Record<string, number[]> = {};

  constructor(options: ServedAgainOptions) {
    const { cells, ports, onWrong } = options;
    this.#options = options;
    this.#probes = Array.from({ length: cells }, (_, cell) => {
      return new Probe(clientIdOf(cell, cells, 'again'), ports, onWrong);
    });
  }

  /** Has a session in each cell from now on. */
  async start(): Promise<void> {
    await Promise.all(this.#probes.map((probe) => probe.begin()));
  }

  /**
   * Finds out what a node serves.
   *
   * @param what - is done to it
   * @param index - of the node
   * @returns to be called when the node is about to end
   */
  async before(what: string, index: number): Promise<() => void> {
    const { metricsPorts, ports } = this.#options;
    const cells = await cellsAt(metricsPorts[index] as number);
    const others = ports.filter((_, other) => other !== index);
    const timesMs = this.timesMs[what] ?? [];
    this.timesMs[what] = timesMs;
    return () => {
      const beganMs = performance.now();
      this.#waitingCount += cells.length;
      for (const cell of cells) {
        this.#probes[cell]?.come(others, () => {
          this.#waitingCount--;
          timesMs.push(performance.now() - beganMs);
        });
      }
    };
  }

  /** Resolves when all cells are served again, or when nobody waits for it. */
  async untilDone(signal?: AbortSignal): Promise<void> {
    while (this.#waitingCount > 0 && signal?.aborted !== true) await sleep(50);
  }

  close(): void {
    for (const probe of this.#probes) probe.close();
  }
}

/** A client with a stored session and a topic that only it subscribes to. */
class Probe {
  readonly #client: ChaosClient;
  readonly #topic: string;
  #ports: readonly number[];
  #count = 0;
  #onServed = () => {};
  #onMessage = () => {};

  constructor(clientId: string, ports: readonly number[], onWrong: (what: string) => void) {
    this.#topic = `again/${clientId}`;
    this.#ports = ports;
    this.#client = new ChaosClient({
      ...{ clientId, version: 5, patienceMs: PATIENCE_MS },
      pickPort: () => this.#ports[this.#count++ % this.#ports.length] as number,
      onServed: () => this.#onServed(),
      onMessage: () => this.#onMessage(),
      onSessionLost: () => onWrong(`${clientId}: its session is gone`),
    });
  }

  /** Subscribes, and leaves. */
  begin(): Promise<void> {
    return new Promise((resolve) => {
      this.#onServed = () => {
        void this.#client.subscribe(this.#topic, 1).then((isGranted) => {
          if (!isGranted) return;
          this.#client.leave('disconnect');
          resolve();
        });
      };
      this.#client.start();
    });
  }

  /** Comes to one of these nodes, sends itself a message, and leaves. */
  come(ports: readonly number[], onDone: () => void): void {
    this.#ports = ports;
    this.#onServed = () => {
      if (this.#client.outgoingCount === 0) this.#client.publish(this.#topic, '', 1);
    };
    this.#onMessage = () => {
      this.#onMessage = () => {};
      onDone();
      // When it has acknowledged it.
      setImmediate(() => this.#client.leave('disconnect'));
    };
    this.#client.start();
  }

  close(): void {
    this.#client.leave('cut');
  }
}

/** The cells whose processes run at a node, by its metrics. */
async function cellsAt(metricsPort: number): Promise<readonly number[]> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  const found = (await response.text()).matchAll(
    /^promptmq_connections_current\{worker="(\d+)"\}/gm,
  );
  return [...found].map(([, cell]) => Number(cell));
}
