/**
 * Control packets as objects, in the shapes and names of mqtt-packet's types, so that tools can move
 * between the two. Strings are decoded UTF-8; binary fields are `Uint8Array`.
 *
 * Buffers inside a decoded packet are views into the decoded bytes: copy what is kept for longer
 * than the bytes themselves are.
 */

/** 3 is MQTT 3.1 (`MQIsdp`), 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5;

export type QoS = 0 | 1 | 2;

/** §2.1.2. The value in bits 7 to 4 of the first byte. */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  AUTH: 15,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** §2.2.2.2. A key that repeats holds an array, in the order of the packet. */
export type UserProperties = Record<string, string | string[]>;

export interface WillProperties {
  willDelayInterval?: number;
  payloadFormatIndicator?: boolean;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  userProperties?: UserProperties;
}

export interface Will {
  topic: string;
  payload: Uint8Array;
  qos: QoS;
  retain: boolean;
  properties?: WillProperties;
  /**
   * Set by the decoder for MQTT 5: the encoded properties that the broker forwards with the will, in
   * their order, without the length, the will delay interval and the message expiry interval.
   */
  forwardedProperties?: Uint8Array;
}

export interface ConnectProperties {
  sessionExpiryInterval?: number;
  receiveMaximum?: number;
  maximumPacketSize?: number;
  topicAliasMaximum?: number;
  requestResponseInformation?: boolean;
  requestProblemInformation?: boolean;
  userProperties?: UserProperties;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
}

export interface ConnectPacket {
  cmd: 'connect';
  protocolId: 'MQTT' | 'MQIsdp';
  protocolVersion: ProtocolVersion;
  /**
   * Of a bridge of mosquitto: the highest bit of the protocol level, which no standard has. With 3.1 and 3.1.1 only;
   * MQTT 5 has subscription options for what it asks for.
   */
  bridgeMode?: boolean;
  /** Clean Start in 5.0, Clean Session before. */
  clean: boolean;
  clientId: string;
  /** Seconds; 0 turns keep alive off. */
  keepalive: number;
  username?: string;
  password?: Uint8Array;
  will?: Will;
  properties?: ConnectProperties;
}

export interface ConnackProperties {
  sessionExpiryInterval?: number;
  receiveMaximum?: number;
  maximumQoS?: number;
  retainAvailable?: boolean;
  maximumPacketSize?: number;
  assignedClientIdentifier?: string;
  topicAliasMaximum?: number;
  reasonString?: string;
  userProperties?: UserProperties;
  wildcardSubscriptionAvailable?: boolean;
  subscriptionIdentifiersAvailable?: boolean;
  sharedSubscriptionAvailable?: boolean;
  serverKeepAlive?: number;
  responseInformation?: string;
  serverReference?: string;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
}

export interface ConnackPacket {
  cmd: 'connack';
  sessionPresent: boolean;
  /** MQTT 5. */
  reasonCode?: number;
  /** MQTT 3.1 and 3.1.1. */
  returnCode?: number;
  properties?: ConnackProperties;
}

export interface PublishProperties {
  payloadFormatIndicator?: boolean;
  messageExpiryInterval?: number;
  topicAlias?: number;
  responseTopic?: string;
  correlationData?: Uint8Array;
  userProperties?: UserProperties;
  /** One number, or an array where there are several. */
  subscriptionIdentifier?: number | number[];
  contentType?: string;
}

export interface PublishPacket {
  cmd: 'publish';
  qos: QoS;
  dup: boolean;
  retain: boolean;
  /** Empty only in MQTT 5 together with a topic alias. */
  topic: string;
  payload: Uint8Array;
  /** Present when `qos` is 1 or 2. */
  messageId?: number;
  properties?: PublishProperties;
}

export interface ReasonProperties {
  reasonString?: string;
  userProperties?: UserProperties;
}

export interface AckPacket {
  cmd: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  messageId: number;
  /** MQTT 5; absent on decode before. */
  reasonCode?: number;
  properties?: ReasonProperties;
}

/** One Topic Filter with its Subscription Options, §3.8.3.1. `nl`, `rap` and `rh` are MQTT 5. */
export interface SubscriptionRequest {
  topic: string;
  qos: QoS;
  nl?: boolean;
  rap?: boolean;
  rh?: 0 | 1 | 2;
}

export interface SubscribePacket {
  cmd: 'subscribe';
  messageId: number;
  subscriptions: SubscriptionRequest[];
  properties?: { subscriptionIdentifier?: number; userProperties?: UserProperties };
}

export interface SubackPacket {
  cmd: 'suback';
  messageId: number;
  granted: number[];
  properties?: ReasonProperties;
}

export interface UnsubscribePacket {
  cmd: 'unsubscribe';
  messageId: number;
  unsubscriptions: string[];
  properties?: { userProperties?: UserProperties };
}

export interface UnsubackPacket {
  cmd: 'unsuback';
  messageId: number;
  /** Reason codes, MQTT 5 only. */
  granted?: number[];
  properties?: ReasonProperties;
}

export interface PingreqPacket {
  cmd: 'pingreq';
}

export interface PingrespPacket {
  cmd: 'pingresp';
}

export interface DisconnectPacket {
  cmd: 'disconnect';
  reasonCode?: number;
  properties?: ReasonProperties & { sessionExpiryInterval?: number; serverReference?: string };
}

export interface AuthPacket {
  cmd: 'auth';
  reasonCode: number;
  properties?: ReasonProperties & {
    authenticationMethod?: string;
    authenticationData?: Uint8Array;
  };
}

export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;
