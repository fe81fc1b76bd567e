import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LinkSet } from '@promptmq/cluster';
import { MemoryLink } from '@promptmq/cluster/testing';
import type { QoS } from '@promptmq/codec';
import { FaultyFiles, MemoryIndex } from '@promptmq/wal/testing';
import { Broker } from '../../src/broker.ts';
import { Forwarding } from '../../src/cluster/forwarding/forwarding.ts';
import { CellPeers } from '../../src/cluster/peers/cell-peers.ts';
import { parseConfig } from '../../src/config/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { nodeRuntime } from '../../src/runtime/runtime.ts';
import { topicOf } from '../support/simulated-cells.ts';
import { SimulatedClient, type Simulation } from '../support/simulation.ts';

/** The broker of one of two cells, with a log on a disk in memory: what is stored waits for that. */
class StoredCell {
  readonly files = new FaultyFiles();
  readonly links = new LinkSet((error) => {
    throw error;
  });
  readonly broker: Broker;
  readonly peers: CellPeers;
  readonly #cell: number;
  #forwarding: Forwarding | null = null;

  constructor(cell: number) {
    this.#cell = cell;
    const config = parseConfig({
      storage: { dataDir: '/data', walDir: '/wal' },
      mqtt: { keepAlive: 0 },
    });
    this.broker = new Broker(config, nodeRuntime, noopLogger);
    const others = new Map([[1 - cell, `node-${1 - cell}`]]);
    this.peers = new CellPeers(this.broker, { cell, epoch: 1, others }, this.links);
    this.broker.announcements = this.peers.announcer;
    this.broker.router.peers = this.peers;
  }

  async recover(): Promise<void> {
    await this.broker.recover({ files: this.files, index: new MemoryIndex() });
    this.#forwarding = new Forwarding(this.broker, this.#cell, this.links, this.peers);
  }

  get side() {
    const cells = [{ cell: this.#cell, epoch: 1 }];
    return { end: { node: `node-${this.#cell}`, incarnation: '1', cells }, links: this.links };
  }

  /** A client that has connected. */
  connect(clientId: string): StoredClient {
    const client = new StoredClient(this.broker);
    client.connect(clientId);
    return client;
  }

  async stop(): Promise<void> {
    this.#forwarding?.checkInvariants();
    this.broker.checkInvariants();
    this.#forwarding?.stop();
    this.peers.stop();
    await this.broker.stop(0, 0);
  }
}

/** A client of a broker with real time. */
class StoredClient extends SimulatedClient {
  readonly #got: string[] = [];

  constructor(broker: Broker) {
    // Its turns end by themselves.
    super({ broker, runtime: { endTurn: () => {} } } as unknown as Simulation, 5);
  }

  /** All that has come so far, when it is so many packets. */
  async first(count: number): Promise<readonly string[]> {
    for (;;) {
      this.#got.push(...this.brief());
      if (this.#got.length >= count) return this.#got;
      await new Promise(setImmediate);
    }
  }
}

let here: StoredCell;
let there: StoredCell;

beforeEach(async () => {
  [here, there] = [new StoredCell(0), new StoredCell(1)];
  await Promise.all([here.recover(), there.recover()]);
  link();
});

afterEach(async () => {
  await Promise.all([here.stop(), there.stop()]);
});

function link(): MemoryLink {
  const later = (callback: () => void) => void setImmediate(callback);
  return new MemoryLink(here.side, there.side, { later });
}

/** A client there that has subscribed. Its first packets are CONNACK and SUBACK. */
async function subscriber(clientId: string, topic: string, qos: QoS): Promise<StoredClient> {
  const client = there.connect(clientId);
  await client.first(1);
  client.subscribe(topic, { qos });
  await client.first(2);
  return client;
}

/** Publishes numbers in one turn, each as it is said. */
async function publish(
  topic: string,
  all: readonly { qos?: QoS; retain?: boolean }[],
): Promise<void> {
  const publisher = here.connect('publisher');
  await publisher.first(1);
  for (const [index, { qos = 0, retain = false }] of all.entries()) {
    const terms = qos === 0 ? {} : { messageId: index + 1 };
    publisher.publish(topic, `${index}`, { qos, retain, ...terms });
  }
}

/** What comes of that, in its order. */
function expected(topic: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `publish ${topic} ${index}`);
}

test.each([0, 1] as const)(
  'messages with and without RETAIN keep their order on the way to the cell that keeps them, at QoS %i [MQTT-4.6.0-6]',
  async (qos) => {
    const topic = topicOf(1, 2);
    const client = await subscriber('subscriber', topic, qos);
    await publish(topic, [
      { qos, retain: true },
      { qos },
      { qos, retain: true },
      { qos },
      { qos, retain: true },
    ]);
    expect((await client.first(7)).slice(2)).toEqual(expected(topic, 5));
  },
);

test('a subscription at QoS 0 gets messages of all QoS in their order, beside one that is stored', async () => {
  const topic = topicOf(0, 2);
  const zero = await subscriber('zero', topic, 0);
  const one = await subscriber('one', topic, 1);
  await publish(topic, [{ qos: 1 }, { qos: 0 }, { qos: 2 }, { qos: 0 }, { qos: 0 }, { qos: 1 }]);
  expect((await zero.first(8)).slice(2)).toEqual(expected(topic, 6));
  expect([...(await one.first(8))].slice(2).sort()).toEqual(expected(topic, 6));
});

test('what waits of one topic doesn’t hold up QoS 0 of others', async () => {
  const [topic, other] = [topicOf(0, 2), topicOf(0, 2, 'other')];
  const one = await subscriber('one', topic, 1);
  const zero = await subscriber('zero', other, 0);
  // Nothing is written any more.
  here.files.capacity = here.files.used;
  await publish(topic, [{ qos: 1 }]);
  const publisher = here.connect('other');
  publisher.publish(other, 'x');
  expect((await zero.first(3)).slice(2)).toEqual([`publish ${other} x`]);
  expect(one.brief()).toEqual([]);
  here.files.capacity = Number.POSITIVE_INFINITY;
});
