import { decodePacket, type ProtocolVersion } from '@promptmq/codec';
import type { Packet } from 'mqtt-packet';
import { decode, type Frame } from './frames.ts';
import { topicFault } from './topics.ts';

/**
 * Decodes a packet of a client by the rules that the broker within has.
 *
 * @param version - of the connection; CONNECT says its own
 * @returns mqtt-packet's object, which programs for aedes know; the codec's where mqtt-packet doesn't take what is valid
 * @throws {PacketError} where the broker within won't take it, either
 */
export function decodeChecked(frame: Frame, version: number): Packet {
  if (frame.fault !== undefined) throw frame.fault;
  const { bytes, bodyStart } = frame;
  const known = (version || 4) as ProtocolVersion;
  const packet = decodePacket(bytes, 0, bodyStart, bytes.length, known, 'server');
  try {
    return decode(frame, known);
  } catch {
    return packet as unknown as Packet;
  }
}

/** Whether it can't be decoded by these rules. */
export function isMalformed(frame: Frame, version: number): boolean {
  try {
    decodeChecked(frame, version);
    return false;
  } catch {
    return true;
  }
}

interface WithTopics {
  readonly cmd?: string;
  readonly topic?: string;
  readonly subscriptions?: readonly { readonly topic: string }[];
  readonly unsubscriptions?: readonly string[];
}

/** What aedes says of a packet that was refused, where it says something; otherwise what the codec says. */
export function faultOf(frame: Frame, version: number, error: Error): Error {
  try {
    const packet: WithTopics = decode(frame, version || 4);
    const use = packet.cmd?.toUpperCase() as 'PUBLISH';
    const topics = [
      ...(packet.cmd === 'publish' ? [packet.topic ?? ''] : []),
      ...(packet.subscriptions ?? []).map(({ topic }) => topic),
      ...(packet.unsubscriptions ?? []),
    ];
    for (const topic of topics) {
      const fault = topicFault(topic, use, Number.POSITIVE_INFINITY);
      if (fault !== null) return fault;
    }
    return error;
  } catch (theirs) {
    return theirs as Error;
  }
}
