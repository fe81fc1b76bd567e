import { PacketError, ReasonCode } from '@promptmq/codec';
import { InboundTopicAliases, type MemoryAccount } from '@promptmq/session';

/**
 * The topics to which one client has given an alias (§3.3.2.3.4), counted in the memory that all clients share.
 *
 * Invariant: what is counted are the bytes of the topics that have an alias.
 */
export class InboundAliases {
  readonly #memory: MemoryAccount;
  readonly #topics: InboundTopicAliases<Uint8Array>;
  #bytes: number;

  /** @param maximum - the highest alias that the client may use; 0 for none */
  constructor(memory: MemoryAccount, maximum: number) {
    this.#memory = memory;
    this.#topics = new InboundTopicAliases(maximum);
    this.#bytes = 0;
  }

  isValid(alias: number): boolean {
    return this.#topics.isValid(alias);
  }

  /** The bytes of a topic; undefined where the alias stands for none. */
  get(alias: number): Uint8Array | undefined {
    return this.#topics.get(alias);
  }

  /**
   * @param topicBytes - kept
   * @throws {PacketError} when there is no room for it
   */
  set(alias: number, topicBytes: Uint8Array): void {
    const added = topicBytes.length - (this.#topics.get(alias)?.length ?? 0);
    if (!this.#memory.hasRoomFor(0, added)) {
      this.#memory.refusals++;
      throw new PacketError(
        ReasonCode.QuotaExceeded,
        '§4.13',
        0,
        'no room for the topic of an alias (mqtt.max-alias-bytes-total)',
      );
    }
    this.#topics.set(alias, topicBytes);
    this.#count(added);
  }

  /** The connection is over: nothing is counted any more. */
  forget(): void {
    this.#count(-this.#bytes);
  }

  /** What is counted. */
  get bytes(): number {
    return this.#bytes;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#memory.bytes += bytes;
  }
}
