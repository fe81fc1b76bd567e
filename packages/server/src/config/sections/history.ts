import { z } from 'zod';
import { duration, flag, size } from '../values/units.ts';

const DAY_MS = 86_400_000;

/** What is kept of clients, to say later why a message did not come. */
export const historySection = z
  .strictObject({
    enabled: flag()
      .prefault(true)
      .describe(
        'whether it is kept in memory who connected, subscribed, was denied something or lost messages, and why; promptmq why asks for it',
      )
      .meta({ restart: true }),
    size: size(65_536, 256_000_000)
      .prefault('16MB')
      .describe(
        'bytes of it that are kept, some 30,000 entries by default; the oldest go first, and no client has more than a sixteenth',
      ),
    keep: duration(1000, 365 * DAY_MS)
      .prefault('7d')
      .describe('how long it is kept at most'),
  })
  .prefault({});
