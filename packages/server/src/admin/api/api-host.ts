import type { RunningBroker } from '../../embed/running-broker.ts';

/** What the operations of the API use. */
export interface ApiHost {
  readonly broker: RunningBroker;
  /** Milliseconds since 1970, when the process began to serve. */
  readonly startedAt: number;
}
