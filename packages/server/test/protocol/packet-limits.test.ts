import { describe, expect, test } from '@jest/globals';
import type { Packet, ProtocolVersion } from '@promptmq/codec';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';

/** The fixed header of a packet that declares this number of bytes. */
function header(firstByte: number, remaining: number): Uint8Array {
  const bytes = [firstByte];
  for (let rest = remaining; ; rest >>>= 7) {
    bytes.push((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
    if (rest < 0x80) return Uint8Array.from(bytes);
  }
}

function expectServed(simulation: Simulation): void {
  const client = simulation.connect('served');
  client.send({ cmd: 'pingreq' });
  expect(client.brief()).toEqual(['pingresp']);
}

describe('before CONNECT', () => {
  test('any other packet is refused at its first byte, before the rest has come [MQTT-3.1.0-1]', () => {
    const simulation = new Simulation();
    for (const firstByte of [0x30, 0x3d, 0x82, 0xa2, 0xc0, 0xe0, 0xf0]) {
      const client = simulation.open();
      client.send(Uint8Array.of(firstByte));
      expect(client.isClosed).toBe(true);
      expect(client.brief()).toEqual([]);
    }
    const { packetErrors } = simulation.broker.stats;
    expect([...packetErrors]).toEqual([[0x82, 7]]);
    expectServed(simulation);
  });

  test('a CONNECT larger than mqtt.max-connect-size is refused at its header', () => {
    const simulation = new Simulation({ mqtt: { maxConnectSize: '1KiB' } });
    const client = simulation.open();
    client.send(header(0x10, 1022));
    expect(client.isClosed).toBe(true);
    const small = simulation.open();
    small.send(header(0x10, 1021));
    expect(small.isClosed).toBe(false);
    expect([...simulation.broker.stats.packetErrors]).toEqual([[0x95, 1]]);
  });

  test('by default, the longest will and password have room, and a will of 256 KiB has not', () => {
    const simulation = new Simulation();
    const will = { topic: 'w', payload: Buffer.alloc(65_535), qos: 0 as const, retain: false };
    const client = simulation.connect('c', { will, username: 'u', password: Buffer.alloc(65_535) });
    // From here on a packet may be as large as CONNACK says.
    client.subscribe('t');
    client.take();
    client.publish('t', 'x'.repeat(400_000));
    expect(client.take()).toMatchObject([{ cmd: 'publish' }]);
    const large = simulation.open();
    large.send(header(0x10, 262_144));
    expect(large.isClosed).toBe(true);
  });

  test('mqtt.max-packet-size holds for CONNECT, too', () => {
    const simulation = new Simulation({ mqtt: { maxPacketSize: 100 } });
    const client = simulation.open();
    client.send(header(0x10, 99));
    expect(client.isClosed).toBe(true);
  });
});

describe('what one packet may hold', () => {
  const options = { mqtt: { maxUserProperties: 2, maxPropertiesSize: '1KiB' as const } };
  const userProperties = { a: ['1', '2', '3'] };
  const cases: Record<string, object> = {
    publish: { qos: 0, dup: false, retain: false, topic: 't', payload: Buffer.from('x') },
    puback: { messageId: 1, reasonCode: 0 },
    pubrel: { messageId: 1, reasonCode: 0 },
    subscribe: { messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] },
    unsubscribe: { messageId: 1, unsubscriptions: ['a'] },
    disconnect: { reasonCode: 0 },
  };

  test.each(Object.keys(cases))('user properties of %s: one more ends it with 0x97', (cmd) => {
    const simulation = new Simulation(options);
    const client = simulation.connect('c');
    client.send({ cmd, ...cases[cmd], properties: { userProperties } } as unknown as Packet);
    expect(client.brief()).toEqual(['disconnect 151']);
    expect(client.isClosed).toBe(true);
    expectServed(simulation);
  });

  test('properties of CONNECT and of its will: CONNACK 0x97', () => {
    const simulation = new Simulation(options);
    const will = { topic: 'w', payload: Buffer.from('x'), qos: 0 as const, retain: false };
    for (const fields of [
      { properties: { userProperties } },
      { will: { ...will, properties: { userProperties } } },
      { properties: { userProperties: { key: 'x'.repeat(1100) } } },
    ]) {
      const client = simulation.open();
      client.connect('c', fields);
      expect(client.brief()).toEqual(['connack 151']);
      expect(client.isClosed).toBe(true);
    }
    expect(simulation.broker.stats.sessionsCurrent).toBe(0);
  });

  const filters = (count: number) => Array.from({ length: count }, (_, index) => `a/${index}`);
  const subscribe = (client: SimulatedClient, count: number) =>
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: filters(count).map((topic) => ({ topic, qos: 0 })),
    } as Packet);

  test.each<[ProtocolVersion, string[]]>([
    [5, ['disconnect 151']],
    [4, []],
  ])('mqtt.max-filters-per-packet, MQTT %i', (protocolVersion, refusal) => {
    const simulation = new Simulation({ mqtt: { maxFiltersPerPacket: 10 } });
    const client = simulation.connect('c', { protocolVersion });
    subscribe(client, 10);
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: filters(10) } as Packet);
    expect(client.take().map(({ cmd }) => cmd)).toEqual(['suback', 'unsuback']);
    subscribe(client, 11);
    expect(client.brief()).toEqual(refusal);
    expect(client.isClosed).toBe(true);
    expect(simulation.broker.stats.subscriptionsCurrent).toBe(0);
    const other = simulation.connect('other', { protocolVersion });
    other.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: filters(11) } as Packet);
    expect(other.brief()).toEqual(refusal);
  });
});
