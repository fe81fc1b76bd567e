import { PacketType } from './packet-type.ts';

/** How a property's value is encoded (§2.2.2.2). A `pair` is two strings. */
type PropertyType =
  | 'boolean'
  | 'byte'
  | 'uint16'
  | 'uint32'
  | 'varint'
  | 'binary'
  | 'string'
  | 'pair';

/** What the standard says of one property. */
export interface PropertyDefinition {
  readonly id: number;
  /** That of mqtt-packet. */
  readonly name: string;
  readonly type: PropertyType;
  /** Where it may be: a bit for each packet type, and bit 0 for the Will Properties. */
  readonly packets: number;
  /** Lowest and highest value; for numbers. */
  readonly minimum: number;
  readonly maximum: number;
}

/** Stands for the Will Properties of a CONNECT where a packet type is asked for. */
export const WILL = 0;

/** The identifiers of the properties of PUBLISH and of wills, which are also read in place (§3.3.2.3, §3.1.3.2). */
export const PropertyId = {
  PayloadFormatIndicator: 0x01,
  MessageExpiryInterval: 0x02,
  ContentType: 0x03,
  ResponseTopic: 0x08,
  CorrelationData: 0x09,
  SubscriptionIdentifier: 0x0b,
  WillDelayInterval: 0x18,
  TopicAlias: 0x23,
  UserProperty: 0x26,
} as const;

const { CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType;
const { SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, DISCONNECT, AUTH } = PacketType;
const REASONED = [CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH];

/** The highest value of a number, unless the standard says less. */
const MAXIMUM = {
  boolean: 1,
  byte: 0xff,
  uint16: 0xffff,
  uint32: 0xffff_ffff,
  varint: 268_435_455,
};

function property(
  id: number,
  name: string,
  type: PropertyType,
  packets: readonly number[],
  minimum = 0,
  maximum = type in MAXIMUM ? MAXIMUM[type as keyof typeof MAXIMUM] : 0,
): PropertyDefinition {
  const mask = packets.reduce((bits, packet) => bits | (1 << packet), 0);
  return { id, name, type, packets: mask, minimum, maximum };
}

/** §2.2.2.2, table 2-4. */
const PROPERTIES: readonly PropertyDefinition[] = [
  property(0x01, 'payloadFormatIndicator', 'boolean', [PUBLISH, WILL]),
  property(0x02, 'messageExpiryInterval', 'uint32', [PUBLISH, WILL]),
  property(0x03, 'contentType', 'string', [PUBLISH, WILL]),
  property(0x08, 'responseTopic', 'string', [PUBLISH, WILL]),
  property(0x09, 'correlationData', 'binary', [PUBLISH, WILL]),
  property(0x0b, 'subscriptionIdentifier', 'varint', [PUBLISH, SUBSCRIBE], 1),
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
  property(0x21, 'receiveMaximum', 'uint16', [CONNECT, CONNACK], 1),
  property(0x22, 'topicAliasMaximum', 'uint16', [CONNECT, CONNACK]),
  property(0x23, 'topicAlias', 'uint16', [PUBLISH], 1),
  property(0x24, 'maximumQoS', 'byte', [CONNACK], 0, 1),
  property(0x25, 'retainAvailable', 'boolean', [CONNACK]),
  property(0x26, 'userProperties', 'pair', [
    CONNECT,
    PUBLISH,
    WILL,
    SUBSCRIBE,
    UNSUBSCRIBE,
    ...REASONED,
  ]),
  property(0x27, 'maximumPacketSize', 'uint32', [CONNECT, CONNACK], 1),
  property(0x28, 'wildcardSubscriptionAvailable', 'boolean', [CONNACK]),
  property(0x29, 'subscriptionIdentifiersAvailable', 'boolean', [CONNACK]),
  property(0x2a, 'sharedSubscriptionAvailable', 'boolean', [CONNACK]),
];

const BY_ID: readonly (PropertyDefinition | undefined)[] = Array.from({ length: 0x2b }, (_, id) =>
  PROPERTIES.find((definition) => definition.id === id),
);

const BY_NAME = new Map(PROPERTIES.map((definition) => [definition.name, definition]));

/** Undefined where the standard has no such property. */
export function propertyById(id: number): PropertyDefinition | undefined {
  return BY_ID[id];
}

/** Undefined where the standard has no such property. */
export function propertyByName(name: string): PropertyDefinition | undefined {
  return BY_NAME.get(name);
}
