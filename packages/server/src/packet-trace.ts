import { decodePacket, type Packet, type ProtocolVersion } from '@promptmq/codec';
import type { Frame } from './router.ts';

/** Takes a packet's name and fields, for the log. */
export type PacketTracer = (packet: string, fields: object) => void;

/** What is never logged, and what a client can fill with anything: only its size is told. */
const HIDDEN: readonly string[] = ['payload', 'password', 'authenticationData', 'correlationData'];

/** The fields of a packet as the log has them: without payloads and secrets. */
export function tracedFields(packet: Packet): object {
  const { cmd: _cmd, ...fields } = packet;
  return withoutSecrets(fields);
}

function withoutSecrets(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        if (HIDDEN.includes(name) || value instanceof Uint8Array) {
          return [`${name}Size`, (value as { length?: number } | null)?.length ?? 0];
        }
        const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
        return [name, isPlain ? withoutSecrets(value) : value];
      }),
  );
}

/** The fields of a packet that is sent as it is. */
export function tracedFrame({ buffer, start, end }: Frame, version: ProtocolVersion): object {
  let bodyStart = start + 1;
  while ((buffer[bodyStart] as number) >= 0x80) bodyStart++;
  return tracedFields(decodePacket(buffer, start, bodyStart + 1, end, version, 'client'));
}
