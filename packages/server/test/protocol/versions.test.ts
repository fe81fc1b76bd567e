import { describe, expect, test } from '@jest/globals';
import type { Packet } from '@promptmq/codec';
import type { Vector } from '../../../codec/test/vector.ts';
import { vectors } from '../../../codec/test/vectors.ts';
import { Simulation } from '../support/simulation.ts';

const toServer = vectors.filter(({ receiver }) => receiver === 'server');
const isConnect = ({ bytes }: Vector) => (bytes[0] as number) >> 4 === 1;

/** A client of the vector's version that has sent its bytes, after CONNECT unless they are one. */
function sendTo(simulation: Simulation, vector: Vector) {
  const { version: protocolVersion, bytes } = vector;
  const client = isConnect(vector)
    ? simulation.open(protocolVersion)
    : simulation.connect('c', {
        protocolVersion,
        protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
      });
  client.send(Buffer.from(bytes));
  return client;
}

/** Whether a packet that is well-formed ends the connection all the same, or is refused in its place. */
function endsConnection(packet: Packet): boolean {
  if (packet.cmd === 'disconnect' || packet.cmd === 'auth') return true;
  return packet.cmd === 'publish' && packet.topic === ''; // of a topic alias that stands for nothing
}

describe('the broker serves what the codec accepts', () => {
  const served = toServer.filter(({ packet }) => packet !== undefined && !endsConnection(packet));
  test.each(served)('$name', (vector) => {
    const client = sendTo(new Simulation(), vector);
    client.send({ cmd: 'pingreq' });
    const answers = client.take();
    expect(client.isClosed).toBe(false);
    expect(answers.map(({ cmd }) => cmd)).toContain('pingresp');
  });
});

test.each([0, 1] as const)(
  'a PUBLISH of QoS %i with a padded length is passed on without it',
  (qos) => {
    const simulation = new Simulation();
    const fields = { protocolVersion: 4 as const };
    const publisher = simulation.connect('publisher', fields);
    const subscriber = simulation.connect('subscriber', fields);
    subscriber.subscribe('a');
    subscriber.take();
    const packet = qos === 0 ? '3084000001' + '6178' : '3286000001' + '61000978';
    const bytes = Buffer.from(packet, 'hex');
    const written: Uint8Array[] = [];
    const write = subscriber.write.bind(subscriber);
    subscriber.write = (chunk) => {
      written.push(Uint8Array.from(chunk));
      write(chunk);
    };
    publisher.send(bytes);
    expect(subscriber.brief()).toEqual(['publish a x']);
    expect(Buffer.concat(written).toString('hex')).toBe(
      qos === 0 ? '3004000161' + '78' : '320600016100' + '0178',
    );
  },
);

test.each([0x38, 0x39])(
  'PUBLISH %i of MQTT 3.1 with DUP at QoS 0 is passed on without DUP',
  (first) => {
    const simulation = new Simulation();
    const publisher = simulation.connect('publisher', { protocolVersion: 3, protocolId: 'MQIsdp' });
    const subscribers = ([4, 5] as const).map((protocolVersion) => {
      const client = simulation.connect(`subscriber${protocolVersion}`, { protocolVersion });
      client.subscribe('a');
      client.take();
      return client;
    });
    publisher.send(Uint8Array.of(first, 4, 0, 1, 0x61, 0x78));
    for (const subscriber of subscribers) {
      expect(subscriber.take()).toMatchObject([
        { cmd: 'publish', topic: 'a', dup: false, retain: false },
      ]);
    }
  },
);

describe('the broker closes the connection for what the codec refuses', () => {
  test.each(toServer.filter(({ packet }) => packet === undefined))('$name: $rule', (vector) => {
    const client = sendTo(new Simulation(), vector);
    expect(client.isClosed).toBe(true);
    const answers = client.brief();
    if (vector.version < 5 || vector.rule === 'MQTT-3.1.2-1') return;
    expect(answers).toEqual([
      `${isConnect(vector) ? 'connack' : 'disconnect'} ${vector.reasonCode}`,
    ]);
  });
});
