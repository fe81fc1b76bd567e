import { ReasonCode } from '@promptmq/codec';
import { messageSize } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import { EmbedError } from '../embed/calls/embed-error.ts';
import { type Slice, type TurnTaker, UnitsFor } from '../runtime/turns.ts';
import type { InsideHost } from './host.ts';
import { type InsidePublication, insideMessage } from './inside-message.ts';
import { InsidePublish, type InsidePublished } from './inside-publish.ts';

/**
 * Publishes what the program publishes in which the broker is embedded. It is one more publisher beside the clients: it has
 * its slice of a turn as they have, and what it has under way is limited.
 *
 * A message is never routed while `publish` is called, which may be from a hook or a logger in the midst of another message:
 * it is when what runs just now has returned.
 *
 * Invariant: messages are routed in the order of the calls; what waits to be routed has somebody who will.
 */
export class InsidePublisher implements TurnTaker {
  // As the broker's net sees it.
  readonly clientId = '';
  readonly transport = { remoteAddress: 'inside' };
  readonly #host: InsideHost;
  /** Those of which the program doesn't know yet what has become. */
  readonly #underWay: Set<InsidePublish>;
  #bytes: number;
  /** Those that have not been routed, from `#head` on. */
  #waiting: InsidePublish[];
  #head: number;
  #isScheduled: boolean;
  #isStopped: boolean;
  readonly #slice: Slice;

  constructor(host: InsideHost) {
    this.#host = host;
    this.#underWay = new Set();
    this.#bytes = 0;
    this.#waiting = [];
    this.#head = 0;
    this.#isScheduled = false;
    this.#isStopped = false;
    this.#slice = { turn: -1, left: 0 };
  }

  /**
   * Publishes a message; resolves when it is as safe as PUBACK would say, and those who get it have caught up.
   *
   * @throws {EmbedError} by rejection: nothing has happened then, but where the disk had no room for what was under way
   */
  publish(publication: InsidePublication): Promise<InsidePublished> {
    return new Promise((resolve, reject) => {
      const { config, runtime, stats } = this.#host;
      if (this.#isStopped) throw stopped();
      const now = runtime.now();
      const message = insideMessage(publication, config, now);
      const size = messageSize(message);
      this.#checkRoom(size);
      const publish = new InsidePublish(message, size, now, resolve, reject, (settled) =>
        this.#onSettled(settled),
      );
      this.#underWay.add(publish);
      this.#bytes += size;
      stats.insideMessages++;
      stats.insidePublishesCurrent = this.#underWay.size;
      this.#waiting.push(publish);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      queueMicrotask(() => this.continue());
    });
  }

  #checkRoom(size: number): void {
    const { config, stats } = this.#host;
    const { maxInsidePublishes, maxInsidePublishBytes } = config.mqtt;
    const { size: count } = this.#underWay;
    const isTooMany = count >= maxInsidePublishes;
    if (!isTooMany && (count === 0 || this.#bytes + size <= maxInsidePublishBytes)) return;
    stats.refused['too-many-publishes']++;
    const why = isTooMany
      ? `${count} messages are under way, and mqtt.max-inside-publishes is ${maxInsidePublishes}`
      : `${this.#bytes} bytes are under way, and mqtt.max-inside-publish-bytes is ${maxInsidePublishBytes}`;
    throw new EmbedError(
      'too-many',
      `broker.publish: ${why}: await them`,
      ReasonCode.QuotaExceeded,
    );
  }

  #onSettled(publish: InsidePublish): void {
    this.#underWay.delete(publish);
    this.#bytes -= publish.size;
    this.#host.stats.insidePublishesCurrent = this.#underWay.size;
  }

  /** Routes what waits, as much of it as may be in a turn. */
  continue(): void {
    const { turns } = this.#host;
    this.#isScheduled = false;
    turns.begin(this.#slice);
    while (this.#head < this.#waiting.length && !turns.isOver) {
      this.#route(this.#waiting[this.#head++] as InsidePublish);
    }
    turns.end(this.#slice);
    if (this.#head === this.#waiting.length) {
      this.#waiting = [];
      this.#head = 0;
    } else {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
      this.#isScheduled = true;
      turns.wait(this);
    }
  }

  #route(publish: InsidePublish): void {
    const { router, turns, journal, faults } = this.#host;
    turns.used += UnitsFor.publish + (publish.size >> UnitsFor.bytesShift);
    try {
      const outcome = router.publishInside(publish.message, publish);
      const { reasonCode, matched, position, refusal } = outcome;
      if (refusal !== null) {
        publish.refuse(noRoom(refusal));
        return;
      }
      const published = { reasonCode, matched, position: position < 0 ? null : position };
      // What nobody stores: as for a client's PUBLISH.
      const record = position < 0 ? journal.unstoredPosition() : position;
      if (record < journal.committedPosition) publish.commit(published);
      else {
        journal.whenCommitted({
          position: record,
          onCommitted: () => publish.commit(published),
          onRefused: () => publish.refuse(noRoom('storage-full')),
        });
      }
    } catch (error) {
      faults.caught(null, 'receiving', error);
      publish.refuse(
        new EmbedError(
          'internal-error',
          'broker.publish: something went wrong in the broker: see internal-error in its log',
          ReasonCode.UnspecifiedError,
        ),
      );
    }
  }

  /** Nothing more is published; what has not been routed is refused. */
  stop(): void {
    this.#isStopped = true;
    this.#host.turns.forget(this);
    for (const publish of this.#waiting.splice(0).slice(this.#head)) publish.refuse(stopped());
    this.#head = 0;
  }

  /** The broker has stopped: what nobody has decided on is refused. */
  end(): void {
    for (const publish of this.#underWay) publish.refuse(stopped());
  }

  // It has no connection that could be ended: each message that fails is refused by itself.
  refuse(): void {}
  fail(): void {}
  cut(): void {}

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    const waiting = this.#waiting.length - this.#head;
    invariant(waiting === 0 || this.#isScheduled, `${waiting} messages will never be routed`);
    let bytes = 0;
    for (const { size } of this.#underWay) bytes += size;
    invariant(bytes === this.#bytes, `${this.#bytes} bytes are counted of ${bytes}`);
  }
}

function stopped(): EmbedError {
  return new EmbedError(
    'stopped',
    'broker.publish: the broker has been stopped',
    ReasonCode.ServerShuttingDown,
  );
}

/** Why a message that was valid did not go to anyone. */
const WHY = {
  'queue-full': 'the queue of a subscriber is full, and mqtt.queue-overflow is reject',
  'retained-full': 'mqtt.max-retained or mqtt.max-retained-bytes is reached',
  'storage-full': 'the disk has no room for it, or has failed',
};

function noRoom(refusal: keyof typeof WHY): EmbedError {
  return new EmbedError(refusal, `broker.publish: ${WHY[refusal]}`, ReasonCode.QuotaExceeded);
}
