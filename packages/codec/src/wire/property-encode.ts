import { variableByteIntegerSize, writeVariableByteInteger } from '../packets/publish-writer.ts';
import { PacketType, type UserProperties } from '../packets.ts';
import { type Properties, type PropertyDefinition, propertyByName } from './properties.ts';

/** One property with its value in bytes or as a number: what is left to do is to write it. */
interface PreparedProperty {
  readonly id: number;
  readonly type: PropertyDefinition['type'];
  readonly number: number;
  readonly bytes: readonly Uint8Array[];
}

/** Properties that are ready to be written, and their size without the length, in bytes. */
export interface PreparedProperties {
  readonly list: readonly PreparedProperty[];
  readonly size: number;
}

/**
 * Checks properties against their packet and works out their size.
 *
 * @throws {TypeError} when one is unknown, misplaced, or its value is out of range
 */
export function prepareProperties(
  properties: Properties | undefined,
  packet: number,
): PreparedProperties {
  const list: PreparedProperty[] = [];
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined) continue;
    const definition = propertyByName(name);
    if (definition === undefined || (definition.packets & (1 << packet)) === 0) {
      throw new TypeError(`${name} is not a property of this packet`);
    }
    if (definition.type === 'pair') {
      // Not spread: as many arguments as there are pairs may be more than a call can have.
      for (const pair of preparePairs(definition, value as UserProperties)) list.push(pair);
    } else if (Array.isArray(value) && packet === PacketType.PUBLISH) {
      for (const one of value) list.push(prepare(definition, one));
    } else {
      list.push(prepare(definition, value));
    }
  }
  return { list, size: list.reduce((sum, property) => sum + sizeOf(property), 0) };
}

function* preparePairs(
  { id, type }: PropertyDefinition,
  pairs: UserProperties,
): Generator<PreparedProperty> {
  for (const [key, values] of Object.entries(pairs)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      yield { id, type, number: 0, bytes: [field(key, 'userProperties'), field(value, key)] };
    }
  }
}

function prepare(definition: PropertyDefinition, value: unknown): PreparedProperty {
  const { id, type, name, minimum, maximum } = definition;
  if (type === 'string' || type === 'binary') {
    return { id, type, number: 0, bytes: [field(value, name)] };
  }
  const number = typeof value === 'boolean' ? Number(value) : value;
  const highest = type === 'boolean' ? 1 : type === 'uint16' ? Math.min(maximum, 0xffff) : maximum;
  if (!Number.isInteger(number) || (number as number) < minimum || (number as number) > highest) {
    throw new TypeError(`${name} must be from ${minimum} to ${highest}`);
  }
  return { id, type, number: number as number, bytes: [] };
}

/** Text or bytes of a length that two bytes can tell. */
export function field(value: unknown, name: string): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${name} must be text or bytes`);
  if (bytes.length > 0xffff) throw new TypeError(`${name} is longer than 65,535 bytes`);
  return bytes;
}

function sizeOf({ type, number, bytes }: PreparedProperty): number {
  switch (type) {
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

/** Writes prepared properties, their length included; returns the offset after them. */
export function writeProperties(
  target: Uint8Array,
  offset: number,
  { list, size }: PreparedProperties,
): number {
  let at = writeVariableByteInteger(target, offset, size);
  for (const { id, type, number, bytes } of list) {
    target[at++] = id;
    switch (type) {
      case 'boolean':
      case 'byte':
        target[at++] = number;
        break;
      case 'uint16':
        at = writeUint16(target, at, number);
        break;
      case 'uint32':
        at = writeUint16(target, writeUint16(target, at, number >>> 16), number & 0xffff);
        break;
      case 'varint':
        at = writeVariableByteInteger(target, at, number);
        break;
      default:
        for (const part of bytes) at = writeField(target, at, part);
    }
  }
  return at;
}

export function writeUint16(target: Uint8Array, offset: number, value: number): number {
  target[offset] = value >> 8;
  target[offset + 1] = value & 0xff;
  return offset + 2;
}

/** Bytes with their length before them (§1.5.6). */
export function writeField(target: Uint8Array, offset: number, bytes: Uint8Array): number {
  target.set(bytes, writeUint16(target, offset, bytes.length));
  return offset + 2 + bytes.length;
}
