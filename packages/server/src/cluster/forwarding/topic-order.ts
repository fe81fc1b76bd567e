import { invariant, TextMap } from '@promptmq/topics';

/** So many topics are noted before it is looked for those that may be forgotten. */
const TOPICS_MIN = 1024;

/**
 * Of which topics something waits that is stored for another cell. What is published to one of them afterwards has to wait, too, at QoS 0 as
 * well: subscriptions there may be owed both.
 *
 * Where what waits was stored by a process before this one, or was sent on a link that is broken, its topics aren't known: until all of that has
 * been sent, it may be any.
 *
 * Invariant: a topic of which something waits is noted with the sequence of the last of it, or a higher one.
 */
export class TopicOrder {
  readonly #lastSequences: Map<string, number>;
  /** Of the last that was sent on this link. */
  #sent: number;
  /** Up to here, the topics of what waits are not known. */
  #unknown: number;
  #topicsMax: number;

  constructor() {
    this.#lastSequences = new TextMap();
    this.#sent = 0;
    this.#unknown = 0;
    this.#topicsMax = TOPICS_MIN;
  }

  /** @param sequence - that a message of the topic gets, or a higher one */
  note(topic: string, sequence: number): void {
    this.#lastSequences.set(topic, sequence);
    if (this.#lastSequences.size > this.#topicsMax) this.#forgetSent();
  }

  /**
   * A link has begun, on which all is sent that is stored and isn't settled.
   *
   * @param last - the highest sequence of that; 0 when there is nothing
   */
  begin(last: number): void {
    this.#sent = 0;
    this.#unknown = last;
    this.#lastSequences.clear();
  }

  noteSent(sequence: number): void {
    this.#sent = sequence;
  }

  /** Whether something of a topic has not been sent yet, while anything has not. */
  isBehind(topic: string): boolean {
    if (this.#sent < this.#unknown) return true;
    return (this.#lastSequences.get(topic) ?? 0) > this.#sent;
  }

  #forgetSent(): void {
    for (const [topic, sequence] of this.#lastSequences) {
      if (sequence <= this.#sent) this.#lastSequences.delete(topic);
    }
    this.#topicsMax = Math.max(TOPICS_MIN, 2 * this.#lastSequences.size);
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const { size } = this.#lastSequences;
    invariant(size <= this.#topicsMax, `${size} topics are noted, at most ${this.#topicsMax}`);
  }
}
