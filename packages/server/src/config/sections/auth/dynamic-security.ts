import { z } from 'zod';
import { pathOrNone } from '../../values/units.ts';

/** Users, groups and roles that are changed while the broker runs. */
export const dynamicProvider = z.strictObject({
  import: pathOrNone()
    .prefault(null)
    .describe(
      'dynamic-security.json of mosquitto, which is read while there is neither a user nor a group nor a role, and never again after that',
    ),
});
