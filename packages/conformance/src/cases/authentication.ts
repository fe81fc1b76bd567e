import { CaseList } from '../case.ts';
import { ANSWER, ASK_LONG, CHALLENGE, GREETING, QUESTION } from '../challenge.ts';
import { check } from '../check.ts';
import type { Context } from '../client/context.ts';
import type { RawClient } from '../client/raw-client.ts';
import type { Part } from '../wire/bytes.ts';
import {
  auth,
  type ConnectOptions,
  connect,
  disconnect,
  publish,
  subscribe,
} from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import type { ReceivedPacket } from '../wire/server-packet.ts';

/** Enhanced authentication (§4.12), for brokers that offer the method of `challenge.ts`. */
const list = new CaseList();
export const authenticationCases = list.cases;

const CONTINUE = 0x18;
const REAUTHENTICATE = 0x19;

const method = property.authenticationMethod(CHALLENGE);

function withData(data: string): Part {
  return [method, property.authenticationData(data)];
}

function textOf({ properties }: ReceivedPacket, id: number): string | undefined {
  const value = properties.find((one) => one.id === id)?.value;
  return value === undefined ? undefined : Buffer.from(value as Uint8Array).toString();
}

/** A CONNECT with the method, up to the question. */
async function begin(context: Context, options: ConnectOptions = {}): Promise<RawClient> {
  const client = await context.open();
  client.send(connect({ clientId: context.clientId(), properties: method, ...options }));
  const question = await client.expect('auth', { reasonCode: CONTINUE });
  check(textOf(question, 0x15) === CHALLENGE, 'AUTH names the method');
  check(textOf(question, 0x16) === QUESTION, 'AUTH has the data');
  return client;
}

/** A client that was let in. */
async function authenticate(context: Context): Promise<RawClient> {
  const client = await begin(context);
  client.send(auth(CONTINUE, withData(ANSWER)));
  await client.expect('connack', { reasonCode: 0 });
  return client;
}

list.authenticated(
  'more is asked for with AUTH 0x18, and CONNACK names the method and has the last data',
  'MQTT-4.12.0-2 MQTT-4.12.0-5 MQTT-3.15.2-1',
  async (context) => {
    const client = await begin(context);
    client.send(auth(CONTINUE, withData(ANSWER)));
    const connack = await client.expect('connack', { reasonCode: 0 });
    check(textOf(connack, 0x15) === CHALLENGE, 'CONNACK names the method');
    check(textOf(connack, 0x16) === GREETING, 'CONNACK has the data');
    await client.expectNothing();
  },
);

list.authenticated(
  'data that come with CONNECT may be enough',
  'MQTT-4.12.0-5 §4.12',
  async (context) => {
    const client = await context.open();
    client.send(connect({ clientId: context.clientId(), properties: withData(ANSWER) }));
    const connack = await client.expect('connack', { reasonCode: 0 });
    check(textOf(connack, 0x15) === CHALLENGE, 'CONNACK names the method');
  },
);

list.authenticated(
  'a wrong answer is refused in CONNACK, and the connection closes',
  'MQTT-4.12.0-4',
  async (context) => {
    const client = await begin(context);
    client.send(auth(CONTINUE, withData('no idea')));
    await client.expect('connack', { reasonCode: 0x87 });
    await client.expectClosed([]);
  },
);

list.authenticated(
  'who is not let in takes over no session',
  'MQTT-4.12.0-4 MQTT-3.1.4-3',
  async (context) => {
    const clientId = context.clientId();
    const inside = await context.connect({ clientId });
    const client = await begin(context, { clientId });
    client.send(auth(CONTINUE, withData('no idea')));
    await client.expectClosed([0x87]);
    await inside.expectNothing();
  },
);

list.authenticated(
  'only AUTH and DISCONNECT may come before CONNACK',
  'MQTT-3.1.2-30 §4.12',
  async (context) => {
    for (const wrong of [publish(context.topic(), 'x'), subscribe([[context.topic(), 0]])]) {
      const client = await begin(context);
      client.send(wrong);
      await client.expectClosed([0x82]);
    }
    const client = await begin(context);
    client.send(disconnect());
    await client.expectClosed([]);
  },
);

list.authenticated(
  'AUTH must name the method of CONNECT',
  'MQTT-4.12.1-1 MQTT-4.12.0-5',
  async (context) => {
    for (const wrong of [[], property.authenticationMethod('another')] as Part[]) {
      const opening = await begin(context);
      opening.send(auth(CONTINUE, wrong));
      await opening.expectClosed([0x82, 0x8c]);
      const open = await authenticate(context);
      open.send(auth(REAUTHENTICATE, wrong));
      await open.expectClosed([0x82, 0x8c]);
    }
  },
);

list.authenticated(
  'AUTH has a code that fits: no success from a client, no answer unasked, no restart in between',
  'MQTT-3.15.2-1 MQTT-4.12.0-3',
  async (context) => {
    for (const code of [0x00, REAUTHENTICATE]) {
      const client = await begin(context);
      client.send(auth(code, withData(ANSWER)));
      await client.expectClosed([0x82]);
    }
    for (const code of [0x00, CONTINUE]) {
      const client = await authenticate(context);
      client.send(auth(code, withData(ANSWER)));
      await client.expectClosed([0x82]);
    }
  },
);

list.authenticated(
  're-authentication ends with AUTH 0x00, and messages still flow meanwhile',
  'MQTT-4.12.1-1 MQTT-4.12.0-5 MQTT-3.15.2-1',
  async (context) => {
    const client = await authenticate(context);
    client.send(subscribe([[context.topic(), 0]]));
    await client.expect('suback');
    for (let round = 0; round < 2; round++) {
      client.send(auth(REAUTHENTICATE, method));
      await client.expect('auth', { reasonCode: CONTINUE });
      client.send(publish(context.topic(), 'meanwhile'));
      await client.expect('publish');
      client.send(auth(CONTINUE, withData(ANSWER)));
      const success = await client.expect('auth', { reasonCode: 0 });
      check(textOf(success, 0x15) === CHALLENGE, 'AUTH names the method');
      check(textOf(success, 0x16) === GREETING, 'AUTH has the data');
    }
  },
);

list.authenticated(
  're-authentication that fails ends in DISCONNECT with the reason',
  'MQTT-4.12.1-2',
  async (context) => {
    const client = await authenticate(context);
    client.send(auth(REAUTHENTICATE, method));
    await client.expect('auth', { reasonCode: CONTINUE });
    client.send(auth(CONTINUE, withData('no idea')));
    await client.expect('disconnect', { reasonCode: 0x87 });
    await client.expectClosed([]);
  },
);

list.authenticated(
  'an AUTH that would exceed the client’s maximum is not sent',
  'MQTT-3.15.2-2 MQTT-3.15.2-3 MQTT-3.1.2-24',
  async (context) => {
    const client = await begin(context, { properties: [method, property.maximumPacketSize(100)] });
    client.send(auth(CONTINUE, withData(ASK_LONG)));
    await client.expectClosed([0x95]);
  },
);

list.authenticated(
  'AUTH takes each of its properties, and none twice or of another packet',
  '§2.2.2.2 §3.15.2.2',
  async (context) => {
    const data = property.authenticationData(ANSWER);
    const reason = property.reasonString('reason');
    const user = property.user('a', 'b');
    const right = await begin(context);
    right.send(auth(CONTINUE, [user, reason, data, method, user]));
    await right.expect('connack', { reasonCode: 0 });
    for (const wrong of [
      [method, method, data],
      [method, data, data],
      [method, data, reason, reason],
      [method, data, property.sessionExpiry(1)],
      [data],
    ] as Part[]) {
      const client = await begin(context);
      client.send(auth(CONTINUE, wrong));
      await client.expectClosed([0x80, 0x81, 0x82, 0x83]);
    }
  },
);

list.authenticated(
  'CONNECT names one method, and has data once and not without it',
  '§3.1.2.11.9 §3.1.2.11.10',
  async (context) => {
    const data = property.authenticationData(ANSWER);
    for (const wrong of [[method, method], [method, data, data], data] as Part[]) {
      const first = connect({ clientId: context.clientId(), properties: wrong });
      await context.refusedConnect(first, 5, [0x80, 0x81, 0x82, 0x83]);
    }
  },
);

list.authenticated(
  'a will is not published by who was not let in, and is by who fails later',
  'MQTT-3.1.4-6 MQTT-4.12.1-2 MQTT-3.1.2-8',
  async (context) => {
    const watching = await context.subscriber();
    const will = { topic: context.topic(), payload: 'bye' };
    const refused = await begin(context, { will });
    refused.send(auth(CONTINUE, withData('no idea')));
    await refused.expectClosed([0x87]);
    await watching.expectNothing();
    const client = await begin(context, { will });
    client.send(auth(CONTINUE, withData(ANSWER)));
    await client.expect('connack', { reasonCode: 0 });
    client.send(auth(REAUTHENTICATE, method));
    await client.expect('auth', { reasonCode: CONTINUE });
    client.send(auth(CONTINUE, withData('no idea')));
    await client.expectClosed([0x87]);
    await watching.expect('publish');
  },
);

list.authenticated(
  're-authentication may start with data that are enough',
  'MQTT-4.12.1-1 §4.12.1',
  async (context) => {
    const client = await authenticate(context);
    client.send(auth(REAUTHENTICATE, withData(ANSWER)));
    await client.expect('auth', { reasonCode: 0 });
    await client.expectNothing();
  },
);

list.authenticated(
  'a client without a method is let in, and may not send AUTH',
  'MQTT-4.12.0-6 MQTT-4.12.0-7',
  async (context) => {
    const client = await context.connect();
    client.send(auth(REAUTHENTICATE, method));
    await client.expectClosed([0x82]);
  },
);
