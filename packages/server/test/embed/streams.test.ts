import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net';
import { Duplex, type DuplexOptions, PassThrough } from 'node:stream';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode, type Packet, PacketDecoder } from '@promptmq/codec';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import mqtt4 from 'mqtt-4';
import { type ConfigInput, createBroker, EmbedError, type RunningBroker } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { connectBytes } from '../support/packet-client.ts';

let broker: RunningBroker | undefined;
const clients: { end(isForced: boolean): unknown }[] = [];
/** Those of which nobody closes the other side. */
const streams: Duplex[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true);
  for (const stream of streams.splice(0)) stream.destroy();
  await broker?.stop();
  broker = undefined;
});

async function start(options: ConfigInput = {}): Promise<RunningBroker> {
  broker = await createBroker({ server: { bind: null, wsBind: null }, ...options });
  return broker;
}

/** A client of MQTT.js 5 or 4 without a socket. */
async function connected(
  options: IClientOptions & { userName?: string; library?: 4 | 5 } = {},
): Promise<MqttClient> {
  const { userName, library = 5, ...others } = options;
  const { MqttClient: Client } = (library === 5 ? mqtt : mqtt4) as typeof mqtt;
  const build = () => (broker as RunningBroker).connect(userName === undefined ? {} : { userName });
  const client = new Client(build as never, { reconnectPeriod: 0, ...others });
  clients.push(client);
  await event(client, 'connect');
  return client;
}

/** What an event of a client comes with. */
function event(client: MqttClient, name: string): Promise<unknown[]> {
  return new Promise((resolve) => {
    (client as { once(name: string, listener: (...args: unknown[]) => void): unknown }).once(
      name,
      (...args) => resolve(args),
    );
  });
}

function subscribe(client: MqttClient, filter: string, qos: 0 | 1 | 2 = 2): Promise<void> {
  return new Promise((resolve, reject) =>
    client.subscribe(filter, { qos }, (error) => (error ? reject(error) : resolve())),
  );
}

function publish(client: MqttClient, topic: string, payload: string | Buffer, qos: 0 | 1 | 2) {
  return new Promise<void>((resolve, reject) =>
    client.publish(topic, payload, { qos }, (error) => (error ? reject(error) : resolve())),
  );
}

/** The client's end by itself, whose test says what is sent and when something is read. */
class RawClient {
  readonly stream: Duplex;
  readonly #decoder = new PacketDecoder({ protocolVersion: 4, receiver: 'client' });

  constructor(stream: Duplex) {
    this.stream = stream;
    streams.push(stream);
    stream.on('error', () => {});
  }

  async connect(clientId: string): Promise<void> {
    this.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
      clientId,
    });
    await this.packets(1);
  }

  send(packet: Packet): boolean {
    return this.stream.write(encode(packet, { protocolVersion: 4 }) as Uint8Array);
  }

  publish(topic: string, payload: Uint8Array): boolean {
    return this.send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
  }

  /** Reads until so many packets have come. */
  async packets(count: number): Promise<Packet[]> {
    const packets: Packet[] = [];
    while (packets.length < count) {
      const chunk = this.stream.read() as Buffer | null;
      if (chunk === null) await once(this.stream, 'readable');
      else packets.push(...this.#decoder.push(Uint8Array.from(chunk)));
    }
    return packets;
  }
}

async function rawSubscriber(running: RunningBroker, filter: string): Promise<RawClient> {
  const client = new RawClient(running.connect());
  await client.connect('subscriber');
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos: 0 }] });
  await client.packets(1);
  return client;
}

describe('a client without a socket', () => {
  test.each([
    [5, 5],
    [5, 4],
    [4, 4],
    [4, 5],
  ] as const)(
    'MQTT.js %d publishes and subscribes (MQTT level %d)',
    async (library, protocolVersion) => {
      await start();
      const client = await connected({ library, protocolVersion, clientId: 'c' });
      const received: string[] = [];
      const all = new Promise<void>((resolve) => {
        client.on('message', (topic, payload) => {
          received.push(`${topic} ${payload}`);
          if (received.length === 300) resolve();
        });
      });
      await subscribe(client, '#');
      const published = Array.from({ length: 300 }, (_, index) =>
        publish(client, `t/${index}`, `${index}`, (index % 3) as 0 | 1 | 2),
      );
      await Promise.all([...published, all]);
      expect(received.sort()).toEqual(
        Array.from({ length: 300 }, (_, index) => `t/${index} ${index}`).sort(),
      );
      expect(broker?.clients.get('c')).toMatchObject({
        protocol: 'inside',
        remoteAddress: 'inside',
        version: protocolVersion,
      });
      const closed = event(client, 'close');
      client.end();
      await closed;
      expect(broker?.stats.disconnections.get('client')).toBe(1);
    },
  );

  test('may publish and get large payloads, many at a time', async () => {
    const running = await start();
    const client = await connected({ protocolVersion: 5 });
    const sizes: number[] = [];
    const all = new Promise<void>((resolve) => {
      client.on('message', (_topic, payload) => {
        if (!payload.every((byte) => byte === sizes.length)) throw new Error('other bytes came');
        sizes.push(payload.length);
        if (sizes.length === 20) resolve();
      });
    });
    await subscribe(client, 'large', 1);
    for (let index = 0; index < 20; index++) {
      void publish(client, 'large', Buffer.alloc(1_000_000 + index, index), 1);
    }
    await all;
    expect(sizes).toEqual(Array.from({ length: 20 }, (_, index) => 1_000_000 + index));
    expect([...running.stats.internalErrors.values()].every((count) => count === 0)).toBe(true);
  });

  test('is disconnected when the broker stops, and can’t connect again', async () => {
    const running = await start();
    const client = await connected({ protocolVersion: 5 });
    const told = event(client, 'disconnect');
    const closed = event(client, 'close');
    await running.stop();
    expect((await told)[0]).toMatchObject({ reasonCode: 0x8b });
    await closed;
    const late = running.connect();
    await once(late.resume(), 'close');
  });

  test.each([
    ['ends', (stream: Duplex) => stream.end()],
    ['is destroyed', (stream: Duplex) => stream.destroy()],
    ['fails', (stream: Duplex) => stream.destroy(new Error('broken'))],
  ])('has its will published when its stream %s', async (_, leave) => {
    await start();
    const watcher = await connected();
    await subscribe(watcher, 'will');
    const will = event(watcher, 'message');
    const client = await connected({
      will: { topic: 'will', payload: Buffer.from('w'), qos: 0, retain: false },
    });
    client.on('error', () => {});
    leave(client.stream);
    expect(`${(await will)[1]}`).toBe('w');
  });

  test('is who the program says', async () => {
    const running = await start();
    await connected({ clientId: 'c', userName: 'alice', username: 'mallory', password: 'x' });
    expect(running.clients.get('c')).toMatchObject({ userName: 'alice' });
  });

  test('may publish from what the broker calls in the midst of a message, which changes nothing of that', async () => {
    let inner: MqttClient | null = null;
    const logger = {
      ...noopLogger,
      warn: (event: string) => {
        if (event === 'message-dropped') inner?.publish('b', 'inner');
      },
    };
    broker = await createBroker({ mqtt: { maxQueuedMessages: 1 } }, { logger });
    const away = await connected({ clientId: 'away', clean: false });
    await subscribe(away, 'a', 1);
    const gone = event(away, 'close');
    away.end();
    await gone;
    const watcher = await connected();
    const received: string[] = [];
    const all = new Promise<void>((resolve) => {
      watcher.on('message', (topic, payload) => {
        received.push(`${topic} ${payload}`);
        if (received.length === 3) resolve();
      });
    });
    await subscribe(watcher, '#');
    inner = await connected();
    await publish(inner, 'a', 'fills the queue', 1);
    await publish(inner, 'a', 'outer', 1);
    await all;
    expect(received).toEqual(['a fills the queue', 'a outer', 'b inner']);
  });
});

describe('bytes belong to whoever has them', () => {
  test('a client may use its buffer again when it is written', async () => {
    const running = await start();
    const client = new RawClient(running.connect());
    await client.connect('c');
    const payload = new Uint8Array(100_000).fill(1);
    const packet = encode({
      cmd: 'publish',
      topic: 'r',
      payload,
      qos: 0,
      dup: false,
      retain: true,
    });
    await new Promise((resolve) => client.stream.write(packet, resolve));
    packet?.fill(2);
    client.send({ cmd: 'pingreq' });
    await client.packets(1);
    const watcher = await connected();
    void subscribe(watcher, 'r');
    const [, message] = await event(watcher, 'message');
    expect(Buffer.compare(message as Buffer, payload)).toBe(0);
  });

  test('a client may keep what it has read', async () => {
    const running = await start();
    const client = await rawSubscriber(running, '#');
    const chunks: Buffer[] = [];
    client.stream.on('data', (chunk) => chunks.push(chunk));
    const count = 2000;
    for (let index = 0; index < count; index++) {
      await running.publish({ topic: 't', payload: `${index}`.padStart(100, '.') });
    }
    client.send({ cmd: 'pingreq' });
    const decoder = new PacketDecoder({ protocolVersion: 4, receiver: 'client' });
    let size = 0;
    while (size < count * 105 + 2) {
      await once(client.stream, 'data');
      size = chunks.reduce((sum, { length }) => sum + length, 0);
    }
    const packets = decoder.push(Uint8Array.from(Buffer.concat(chunks)));
    const payloads = packets.flatMap((packet) =>
      packet.cmd === 'publish'
        ? [Number(`${Buffer.from(packet.payload)}`.replaceAll('.', ''))]
        : [],
    );
    expect(payloads).toEqual(Array.from({ length: count }, (_, index) => index));
  });
});

describe('back pressure', () => {
  test('who doesn’t read holds back those who publish to it, and gets it all when it does', async () => {
    const running = await start();
    const client = await rawSubscriber(running, 'flow');
    const count = 30;
    let published = 0;
    const flow = (async () => {
      for (; published < count; published++) {
        await running.publish({ topic: 'flow', payload: Buffer.alloc(100_000, published) });
      }
    })();
    while (running.stats.publishersHeldBack === 0) await new Promise(setImmediate);
    // What the pipe holds is not what the client has taken.
    expect(published).toBeLessThan(20);
    const packets = await client.packets(count);
    await flow;
    expect(
      packets.map((packet) => (packet.cmd === 'publish' ? packet.payload[50_000] : -1)),
    ).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  test('a client that isn’t read from can’t write on', async () => {
    const running = await start();
    await rawSubscriber(running, 'flow');
    const publisher = new RawClient(running.connect());
    await publisher.connect('publisher');
    let written = 0;
    while (running.stats.publishersHeldBack === 0) {
      publisher.publish('flow', Buffer.alloc(100_000));
      written++;
      await new Promise(setImmediate);
    }
    let isTaken = false;
    for (let index = 0; index < 3; index++) publisher.publish('flow', Buffer.alloc(100_000));
    publisher.stream.write(encode({ cmd: 'pingreq' }) as Uint8Array, () => {
      isTaken = true;
    });
    for (let index = 0; index < 5; index++) await new Promise(setImmediate);
    expect(written).toBeLessThan(40);
    expect(isTaken).toBe(false);
    // The subscriber is stuck, which holds nobody back for long.
    expect((await publisher.packets(1))[0]).toMatchObject({ cmd: 'pingresp' });
    expect(isTaken).toBe(true);
  });
});

/** A stream that the broker and a test have in common: its program's side is `written` and `push`. */
class OwnStream extends Duplex {
  readonly written: Buffer[] = [];
  onWrite: () => void = () => {};
  isClosed = false;

  constructor(options: DuplexOptions = {}) {
    super(options);
    streams.push(this);
    this.on('error', () => {});
    this.on('close', () => {
      this.isClosed = true;
    });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error) => void): void {
    this.written.push(chunk);
    this.onWrite();
    callback();
  }

  async firstWritten(): Promise<Buffer> {
    while (this.written.length === 0) {
      await new Promise<void>((resolve) => {
        this.onWrite = resolve;
      });
    }
    return this.written[0] as Buffer;
  }
}

/** As docs/embedding.md has it. */
function overPort(port: MessagePort): Duplex {
  const stream = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      port.postMessage(chunk);
      done();
    },
    final(done) {
      port.postMessage(null);
      done();
    },
    destroy(error, done) {
      port.close();
      done(error);
    },
  });
  port.on('message', (chunk) => stream.push(chunk));
  port.on('close', () => stream.destroy());
  return stream;
}

const CONNACK = [0x20, 2, 0, 0];

describe('a stream of the program', () => {
  test('is a connection, with what the program says of it', async () => {
    const running = await start();
    const stream = new OwnStream();
    running.attach(stream, { protocol: 'serial', remoteAddress: '/dev/ttyUSB0', userName: 'plc' });
    stream.push(connectBytes);
    expect([...(await stream.firstWritten())]).toEqual(CONNACK);
    expect(running.clients.get('c')).toMatchObject({
      protocol: 'serial',
      remoteAddress: '/dev/ttyUSB0',
      userName: 'plc',
    });
  });

  test('may be a socket that the program accepted, which is known by its address', async () => {
    const running = await start();
    const server = createServer((socket) => running.attach(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connectSocket((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(connectBytes);
    expect([...(await once(socket, 'data'))[0]]).toEqual(CONNACK);
    expect(running.clients.get('c')).toMatchObject({
      protocol: 'tcp',
      remoteAddress: `127.0.0.1:${socket.localPort}`,
    });
    const closed = once(socket, 'close');
    await running.stop();
    await closed;
    server.close();
  });

  test('may lead to another thread', async () => {
    const running = await start();
    const { port1, port2 } = new MessageChannel();
    running.attach(overPort(port1), { protocol: 'message-port' });
    const stream = overPort(port2);
    const client = new mqtt.MqttClient(() => stream, { reconnectPeriod: 0, clientId: 'worker' });
    clients.push(client);
    const message = event(client, 'message');
    await subscribe(client, 't', 1);
    await publish(client, 't', Buffer.alloc(100_000, 'x'), 1);
    expect((await message)[1]).toHaveLength(100_000);
    expect(running.clients.get('worker')).toMatchObject({ protocol: 'message-port' });
    const closed = event(client, 'close');
    await running.stop();
    await closed;
  });

  test('may have been paused, and hold what has come before', async () => {
    const running = await start();
    const stream = new OwnStream();
    stream.pause();
    stream.push(connectBytes);
    running.attach(stream);
    expect([...(await stream.firstWritten())]).toEqual(CONNACK);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['text', 'stream'],
    ['an object that is none', {}],
    ['one in object mode', new PassThrough({ objectMode: true })],
    ['one that is written objects', new PassThrough({ writableObjectMode: true })],
    ['one with an encoding', new PassThrough().setEncoding('utf8')],
    ['one that is destroyed', new PassThrough().destroy()],
    ['one that was ended', new PassThrough().end()],
  ])('%s is refused, and nothing is done with it', async (_, stream) => {
    const running = await start();
    expect(() => running.attach(stream as Duplex)).toThrow(EmbedError);
    expect(() => running.attach(stream as Duplex)).toThrow(/^broker\.attach: takes a /);
    expect(running.stats.socketsAccepted).toBe(0);
  });

  test.each<[string, object, RegExp]>([
    ['an unknown key', { user: 'x' }, /user is no option/],
    ['a name that is empty', { userName: '' }, /userName takes/],
    ['a name that is no text', { userName: 1 }, /userName takes/],
    ['an address of two lines', { remoteAddress: 'a\nb' }, /remoteAddress takes/],
    ['a protocol with a blank', { protocol: 'my stream' }, /protocol takes/],
  ])('%s is refused', async (_, options, message) => {
    const running = await start();
    const stream = new OwnStream();
    expect(() => running.attach(stream, options)).toThrow(message);
    expect(stream.destroyed).toBe(false);
  });

  test('counts among the sockets, and is destroyed when there are too many', async () => {
    const running = await start({ mqtt: { maxConnections: 1 } });
    const all = Array.from({ length: 103 }, () => new OwnStream());
    for (const stream of all) running.attach(stream);
    expect(all.map(({ destroyed }) => destroyed)).toEqual([...Array(102).fill(false), true]);
    expect(running.stats.socketsRefused.limit).toBe(1);
    const [first] = all as [OwnStream];
    const closed = once(first, 'close');
    first.destroy();
    await closed;
    const next = new OwnStream();
    running.attach(next);
    expect(next.destroyed).toBe(false);
  });

  test('that gets an encoding later is refused what it brings', async () => {
    const running = await start();
    const stream = new OwnStream();
    running.attach(stream);
    stream.push(connectBytes);
    await stream.firstWritten();
    stream.setEncoding('latin1');
    const closed = once(stream, 'close');
    stream.push(encode({ cmd: 'pingreq' }));
    stream.push(null);
    await closed;
    expect(running.stats.disconnections.get('protocol')).toBe(1);
  });

  test('whose write throws, or fails, ends by itself; others continue', async () => {
    const running = await start();
    const other = await connected();
    for (const fails of [
      () => {
        throw new Error('thrown');
      },
      (_chunk: Buffer, _encoding: string, callback: (error: Error) => void) =>
        callback(new Error('reported')),
    ]) {
      const stream = new OwnStream();
      stream._write = fails;
      running.attach(stream);
      stream.push(connectBytes);
      while (!stream.isClosed) await new Promise(setImmediate);
    }
    await publish(other, 't', 'x', 1);
    expect(running.clients.list().clients.length).toBe(1);
  });
});

describe('a stream that never says that it is closed', () => {
  const silent: [string, () => OwnStream][] = [
    ['as it emits no close', () => new OwnStream({ emitClose: false })],
    ['nor destroys itself', () => new OwnStream({ emitClose: false, autoDestroy: false })],
    [
      'as its end takes for ever',
      () => {
        const stream = new OwnStream();
        stream._destroy = () => {};
        return stream;
      },
    ],
  ];

  test.each(silent)('%s, counts as closed when the broker stops', async (_, open) => {
    const running = await start({ server: { bind: null, wsBind: null, shutdownTimeout: '1s' } });
    const stream = open();
    running.attach(stream);
    stream.push(connectBytes);
    await stream.firstWritten();
    await running.stop();
    expect(stream.destroyed).toBe(true);
    expect(running.stats.connectionsCurrent).toBe(0);
  });

  test.each(silent)('%s, counts as closed when it fails', async (_, open) => {
    const running = await start();
    const stream = open();
    running.attach(stream);
    stream.push(connectBytes);
    await stream.firstWritten();
    stream.emit('error', new Error('broken'));
    while (running.stats.connectionsCurrent > 0) await new Promise(setImmediate);
  });

  test.each(silent.slice(0, 2))(
    '%s, counts as closed when both sides have ended',
    async (_, open) => {
      const running = await start();
      const stream = open();
      running.attach(stream);
      stream.push(connectBytes);
      await stream.firstWritten();
      stream.push(encode({ cmd: 'disconnect' }));
      stream.push(null);
      while (!stream.destroyed) await new Promise(setImmediate);
      expect(running.stats.disconnections.get('client')).toBe(1);
    },
  );
});
