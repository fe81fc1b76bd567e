import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { encode } from '@promptmq/codec';
import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import { clientIdOf } from '../support/client-ids.ts';
import { Command } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';

const WORKERS = 2;

let folder: string;
let commands: Command[];
let clients: MqttClient[];
const inboxByClient = new WeakMap<MqttClient, Inbox>();
let port: number;
let wsPort: number;
let metricsPort: number;

async function prepare(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-workers-'));
  commands = [];
  [port, wsPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
}

async function cleanUp(): Promise<void> {
  for (const { child } of commands) child.kill('SIGKILL');
  await Promise.all(commands.map((command) => command.exitCode()));
  rmSync(folder, { recursive: true, force: true });
}

beforeEach(() => {
  clients = [];
});

afterEach(() => {
  for (const client of clients) client.end(true);
});

function run(workers: number | string = WORKERS, ...more: string[]): Command {
  const args = [
    ...['--workers', `${workers}`, '--bind', `127.0.0.1:${port}`],
    ...['--ws-bind', `127.0.0.1:${wsPort}`, '--metrics-bind', `127.0.0.1:${metricsPort}`],
    ...['--data-dir', join(folder, 'data'), '--wal-dir', join(folder, 'wal')],
    ...['--log-format', 'json', '--log-level', 'debug', '--admin-bind', 'none', ...more],
  ];
  const command = new Command(args, folder);
  commands.push(command);
  return command;
}

async function serving(...more: string[]): Promise<Command> {
  const command = run(WORKERS, ...more);
  await command.waitFor(/"event":"ready"/);
  return command;
}

/** @returns an identifier that begins so, of a client of the worker */
function idOf(worker: number, name: string): string {
  return clientIdOf(worker, WORKERS, name);
}

async function connect(clientId: string, options: IClientOptions = {}): Promise<MqttClient> {
  const url = `mqtt://127.0.0.1:${port}`;
  const terms = { clientId, protocolVersion: 5, reconnectPeriod: 0, ...options } as const;
  const client = mqtt.connect(url, terms);
  clients.push(client);
  // What waits for its session may come right behind CONNACK.
  inboxByClient.set(client, new Inbox(client));
  await new Promise((resolve, reject) => {
    client.once('connect', resolve);
    client.once('error', reject);
  });
  client.on('error', () => {});
  return client;
}

/** What a client has got since it was made. */
function inboxOf(client: MqttClient): Inbox {
  return inboxByClient.get(client) as Inbox;
}

const STORED: IClientOptions = { clean: false, properties: { sessionExpiryInterval: 3600 } };

/** What a client has got, and who waits for it. */
class Inbox {
  readonly got: string[] = [];
  #waiting: (() => void) | null = null;

  constructor(client: MqttClient) {
    client.on('message', (topic, payload) => {
      this.got.push(`${topic} ${payload}`);
      this.#waiting?.();
    });
  }

  async until(isDone: (got: readonly string[]) => boolean): Promise<readonly string[]> {
    while (!isDone(this.got)) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.got;
  }
}

/** How a connection ends that says CONNECT and nothing else. */
async function endOf(socket: Socket, clientId: string): Promise<'served' | 'closed'> {
  const protocol = { protocolId: 'MQTT', protocolVersion: 4 } as const;
  const connect = { cmd: 'connect', ...protocol, clientId, clean: true, keepalive: 0 } as const;
  socket.write(encode(connect) as Uint8Array);
  const end = await new Promise<'served' | 'closed'>((resolve) => {
    socket.once('data', () => resolve('served'));
    socket.once('error', () => resolve('closed'));
    socket.once('close', () => resolve('closed'));
  });
  socket.destroy();
  return end;
}

/** The processes of the workers, first those that were started first. */
function pidsOf(command: Command): number[] {
  const parent = `${command.child.pid}`;
  const children = execFileSync('pgrep', ['-P', parent], { encoding: 'utf8' }).trim().split('\n');
  return children.map(Number).sort((one, other) => one - other);
}

/** The process of a worker, of those that were started with the command. */
function pidOf(command: Command, worker: number): number {
  return pidsOf(command)[worker] as number;
}

describe('several workers', () => {
  beforeAll(async () => {
    await prepare();
    await serving();
  });

  afterAll(cleanUp);

  test('each message of any worker reaches the subscribers of all, once, at each QoS', async () => {
    const inboxes: Inbox[] = [];
    const all: MqttClient[] = [];
    for (const worker of [0, 1]) {
      for (const name of ['a', 'b']) {
        const client = await connect(idOf(worker, name));
        await client.subscribeAsync({ 'all/#': { qos: 2 } });
        inboxes.push(inboxOf(client));
        all.push(client);
      }
    }
    const sent: string[] = [];
    for (const [index, client] of all.entries()) {
      for (const qos of [0, 1, 2] as const) {
        sent.push(`all/${index} ${qos}`);
        await client.publishAsync(`all/${index}`, `${qos}`, { qos });
      }
    }
    for (const inbox of inboxes) {
      expect([...(await inbox.until((got) => got.length >= sent.length))].sort()).toEqual(sent);
    }
    // Whatever came twice would have come before this.
    for (const client of all) await client.publishAsync('all/end', 'end', { qos: 2 });
    for (const inbox of inboxes) {
      const isEnd = (line: string) => line === 'all/end end';
      const got = await inbox.until((lines) => lines.filter(isEnd).length >= all.length);
      expect(got.filter((line) => !isEnd(line))).toHaveLength(sent.length);
    }
  });

  test('a client identifier is taken over whatever worker its connections come to [MQTT-3.1.4-3]', async () => {
    const id = idOf(1, 'one');
    for (let count = 0; count < 6; count++) {
      const before = clients.at(-1);
      const closed = before === undefined ? null : once(before as never, 'close');
      const client = await connect(id);
      if (closed !== null) await closed;
      expect(client.connected).toBe(true);
    }
    expect(clients.filter(({ connected }) => connected)).toHaveLength(1);
  });

  test('an identifier that the broker draws is of the worker that drew it', async () => {
    for (let count = 0; count < 6; count++) {
      const client = await connect('', { clean: true });
      const inbox = inboxOf(client);
      await client.subscribeAsync('own', { qos: 1 });
      await client.publishAsync('own', `${count}`, { qos: 1 });
      await inbox.until((got) => got.includes(`own ${count}`));
      await client.endAsync();
    }
  });

  test('also over WebSocket, where bytes are passed on', async () => {
    const url = `ws://127.0.0.1:${wsPort}/mqtt`;
    const inboxes: Inbox[] = [];
    for (const worker of [0, 1, 0, 1]) {
      const clientId = idOf(worker, `ws-${inboxes.length}`);
      const client = await mqtt.connectAsync(url, { clientId, reconnectPeriod: 0 });
      clients.push(client);
      inboxes.push(new Inbox(client));
      await client.subscribeAsync('t', { qos: 1 });
    }
    const payload = 'x'.repeat(300_000);
    await clients[0]?.publishAsync('t', payload, { qos: 1 });
    for (const inbox of inboxes) await inbox.until((got) => got.includes(`t ${payload}`));
  });

  test('the will of a client of one worker reaches the others', async () => {
    const watcher = await connect(idOf(0, 'watcher'));
    const inbox = inboxOf(watcher);
    await watcher.subscribeAsync('wills/#', { qos: 2 });
    const will = {
      topic: 'wills/one',
      payload: Buffer.from('gone'),
      qos: 1 as const,
      retain: false,
    };
    const client = await connect(idOf(1, 'one'), { will });
    client.stream.destroy();
    await inbox.until((got) => got.includes('wills/one gone'));
  });

  test('a message for a shared subscription with members in all workers reaches one of them', async () => {
    const inboxes: Inbox[] = [];
    for (const worker of [0, 1, 0, 1]) {
      const client = await connect(idOf(worker, `member-${inboxes.length}`));
      await client.subscribeAsync('$share/group/jobs/#', { qos: 1 });
      inboxes.push(inboxOf(client));
    }
    const publisher = await connect(idOf(0, 'publisher'));
    const counts = () => inboxes.map(({ got }) => got.length);
    for (let number = 0; number < 40; number++) {
      await publisher.publishAsync('jobs/one', `${number}`, { qos: 1 });
    }
    const total = () => counts().reduce((sum, count) => sum + count, 0);
    while (total() < 40) await new Promise(setImmediate);
    const got = inboxes.flatMap((inbox) => inbox.got).sort();
    expect(new Set(got).size).toBe(40);
    expect(got).toHaveLength(40);
    expect(Math.min(...counts())).toBeGreaterThan(0);
  });

  test('a retained message is there for subscribers of all workers as soon as it is acknowledged', async () => {
    const publishers = [await connect(idOf(0, 'keeps')), await connect(idOf(1, 'keeps'))];
    const topics = ['kept/a', 'kept/b', 'kept/c', 'kept/d'];
    for (const [index, topic] of topics.entries()) {
      const publisher = publishers[index % 2] as MqttClient;
      await publisher.publishAsync(topic, `${index}`, { qos: 1, retain: true });
    }
    for (const worker of [0, 1]) {
      const client = await connect(idOf(worker, 'late'));
      const inbox = inboxOf(client);
      await client.subscribeAsync('kept/#', { qos: 1 });
      const got = await inbox.until((lines) => lines.length >= topics.length);
      expect([...got].sort()).toEqual(['kept/a 0', 'kept/b 1', 'kept/c 2', 'kept/d 3']);
    }
  });

  test('metrics and readiness are of all workers', async () => {
    const url = `http://127.0.0.1:${metricsPort}`;
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text.match(/^promptmq_connections_current\{.*\}/gm)).toEqual([
      'promptmq_connections_current{worker="0"}',
      'promptmq_connections_current{worker="1"}',
    ]);
    expect(text.match(/^# TYPE promptmq_connections_current .*/gm)).toHaveLength(1);
    expect(text).toContain('promptmq_worker_up{worker="1"} 1');
    // A client of each worker has subscribed before, and the links have answered.
    await (await connect(idOf(0, 'counted'))).subscribeAsync('counted/+', { qos: 1 });
    const shown = (await (await fetch(`${url}/metrics`)).text()).split('\n');
    const valuesOf = (name: string, ...labels: string[]) =>
      shown
        .filter((line) => line.startsWith(`promptmq_cluster_${name}{`))
        .filter((line) => labels.every((label) => line.includes(label)))
        .map((line) => Number(line.slice(line.lastIndexOf(' '))));
    expect(valuesOf('link_up')).toEqual([1, 1]);
    expect(valuesOf('link_rtt_seconds')).toHaveLength(2);
    // What one has sent, the other has got, as far as it has arrived.
    const counts = valuesOf('link_bytes_total', 'lane="messages"');
    expect(counts.map((bytes) => bytes > 0)).toEqual([true, true, true, true]);
    const [filters] = valuesOf('interest_filters', 'worker="1"', 'cell="0"');
    expect(filters).toBeGreaterThan(0);
    expect(valuesOf('interest_ack_seconds_count', 'worker="0"')[0]).toBeGreaterThan(0);
    expect(valuesOf('barrier_seconds_count', 'worker="0"')[0]).toBeGreaterThan(0);
    expect(valuesOf('relayed_connections')).toHaveLength(2);
    expect(valuesOf('links_refused_total')).toEqual([0, 0]);
    const ready = await fetch(`${url}/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: 'ready',
      workers: [{ status: 'ready' }, { status: 'ready' }],
    });
  });
});

describe('workers that begin and end', () => {
  beforeEach(prepare);
  afterEach(cleanUp);

  test('SIGHUP has all workers take the new configuration, and one that is wrong none', async () => {
    const write = (maxQos: unknown) =>
      writeFileSync(join(folder, 'promptmq.json'), JSON.stringify({ mqtt: { 'max-qos': maxQos } }));
    write(2);
    const command = await serving('--config', 'promptmq.json');
    const maximaOf = (prefix: string) =>
      Promise.all(
        [0, 1].map(async (worker) => {
          const terms = { clientId: idOf(worker, prefix), protocolVersion: 5 } as const;
          const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, terms);
          clients.push(client);
          const [connack] = (await once(client as never, 'connect')) as [IConnackPacket];
          return connack.properties?.maximumQoS ?? 2;
        }),
      );
    expect(await maximaOf('before')).toEqual([2, 2]);
    write(1);
    command.child.kill('SIGHUP');
    for (const worker of [0, 1]) {
      await command.waitFor(
        new RegExp(`"event":"config-reloaded","cause":"SIGHUP".*"worker":${worker}`),
      );
    }
    expect(await maximaOf('after')).toEqual([1, 1]);
    write('many');
    command.child.kill('SIGHUP');
    for (const worker of [0, 1]) {
      await command.waitFor(
        new RegExp(`"event":"config-refused","cause":"SIGHUP".*"worker":${worker}`),
      );
    }
    expect(await maximaOf('still')).toEqual([1, 1]);
  });

  test('a worker that is killed comes back with its sessions, and nothing acknowledged is lost', async () => {
    const command = await serving();
    const id = idOf(1, 'subscriber');
    const first = await connect(id, STORED);
    await first.subscribeAsync({ 'log/#': { qos: 2 } });
    const publisher = await connect(idOf(0, 'publisher'));
    const other = await connect(idOf(0, 'other'));
    const inbox = inboxOf(first);
    await publisher.publishAsync('log/1', 'before', { qos: 2 });
    await inbox.until((got) => got.includes('log/1 before'));

    const closed = once(first as never, 'close');
    process.kill(pidOf(command, 1), 'SIGKILL');
    await closed;
    // The other worker serves meanwhile, and keeps what is for the one that is away.
    for (let number = 0; number < 20; number++) {
      await publisher.publishAsync('log/2', `${number}`, { qos: 2 });
    }
    await other.subscribeAsync('elsewhere', { qos: 1 });
    await command.waitFor(/"event":"worker-serves"/);
    const again = await connect(id, STORED);
    const late = inboxOf(again);
    await again.subscribeAsync({ 'log/#': { qos: 2 } });
    const expected = Array.from({ length: 20 }, (_, number) => `log/2 ${number}`);
    expect(await late.until((got) => got.length >= 20)).toEqual(expected);
    await publisher.publishAsync('log/3', 'after', { qos: 2 });
    expect(await late.until((got) => got.length >= 21)).toEqual([...expected, 'log/3 after']);
  });

  test('no client waits for ever for a worker that is killed before it has taken its socket', async () => {
    const command = await serving();
    const pid = pidOf(command, 1);
    process.kill(pid, 'SIGSTOP');
    const ends = Array.from({ length: 60 }, (_, index) => {
      const clientId = idOf(index % 2, `waits-${index}`);
      return endOf(createConnection(port, '127.0.0.1'), clientId);
    });
    // Those of the other worker that it has accepted are served; whose sockets went to the one that stands, wait.
    await Promise.any(ends);
    process.kill(pid, 'SIGKILL');
    expect(await Promise.all(ends)).toContain('served');
  });

  test('nor for one that begins only, where the one that was killed had its session', async () => {
    const command = await serving();
    const supervisor = command.child.pid as number;
    const [first, second] = pidsOf(command) as [number, number];
    process.kill(second, 'SIGSTOP');
    // What the first worker passes on stays with it, but for one socket.
    process.kill(supervisor, 'SIGSTOP');
    const ends = Array.from({ length: 30 }, (_, index) =>
      endOf(createConnection(port, '127.0.0.1'), idOf(1, `waits-${index}`)),
    );
    await endOf(createConnection(port, '127.0.0.1'), idOf(0, 'behind'));
    process.kill(first, 'SIGSTOP');
    process.kill(second, 'SIGKILL');
    process.kill(supervisor, 'SIGCONT');
    await command.waitFor(/"event":"worker-ended"/);
    let pids = pidsOf(command);
    while (pids.length < WORKERS) pids = pidsOf(command);
    process.kill(first, 'SIGCONT');
    await Promise.all(ends);
  });

  test('a stop in order ends all processes, and what waits is there at the next start', async () => {
    const command = await serving();
    const id = idOf(1, 'subscriber');
    const first = await connect(id, STORED);
    await first.subscribeAsync('t', { qos: 1 });
    await first.endAsync();
    const publisher = await connect(idOf(0, 'publisher'));
    await publisher.publishAsync('t', 'waits', { qos: 1 });
    const pids = [0, 1].map((worker) => pidOf(command, worker));
    const disconnected = new Promise((resolve) => {
      publisher.on('disconnect', ({ reasonCode }) => resolve(reasonCode));
    });
    command.child.kill('SIGTERM');
    expect(await disconnected).toBe(0x8b);
    expect(await command.exitCode()).toBe(0);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');

    await serving();
    const again = await connect(id, STORED);
    const inbox = inboxOf(again);
    await inbox.until((got) => got.includes('t waits'));
  });

  test('data of another number of workers are refused, with what to do', async () => {
    const command = await serving();
    command.child.kill('SIGTERM');
    await command.exitCode();
    expect(readdirSync(join(folder, 'data')).sort()).toEqual(['cell-0', 'cell-1', 'workers.json']);
    for (const [workers, now] of [
      [3, 3],
      [1, 1],
    ]) {
      const other = run(workers);
      expect(await other.exitCode()).toBe(1);
      expect(other.errors).toContain(`are those of server.workers 2, and it is ${now} now`);
    }
  });

  test('so are those of a broker that was one process', async () => {
    const alone = run(1);
    await alone.waitFor(/"event":"ready"/);
    await connect('stored', STORED);
    alone.child.kill('SIGTERM');
    await alone.exitCode();
    const command = run();
    expect(await command.exitCode()).toBe(1);
    expect(command.errors).toContain('are those of server.workers 1, and it is 2 now');
  });

  test('what a worker can not begin with is said once, and nothing runs', async () => {
    const before = await serving();
    const command = run(WORKERS, '--data-dir', join(folder, 'other'));
    commands.push(command);
    expect(await command.exitCode()).not.toBe(0);
    before.child.kill('SIGTERM');
    expect(await before.exitCode()).toBe(0);
  });

  test('a worker that is killed while it starts is started again', async () => {
    const command = run();
    const started = () => {
      const script = `pgrep -P ${command.child.pid} || true`;
      return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
    };
    while (started().length < WORKERS) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(pidOf(command, 1), 'SIGKILL');
    await command.waitFor(/"event":"ready"/);
    expect(command.output).toContain('"worker-ended"');
    await connect(idOf(1, 'one'));
  });

  test('a worker that hangs does not keep the others from ending', async () => {
    const command = await serving('--shutdown-timeout', '0s');
    process.kill(pidOf(command, 1), 'SIGSTOP');
    command.child.kill('SIGTERM');
    await command.waitFor(/"event":"worker-killed"/);
    expect(await command.exitCode()).toBe(0);
  });

  test('workers end with their supervisor', async () => {
    const command = await serving();
    const client = await connect(idOf(1, 'one'));
    const closed = once(client as never, 'close');
    command.child.kill('SIGKILL');
    await closed;
  });
});
