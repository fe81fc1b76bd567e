import type { UserProperties } from '../packets.ts';
import { PacketType } from '../packets.ts';
import type { PacketReader } from './reader.ts';
import { ReasonCode } from './reason-code.ts';

/** How a property's value is encoded (§2.2.2.2). */
type WireType = 'boolean' | 'byte' | 'uint16' | 'uint32' | 'varint' | 'binary' | 'string' | 'pair';

export interface PropertyDefinition {
  readonly id: number;
  readonly name: string;
  readonly type: WireType;
  /** Where it may stand: a bit for each packet type, and bit 0 for the Will Properties. */
  readonly packets: number;
  readonly isRepeatable: boolean;
  /** Lowest and highest value; for numbers. */
  readonly minimum: number;
  readonly maximum: number;
}

/** Stands for the Will Properties of a CONNECT where a packet type is asked for. */
export const WILL = 0;

const { CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;
const { SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, DISCONNECT, AUTH } = PacketType;
const REASONED = [CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH];

function property(
  id: number,
  name: string,
  type: WireType,
  packets: readonly number[],
  range: readonly [number, number] = [0, 0xffff_ffff],
): PropertyDefinition {
  const mask = packets.reduce((bits, packet) => bits | (1 << packet), 0);
  const isRepeatable = type === 'pair' || type === 'varint';
  return { id, name, type, packets: mask, isRepeatable, minimum: range[0], maximum: range[1] };
}

/** §2.2.2.2, table 2-4. Names are those of mqtt-packet. */
const PROPERTIES: readonly PropertyDefinition[] = [
  property(0x01, 'payloadFormatIndicator', 'boolean', [PUBLISH, WILL]),
  property(0x02, 'messageExpiryInterval', 'uint32', [PUBLISH, WILL]),
  property(0x03, 'contentType', 'string', [PUBLISH, WILL]),
  property(0x08, 'responseTopic', 'string', [PUBLISH, WILL]),
  property(0x09, 'correlationData', 'binary', [PUBLISH, WILL]),
  property(0x0b, 'subscriptionIdentifier', 'varint', [PUBLISH, SUBSCRIBE], [1, 268_435_455]),
  property(0x11, 'sessionExpiryInterval', 'uint32', [CONNECT, CONNACK, DISCONNECT]),
  property(0x12, 'assignedClientIdentifier', 'string', [CONNACK]),
  property(0x13, 'serverKeepAlive', 'uint16', [CONNACK]),
  property(0x15, 'authenticationMethod', 'string', [CONNECT, CONNACK, AUTH]),
  property(0x16, 'authenticationData', 'binary', [CONNECT, CONNACK, AUTH]),
  property(0x17, 'requestProblemInformation', 'boolean', [CONNECT]),
  property(0x18, 'willDelayInterval', 'uint32', [WILL]),
  property(0x19, 'requestResponseInformation', 'boolean', [CONNECT]),
  property(0x1a, 'responseInformation', 'string', [CONNACK]),
  property(0x1c, 'serverReference', 'string', [CONNACK, DISCONNECT]),
  property(0x1f, 'reasonString', 'string', REASONED),
  property(0x21, 'receiveMaximum', 'uint16', [CONNECT, CONNACK], [1, 0xffff]),
  property(0x22, 'topicAliasMaximum', 'uint16', [CONNECT, CONNACK]),
  property(0x23, 'topicAlias', 'uint16', [PUBLISH], [1, 0xffff]),
  property(0x24, 'maximumQoS', 'byte', [CONNACK], [0, 1]),
  property(0x25, 'retainAvailable', 'boolean', [CONNACK]),
  property(0x26, 'userProperties', 'pair', [
    CONNECT,
    PUBLISH,
    WILL,
    SUBSCRIBE,
    UNSUBSCRIBE,
    ...REASONED,
  ]),
  property(0x27, 'maximumPacketSize', 'uint32', [CONNECT, CONNACK], [1, 0xffff_ffff]),
  property(0x28, 'wildcardSubscriptionAvailable', 'boolean', [CONNACK]),
  property(0x29, 'subscriptionIdentifiersAvailable', 'boolean', [CONNACK]),
  property(0x2a, 'sharedSubscriptionAvailable', 'boolean', [CONNACK]),
];

const BY_ID: readonly (PropertyDefinition | undefined)[] = Array.from({ length: 0x2b }, (_, id) =>
  PROPERTIES.find((definition) => definition.id === id),
);

const BY_NAME = new Map(PROPERTIES.map((definition) => [definition.name, definition]));

export function propertyByName(name: string): PropertyDefinition | undefined {
  return BY_NAME.get(name);
}

type PropertyValue = number | boolean | string | Uint8Array | UserProperties | number[];

/** Properties by name, in the shape of mqtt-packet. */
export type Properties = Record<string, PropertyValue>;

/**
 * Reads the properties of a packet, length included (§2.2.2).
 *
 * @param packet - the packet type, or WILL
 * @returns undefined when there are none
 */
export function readProperties(reader: PacketReader, packet: number): Properties | undefined {
  const lengthOffset = reader.offset;
  const length = reader.variableByteInteger();
  const end = reader.offset + length;
  if (end > reader.end) throw reader.malformed('§2.2.2.1', 'property length', lengthOffset);
  if (length === 0) return undefined;
  reader.checkPropertiesSize(length);
  const packetEnd = reader.end;
  reader.end = end;
  const properties: Properties = {};
  while (!reader.isAtEnd) readProperty(reader, packet, properties);
  reader.end = packetEnd;
  return properties;
}

function readProperty(reader: PacketReader, packet: number, properties: Properties): void {
  const start = reader.offset;
  const id = reader.variableByteInteger();
  const definition = BY_ID[id];
  if (definition === undefined) {
    throw reader.malformed('§2.2.2.2', 'unknown property', start);
  }
  const { name, type } = definition;
  if ((definition.packets & (1 << packet)) === 0) {
    throw reader.malformed('§2.2.2.2', `${name} does not belong to this packet`, start);
  }
  if (type === 'pair') {
    reader.countUserProperty();
    addUserProperty(properties, reader.string('MQTT-1.5.7-1'), reader.string('MQTT-1.5.7-1'));
    return;
  }
  const isRepeated = name in properties;
  if (isRepeated && !(definition.isRepeatable && packet === PacketType.PUBLISH)) {
    throw reader.error(ReasonCode.ProtocolError, '§2.2.2.2', `${name} more than once`, start);
  }
  const value = readValue(reader, definition, start);
  if (!isRepeated) {
    properties[name] = value;
  } else {
    const present = properties[name] as number | number[];
    properties[name] = (typeof present === 'number' ? [present] : present).concat(value as number);
  }
}

function readValue(
  reader: PacketReader,
  definition: PropertyDefinition,
  start: number,
): number | boolean | string | Uint8Array {
  switch (definition.type) {
    case 'boolean': {
      const value = reader.byte();
      if (value > 1) throw outOfRange(reader, definition, start);
      return value === 1;
    }
    case 'byte':
      return inRange(reader, definition, reader.byte(), start);
    case 'uint16':
      return inRange(reader, definition, reader.uint16(), start);
    case 'uint32':
      return inRange(reader, definition, reader.uint32(), start);
    case 'varint':
      return inRange(reader, definition, reader.variableByteInteger(), start);
    case 'binary':
      return reader.binary();
    default:
      return reader.string();
  }
}

function inRange(
  reader: PacketReader,
  definition: PropertyDefinition,
  value: number,
  start: number,
): number {
  if (value < definition.minimum || value > definition.maximum) {
    throw outOfRange(reader, definition, start);
  }
  return value;
}

function outOfRange(reader: PacketReader, { id, name }: PropertyDefinition, start: number) {
  const isAlias = id === 0x23;
  return reader.error(
    isAlias ? ReasonCode.TopicAliasInvalid : ReasonCode.ProtocolError,
    isAlias ? 'MQTT-3.3.2-8' : '§2.2.2.2',
    `${name} is out of range`,
    start,
  );
}

function addUserProperty(properties: Properties, key: string, value: string): void {
  properties['userProperties'] ??= Object.create(null) as UserProperties;
  const pairs = properties['userProperties'] as UserProperties;
  const present = pairs[key];
  if (present === undefined) pairs[key] = value;
  else if (typeof present === 'string') pairs[key] = [present, value];
  else present.push(value);
}
