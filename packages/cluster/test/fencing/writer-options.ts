import type { NatsOptions } from '../../src/engine/nats/nats-options.ts';

/** What `scripts/fencing/writer.ts` is started with. */
export interface WriterOptions {
  readonly name: string;
  readonly cells: readonly number[];
  readonly window: number;
  readonly engine: NatsOptions;
}
