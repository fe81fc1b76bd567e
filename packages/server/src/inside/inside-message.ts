import { isUtf8 } from 'node:buffer';
import {
  decodeTopicName,
  encode,
  PacketError,
  type PublishPacket,
  type PublishProperties,
  PublishView,
  ReasonCode,
} from '@promptmq/codec';
import type { Message } from '@promptmq/session';
import type { Config } from '../config/index.ts';
import { Arguments, shown } from '../embed/calls/arguments.ts';
import { EmbedError, type EmbedErrorCode } from '../embed/calls/embed-error.ts';
import { isReserved } from '../routing/reserved-topics.ts';
import { isTooDeep } from '../routing/topic-routes.ts';
import { INSIDE_PUBLISHER } from '../sessions/inside-identifiers.ts';
import { expiryTime } from '../sessions/recipient-terms.ts';

/** Properties of a message that the program publishes (§3.3.2.3): those of a PUBLISH, but for what belongs to a connection. */
export type InsideProperties = Omit<PublishProperties, 'topicAlias' | 'subscriptionIdentifier'>;

/** A message that the program publishes in which the broker is embedded. */
export interface InsidePublication {
  /** A topic name: no wildcards; nothing below `$SYS`, which is the broker's own unless `metrics.sysInterval` is 0. */
  readonly topic: string;
  /** Text is sent as UTF-8. Bytes are copied before `publish` returns. Empty unless given. */
  readonly payload?: string | Uint8Array;
  /** 0 unless given. */
  readonly qos?: 0 | 1 | 2;
  /** Whether it is kept for later subscribers; an empty payload then removes what was kept. False unless given. */
  readonly retain?: boolean;
  readonly properties?: InsideProperties;
}

const KEYS: readonly string[] = ['topic', 'payload', 'qos', 'retain', 'properties'];

/** Of a PUBLISH with QoS 1 or 2: it is only encoded to be read. */
const ANY_PACKET_ID = 1;

/** UTF-16 that has no encoding in UTF-8 [MQTT-1.5.4-1]. */
const SURROGATE = /\p{Surrogate}/u;

const ARGUMENTS = new Arguments('publish');

// One for all: what it says is read at once.
const view = new PublishView();

/**
 * Makes the message of what the program asks to publish. It is encoded as a PUBLISH of MQTT 5 and read as one of a client, so
 * that the same rules and limits hold.
 *
 * @param now - milliseconds of the broker's time
 * @returns a copy: nothing of it is the program's
 * @throws {EmbedError} when it is no valid message, or not one that the configuration allows
 */
export function insideMessage(
  publication: InsidePublication,
  { mqtt, metrics }: Config,
  now: number,
): Message {
  ARGUMENTS.options(publication, KEYS);
  const { topic, payload = '', qos = 0, retain = false, properties } = publication;
  const topicBytes = checkTopic(topic, mqtt, metrics.sysInterval > 0);
  checkFlags(qos, ARGUMENTS.flag('retain', retain), mqtt);
  checkProperties(properties);
  const packet = packetOf(topic, payload, qos, retain, properties, mqtt.maxPacketSize);
  read(packet, mqtt);
  const bytes = packet.subarray(view.payloadStart, view.payloadEnd);
  if (mqtt.checkPayloadFormat && view.payloadFormatIndicator === 1 && !isUtf8(bytes)) {
    const why = 'payloadFormatIndicator says that the payload is UTF-8, and it is not';
    throw new EmbedError(
      'invalid-payload',
      `broker.publish: ${why}`,
      ReasonCode.PayloadFormatInvalid,
    );
  }
  return {
    topic,
    topicBytes,
    properties: view.forwardedProperties(),
    payload: bytes,
    qos,
    retain,
    expiresAt: expiryTime(view.messageExpiryInterval, mqtt.maxMessageExpiry, now),
    publisherId: INSIDE_PUBLISHER,
  };
}

/**
 * @param hasSystemTopics - whether the broker publishes below `$SYS` itself
 * @returns the topic as UTF-8
 */
function checkTopic(topic: unknown, mqtt: Config['mqtt'], hasSystemTopics: boolean): Uint8Array {
  const { TopicNameInvalid, NotAuthorized } = ReasonCode;
  if (typeof topic !== 'string') {
    throw refusal('invalid-topic', `topic must be text, not ${shown(topic)}`, TopicNameInvalid);
  }
  if (SURROGATE.test(topic)) {
    throw refusal('invalid-topic', 'topic has half of a surrogate pair', TopicNameInvalid);
  }
  const bytes = Buffer.from(topic);
  if (isTooDeep(topic, mqtt)) {
    const why = `topic is longer or deeper than mqtt.max-topic-len (${mqtt.maxTopicLen} bytes) and mqtt.max-topic-levels (${mqtt.maxTopicLevels}) allow`;
    throw refusal('invalid-topic', why, TopicNameInvalid);
  }
  try {
    decodeTopicName(bytes, 0, bytes.length);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    throw refusal('invalid-topic', `topic: ${error.message}`, error.reasonCode);
  }
  if (hasSystemTopics && isReserved(bytes)) {
    const why =
      'topic: $SYS and what is below it is the broker’s own, unless metrics.sys-interval is 0';
    throw refusal('not-allowed', why, NotAuthorized);
  }
  return bytes;
}

function checkFlags(
  qos: unknown,
  retain: boolean,
  { maxQos, retainAvailable }: Config['mqtt'],
): void {
  if (qos !== 0 && qos !== 1 && qos !== 2) {
    throw refusal('invalid-qos', `qos must be 0, 1 or 2, not ${shown(qos)}`);
  }
  if (qos > maxQos) {
    const why = `qos ${qos}, and mqtt.max-qos is ${maxQos}`;
    throw refusal('invalid-qos', why, ReasonCode.QoSNotSupported); // [MQTT-3.2.2-11]
  }
  if (retain && !retainAvailable) {
    const why = 'retain, and mqtt.retain-available is false';
    throw refusal('not-allowed', why, ReasonCode.RetainNotSupported); // [MQTT-3.2.2-14]
  }
}

/** What the codec doesn't look at: it takes numbers, bytes and text of any origin. */
function checkProperties(properties: unknown): void {
  if (properties === undefined) return;
  if (typeof properties !== 'object' || properties === null) {
    throw badProperty(`properties must be an object, not ${shown(properties)}`);
  }
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'topicAlias' || name === 'subscriptionIdentifier') {
      throw badProperty(`properties.${name} belongs to a connection: leave it out`);
    }
    if (name === 'userProperties') checkUserProperties(value);
    else if (typeof value === 'string') checkText(`properties.${name}`, value);
  }
}

function checkUserProperties(pairs: unknown): void {
  if (pairs === undefined) return;
  const where = 'properties.userProperties';
  if (typeof pairs !== 'object' || pairs === null || Array.isArray(pairs)) {
    throw badProperty(`${where} must be an object of texts, not ${shown(pairs)}`);
  }
  for (const [name, values] of Object.entries(pairs)) {
    checkText(where, name);
    for (const value of Array.isArray(values) ? values : [values]) {
      if (typeof value !== 'string') {
        throw badProperty(`${where}.${name} must be text or texts, not ${shown(value)}`);
      }
      checkText(`${where}.${name}`, value);
    }
  }
}

function checkText(where: string, text: string): void {
  if (SURROGATE.test(text)) throw badProperty(`${where} has half of a surrogate pair`);
}

/** It as a PUBLISH of MQTT 5. */
function packetOf(
  topic: string,
  payload: unknown,
  qos: 0 | 1 | 2,
  retain: boolean,
  properties: PublishProperties | undefined,
  sizeMax: number,
): Uint8Array {
  if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
    const why = `payload must be text or a Uint8Array (a Buffer is one), not ${shown(payload)}`;
    throw refusal('invalid-payload', why);
  }
  const size = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
  // Before it is copied: the codec has no encoding for what is larger than any packet.
  if (size > sizeMax) throw tooLarge(size, sizeMax);
  const packet: PublishPacket = {
    cmd: 'publish',
    dup: false,
    topic,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    qos,
    retain,
    ...(qos > 0 ? { messageId: ANY_PACKET_ID } : {}),
    ...(properties === undefined ? {} : { properties }),
  };
  let bytes: Uint8Array;
  try {
    bytes = encode(packet, { protocolVersion: 5 }) as Uint8Array;
  } catch (error) {
    throw badProperty(`properties: ${(error as Error).message}`);
  }
  if (bytes.length > sizeMax) throw tooLarge(bytes.length, sizeMax);
  return bytes;
}

function read(packet: Uint8Array, limits: Config['mqtt']): void {
  let bodyStart = 2;
  while ((packet[bodyStart - 1] as number) >= 0x80) bodyStart++;
  try {
    view.read(packet, 0, bodyStart, packet.length, 5, 'server', limits);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    throw badProperty(`properties: ${error.message}`, error.reasonCode);
  }
}

function refusal(code: EmbedErrorCode, why: string, reasonCode: number | null = null): EmbedError {
  return new EmbedError(code, `broker.publish: ${why}`, reasonCode);
}

function badProperty(why: string, reasonCode: number = ReasonCode.ProtocolError): EmbedError {
  return refusal('invalid-property', why, reasonCode);
}

function tooLarge(size: number, sizeMax: number): EmbedError {
  const why = `${size} bytes, and mqtt.max-packet-size is ${sizeMax}`;
  return refusal('too-large', why, ReasonCode.PacketTooLarge);
}
