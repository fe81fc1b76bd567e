import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Clock, SyncMode } from '@promptmq/wal';
import { FaultyFiles, MemoryIndex, Random, type Survival } from '@promptmq/wal/testing';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { PacketClient } from '../support/packet-client.ts';

// The promises of docs/storage.md ("Promises") as clients see them, over real sockets. The simulation and the
// crash tests look for what breaks them in many more places; packages/wal/test/acid.test.ts has the log's.

// A machine that is busy with other work is no failure.
jest.setTimeout(120_000);

/** A broker on files that can be cut off and damaged. */
class Machine {
  files = new FaultyFiles();
  index = new MemoryIndex();
  broker!: RunningBroker;
  /** Resolves when the files have been cut off. */
  cut: Promise<void> = new Promise(() => {});
  readonly #clients: PacketClient[] = [];

  async start(syncMode: SyncMode = 'immediate'): Promise<void> {
    const clock: Clock = {
      now: () => performance.now(),
      wallNow: () => Date.now(),
      defer: (callback) => void setImmediate(callback),
      setTimer: (delayMs, callback) => {
        // No test is to depend on whether a minute is over.
        if (delayMs >= 60_000) return () => {};
        const timer = setTimeout(callback, delayMs).unref();
        return () => clearTimeout(timer);
      },
    };
    const options = {
      storage: { dataDir: '/data', walDir: '/wal', wal: { syncMode, syncInterval: '60s' } },
      server: { wsBind: 'none' },
    };
    this.broker = await createBroker(options, {
      storage: { files: this.files, index: this.index, clock },
    });
  }

  /** From now on, the files end at an operation, counted from 1. */
  cutAt(operation: number, survival: Survival): void {
    const { files, index } = this;
    const start = files.operations;
    this.cut = new Promise((done) => {
      files.beforeOperation = (_, count) => {
        if (count !== start + operation) return;
        this.files = files.crash(survival, new Random(operation));
        this.index = index.crash();
        done();
      };
    });
  }

  /** The next process, on what is left. */
  async restart(survival: Survival): Promise<void> {
    const { broker, files, index } = this;
    files.beforeOperation = () => {};
    this.files = files.crash(survival, new Random(1));
    this.index = index.crash();
    // The process before ends, too; its files are dead.
    void broker.stop();
    await this.cutClients();
    await this.start();
  }

  async connected(clientId: string): Promise<PacketClient> {
    const client = await PacketClient.open(this.broker.url as string, 4);
    this.#clients.push(client);
    client.connect(clientId);
    expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 0 });
    return client;
  }

  /** Has a session that nobody is connected to wait for messages. */
  async offline(clientId: string, topic: string): Promise<void> {
    const client = await this.connected(clientId);
    client.subscribe(topic, 1);
    expect(await client.next()).toMatchObject({ cmd: 'suback' });
    client.send({ cmd: 'disconnect' });
    expect(await client.next()).toBe(null);
  }

  /** Publishes, and says whether the broker acknowledged it before it was cut off. */
  async publish(client: PacketClient, topic: string, payload: string): Promise<boolean> {
    client.publish(topic, payload, 1, 1);
    return Promise.race([
      client.next().then((packet) => packet?.cmd === 'puback'),
      this.cut.then(() => false),
    ]);
  }

  /** What a session has been waiting for. */
  async payloadsOf(clientId: string): Promise<string[]> {
    const client = await this.connected(clientId);
    const packets = await client.sentSoFar();
    return packets.map((packet) =>
      packet.cmd === 'publish' ? Buffer.from(packet.payload).toString() : '?',
    );
  }

  async cutClients(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.cut();
  }
}

let machine: Machine;

beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});

afterEach(async () => {
  await machine.cutClients();
  await machine.broker.stop();
});

const survivals: readonly Survival[] = ['everything', 'nothing', 'anything'];
const MESSAGES = ['one', 'two', 'three', 'four'];

/** Has two sessions wait while messages come, until an operation; returns how many were acknowledged. */
async function publishUntil(operation: number, survival: Survival): Promise<number> {
  for (const clientId of ['a', 'b']) await machine.offline(clientId, 'to/all');
  const publisher = await machine.connected('publisher');
  machine.cutAt(operation, survival);
  let acknowledged = 0;
  while (acknowledged < MESSAGES.length) {
    const payload = MESSAGES[acknowledged] as string;
    if (!(await machine.publish(publisher, 'to/all', payload))) break;
    acknowledged++;
  }
  await machine.restart(survival);
  return acknowledged;
}

describe.each(survivals)('cut off, with %s of the unsynced left', (survival) => {
  test.each([1, 2, 3])('Atomicity: all sessions have a message, or none; at %i', async (at) => {
    await publishUntil(at, survival);
    expect(await machine.payloadsOf('a')).toEqual(await machine.payloadsOf('b'));
  });

  test.each([2, 4, 6])('Consistency: what is there came first; at %i', async (at) => {
    const acknowledged = await publishUntil(at, survival);
    const waiting = await machine.payloadsOf('a');
    expect(waiting).toEqual(MESSAGES.slice(0, waiting.length));
    expect(waiting.length).toBeGreaterThanOrEqual(acknowledged);
  });
});

describe('Isolation', () => {
  test('damage to a message of one topic and session is no other one’s', async () => {
    await machine.offline('a', 'to/a');
    await machine.offline('b', 'to/b');
    const publisher = await machine.connected('publisher');
    for (const payload of MESSAGES) {
      for (const name of ['a', 'b']) {
        expect(await machine.publish(publisher, `to/${name}`, `${payload} for ${name}`)).toBe(true);
      }
    }
    await machine.broker.stop();
    const [path] = machine.files.paths.filter((name) => name.endsWith('.log')) as [string];
    const content = Buffer.from(machine.files.contentOf(path));
    content.write('XXX', content.indexOf('two for a'));
    machine.files.replace(path, content);
    await machine.start();
    const others = (name: string) => MESSAGES.map((payload) => `${payload} for ${name}`);
    expect(await machine.payloadsOf('b')).toEqual(others('b'));
    const left = others('a').filter((payload) => !payload.startsWith('two'));
    expect(await machine.payloadsOf('a')).toEqual(left);
  });
});

describe('Durability', () => {
  const MODES: readonly SyncMode[] = ['immediate', 'batch', 'periodic'];

  /** How many acknowledged messages a session still waits for after a crash. */
  async function left(syncMode: SyncMode, survival: Survival): Promise<string[]> {
    await machine.broker.stop();
    await machine.start(syncMode);
    await machine.offline('a', 'to/a');
    const publisher = await machine.connected('publisher');
    for (const payload of MESSAGES) {
      expect(await machine.publish(publisher, 'to/a', payload)).toBe(true);
    }
    await machine.restart(survival);
    return machine.payloadsOf('a');
  }

  test.each(MODES)('%s: a killed process loses nothing', async (syncMode) => {
    expect(await left(syncMode, 'everything')).toEqual(MESSAGES);
  });

  test('immediate: a power cut loses nothing', async () => {
    expect(await left('immediate', 'nothing')).toEqual(MESSAGES);
  });

  test('periodic: a power cut may lose what was not synced', async () => {
    expect(await left('periodic', 'nothing')).toEqual([]);
  });
});
