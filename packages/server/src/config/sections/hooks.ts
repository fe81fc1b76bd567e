import { z } from 'zod';
import { duration } from '../values/units.ts';

const DAY_MS = 86_400_000;

/** What the program asks that the broker is a part of. */
export const hooksSection = z
  .strictObject({
    timeout: duration(1, DAY_MS)
      .prefault('5s')
      .describe(
        'how long a hook of the program that embeds the broker may take to answer; the client that it is asked for is then refused or disconnected',
      ),
  })
  .prefault({});
