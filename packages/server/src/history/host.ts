import type { Config } from '../config/index.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** What the history needs of the house. */
export interface HistoryHost {
  readonly config: Pick<Config, 'history'>;
  readonly runtime: Pick<Runtime, 'wallNow' | 'defer'>;
}
