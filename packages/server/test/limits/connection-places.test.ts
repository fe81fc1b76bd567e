import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { encode } from '@promptmq/codec';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { ConnectionPlace, ConnectionPlaces } from '../../src/limits/connection-places.ts';
import { Simulation } from '../support/simulation.ts';

function places(pendingConnects: number, connections = 0, ofAddress = 0) {
  const stats = { limitsReached: new Map<string, number>() };
  const address = { connections, pendingConnects: ofAddress };
  const config = { limits: { pendingConnects, address } } as never;
  return { stats, all: new ConnectionPlaces({ config, stats }) };
}

describe('places', () => {
  test('before CONNECT there are only so many; who connects or closes leaves room', () => {
    const { all, stats } = places(2);
    const first = all.take() as ConnectionPlace;
    const second = all.take() as ConnectionPlace;
    expect(all.take()).toBe('limits.pending-connects');
    first.admit();
    first.admit();
    expect(all.pending).toBe(1);
    expect(all.take()).toBeInstanceOf(ConnectionPlace);
    second.release();
    second.release();
    first.release();
    expect(all.pending).toBe(1);
    expect([...stats.limitsReached]).toEqual([['limits.pending-connects', 1]]);
    all.checkInvariants();
  });

  test('an address has only so many, open and before CONNECT; it is forgotten with its last', () => {
    const { all } = places(100, 3, 2);
    const take = (address: string) => {
      const place = all.take() as ConnectionPlace;
      const limit = place.locate(address);
      if (limit !== null) place.release();
      return limit ?? place;
    };
    const first = take('192.0.2.1:1') as ConnectionPlace;
    const second = take('192.0.2.1:2') as ConnectionPlace;
    expect(take('192.0.2.1:3')).toBe('limits.address.pending-connects');
    first.admit();
    const third = take('192.0.2.1:3') as ConnectionPlace;
    second.admit();
    expect(take('192.0.2.1:4')).toBe('limits.address.connections');
    // Of IPv6, a /64 is one address.
    take('[2001:db8::1]:1');
    take('[2001:db8::ffff]:1');
    expect(take('[2001:db8::2]:1')).toBe('limits.address.pending-connects');
    expect(take('[2001:db8:0:1::2]:1')).toBeInstanceOf(ConnectionPlace);
    expect(take('unix')).toBeInstanceOf(ConnectionPlace);
    all.checkInvariants();
    expect(all.addresses).toBe(3);
    for (const place of [first, second, third]) place.release();
    expect(all.addresses).toBe(2);
    all.checkInvariants();
  });
});

describe('connections of a program', () => {
  test('count, too: those that have not connected, and those of an address', () => {
    const simulation = new Simulation({
      limits: { pendingConnects: 3, address: { connections: 2 } },
    });
    const { broker } = simulation;
    const first = simulation.open(5, null, '192.0.2.1:1');
    simulation.open(5, null, '192.0.2.1:2');
    expect(() => simulation.open(5, null, '192.0.2.1:3')).toThrow('not accepted');
    simulation.open(5, null, '192.0.2.2:1');
    expect(() => simulation.open(5, null, '192.0.2.2:2')).toThrow('not accepted');
    first.connect('c');
    expect(first.brief()).toEqual(['connack 0']);
    expect(() => simulation.open(5, null, '192.0.2.1:3')).toThrow('not accepted');
    const second = simulation.open(5, null, '192.0.2.2:2');
    broker.checkInvariants();
    expect(broker.stats.socketsRefused.limit).toBe(3);
    expect([...broker.stats.limitsReached]).toEqual([
      ['limits.address.connections', 2],
      ['limits.pending-connects', 1],
    ]);
    first.drop();
    second.drop();
    simulation.open(5, null, '192.0.2.1:3').drop();
    broker.checkInvariants();
  });
});

describe('sockets', () => {
  let broker: RunningBroker | null = null;
  const sockets: Socket[] = [];

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await broker?.stop();
    broker = null;
  });

  /** One that sends nothing. */
  async function open(url: string): Promise<Socket> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  test.each(['url', 'wsUrl'] as const)(
    'one too many from an address is closed at once, before it has sent anything (%s)',
    async (url) => {
      broker = await createBroker({ limits: { address: { pendingConnects: 2 } } });
      const where = broker[url] as string;
      await open(where);
      await open(where);
      await once(await open(where), 'close');
      expect(broker.stats.socketsRefused.limit).toBe(1);
      const limit = 'limits.address.pending-connects';
      expect(broker.stats.limitsReached.get(limit)).toBe(1);
    },
  );

  test('who has connected counts as open only; behind a proxy the address that it says counts', async () => {
    broker = await createBroker({
      server: { proxyProtocol: 'v1' },
      limits: { address: { pendingConnects: 1, connections: 2 } },
    });
    const { url, stats } = broker;
    const begin = async (address: string) => {
      const socket = await open(url as string);
      socket.write(`PROXY TCP4 ${address} 192.0.2.2 50000 1883\r\n`);
      return socket;
    };
    const connected = async (address: string, clientId: string) => {
      const socket = await begin(address);
      socket.write(connectBytesOf(clientId));
      await once(socket, 'data');
    };
    await connected('192.0.2.1', 'a');
    await connected('192.0.2.1', 'b');
    await once(await begin('192.0.2.1'), 'close');
    await connected('192.0.2.3', 'c');
    expect([...stats.limitsReached]).toEqual([['limits.address.connections', 1]]);
  });
});

function connectBytesOf(clientId: string): Uint8Array {
  return encode({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive: 0,
  }) as Uint8Array;
}
