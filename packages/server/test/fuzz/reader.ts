import { read } from '../../../conformance/src/wire/reader.ts';
import type { ReceivedPacket } from '../../../conformance/src/wire/server-packet.ts';
import type { Terms } from './talker.ts';

/**
 * Reads what the broker sends to a client, and sees to it that it keeps to the standard and to what the client has asked
 * for: whatever others do, and whatever this client has done.
 */
export class StrictReader {
  readonly #terms: Terms;
  #buffer: Uint8Array = new Uint8Array(0);
  /** Messages of QoS 1 and 2 that have come and are not settled. */
  readonly #open = new Set<number>();
  readonly #aliases = new Set<number>();

  constructor(terms: Terms) {
    this.#terms = terms;
  }

  /** @returns the packets that are whole now */
  read(chunk: Uint8Array): ReceivedPacket[] {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const packets: ReceivedPacket[] = [];
    for (;;) {
      const received = read(this.#buffer, this.#terms.version);
      if (received === null) return packets;
      this.#check(received);
      packets.push(received);
      this.#buffer = this.#buffer.subarray(received.size);
    }
  }

  /** The client has settled a message. */
  settle(id: number): void {
    this.#open.delete(id);
  }

  #check({ type, size, qos, id, topic, properties, reasonCode }: ReceivedPacket): void {
    const { maximumPacketSize, receiveMaximum, topicAliasMaximum } = this.#terms;
    // A CONNECT may be refused before all of it was read.
    if (type === 'connack' && reasonCode >= 0x80) return;
    if (size > maximumPacketSize)
      throw new Error(`${type} of ${size} bytes to one who takes ${maximumPacketSize}`);
    if (type !== 'publish') return;
    if (qos > 0) this.#open.add(id);
    if (this.#open.size > receiveMaximum) throw new Error('more messages than its Receive Maximum');
    const alias = Number(properties.find((one) => one.id === 0x23)?.value ?? 0);
    if (alias > topicAliasMaximum) throw new Error(`topic alias ${alias}`);
    if (alias > 0 && topic === '' && !this.#aliases.has(alias)) throw new Error('alias of nothing');
    if (alias > 0) this.#aliases.add(alias);
  }
}
