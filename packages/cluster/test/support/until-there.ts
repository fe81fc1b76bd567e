import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks an engine again until it answers, as whoever uses one does: servers that have just been started may be without a leader for seconds.
 *
 * @throws what the engine says otherwise
 */
export async function untilThere<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      // By its code: a script has the class of the built package.
      if ((error as { readonly code?: unknown }).code !== 'unavailable') throw error;
      await sleep(100);
    }
  }
}
