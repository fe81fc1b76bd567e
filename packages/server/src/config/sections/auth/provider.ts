import { z } from 'zod';
import { choice, duration } from '../../values/units.ts';

const DAY_MS = 86_400_000;

/**
 * A provider that asks somebody else: its own options, and those that all of them have.
 *
 * @param cache - how long its answers are remembered by default
 */
export function asking<Shape extends z.ZodRawShape>(shape: Shape, cache = '0s') {
  return z.strictObject({
    ...shape,
    timeout: duration(1, DAY_MS)
      .prefault('5s')
      .describe(
        'how long it may take to answer; then it counts as failed. Less than mqtt.connect-timeout, so that the client gets to know',
      ),
    onError: choice('deny', 'pass')
      .prefault('deny')
      .describe(
        'what becomes of a client when it fails or takes too long: it is refused (0x88), or the next provider is asked',
      ),
    cache: duration(0, DAY_MS)
      .prefault(cache)
      .describe(
        'how long its answer to the same credentials is remembered, under a keyed hash; 0 is not at all',
      ),
  });
}
