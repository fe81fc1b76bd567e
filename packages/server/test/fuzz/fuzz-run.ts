import { expect } from '@jest/globals';
import { ReasonCode } from '@promptmq/codec';
import { Random } from '@promptmq/wal/testing';
import type { Broker } from '../../src/broker.ts';
import type { ConfigInput } from '../../src/config/index.ts';
import type { Transport, TransportHandler } from '../../src/connection/transport.ts';
import type { BrokerStats } from '../../src/runtime/stats.ts';
import { DurableSimulation } from '../support/durable-simulation.ts';
import { Simulation } from '../support/simulation.ts';
import { mutate, SessionMaker } from './sessions.ts';

const CLIENTS = 12;

/** Takes what the broker sends, or doesn't, and looks at none of it. */
class FuzzClient implements Transport {
  readonly remoteAddress = 'fuzz';
  readonly protocol = 'tcp';
  isClosed = false;
  isPaused = false;
  readonly #handler: TransportHandler | null;
  #untaken: Uint8Array[] = [];

  constructor(broker: Broker) {
    this.#handler = broker.accept(this);
  }

  write(chunk: Uint8Array): void {
    if (!this.isClosed) this.#untaken.push(chunk);
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.close();
  }

  destroy(): void {
    this.close();
  }

  send(bytes: Uint8Array): void {
    if (!this.isClosed && bytes.length > 0) this.#handler?.onData(bytes);
  }

  take(): void {
    for (const chunk of this.#untaken.splice(0))
      if (!this.isClosed) this.#handler?.onWritten(chunk);
  }

  halfClose(): void {
    if (!this.isClosed) this.#handler?.onEnd();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#handler?.onClose(null);
  }
}

/** A configuration with limits that are reached. */
function configOf(random: Random, aclFile: string): ConfigInput {
  const tight = random.chance(0.5);
  return {
    auth: random.chance(0.3) ? { aclFile } : {},
    mqtt: {
      responseInformation: random.pick(['', 'r/%c', '%c%c%c'.repeat(20)]),
      maxClientIdLen: 65_535,
      overlappingSubscriptions: random.pick(['merge', 'each']),
      queueOverflow: random.pick(['drop-newest', 'drop-oldest', 'reject']),
      checkPayloadFormat: random.chance(0.5),
      ...(tight
        ? {
            maxInflight: 2,
            maxQueuedMessages: 5,
            maxSubscriptions: 20,
            maxRetained: 5,
            maxTopicAlias: 3,
            receiveMaximum: 3,
            maxUserProperties: 2,
            maxFiltersPerPacket: 150,
            maxQos: random.pick([1, 2] as const),
          }
        : {}),
    },
  };
}

/**
 * Lets clients send what is not quite MQTT, all at the same time, to one broker: in its own process nothing may be
 * thrown, whoever comes afterwards is served, and nothing is left of the others.
 *
 * @returns what the broker has counted
 */
export async function fuzzBroker(seed: number, aclFile: string): Promise<Readonly<BrokerStats>> {
  const random = new Random(seed);
  const isStored = random.chance(0.3);
  const simulation = isStored
    ? await DurableSimulation.start()
    : new Simulation(configOf(random, aclFile));
  const { broker, runtime } = simulation;
  const clients: Sender[] = Array.from({ length: CLIENTS }, () => {
    const maker = new SessionMaker(random);
    const client = new FuzzClient(broker);
    return { client, bytes: mutate(maker.packets(), random), takes: random.chance(0.8) };
  });
  await sendAll(simulation, clients, random);
  runtime.endTurn();
  expect(broker.turns.waitingCount).toBe(0);
  // Whoever is still there is sent away, and all sessions end.
  for (const { client } of clients) client.close();
  await settle(simulation);
  expectServed(simulation);
  await endSessions(simulation);
  expect([...broker.stats.internalErrors].filter(([, count]) => count > 0)).toEqual([]);
  expect(broker.stats.connectionsCurrent).toBe(0);
  expect(broker.stats.sessionsCurrent).toBe(0);
  expect(broker.router.trie.subscriptionCount).toBe(0);
  const { topics: _topics, ...accounts } = broker.memory.accounts;
  const held = Object.entries(accounts).filter(([, { bytes }]) => bytes !== 0);
  expect(held.map(([name, { bytes }]) => `${name} ${bytes}`)).toEqual([]);
  const stopped = broker.stop(0, ReasonCode.ServerShuttingDown);
  await settle(simulation);
  await stopped;
  return broker.stats;
}

async function settle(simulation: Simulation): Promise<void> {
  if (simulation instanceof DurableSimulation) await simulation.settle();
}

/** What one client sends, and what is left of it. */
interface Sender {
  readonly client: FuzzClient;
  bytes: Uint8Array;
  /** Whether it reads what it is sent. */
  readonly takes: boolean;
}

async function sendAll(
  simulation: Simulation,
  senders: readonly Sender[],
  random: Random,
): Promise<void> {
  for (let open = senders; open.length > 0; ) {
    const one = random.pick(open);
    const size = random.pick([1, 2, 7, 100, 5000, 100_000]);
    one.client.send(Uint8Array.from(one.bytes.subarray(0, size)));
    one.bytes = one.bytes.subarray(size);
    if (random.chance(0.5)) simulation.runtime.endTurn();
    if (one.takes) one.client.take();
    if (random.chance(0.02)) simulation.advance(random.below(4));
    if (random.chance(0.2)) await settle(simulation);
    if (one.bytes.length === 0) leave(one.client, random);
    open = open.filter(({ client, bytes }) => bytes.length > 0 && !client.isClosed);
  }
}

function leave(client: FuzzClient, random: Random): void {
  const how = random.below(6);
  if (how === 0) client.close();
  if (how === 1) client.halfClose();
}

async function endSessions(simulation: Simulation): Promise<void> {
  const { broker } = simulation;
  for (const { clientId } of broker.sessions.all()) {
    const client = simulation.open();
    client.connect(clientId, { clean: true });
    await settle(simulation);
    client.drop();
  }
  simulation.advance(60);
  await settle(simulation);
}

function expectServed(simulation: Simulation): void {
  const client = simulation.open(4);
  client.connect('served afterwards', { protocolVersion: 4 });
  client.send({ cmd: 'pingreq' });
  expect(client.take().map(({ cmd }) => cmd)).toEqual(['connack', 'pingresp']);
  client.drop();
}
