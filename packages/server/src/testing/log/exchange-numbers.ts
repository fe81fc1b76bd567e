import type { Packet } from '@promptmq/codec';
import type { Direction } from '../link/fate.ts';

/** By direction: packets with identifiers that the client has chosen. */
const CHOSEN_BY_CLIENT: Readonly<Record<Direction, readonly Packet['cmd'][]>> = {
  in: ['publish', 'pubrel', 'subscribe', 'unsubscribe'],
  out: ['puback', 'pubrec', 'pubcomp', 'suback', 'unsuback'],
};

/** Packets after which an identifier is free again. */
const LAST: readonly Packet['cmd'][] = ['puback', 'pubcomp', 'suback', 'unsuback'];

/** A reason code from which on an exchange is over with PUBREC (§4.3.3). */
const FAILED = 0x80;

/**
 * Packet identifiers as the log of packets shows them. Many clients begin with any number, so that no two runs would have the same:
 * what a client begins is numbered from 1 instead, and keeps its number until it is answered, over connections, too. Those
 * that the broker chooses are the same in each run, and are shown as they are.
 */
export class ExchangeNumbers {
  /** By client, then by packet identifier. */
  readonly #clients = new Map<string, { count: number; readonly open: Map<number, number> }>();

  /** The packet with the number in the place of its identifier. */
  numbered(clientId: string, direction: Direction, packet: Packet): Packet {
    if (!('messageId' in packet) || packet.messageId === undefined) return packet;
    if (!CHOSEN_BY_CLIENT[direction].includes(packet.cmd)) return packet;
    const client = this.#clients.get(clientId) ?? { count: 0, open: new Map() };
    this.#clients.set(clientId, client);
    const number = client.open.get(packet.messageId) ?? ++client.count;
    if (isLast(packet)) client.open.delete(packet.messageId);
    else client.open.set(packet.messageId, number);
    return { ...packet, messageId: number };
  }
}

function isLast(packet: Packet): boolean {
  if (packet.cmd === 'pubrec') return (packet.reasonCode ?? 0) >= FAILED;
  return LAST.includes(packet.cmd);
}
