import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import type { Packet, PublishPacket } from '@promptmq/codec';
import { type SimulatedClient, Simulation } from '../support/simulation.ts';
import { StoredBroker } from '../support/stored-broker.ts';

const STATE = '$SYS/broker/connection/host.b/state';

const directory = mkdtempSync(join(tmpdir(), 'promptmq-bridge-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A broker whose clients may do what the rule says. */
function simulationWith(rule: string): Simulation {
  const aclFile = join(directory, 'acl.yaml');
  writeFileSync(aclFile, `rules:\n  - ${rule}\n`);
  return new Simulation({ auth: { aclFile } });
}

type Version = 3 | 4;

/** What a bridge of mosquitto sends first, with its defaults. */
const bridgeConnect = (protocolVersion: Version) => ({
  protocolVersion,
  protocolId: protocolVersion === 3 ? ('MQIsdp' as const) : ('MQTT' as const),
  bridgeMode: true,
  clean: false,
  will: { topic: STATE, payload: Buffer.from('0'), qos: 1 as const, retain: true },
});

/** The PUBLISH packets that a client has got, in short: topic, payload, and `R` for RETAIN. */
const messagesOf = (packets: Packet[]) =>
  packets
    .filter((packet): packet is PublishPacket => packet.cmd === 'publish')
    .map(({ topic, payload, retain }) => `${topic} ${Buffer.from(payload)}${retain ? ' R' : ''}`);

describe.each<Version>([3, 4])('a bridge of mosquitto at level 8%i', (version) => {
  const open = () => {
    const simulation = new Simulation();
    const bridge = simulation.connect('host.b', bridgeConnect(version));
    const other = simulation.connect('other');
    return { simulation, bridge, other };
  };

  test.each([0, 1, 2] as const)('is not sent back what it published, QoS %i', (qos) => {
    const { bridge, other } = open();
    bridge.subscribe('#');
    bridge.take();
    bridge.publish('a', 'own', qos === 0 ? {} : { qos, messageId: 1 });
    other.publish('a', 'foreign');
    expect(messagesOf(bridge.take())).toEqual(['a foreign']);
  });

  test('is not sent back what it retained', () => {
    const { bridge, other } = open();
    bridge.publish('a', 'own', { retain: true });
    other.publish('b', 'foreign', { retain: true });
    bridge.subscribe('#');
    expect(messagesOf(bridge.take())).toEqual(['b foreign R']);
  });

  test('is sent RETAIN as it was published', () => {
    const { bridge, other } = open();
    bridge.subscribe('#');
    bridge.take();
    other.publish('a', '1', { retain: true });
    other.publish('b', '2');
    expect(messagesOf(bridge.take())).toEqual(['a 1 R', 'b 2']);
  });

  test('gets its share of a shared subscription, whoever published', () => {
    const { bridge } = open();
    bridge.subscribe('$share/g/#');
    bridge.take();
    bridge.publish('a', 'own');
    expect(messagesOf(bridge.take())).toEqual(['a own']);
  });

  test('says that it is connected, and its will says that it is gone', () => {
    const { bridge, other, simulation } = open();
    other.subscribe('$SYS/broker/connection/#', { rap: true });
    bridge.publish(STATE, '1', { retain: true, qos: 1, messageId: 1 });
    bridge.drop();
    expect(messagesOf(other.take())).toEqual([`${STATE} 1 R`, `${STATE} 0 R`]);
    const late = simulation.connect('late');
    late.subscribe('$SYS/#');
    expect(messagesOf(late.take())).toEqual([`${STATE} 0 R`]);
  });
});

test('the same client without the bridge bit is sent everything, without RETAIN', () => {
  const simulation = new Simulation();
  const client = simulation.connect('c', { protocolVersion: 4 });
  client.subscribe('#');
  client.take();
  client.publish('a', 'own', { retain: true });
  expect(messagesOf(client.take())).toEqual(['a own']);
});

describe('what rules say of the state of a bridge', () => {
  const rule = "{ publish: 'remote/#', subscribe: ['#', '$SYS/#'] }";

  test('it is let in without its will, and what it publishes there is dropped', () => {
    const simulation = simulationWith(rule);
    const observer = simulation.connect('observer');
    observer.subscribe('$SYS/broker/connection/#');
    observer.take();
    const bridge = simulation.connect('host.b', bridgeConnect(4));
    bridge.publish(STATE, '1', { retain: true, qos: 1, messageId: 1 });
    expect(bridge.take()).toEqual([{ cmd: 'puback', messageId: 1 }]);
    bridge.drop();
    expect(observer.take()).toEqual([]);
    expect(simulation.broker.stats.refused['not-authorized']).toBe(2);
  });

  test('any other will that they forbid has CONNECT refused', () => {
    const simulation = simulationWith(rule);
    const client = simulation.open(4);
    client.connect('c', { ...bridgeConnect(4), will: { ...bridgeConnect(4).will, topic: 'w' } });
    expect(client.take()).toEqual([{ cmd: 'connack', sessionPresent: false, returnCode: 5 }]);
  });
});

describe('other topics below $SYS stay the broker’s own', () => {
  const topics = [
    '$SYS',
    '$SYS/x',
    '$SYS/broker/connection/state',
    '$SYS/broker/connection//state',
    '$SYS/broker/connection/a/states',
    '$SYS/broker/connection',
    '$SYS/broker/uptime',
  ];
  const published = (client: SimulatedClient, topic: string, qos: 0 | 1 | 2) => {
    client.publish(topic, 'x', qos === 0 ? {} : { qos, messageId: 1 });
    client.send({ cmd: 'pingreq' });
    return client.take();
  };

  test.each(topics)('a will to %s: 0x87, and 5 before MQTT 5', (topic) => {
    for (const [version, code] of [
      [3, 5],
      [4, 5],
      [5, 0x87],
    ] as const) {
      const client = new Simulation().open(version);
      client.connect('c', { will: { ...bridgeConnect(4).will, topic } });
      const [connack] = client.take() as [Packet & { cmd: 'connack' }];
      expect(connack.returnCode ?? connack.reasonCode).toBe(code);
    }
  });

  test.each(topics)(
    'a PUBLISH to %s is acknowledged before MQTT 5, and told 0x87 there',
    (topic) => {
      const simulation = new Simulation();
      const observer = simulation.connect('observer');
      observer.subscribe('$SYS/#');
      observer.take();
      for (const version of [3, 4] as const) {
        const client = simulation.connect('c', {
          protocolVersion: version,
          protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
        });
        expect(published(client, topic, 0)).toEqual([{ cmd: 'pingresp' }]);
        expect(published(client, topic, 1)).toEqual([
          { cmd: 'puback', messageId: 1 },
          { cmd: 'pingresp' },
        ]);
        expect(published(client, topic, 2)).toEqual([
          { cmd: 'pubrec', messageId: 1 },
          { cmd: 'pingresp' },
        ]);
      }
      const client = simulation.connect('c5');
      expect(published(client, topic, 1)).toMatchObject([{ cmd: 'puback', reasonCode: 0x87 }, {}]);
      expect(published(client, topic, 2)).toMatchObject([{ cmd: 'pubrec', reasonCode: 0x87 }, {}]);
      expect(observer.take()).toEqual([]);
      expect(simulation.broker.router.retained.count).toBe(0);
    },
  );
});

describe('over a restart', () => {
  let broker: StoredBroker;
  afterEach(() => broker.stop());

  test('a bridge’s stored session is still that of a bridge, and its retained state is there', async () => {
    broker = new StoredBroker();
    await broker.start();
    const bridge = await broker.open(4);
    bridge.connect('host.b', bridgeConnect(4));
    expect(await bridge.next()).toMatchObject({ cmd: 'connack', returnCode: 0 });
    bridge.subscribe('#', 1, 1);
    expect(await bridge.next()).toMatchObject({ cmd: 'suback' });
    bridge.publish(STATE, '1', 1, 2, { retain: true });
    expect(await bridge.next()).toMatchObject({ cmd: 'puback' });
    bridge.send({ cmd: 'disconnect' });
    expect(await bridge.next()).toBeNull();
    await broker.stop();
    await broker.start();

    const other = await broker.connected('other');
    other.publish('a', 'foreign', 1, 1, { retain: true });
    expect(await other.next()).toMatchObject({ cmd: 'puback' });
    const again = await broker.open(4);
    again.connect('host.b', bridgeConnect(4));
    expect(await again.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    again.publish('b', 'own', 1, 3);
    const got = await again.sentSoFar();
    expect(messagesOf(got)).toEqual(['a foreign R']);
    other.subscribe('$SYS/broker/connection/#', 2);
    expect(await other.next()).toMatchObject({ cmd: 'suback' });
    expect(messagesOf([(await other.next()) as Packet])).toEqual([`${STATE} 1 R`]);
  });
});

describe('MQTT 3.1', () => {
  test('a SUBSCRIBE for which the disk has no room is not answered: the connection is closed', async () => {
    const broker = new StoredBroker();
    await broker.start();
    const client = await broker.open(3);
    client.connect('old');
    expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 0 });
    client.subscribe('a', 1, 1);
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [1] });
    const other = await broker.connected('other');
    broker.fillDisk();
    other.publish('a', 'refused', 1, 1);
    expect(await other.next()).toMatchObject({ cmd: 'puback', reasonCode: 0x97 });
    client.subscribe('b', 2, 1);
    expect(await client.next()).toBeNull();
    await broker.stop();
  });

  test('CONNACK has 0 in its reserved byte when a session comes back', () => {
    const simulation = new Simulation();
    const fields = { protocolVersion: 3 as const, protocolId: 'MQIsdp' as const, clean: false };
    simulation.connect('c', fields).drop();
    const client = simulation.open(3);
    const written: Uint8Array[] = [];
    const write = client.write.bind(client);
    client.write = (chunk) => {
      written.push(Uint8Array.from(chunk));
      write(chunk);
    };
    client.connect('c', fields);
    expect(Buffer.concat(written).toString('hex')).toBe('20020000');
    expect(client.isClosed).toBe(false);
  });

  test('SUBACK can’t refuse: it says what was asked for, and nothing is delivered', () => {
    const simulation = simulationWith("{ publish: '#', subscribe: allowed }");
    const answers = ([3, 4] as const).map((version) => {
      const client = simulation.connect(`c${version}`, {
        protocolVersion: version,
        protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
      });
      client.subscribe('other', { qos: 1 });
      const [suback] = client.take() as [Packet & { cmd: 'suback' }];
      client.publish('other', 'x');
      expect(client.take()).toEqual([]);
      return suback.granted;
    });
    expect(answers).toEqual([[1], [0x80]]);
  });
});
