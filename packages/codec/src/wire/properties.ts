import { PacketType } from './packet-type.ts';
import {
  type PropertyDefinition,
  PropertyId,
  propertyById,
  propertyByName,
} from './property-table.ts';
import type { PacketReader } from './reader.ts';
import { ReasonCode } from './reason-code.ts';
import {
  field,
  variableByteIntegerSize,
  writeField,
  writeUint16,
  writeVariableByteInteger,
} from './writer.ts';

/** §2.2.2.2. A key that repeats has an array, in the order of the packet. */
export type UserProperties = Record<string, string | string[]>;

/** What most answers may have (§3.4.2.2 and others). */
export interface ReasonProperties {
  /** For people who look for errors, not for programs. */
  reasonString?: string;
  userProperties?: UserProperties;
}

type PropertyValue = number | boolean | string | Uint8Array | UserProperties | number[];

/** Properties by name, in the shape of mqtt-packet. */
export type Properties = Record<string, PropertyValue>;

// ------------------------------------------------------------------------- reading

/**
 * Reads the properties of a packet, length included (§2.2.2). Binary ones are views.
 *
 * @param packet - the packet type, or WILL
 * @returns undefined when there are none
 * @throws {PacketError}
 */
export function readProperties(reader: PacketReader, packet: number): Properties | undefined {
  const lengthOffset = reader.offset;
  const length = reader.variableByteInteger();
  const end = reader.offset + length;
  if (end > reader.end) throw reader.malformed('§2.2.2.1', 'property length', lengthOffset);
  if (length === 0) return undefined;
  reader.beginProperties(length);
  const packetEnd = reader.end;
  reader.end = end;
  const properties = readAll(reader, packet);
  reader.end = packetEnd;
  return properties;
}

/** Reads properties without their length, up to the end. */
export function readAll(reader: PacketReader, packet: number): Properties {
  const properties: Properties = {};
  while (!reader.isAtEnd) readProperty(reader, packet, properties);
  return properties;
}

function readProperty(reader: PacketReader, packet: number, properties: Properties): void {
  const start = reader.offset;
  const definition = propertyById(reader.variableByteInteger());
  if (definition === undefined) throw reader.malformed('§2.2.2.2', 'unknown property', start);
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
  // Only a PUBLISH may have several subscription identifiers.
  if (isRepeated && !(type === 'varint' && packet === PacketType.PUBLISH)) {
    throw reader.violation('§2.2.2.2', `${name} more than once`, start);
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
    case 'boolean':
      return inRange(reader, definition, reader.byte(), start) === 1;
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
  { id, name, minimum, maximum }: PropertyDefinition,
  value: number,
  start: number,
): number {
  if (value >= minimum && value <= maximum) return value;
  const message = `${name} is out of range`;
  if (id !== PropertyId.TopicAlias) throw reader.violation('§2.2.2.2', message, start);
  throw reader.error(ReasonCode.TopicAliasInvalid, 'MQTT-3.3.2-8', message, start);
}

function addUserProperty(properties: Properties, key: string, value: string): void {
  properties['userProperties'] ??= Object.create(null) as UserProperties; // `__proto__` is a key like others
  const pairs = properties['userProperties'] as UserProperties;
  const present = pairs[key];
  if (present === undefined) pairs[key] = value;
  else if (typeof present === 'string') pairs[key] = [present, value];
  else present.push(value);
}

// ------------------------------------------------------------------------- writing

/** One property with its value in bytes or as a number: what is left to do is to write it. */
interface PreparedProperty {
  readonly definition: PropertyDefinition;
  readonly number: number;
  readonly bytes: readonly Uint8Array[];
}

/**
 * Encodes the properties of a packet, length included (§2.2.2).
 *
 * @param properties - in the shape of mqtt-packet
 * @param packet - the packet type, or WILL
 * @throws {TypeError} when one is unknown, misplaced, or its value is out of range
 */
export function encodeProperties(properties: object | undefined, packet: number): Uint8Array {
  const list: PreparedProperty[] = [];
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value !== undefined) prepareProperty(list, name, value, packet);
  }
  const size = list.reduce((sum, property) => sum + sizeOf(property), 0);
  const bytes = new Uint8Array(variableByteIntegerSize(size) + size);
  let offset = writeVariableByteInteger(bytes, 0, size);
  for (const property of list) offset = writeProperty(bytes, offset, property);
  return bytes;
}

function prepareProperty(
  list: PreparedProperty[],
  name: string,
  value: unknown,
  packet: number,
): void {
  const definition = propertyByName(name);
  if (definition === undefined || (definition.packets & (1 << packet)) === 0) {
    throw new TypeError(`${name} is not a property of this packet`);
  }
  if (definition.type === 'pair') {
    preparePairs(list, definition, value as UserProperties);
  } else if (Array.isArray(value) && packet === PacketType.PUBLISH) {
    for (const one of value) list.push(prepareValue(definition, one));
  } else {
    list.push(prepareValue(definition, value));
  }
}

function preparePairs(
  list: PreparedProperty[],
  definition: PropertyDefinition,
  pairs: UserProperties,
): void {
  for (const [key, values] of Object.entries(pairs)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      const bytes = [field(key, 'userProperties'), field(value, key)];
      list.push({ definition, number: 0, bytes });
    }
  }
}

function prepareValue(definition: PropertyDefinition, value: unknown): PreparedProperty {
  const { type, name, minimum, maximum } = definition;
  if (type === 'string' || type === 'binary') {
    return { definition, number: 0, bytes: [field(value, name)] };
  }
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (!Number.isInteger(number) || (number as number) < minimum || (number as number) > maximum) {
    throw new TypeError(`${name} must be from ${minimum} to ${maximum}`);
  }
  return { definition, number: number as number, bytes: [] };
}

/** In bytes, with the identifier, which has one byte (§2.2.2.2). */
function sizeOf({ definition, number, bytes }: PreparedProperty): number {
  switch (definition.type) {
    case 'boolean':
    case 'byte':
      return 2;
    case 'uint16':
      return 3;
    case 'uint32':
      return 5;
    case 'varint':
      return 1 + variableByteIntegerSize(number);
    default:
      return bytes.reduce((sum, { length }) => sum + 2 + length, 1);
  }
}

/** Returns the offset after it. */
function writeProperty(
  target: Uint8Array,
  offset: number,
  { definition, number, bytes }: PreparedProperty,
): number {
  let at = offset;
  target[at++] = definition.id;
  switch (definition.type) {
    case 'boolean':
    case 'byte':
      target[at] = number;
      return at + 1;
    case 'uint16':
      return writeUint16(target, at, number);
    case 'uint32':
      return writeUint16(target, writeUint16(target, at, number >>> 16), number & 0xffff);
    case 'varint':
      return writeVariableByteInteger(target, at, number);
    default:
      for (const part of bytes) at = writeField(target, at, part);
      return at;
  }
}
