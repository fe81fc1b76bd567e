import type { EventSink, EventSinks } from './broker-events.ts';

/**
 * The topics of the messages of QoS 1 and 2 that are under way on one connection, for `ack` events: the session doesn't keep them. Noted
 * only while somebody listens; what was sent before has none.
 */
export class SentTopics {
  readonly #sinks: Pick<EventSinks, 'ack'>;
  readonly #topics: Map<number, string>;
  /** For whom they were noted: since another one listens, packet identifiers may have been used again. */
  #listener: EventSink<'ack'> | null;

  constructor(sinks: Pick<EventSinks, 'ack'>) {
    this.#sinks = sinks;
    this.#topics = new Map();
    this.#listener = sinks.ack;
  }

  /** A message is being sent. */
  note(packetId: number, topic: string): void {
    this.#forgetFormer();
    this.#topics.set(packetId, topic);
  }

  /** The message is settled; null when its topic isn't known. */
  take(packetId: number): string | null {
    this.#forgetFormer();
    const topic = this.#topics.get(packetId) ?? null;
    this.#topics.delete(packetId);
    return topic;
  }

  #forgetFormer(): void {
    if (this.#listener === this.#sinks.ack) return;
    this.#listener = this.#sinks.ack;
    this.#topics.clear();
  }
}
