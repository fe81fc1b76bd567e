import { EngineError } from '../engine.ts';

/** The packages of NATS, which are there only where somebody installed them. */
export interface NatsModules {
  readonly transport: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
  readonly kv: typeof import('@nats-io/kv');
}

/** @throws {EngineError} `not-installed` */
export async function loadNats(): Promise<NatsModules> {
  try {
    const [transport, jetstream, kv] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/kv'),
    ]);
    return { transport, jetstream, kv };
  } catch (cause) {
    throw new EngineError(
      'not-installed',
      'the engine NATS needs packages that are not installed: ' +
        'npm install @nats-io/transport-node @nats-io/jetstream @nats-io/kv',
      { cause },
    );
  }
}
