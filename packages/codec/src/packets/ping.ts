import { generatePacket } from '../wire/mqtt-packet.ts';
import type { ProtocolVersion } from '../wire/packet-type.ts';

/** §3.12. It has no body. */
export interface PingreqPacket {
  cmd: 'pingreq';
}

/** §3.13. It has no body. */
export interface PingrespPacket {
  cmd: 'pingresp';
}

export function readPingreq(): PingreqPacket {
  return { cmd: 'pingreq' };
}

export function readPingresp(): PingrespPacket {
  return { cmd: 'pingresp' };
}

export function encodePing(
  packet: PingreqPacket | PingrespPacket,
  version: ProtocolVersion,
): Uint8Array {
  return generatePacket(packet, version);
}
