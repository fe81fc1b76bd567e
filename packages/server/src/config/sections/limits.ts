import { z } from 'zod';
import { durationOrNone, integer, rateOrNone } from '../values/units.ts';

const NONE_WHY = 'none by default, as what is much depends on the clients and the machine';

/** What one of them may send; whoever sends more isn't read from for a while. */
export function rates(whose: string) {
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
        `CONNECTs of ${whose.replace(/,$/, '')}; beyond, they are refused (0x9F, before MQTT 5 return code 3). ${NONE_WHY}`,
      ),
  };
}

/** When the process has more to do, or holds more, than is good for it. */
const overloadSection = z
  .strictObject({
    memoryRefuse: integer(1, 100)
      .prefault(65)
      .describe(
        'percent of the memory that there is, in use for a second, from which on new clients are refused (0x89): of the heap that Node.js allows, or of the machine or container. 100 is never. The default leaves those that are connected a tenth before they are slowed',
      ),
    memorySlow: integer(1, 100)
      .prefault(70)
      .describe(
        'the same from which on, at once, whoever publishes or subscribes waits 100 ms after each message. 100 is never. The default leaves as much until they are stopped as new clients were refused with',
      ),
    memoryStop: integer(1, 100)
      .prefault(75)
      .describe(
        'the same from which on whoever publishes or subscribes waits until there is room. 100 is never. Above 80 percent, V8 ends a process that spends most of its time collecting garbage; the default is below that by what may still come in a turn',
      ),
    lagRefuse: durationOrNone(10)
      .prefault('1s')
      .describe(
        'how long turns of the event loop take, five in a row, when new clients are refused (0x89); who connects then would wait for longer than clients do. A machine that sleeps, or one long turn, does not count',
      ),
    lagSlow: durationOrNone(10)
      .prefault('3s')
      .describe(
        'the same when whoever publishes or subscribes is slowed; by then clients that are connected have begun to give up',
      ),
  })
  .prefault({});

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
    overload: overloadSection,
    pendingConnects: integer(1, 10_000_000)
      .prefault(10_000)
      .describe(
        'connections whose CONNECT has not been accepted; one more is closed at once. The default lets all clients of mqtt.max-connections come back at once, and leaves half of the sockets to those that are connected',
      ),
  })
  .prefault({});
