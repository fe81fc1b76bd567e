import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { InsideMessage } from '../../../src/embed/consume/inside-message.ts';
import type { InsideSubscription } from '../../../src/embed/consume/inside-subscription.ts';
import { subscribeInside } from '../../../src/embed/consume/subscribe-inside.ts';
import { createBroker } from '../../../src/index.ts';
import { Machine } from '../../support/machine.ts';
import type { PacketClient } from '../../support/packet-client.ts';
import { Simulation } from '../../support/simulation.ts';

/** The next messages, as they are. */
async function take(subscription: InsideSubscription, count: number): Promise<InsideMessage[]> {
  const taken: InsideMessage[] = [];
  const messages = subscription[Symbol.asyncIterator]();
  while (taken.length < count) {
    const { value } = await messages.next();
    if (value === undefined) throw new Error('there is no more');
    taken.push(value);
  }
  return taken;
}

function brief(messages: readonly InsideMessage[]): string[] {
  return messages.map((one) => `${one.topic} ${one.text()}${one.duplicate ? ' again' : ''}`);
}

describe('a name that is stored', () => {
  let machine: Machine;
  let publisher: PacketClient;
  let publishers = 0;

  beforeEach(async () => {
    machine = new Machine();
    await machine.start();
  });

  afterEach(async () => {
    await machine.cutClients();
    await machine.broker.stop();
  });

  /** Publishes, and waits until the messages are safe. */
  async function publish(payloads: readonly string[], qos: 1 | 2 = 1): Promise<void> {
    // Nobody releases packet identifiers of QoS 2: each has its own.
    publisher = await machine.connected(`publisher ${publishers++}`);
    for (const [index, payload] of payloads.entries()) {
      publisher.publish('t', payload, qos, index + 1);
      await publisher.next();
    }
    await publisher.cut();
  }

  const restarts: [how: string, restart: () => Promise<void>][] = [
    ['in order', () => machine.stopAndStart()],
    ['after a power cut', () => machine.restart()],
  ];

  test.each(restarts)(
    'a restart %s: what was not acknowledged comes again, what was taken as a duplicate, what was acknowledged does not',
    async (_, restart) => {
      const subscription = machine.broker.subscribe('t', { name: 'worker', qos: 2 });
      await subscription.ready;
      await publish(['a', 'b'], 1);
      await publish(['c', 'd'], 2);
      const [a, , c] = await take(subscription, 4);
      a?.ack();
      c?.ack();
      // With it, what became of the others is written.
      await publish(['e']);
      await restart();
      const again = machine.broker.subscribe('t', { name: 'worker', qos: 2 });
      const messages = await take(again, 3);
      expect(brief(messages)).toEqual(['t b again', 't d again', 't e']);
      for (const message of messages) message.ack();
      await again.close();
      await restart();
      const last = machine.broker.subscribe('t', { name: 'worker', qos: 2 });
      await publish(['f']);
      expect(brief(await take(last, 1))).toEqual(['t f']);
    },
  );

  test.each([1, 2] as const)(
    'what has been acknowledged at QoS %d when it is closed is never delivered again, whatever comes',
    async (qos) => {
      for (const [, restart] of [...restarts, ...restarts]) {
        const subscription = machine.broker.subscribe('t', { name: 'once', qos });
        await publish(['x'], qos);
        const [message] = await take(subscription, 1);
        expect(message).toMatchObject({ duplicate: false, qos });
        message?.ack();
        await subscription.close();
        await restart();
      }
    },
  );

  test.each(restarts)(
    'a restart %s: what is published while nobody consumes waits for the name',
    async (_, restart) => {
      await machine.broker.subscribe(['t', 'u'], { name: 'worker' }).close();
      await publish(['a']);
      await restart();
      await publish(['b']);
      await restart();
      const subscription = machine.broker.subscribe(['t', 'u'], { name: 'worker' });
      expect(brief(await take(subscription, 2))).toEqual(['t a', 't b']);
    },
  );

  test('has the filters that it was subscribed to last, after a restart, too', async () => {
    await machine.broker.subscribe(['t', 'u'], { name: 'worker' }).close();
    await machine.broker.subscribe(['u', 'v'], { name: 'worker' }).close();
    expect(filtersOf('$inside/worker')).toEqual(['u', 'v']);
    await machine.restart();
    expect(filtersOf('$inside/worker')).toEqual(['u', 'v']);
  });

  const filtersOf = (clientId: string) =>
    machine.broker.clients.subscriptions(clientId)?.map(({ topicFilter }) => topicFilter);

  test('gets retained messages when a filter is new to it, not after each restart', async () => {
    publisher = await machine.connected('publisher');
    publisher.publish('t', 'kept', 1, 1, { retain: true });
    await publisher.next();
    const subscription = machine.broker.subscribe('t', { name: 'worker' });
    const [message] = await take(subscription, 1);
    expect(message).toMatchObject({ retain: true, topic: 't' });
    message?.ack();
    await subscription.close();
    await machine.restart();
    const again = machine.broker.subscribe('t', { name: 'worker' });
    await publish(['new']);
    expect(brief(await take(again, 1))).toEqual(['t new']);
  });

  test('is gone for good when its session is ended', async () => {
    const subscription = machine.broker.subscribe('t', { name: 'worker' });
    await publish(['a']);
    await subscription.close({ endSession: true });
    expect(machine.broker.clients.get('$inside/worker')).toBeNull();
    await machine.restart();
    expect(machine.broker.clients.get('$inside/worker')).toBeNull();
  });

  test('is given up after its loop was left, too, but not when another one has the name', async () => {
    const subscription = machine.broker.subscribe('t', { name: 'worker' });
    await publish(['a']);
    for await (const _ of subscription) break;
    expect(machine.broker.clients.get('$inside/worker')).not.toBeNull();
    const other = machine.broker.subscribe('t', { name: 'worker' });
    await subscription.close({ endSession: true });
    expect(machine.broker.clients.get('$inside/worker')).toMatchObject({ isConnected: true });
    await other.close();
    await other.close({ endSession: true });
    expect(machine.broker.clients.get('$inside/worker')).toBeNull();
    await machine.restart();
    expect(machine.broker.clients.get('$inside/worker')).toBeNull();
    await other.close({ endSession: true });
  });

  test('is refused while the disk is full, and one without a name is not', async () => {
    await machine.becomeFull();
    expect(() => machine.broker.subscribe('t', { name: 'worker' })).toThrow(
      expect.objectContaining({ code: 'storage-full' }),
    );
    expect(machine.broker.clients.get('$inside/worker')).toBeNull();
    await machine.broker.subscribe('t').ready;
    await machine.makeRoom();
    await machine.broker.subscribe('t', { name: 'worker' }).ready;
  });

  test('that the disk refuses afterwards ends, and is not found again', async () => {
    machine.fillDisk();
    const subscription = machine.broker.subscribe('t', { name: 'worker' });
    await expect(subscription.ready).rejects.toMatchObject({ code: 'storage-full' });
    await expect(take(subscription, 1)).rejects.toMatchObject({ code: 'storage-full' });
    expect(machine.broker.clients.get('$inside/worker')).toBeNull();
    await machine.makeRoom();
  });
});

describe('a name in memory', () => {
  test('has one consumer: who comes later takes over, and gets what was not acknowledged again', async () => {
    const simulation = new Simulation();
    const { broker } = simulation;
    const first = subscribeInside(broker, 't', { name: 'worker' });
    const publisher = simulation.connect('publisher');
    for (const messageId of [1, 2]) publisher.publish('t', `${messageId}`, { qos: 1, messageId });
    const messages = first[Symbol.asyncIterator]();
    const { value } = await messages.next();
    const second = subscribeInside(broker, 't', { name: 'worker' });
    broker.checkInvariants();
    await expect(messages.next()).rejects.toMatchObject({
      code: 'taken-over',
      message: '$inside/worker: another subscription has the name now',
    });
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    // It has lost its right to it.
    value?.ack();
    await first.close();
    expect(brief(await take(second, 2))).toEqual(['t 1 again', 't 2']);
    broker.checkInvariants();
  });

  test('ends with an error when an operator disconnects it, with its session if that is wanted', async () => {
    const broker = await createBroker();
    const first = broker.subscribe('t', { name: 'worker' });
    const next = first[Symbol.asyncIterator]().next();
    await broker.clients.disconnect('$inside/worker');
    await expect(next).rejects.toMatchObject({
      code: 'disconnected',
      message: '$inside/worker: administrative action',
    });
    expect(broker.clients.get('$inside/worker')?.isConnected).toBe(false);
    const second = broker.subscribe('t', { name: 'worker' });
    await broker.clients.disconnect('$inside/worker', { dropSession: true });
    await expect(take(second, 1)).rejects.toMatchObject({ code: 'disconnected' });
    expect(broker.clients.get('$inside/worker')).toBeNull();
    await broker.stop();
  });

  test('ends when nobody has consumed it for as long as it said', async () => {
    const simulation = new Simulation();
    const { broker } = simulation;
    await subscribeInside(broker, 't', { name: 'worker', sessionExpiry: 10 }).close();
    broker.checkInvariants();
    simulation.advance(9);
    expect(broker.sessions.count).toBe(1);
    simulation.advance(1);
    expect(broker.sessions.count).toBe(0);
    broker.checkInvariants();
  });

  test('lasts no longer than any session may', async () => {
    const simulation = new Simulation({ mqtt: { maxSessionExpiry: 5 } });
    await subscribeInside(simulation.broker, 't', { name: 'worker' }).close();
    simulation.advance(5);
    expect(simulation.broker.sessions.count).toBe(0);
  });
});
