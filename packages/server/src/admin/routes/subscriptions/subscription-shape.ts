import { z } from 'zod';
import type { ClientSubscription } from '../../../embed/clients/client-info.ts';

/** A subscription as EMQX answers it. */
export const subscriptionSchema = z.object({
  node: z.string(),
  clientid: z.string(),
  topic: z.string().describe('the whole topic filter, $share/NAME/ included'),
  qos: z.number().int(),
  nl: z.number().int().describe('No Local: 0 or 1'),
  rap: z.number().int().describe('Retain As Published: 0 or 1'),
  rh: z.number().int().describe('Retain Handling: 0, 1 or 2'),
  subid: z.number().int().nullable().describe('Subscription Identifier'),
  durable: z.boolean().describe('whether it survives the process'),
});

export function shownSubscription(
  one: ClientSubscription & { readonly clientId: string; readonly isStored: boolean },
  node: string,
): z.output<typeof subscriptionSchema> {
  return {
    node,
    clientid: one.clientId,
    topic: one.topicFilter,
    qos: one.qos,
    nl: one.noLocal ? 1 : 0,
    rap: one.retainAsPublished ? 1 : 0,
    rh: one.retainHandling,
    subid: one.subscriptionIdentifier,
    durable: one.isStored,
  };
}
