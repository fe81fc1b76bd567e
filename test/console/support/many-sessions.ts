import { PacketClient } from '../../../packages/server/test/support/packet-client.ts';

const AT_A_TIME = 100;
const FOR_EVER = 0xffff_ffff;

/** Clients that connect once and leave a session behind, each with the name that `name` gives it. */
export async function leaveSessions(
  url: string,
  count: number,
  name: (index: number) => string,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await leaveSession(url, name(next++));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
}

async function leaveSession(url: string, clientId: string): Promise<void> {
  const client = await PacketClient.open(url);
  client.connect(clientId, { properties: { sessionExpiryInterval: FOR_EVER } });
  await client.next();
  client.send({ cmd: 'disconnect', reasonCode: 0 });
  await client.next();
}
