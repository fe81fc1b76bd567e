import { encode, type Packet, type ProtocolVersion } from '@promptmq/codec';
import type { Random } from '@promptmq/wal/testing';

/** Texts that mean something to JavaScript, to MQTT or to files. */
const TEXTS: readonly string[] = [
  ...["$'", '$&', '$`', '$1', '%c', '%u', '%s', '{}', '__proto__', 'constructor', 'toString'],
  ...['a', 'b', 'a/b', 'a//b', '/', '//', 'a/b/c/d/e', '../../etc', '$SYS/broker', '$SYS', '$x/y'],
  ...['\u{1f600}', '\ufeff', 'ä', '\u007f', ' ', 'x'.repeat(300), `${'d/'.repeat(200)}d`],
];
const LONG = 'l'.repeat(16_400);
const FILTERS: readonly string[] = [
  ...['#', '+', '+/+', 'a/#', '+/b', '$SYS/#', '$share/g/#', '$share/g/a/+', '$share/h/a', 'a/+/#'],
];

/** Makes what a client might send: packets that are valid by themselves, though not always where they come. */
export class SessionMaker {
  readonly #random: Random;
  readonly version: ProtocolVersion;

  constructor(random: Random) {
    this.#random = random;
    this.version = random.pick([3, 4, 5, 5]);
  }

  /** The bytes of some packets, CONNECT first most often. */
  packets(): Uint8Array[] {
    const random = this.#random;
    const count = 1 + random.below(12);
    const packets = Array.from({ length: count }, () => this.#encode(this.#packet()));
    if (random.chance(0.9)) packets.unshift(this.#encode(this.#connect()));
    if (random.chance(0.3))
      packets.push(this.#encode({ cmd: 'disconnect', reasonCode: random.pick([0, 4]) }));
    return packets;
  }

  #encode(packet: Packet): Uint8Array {
    try {
      return encode(packet, { protocolVersion: this.version }) as Uint8Array;
    } catch {
      // The client's own library refuses, too.
      return Uint8Array.of(0xc0, 0);
    }
  }

  #text(): string {
    const random = this.#random;
    return random.chance(0.02) ? LONG + random.below(3) : random.pick(TEXTS);
  }

  #filter(): string {
    return this.#random.chance(0.5) ? this.#random.pick(FILTERS) : this.#text();
  }

  #bytes(): Uint8Array {
    const random = this.#random;
    return Buffer.alloc(random.pick([0, 1, 10, 200, 20_000]), random.below(256));
  }

  #properties(some: Record<string, () => unknown>): { properties?: object } {
    const random = this.#random;
    if (this.version !== 5) return {};
    const properties: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(some))
      if (random.chance(0.3)) properties[name] = value();
    if (random.chance(0.3)) {
      const pairs: [string, unknown][] = [
        [this.#text(), this.#text()],
        [this.#text(), ['1', this.#text()]],
      ];
      properties['userProperties'] = Object.fromEntries(pairs);
    }
    return { properties };
  }

  #connect(): Packet {
    const random = this.#random;
    const will = {
      topic: this.#text(),
      payload: this.#bytes(),
      qos: random.below(3),
      retain: random.chance(0.3),
      ...this.#properties({
        willDelayInterval: () => random.below(20),
        messageExpiryInterval: () => random.below(20),
        responseTopic: () => this.#text(),
        payloadFormatIndicator: () => true,
      }),
    };
    return {
      cmd: 'connect',
      protocolId: this.version === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion: this.version,
      clean: random.chance(0.5),
      keepalive: random.pick([0, 1, 60]),
      clientId: random.chance(0.1) ? '' : random.chance(0.1) ? LONG : this.#text(),
      ...(random.chance(0.5) ? { will } : {}),
      ...(random.chance(0.3) ? { username: this.#text(), password: this.#bytes() } : {}),
      ...this.#properties({
        sessionExpiryInterval: () => random.pick([0, 5, 1000]),
        receiveMaximum: () => 1 + random.below(3),
        maximumPacketSize: () => random.pick([1, 20, 1000, 100_000]),
        topicAliasMaximum: () => random.below(20),
        requestResponseInformation: () => true,
        requestProblemInformation: () => random.chance(0.5),
        authenticationMethod: () => this.#text(),
      }),
    } as Packet;
  }

  #packet(): Packet {
    const random = this.#random;
    const messageId = random.below(4) || 1;
    switch (random.below(12)) {
      case 0:
      case 1:
        return {
          cmd: 'subscribe',
          messageId,
          subscriptions: Array.from({ length: random.pick([1, 1, 3, 200]) }, () => ({
            topic: this.#filter(),
            qos: random.below(3),
            nl: false,
            rap: random.chance(0.5),
            rh: random.below(3),
          })),
          ...this.#properties({ subscriptionIdentifier: () => 1 + random.below(300) }),
        } as Packet;
      case 2:
        return {
          cmd: 'unsubscribe',
          messageId,
          unsubscriptions: [this.#filter(), this.#filter()],
          ...this.#properties({}),
        } as Packet;
      case 3:
        return { cmd: 'pingreq' };
      case 4:
      case 5: {
        const cmd = random.pick(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const);
        return { cmd, messageId, reasonCode: 0, ...this.#properties({ reasonString: () => 'x' }) };
      }
      case 6:
        return {
          cmd: 'auth',
          reasonCode: random.pick([0x18, 0x19]),
          ...this.#properties({ authenticationMethod: () => this.#text() }),
        } as Packet;
      default: {
        const qos = random.below(3);
        return {
          cmd: 'publish',
          qos,
          dup: qos > 0 && random.chance(0.2),
          retain: random.chance(0.3),
          topic: random.chance(0.1) ? '' : this.#text(),
          payload: this.#bytes(),
          ...(qos > 0 ? { messageId } : {}),
          ...this.#properties({
            topicAlias: () => 1 + random.below(12),
            messageExpiryInterval: () => random.below(10),
            responseTopic: () => this.#text(),
            correlationData: () => Buffer.from('c'),
            contentType: () => this.#text(),
            payloadFormatIndicator: () => random.chance(0.5),
          }),
        } as Packet;
      }
    }
  }
}

/** Changes bytes here and there, or what comes when. */
export function mutate(packets: readonly Uint8Array[], random: Random): Uint8Array {
  const order = [...packets];
  if (random.chance(0.2)) order.push(random.pick(packets));
  if (random.chance(0.2)) order.splice(random.below(order.length), 1);
  let bytes = Buffer.concat(order);
  if (random.chance(0.4)) return bytes;
  for (let change = random.below(4); change >= 0 && bytes.length > 0; change--) {
    const at = random.below(bytes.length);
    switch (random.below(5)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))]);
        break;
      case 3:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Uint8Array.of(random.below(256)),
          bytes.subarray(at),
        ]);
        break;
      default:
        bytes = bytes.subarray(0, at);
    }
  }
  return bytes;
}
