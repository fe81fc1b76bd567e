import { type ConnectPacket, encode, type Packet, type QoS } from '@promptmq/codec';

/** Protocol levels that can be measured: 3.1.1 and 5.0. */
export type Version = 4 | 5;

export interface ConnectOptions {
  readonly version: Version;
  readonly clientId: string;
  readonly isClean: boolean;
  readonly username: string | null;
  readonly password: string | null;
}

/** How long the sessions of a measurement outlive their connections, in seconds. */
const SESSION_EXPIRY = 3600;

export function connectFrame(options: ConnectOptions): Uint8Array {
  const { version, clientId, isClean, username, password } = options;
  const packet: ConnectPacket = {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: version,
    clean: isClean,
    clientId,
    keepalive: 0,
  };
  if (username !== null) packet.username = username;
  if (password !== null) packet.password = Buffer.from(password);
  if (version === 5) {
    packet.properties = { receiveMaximum: 65_535 };
    if (!isClean) packet.properties.sessionExpiryInterval = SESSION_EXPIRY;
  }
  return bytesOf(packet, version);
}

/** @param identifier - a subscription identifier; 0 for none */
export function subscribeFrame(
  filters: readonly string[],
  qos: QoS,
  version: Version,
  identifier: number,
): Uint8Array {
  return bytesOf(
    {
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: filters.map((topic) => ({ topic, qos })),
      ...(identifier === 0 ? {} : { properties: { subscriptionIdentifier: identifier } }),
    },
    version,
  );
}

export function unsubscribeFrame(filters: readonly string[], version: Version): Uint8Array {
  return bytesOf({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [...filters] }, version);
}

export const PINGREQ: Uint8Array = bytesOf({ cmd: 'pingreq' }, 4);

/** The same in both versions. */
export const DISCONNECT: Uint8Array = bytesOf({ cmd: 'disconnect' }, 4);

/** What is published. */
export interface PublishOptions {
  readonly version: Version;
  readonly qos: QoS;
  readonly payloadBytes: number;
  /** Written into bytes 4 to 7 of the payload, and 8 to 11 are for a sequence number; else neither is. */
  readonly streamId?: number;
  readonly isRetained: boolean;
  /** MQTT 5: number of user properties. */
  readonly userProperties: number;
  /** MQTT 5: Message Expiry Interval in seconds; 0 for none. */
  readonly messageExpiry: number;
}

/**
 * A PUBLISH with packet identifier 1, and a payload that starts with four bytes 0 for a stamp.
 *
 * @param topic - the empty string where an alias stands for it
 * @param topicAlias - 0 for none
 */
export function publishFrame(
  topic: string,
  topicAlias: number,
  options: PublishOptions,
): Uint8Array {
  const payload = Buffer.alloc(options.payloadBytes, 0x78);
  payload.fill(0, 0, Math.min(STAMP_SIZE, payload.length));
  if (options.streamId !== undefined) payload.writeUInt32BE(options.streamId, STREAM_OFFSET);
  const properties = {
    ...(options.messageExpiry > 0 ? { messageExpiryInterval: options.messageExpiry } : {}),
    ...(topicAlias > 0 ? { topicAlias } : {}),
    ...(options.userProperties > 0 ? { userProperties: userProperties(options) } : {}),
  };
  return bytesOf(
    {
      cmd: 'publish',
      qos: options.qos,
      dup: false,
      retain: options.isRetained,
      topic,
      payload,
      ...(options.qos > 0 ? { messageId: 1 } : {}),
      ...(options.version === 5 ? { properties } : {}),
    },
    options.version,
  );
}

/** Where a payload has its stamp: at its beginning, if it is that long. */
export const STAMP_SIZE = 4;

/** Where a payload has its stream and its sequence number, if it has them: four bytes each. */
export const STREAM_OFFSET = STAMP_SIZE;
export const SEQUENCE_OFFSET = STAMP_SIZE + 4;

/** Where a PUBLISH has its packet identifier. */
export function packetIdOffset(buffer: Uint8Array, bodyStart: number): number {
  return bodyStart + 2 + (((buffer[bodyStart] as number) << 8) | (buffer[bodyStart + 1] as number));
}

function userProperties({ userProperties }: PublishOptions): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: userProperties }, (_, index) => [`name-${index}`, `value-${index}`]),
  );
}

function bytesOf(packet: Packet, protocolVersion: Version): Uint8Array {
  return encode(packet, { protocolVersion }) as Uint8Array;
}
