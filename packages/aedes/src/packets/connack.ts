import { generate, type IConnackPacket } from 'mqtt-packet';
import type { ConnackPacket } from '../types.ts';

/** Reason codes of MQTT 5 for the return codes of earlier versions, and 6, which is aedes's. */
const REASON_CODES: Readonly<Record<number, number>> = {
  0: 0x00,
  1: 0x84, // Unsupported Protocol Version
  2: 0x85, // Client Identifier not valid
  3: 0x88, // Server unavailable
  4: 0x86, // Bad User Name or Password
  5: 0x87, // Not authorized
  6: 0x87,
};

/** A CONNACK that says whether the client is let in. */
export function connackOf(
  returnCode: number,
  version: number,
): { bytes: Buffer; packet: ConnackPacket } {
  const packet = { cmd: 'connack', returnCode, sessionPresent: false } as ConnackPacket;
  const wire: IConnackPacket =
    version === 5
      ? { cmd: 'connack', sessionPresent: false, reasonCode: REASON_CODES[returnCode] ?? 0x80 }
      : { cmd: 'connack', sessionPresent: false, returnCode };
  return { bytes: generate(wire, { protocolVersion: version }), packet };
}

/** A CONNACK of the broker within as programs see it: before MQTT 5, nothing else is in it. */
export function connackShown(packet: IConnackPacket, returnCode: number): ConnackPacket {
  const { sessionPresent, reasonCode, properties } = packet;
  return {
    cmd: 'connack',
    returnCode,
    sessionPresent,
    ...(reasonCode !== undefined && { reasonCode }),
    ...(properties !== undefined && { properties }),
  } as ConnackPacket;
}
