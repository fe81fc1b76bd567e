import type { Clock } from '@promptmq/wal';
import { EngineError } from './engine.ts';

/** Between two questions to an engine that doesn't answer, in milliseconds. */
const PAUSE_MS = 250;

export interface AskOptions {
  /** Asked before each further attempt; when it returns false, what the last one threw is thrown. */
  readonly isWanted?: (() => boolean) | undefined;
  /** Called when the first attempt has failed. */
  readonly onWaiting?: ((why: string) => void) | undefined;
}

/**
 * Asks an engine until it answers: it may be about to elect who leads what is asked for.
 *
 * @throws what `ask` throws, but for {EngineError} `unavailable`
 */
export async function untilAnswered<Answer>(
  clock: Clock,
  ask: () => Promise<Answer>,
  { isWanted = () => true, onWaiting = () => {} }: AskOptions = {},
): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      const isAway = error instanceof EngineError && error.code === 'unavailable';
      if (!isAway || !isWanted()) throw error;
      if (failures === 0) onWaiting(error.message);
      await new Promise<void>((resolve) => {
        clock.setTimer(PAUSE_MS, resolve);
      });
    }
  }
}
