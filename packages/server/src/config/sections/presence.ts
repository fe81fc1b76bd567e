import { z } from 'zod';
import { choice, flag, size } from '../values/units.ts';

const GIGABYTE = 1000 ** 3;

/** What clients are told of others: who connects, subscribes, and is there. */
export const presenceSection = z
  .strictObject({
    events: choice('none', 'connections', 'all')
      .prefault('none')
      .describe(
        'what is published at $SYS/brokers/NODE/clients/CLIENTID: connected and disconnected with connections, subscribed and unsubscribed, too, with all; only those get it whose rules name these topics. Nothing by default: who is there is nobody’s business, and it is a message for each',
      )
      .meta({ restart: true }),
    state: flag()
      .prefault(false)
      .describe(
        'whether $SYS/broker/clients/CLIENTID/state has 1, retained, for clients that are connected, and 0 for those that are gone and whose session is kept; for the same clients. Off by default, as it takes about 1 KB for each session',
      )
      .meta({ restart: true }),
    maxUnpublishedBytes: size(65_536, 1000 * GIGABYTE)
      .prefault('16MB')
      .describe(
        'memory of what has happened and is not published yet, 500 bytes each and the texts; beyond, it is left out, counted and logged. The default has room for 30,000 clients that connect at once',
      )
      .meta({ restart: true }),
  })
  .prefault({});
