import { CaseList } from '../case.ts';
import { WRONG } from '../check.ts';
import { packet, properties, u16 } from '../wire/bytes.ts';
import { disconnect, pingreq, publish } from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';

/** PINGREQ, DISCONNECT, and packets that a client may not send (§3.12, §3.14, §2.1.2). */
const list = new CaseList();
export const pingAndDisconnectCases = list.cases;

list.v5('PINGREQ is answered', 'MQTT-3.12.4-1', async (context) => {
  const client = await context.connect();
  client.send(pingreq, pingreq);
  await client.expect('pingresp');
  await client.expect('pingresp');
  await context.refused(packet(0xc0, 0), WRONG);
});

list.v5(
  'DISCONNECT closes, and nothing after it is processed',
  'MQTT-3.14.4-1 MQTT-3.14.4-2 MQTT-4.13.2-1',
  async (context) => {
    const receiver = await context.subscriber();
    const client = await context.connect();
    client.send(disconnect(), publish(context.topic(), 'late'));
    await client.expectClosed([]);
    await receiver.expectNothing();
  },
);

list.v5(
  'a DISCONNECT that is wrong is refused',
  'MQTT-3.14.1-1 MQTT-3.14.2-1 §3.14.2.2.2',
  async (context) => {
    await context.refused(packet(0xe1), WRONG);
    await context.refused(disconnect(0x8e), WRONG);
    await context.refused(disconnect(0, property.sessionExpiry(5)), [0x82]);
    await context.refused(
      packet(0xe0, 0, properties(property.reasonString('a'), property.reasonString('b'))),
      WRONG,
    );
  },
);

list.v5(
  'packets that only a server sends, and reserved types, are refused',
  '§2.1.2 MQTT-4.13.1-1 MQTT-3.15.1-1',
  async (context) => {
    for (const wrong of [
      packet(0x20, 0, 0, 0),
      packet(0x90, u16(1), 0, 0),
      packet(0xb0, u16(1), 0, 0),
      packet(0xd0),
      packet(0x00),
      packet(0xf1, 0x18, 0),
      packet(0x42, u16(1)),
      packet(0x40, 0),
    ]) {
      await context.refused(wrong, WRONG);
    }
  },
);
