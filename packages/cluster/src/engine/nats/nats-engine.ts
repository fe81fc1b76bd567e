import type { NatsConnection } from '@nats-io/transport-node';
import {
  type ClusterEngine,
  EngineError,
  type EngineFacts,
  type EngineLog,
  type EngineMap,
} from '../engine.ts';
import { openConnection } from './nats-connection.ts';
import { NatsLog } from './nats-log.ts';
import { NatsMap } from './nats-map.ts';
import { loadNats, type NatsModules } from './nats-modules.ts';
import { NATS_DEFAULTS, type NatsOptions, type SetNatsOptions } from './nats-options.ts';
import { verifyServers, whyTooOld } from './nats-servers.ts';

/** Of an entry's largest size, for what the server adds. */
const HEADER_BYTES = 4_096;

/**
 * NATS JetStream as an engine: a stream for the log of each cell, and a bucket for the map. Each log has a connection of its own, so
 * that large entries of one don't hold up another's.
 */
export class NatsEngine implements ClusterEngine {
  readonly #options: SetNatsOptions;
  #modules: NatsModules | null = null;
  #connection: NatsConnection | null = null;
  #map: NatsMap | null = null;
  readonly #logs = new Set<EngineLog>();
  #isClosed = false;

  constructor(options: NatsOptions) {
    this.#options = { ...NATS_DEFAULTS, ...options };
  }

  async connect(): Promise<EngineFacts> {
    const { replicas, sync } = this.#options;
    const modules = await loadNats();
    const connection = await openConnection(modules, this.#options, 'map');
    try {
      const { version, max_payload } = connection.info ?? { version: '0', max_payload: 0 };
      if (sync === 'verified') {
        const why = whyTooOld(version);
        if (why !== null) throw new EngineError('unsuitable', `NATS server: ${why}`);
        await verifyServers(modules, this.#options);
      }
      this.#map = await NatsMap.open(modules, connection, this.#options);
      this.#modules = modules;
      this.#connection = connection;
      return {
        name: 'nats',
        version,
        replicas,
        syncsBeforeAck: sync === 'verified' ? true : 'assumed',
        appendBytesMax: max_payload - HEADER_BYTES,
      };
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async openLog(cell: number): Promise<EngineLog> {
    const modules = this.#modules;
    if (modules === null || this.#isClosed) throw notConnected();
    const connection = await openConnection(modules, this.#options, `cell ${cell}`);
    try {
      const log = await NatsLog.open(modules, connection, this.#options, cell);
      if (this.#isClosed) throw notConnected();
      this.#logs.add(log);
      return log;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  get map(): EngineMap {
    if (this.#map === null) throw notConnected();
    return this.#map;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#logs].map((log) => log.close()));
    await this.#connection?.close();
  }
}

function notConnected(): EngineError {
  return new EngineError('closed', 'the engine is not connected');
}
