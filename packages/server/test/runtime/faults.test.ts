import { expect, test } from '@jest/globals';
import type { AuthenticationStep } from '@promptmq/auth';
import type { Packet, ProtocolVersion } from '@promptmq/codec';
import type { Broker } from '../../src/broker.ts';
import type { Connection } from '../../src/connection/connection.ts';
import { createBroker } from '../../src/index.ts';
import { DurableSimulation } from '../support/durable-simulation.ts';
import { PacketClient } from '../support/packet-client.ts';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

/** Has a method throw what is no `PacketError`, the first time or each time that it is called. */
function plant<T extends object>(target: T, method: keyof T & string, isForEver = false): void {
  const original = target[method];
  Object.defineProperty(target, method, {
    configurable: true,
    writable: true,
    value: () => {
      if (!isForEver) Object.defineProperty(target, method, { value: original, writable: true });
      throw new RangeError('planted');
    },
  });
}

function errorsOf({ stats }: Broker): Record<string, number> {
  return Object.fromEntries([...stats.internalErrors].filter(([, count]) => count > 0));
}

/** Whether two clients that come now are served. */
function expectServed(simulation: Simulation): void {
  const subscriber = simulation.connect('subscriber');
  subscriber.subscribe('served/#');
  expect(subscriber.brief()).toEqual(['suback 2']);
  const publisher = simulation.connect('publisher', { protocolVersion: 4 });
  publisher.publish('served/t', 'yes', { qos: 2, messageId: 7 });
  publisher.send({ cmd: 'pubrel', messageId: 7 });
  expect(subscriber.brief()).toEqual(['publish served/t yes']);
  expect(publisher.brief()).toEqual(['pubrec', 'pubcomp']);
  publisher.drop();
  subscriber.drop();
}

function expectNothingLeft({ broker }: Simulation): void {
  expect(broker.stats.connectionsCurrent).toBe(0);
  expect(broker.stats.sessionsCurrent).toBe(0);
  expect(broker.stats.subscriptionsCurrent).toBe(0);
  expect(broker.router.trie.subscriptionCount).toBe(0);
}

test.each<[ProtocolVersion, string[]]>([
  [5, ['disconnect 128']],
  [4, []],
  [3, []],
])('an error while a packet is handled ends its connection only: MQTT %i', (version, told) => {
  const simulation = new Simulation();
  const { broker } = simulation;
  const bystander = simulation.connect('bystander');
  bystander.subscribe('will');
  bystander.take();
  const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0 as const, retain: false };
  const client = simulation.connect('client', { protocolVersion: version, will });
  plant(broker.router.trie, 'subscribe');
  client.send(
    { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] } as Packet,
    { cmd: 'pingreq' },
  );
  expect(client.brief()).toEqual(told);
  expect(client.isClosed).toBe(true);
  client.drop();
  expect(errorsOf(broker)).toEqual({ receiving: 1 });
  expect(broker.stats.disconnections.get('internal error')).toBe(1);
  expect(bystander.brief()).toEqual(['publish will gone']);
  expectServed(simulation);
  bystander.drop();
  expectNothingLeft(simulation);
});

test('an error while rules are changed for one client leaves none with the former ones', () => {
  const simulation = new Simulation();
  const { broker } = simulation;
  const clients = ['first', 'second', 'third'].map((clientId) => simulation.connect(clientId));
  plant(broker.access, 'permissionsOf');
  broker.reconfigure(broker.access);
  expect(errorsOf(broker)).toEqual({ reloading: 1 });
  expect(clients.map(({ isClosed }) => isClosed)).toEqual([true, false, false]);
});

test('a PacketError is the client’s, and no error of the broker', () => {
  const simulation = new Simulation();
  const client = simulation.connect('client');
  client.send(Uint8Array.of(0xc1, 0));
  expect(client.brief()).toEqual(['disconnect 129']);
  expect(errorsOf(simulation.broker)).toEqual({});
});

test('an error while CONNECT is answered refuses it, and leaves no session', () => {
  const simulation = new Simulation();
  const { broker } = simulation;
  plant(broker.sessions, 'open');
  const refused = simulation.open();
  refused.connect('client');
  expect(refused.brief()).toEqual(['connack 128']);
  refused.drop();
  plant(broker.sessions, 'join');
  const late = simulation.open();
  late.connect('client');
  expect(late.brief()).toEqual(['connack 0', 'disconnect 128']);
  late.drop();
  expect(errorsOf(broker)).toEqual({ receiving: 2 });
  expectServed(simulation);
  expectNothingLeft(simulation);
});

test('a connection that can not even be closed in order is cut, and its session can be had again', () => {
  const simulation = new Simulation();
  const { broker } = simulation;
  const client = simulation.connect('client', { properties: { sessionExpiryInterval: 100 } });
  client.subscribe('a');
  client.take();
  const brief = simulation.connect('brief');
  for (const one of [client, brief]) {
    plant(broker.sessions, 'leave');
    plant(broker.router, 'publish');
    one.publish('t', 'x');
    expect(one.isClosed).toBe(true);
  }
  expect(errorsOf(broker)).toEqual({ receiving: 2, closing: 2 });
  expect(broker.stats.connectionsCurrent).toBe(0);
  expect(broker.stats.sessionsCurrent).toBe(1);
  const again = simulation.connect('client', {
    clean: false,
    properties: { sessionExpiryInterval: 10 },
  });
  again.publish('a', 'there');
  expect(again.brief()).toEqual(['publish a there']);
  again.drop();
  simulation.advance(11);
  expectServed(simulation);
  expectNothingLeft(simulation);
});

test('a connection that can’t be sent its last packet leaves its session in order', () => {
  const simulation = new Simulation();
  const { broker } = simulation;
  const bystander = simulation.connect('bystander');
  bystander.subscribe('will');
  bystander.take();
  const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0 as const, retain: false };
  const client = simulation.connect('client', { will });
  plant((broker.sessions.connectionOf('client') as Connection).sender, 'sendDisconnect', true);
  broker.faults.contain(broker.sessions.connectionOf('client'), 'timing', () => {
    throw new RangeError('planted');
  });
  expect(client.isClosed).toBe(true);
  expect(bystander.brief()).toEqual(['publish will gone']);
  expectServed(simulation);
  bystander.drop();
  expectNothingLeft(simulation);
});

test('an error while a client is sent something ends its connection, not the publisher’s', () => {
  const simulation = new Simulation();
  const client = simulation.connect('client');
  client.subscribe('t');
  client.take();
  const publisher = simulation.connect('publisher');
  plant(client, 'uncork');
  publisher.publish('t', 'x'.repeat(20_000));
  expect(client.isClosed).toBe(true);
  expect(publisher.isClosed).toBe(false);
  expect(errorsOf(simulation.broker)).toEqual({ sending: 1 });
  publisher.drop();
  client.drop();
  expectServed(simulation);
  expectNothingLeft(simulation);
});

test('an error at a deadline ends the connection that it was for; the others are kept', () => {
  const simulation = new Simulation();
  const { broker } = simulation;
  const client = simulation.connect('client', { keepalive: 10 });
  const other = simulation.connect('other', { keepalive: 10 });
  plant(broker.clientEvents, 'disconnected');
  simulation.advance(16);
  expect([client.isClosed, other.isClosed]).toEqual([true, true]);
  expect(errorsOf(broker)).toEqual({ timing: 1 });
  // Sweeping continues, too.
  plant(broker.router, 'sweepRetained');
  simulation.advance(2);
  expect(errorsOf(broker)).toEqual({ timing: 2 });
  client.drop();
  other.drop();
  expectServed(simulation);
  expectNothingLeft(simulation);
});

test('whatever is interrupted by an error, at any time: who comes later is served, and nothing is left', () => {
  const scenario = (simulation: Simulation, clients: readonly SimulatedClient[]) => {
    for (const [index, client] of clients.entries()) {
      const will = { topic: 'w', payload: Buffer.from('w'), qos: 1 as const, retain: true };
      client.connect(`c${index}`, { will, keepalive: 5 });
      client.subscribe(index === 1 ? '#' : '$share/g/+/x');
    }
    for (const client of clients) {
      client.publish('a/x', 'p', { qos: 1, messageId: 1, retain: true });
      client.publish('a/x', 'p', { qos: 2, messageId: 2 });
      client.send({ cmd: 'pubrel', messageId: 2 });
      client.take();
    }
    simulation.advance(8);
    for (const client of clients) client.drop();
  };
  let at = 0;
  for (let isReached = true; isReached; at++) {
    const simulation = new Simulation();
    const { runtime, broker } = simulation;
    const { now } = runtime;
    let calls = 0;
    isReached = false;
    const clients = [5, 4, 5].map((version) => simulation.open(version as ProtocolVersion));
    runtime.now = () => {
      // That the timer goes off is for all of them.
      const isForClient = !new Error('where').stack?.includes('deadline-timer');
      if (isForClient && calls++ === at) {
        isReached = true;
        throw new RangeError('planted');
      }
      return now();
    };
    scenario(simulation, clients);
    runtime.now = now;
    if (isReached) expect(Object.keys(errorsOf(broker))).not.toEqual([]);
    expectServed(simulation);
    expectNothingLeft(simulation);
  }
  expect(at).toBeGreaterThan(40);
});

async function connectStored(
  simulation: DurableSimulation,
  clientId: string,
): Promise<SimulatedClient> {
  const client = simulation.open();
  client.connect(clientId, { properties: { sessionExpiryInterval: 1000 } });
  await simulation.settle();
  expect(client.brief()).toEqual(['connack 0']);
  return client;
}

test('what was prepared for a message that failed is not sent with the next one', async () => {
  const simulation = await DurableSimulation.start();
  const { broker } = simulation;
  const first = await connectStored(simulation, 'first');
  const second = await connectStored(simulation, 'second');
  first.subscribe('first');
  second.subscribe('second');
  await simulation.settle();
  expect([...first.brief(), ...second.brief()]).toEqual(['suback 2', 'suback 2']);
  const publisher = simulation.connect('publisher');
  plant(broker.journal, 'writeMessage');
  publisher.publish('first', 'lost', { qos: 1, messageId: 1 });
  expect(publisher.brief()).toEqual(['disconnect 128']);
  const next = simulation.connect('publisher');
  next.publish('second', 'kept', { qos: 1, messageId: 1 });
  await simulation.settle();
  expect(next.brief()).toEqual(['puback 0']);
  expect(first.brief()).toEqual([]);
  expect(second.brief()).toEqual(['publish second kept']);
});

test('an error while an answer is sent that waited for the log ends its connection, and the log continues', async () => {
  const simulation = await DurableSimulation.start();
  const { broker } = simulation;
  const client = await connectStored(simulation, 'client');
  const [connection] = [...broker.sessions.all()].map(({ link }) => link);
  plant((connection as Connection).sender, 'send');
  client.subscribe('a');
  await simulation.settle();
  expect(client.brief()).toEqual(['disconnect 128']);
  expect(errorsOf(broker)).toEqual({ committing: 1 });
  const acknowledged = simulation.connect('acknowledged');
  acknowledged.publish('a', 'x', { qos: 1, messageId: 1 });
  await simulation.settle();
  expect(acknowledged.brief()).toEqual(['puback 0']);
});

test('a method of authentication that throws, or answers what has no encoding, ends that connection', async () => {
  const answers: Record<string, () => AuthenticationStep | Promise<AuthenticationStep>> = {
    begins: () => ({ result: 'success' }),
    'too long': () => ({ result: 'success', data: new Uint8Array(70_000) }),
    'too long, later': async () => ({ result: 'continue', data: new Uint8Array(70_000) }),
  };
  const broker = await createBroker(
    {},
    {
      authenticationMethods: [
        {
          name: 'M',
          begin: (clientId) => {
            if (clientId === 'begins') throw new Error('planted');
            return { next: answers[clientId] as () => AuthenticationStep };
          },
        },
      ],
    },
  );
  try {
    for (const clientId of Object.keys(answers)) {
      const client = await PacketClient.open(`${broker.url}`);
      client.connect(clientId, { properties: { authenticationMethod: 'M' } });
      expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x80 });
      expect(await client.next()).toBeNull();
    }
    expect(Object.fromEntries(broker.stats.internalErrors)).toMatchObject({
      receiving: 2,
      authenticating: 1,
    });
    expect(broker.stats.sessionsCurrent).toBe(0);
    const client = await PacketClient.open(`${broker.url}`);
    client.connect('good');
    expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
    await client.cut();
  } finally {
    await broker.stop();
  }
});
