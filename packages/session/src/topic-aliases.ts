import { TextMap } from '@promptmq/topics';
import type { MemoryAccount } from './memory-account.ts';

/**
 * Topic aliases that a peer sets (§3.3.2.3.4). They belong to one connection [MQTT-3.3.2-7].
 *
 * @typeParam T - what the receiver keeps for a topic, such as its route
 */
export class InboundTopicAliases<T> {
  readonly maximum: number;
  /** Made for the first. */
  #topics: Map<number, T> | null = null;

  /** @param maximum - the Topic Alias Maximum that was announced; 0 allows none */
  constructor(maximum: number) {
    this.maximum = maximum;
  }

  /** 1 to the announced maximum [MQTT-3.3.2-9]. */
  isValid(alias: number): boolean {
    return alias >= 1 && alias <= this.maximum;
  }

  set(alias: number, topic: T): void {
    this.#topics ??= new Map();
    this.#topics.set(alias, topic);
  }

  get(alias: number): T | undefined {
    return this.#topics?.get(alias);
  }
}

/**
 * Topic aliases that we set towards a peer, first come first served: the first `maximum` topics of a
 * connection keep theirs. They are never reassigned, so that a PUBLISH in flight can't change its topic.
 */
export class OutboundTopicAliases {
  readonly #maximum: number;
  readonly #aliases = new TextMap<number>();
  readonly #memory: MemoryAccount | null;
  #bytes: number;

  /**
   * @param maximum - the Topic Alias Maximum of the peer, or our own limit where that is lower
   * @param memory - where the topics are counted; without room there, a topic gets no alias
   */
  constructor(maximum: number, memory: MemoryAccount | null = null) {
    this.#maximum = maximum;
    this.#memory = memory;
    this.#bytes = 0;
  }

  /** What is counted in `memory`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The connection is over. */
  clear(): void {
    if (this.#memory !== null) this.#memory.bytes -= this.#bytes;
    this.#bytes = 0;
    this.#aliases.clear();
  }

  /** The alias that the peer already knows for the topic; 0 when it has none. */
  get(topic: string): number {
    return this.#aliases.get(topic) ?? 0;
  }

  /** The alias that `assign` would give to a new topic; 0 when none is left [MQTT-3.3.2-11], or no room for it. */
  nextFor(topic: string): number {
    if (this.#aliases.size >= this.#maximum) return 0;
    const hasRoom = this.#memory === null || this.#memory.hasRoomFor(0, topic.length);
    return hasRoom ? this.#aliases.size + 1 : 0;
  }

  /** Call it when the PUBLISH that carries both topic and alias is certain to be sent. */
  assign(topic: string, alias: number): void {
    this.#aliases.set(topic, alias);
    this.#bytes += topic.length;
    if (this.#memory !== null) this.#memory.bytes += topic.length;
  }
}
