import { CERTIFICATE_FIELDS } from '@promptmq/auth';
import { z } from 'zod';
import { choiceOf } from '../../values/units.ts';

/** Clients that have proved to own a certificate. */
export const certificateProvider = z.strictObject({
  userName: choiceOf(CERTIFICATE_FIELDS)
    .prefault('cn')
    .describe("what of a client's certificate is its user name"),
  clientId: choiceOf(['none', ...CERTIFICATE_FIELDS])
    .prefault('none')
    .describe('what of it is its client identifier, whichever it asks for; none leaves it its own'),
});
