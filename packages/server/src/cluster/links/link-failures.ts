import { LinkError, type LinkErrorCode } from '@promptmq/cluster';
import type { Logger } from '../../log/index.ts';

/** Who dials again won't have it otherwise: somebody has to see to it. */
const REFUSED: ReadonlySet<LinkErrorCode> = new Set(['foreign', 'peer', 'secret', 'tls']);

/** Links that a process could not have, in its log and counted. */
export class LinkFailures {
  /** Links that were refused here, as the other side may not have one. */
  refused = 0;
  /** What was said last of each. */
  readonly #said = new Map<string, string>();

  /**
   * @param where - the process that was dialled, or `accept`
   * @param log - null while there is none
   */
  note(where: string, error: Error, log: Logger | null): void {
    const why = error.message;
    const isRefused = error instanceof LinkError && REFUSED.has(error.code);
    if (isRefused) this.refused++;
    // It is dialled again and again.
    if (isRefused && this.#said.get(where) !== why) log?.warn('link-refused', { where, why });
    else log?.debug('link-failed', { where, why });
    if (isRefused) this.#said.set(where, why);
  }

  /** There is a link: the next refusal is news. */
  forget(where: string): void {
    this.#said.delete(where);
    this.#said.delete('accept');
  }
}
