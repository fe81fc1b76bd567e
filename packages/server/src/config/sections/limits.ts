import { z } from 'zod';
import { integer, rateOrNone } from '../values/units.ts';

const NONE_WHY = 'none by default, as what is much depends on the clients and the machine';

/** What one of them may send; whoever sends more isn't read from for a while. */
function rates(whose: string) {
  return {
    messages: rateOrNone('count')
      .prefault('none')
      .describe(
        `messages that ${whose} may publish; beyond, it is read from more slowly, and nothing is dropped. ${NONE_WHY}`,
      ),
    bytes: rateOrNone('bytes')
      .prefault('none')
      .describe(
        `bytes of all packets that ${whose} may send; beyond, it is read from more slowly. ${NONE_WHY}`,
      ),
    subscribes: rateOrNone('count')
      .prefault('none')
      .describe(
        `topic filters that ${whose} may subscribe; beyond, it is read from more slowly. ${NONE_WHY}`,
      ),
    connects: rateOrNone('count')
      .prefault('none')
      .describe(
        `CONNECTs of ${whose}; beyond, they are refused (0x9F, before MQTT 5 return code 3). ${NONE_WHY}`,
      ),
  };
}

/** How much may be done in a time, and by how many: by client, user and address. What clients hold is limited in `mqtt`. */
export const limitsSection = z
  .strictObject({
    client: z.strictObject(rates('a client, by its identifier,')).prefault({}),
    user: z
      .strictObject(rates('all clients of a user together, by the name that they proved,'))
      .prefault({}),
    address: z
      .strictObject({
        ...rates('all clients of an address together, of IPv6 its /64 as a site has at least one,'),
        connections: integer(0, 10_000_000)
          .prefault(0)
          .describe(
            'connections from an address that are open at the same time; one more is closed at once. 0 is without limit, which is the default as many clients may have one address behind a router or proxy',
          ),
        pendingConnects: integer(0, 10_000_000)
          .prefault(0)
          .describe(
            'connections from an address whose CONNECT has not been accepted; one more is closed at once. 0 is without limit, which is the default for the same reason',
          ),
      })
      .prefault({}),
    pendingConnects: integer(1, 10_000_000)
      .prefault(10_000)
      .describe(
        'connections whose CONNECT has not been accepted; one more is closed at once. The default lets all clients of mqtt.max-connections come back at once, and leaves half of the sockets to those that are connected',
      ),
  })
  .prefault({});
