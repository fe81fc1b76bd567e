import type { ClusterEngine, EngineFacts } from '@promptmq/cluster';
import type { Config } from '../../config/index.ts';
import { engineOf } from './cluster-engine.ts';

/** An engine, and what it has said of itself. */
export interface ConnectedEngine {
  readonly engine: ClusterEngine;
  readonly facts: EngineFacts;
}

type ClusterConfig = Pick<Config, 'cluster'>;

/** Connects to the engine for a process that doesn't know yet for which cell it is: so its cell is served sooner. */
export class EngineAhead {
  readonly #cluster: string;
  readonly #engine: ClusterEngine;
  readonly #facts: Promise<EngineFacts | null>;

  /** @param make - by default as the configuration says */
  constructor(config: ClusterConfig, make: (config: ClusterConfig) => ClusterEngine = engineOf) {
    this.#cluster = JSON.stringify(config.cluster);
    this.#engine = make(config);
    // Whoever connects then says what is wrong.
    this.#facts = this.#engine.connect().catch(() => null);
  }

  /**
   * Gives the engine away; nothing may be called after it.
   *
   * @param config - as it is now
   * @returns null, and closes the engine, where it could not be reached, or the configuration is another one since
   */
  async take(config: ClusterConfig): Promise<ConnectedEngine | null> {
    const facts = await this.#facts;
    if (facts !== null && JSON.stringify(config.cluster) === this.#cluster) {
      return { engine: this.#engine, facts };
    }
    await this.#engine.close();
    return null;
  }

  /** Nobody needs it. */
  async close(): Promise<void> {
    await this.#facts;
    await this.#engine.close();
  }
}
