import {
  appliedBody,
  type Forward,
  FrameType,
  type Link,
  type Resumed,
  readForward,
  resumeBody,
} from '@promptmq/cluster';
import { ReasonCode } from '@promptmq/codec';
import { Fifo, type Message } from '@promptmq/session';
import { invariant } from '@promptmq/topics';
import type { Flushable } from '../../connection/host.ts';
import type { ForwardedTo } from '../../routing/peers.ts';
import type { TurnTaker } from '../../runtime/turns.ts';
import { UnitsFor } from '../../runtime/turns.ts';
import type { AppliedMark } from '../../storage/cells/applied-marks.ts';
import type { Pending } from '../../storage/journal.ts';
import { type ForwardingHost, TRANSIENT_BYTES_MAX, WINDOW_BYTES } from './host.ts';

/** Up to this size a frame is copied out of the chunk that it came in, which would stay with it. */
const COPIED_BYTES_MAX = 16_384;

/** A frame that waits for its turn. */
interface WaitingFrame {
  readonly body: Uint8Array;
  /** Takes one that has no sequence; null for a FORWARD. */
  readonly take: ((body: Uint8Array) => void) | null;
}

const NO_GROUPS: readonly string[] = [];

/** For whom a message is that has expired on its way: it may still be retained, in the place of an older one. */
const NOBODY: ForwardedTo = { isPlain: false, groups: NO_GROUPS };

/** What is before all that another cell ever numbers. */
const NOTHING: AppliedMark = { generation: 0, sequence: 0 };

/**
 * Takes what another cell forwards to those here whom it is for. Which messages it has taken it knows by their sequence, and
 * after a restart by the records in which they were stored; the other cell is told (APPLIED) when these are committed.
 *
 * After `resume`, what comes is not taken before the other cell has answered: it was sent before that, and what had been
 * refused would be left out.
 *
 * Where the disk refuses what was taken, those who have nothing in the log have got it all the same: when it comes again, it is for the others alone.
 *
 * What comes at QoS 0 is taken in its place among what has a sequence, and dropped where that was refused and is still to come, of the same topic.
 *
 * Invariants: nothing is taken twice, and nothing before what was forwarded before it; `#committed` is not above `#mark`.
 */
export class Applier implements TurnTaker, Flushable {
  readonly clientId: string;
  readonly transport: { readonly remoteAddress: string };
  readonly #host: ForwardingHost;
  readonly #from: number;
  readonly #to: number;
  #link: Link | null;
  #attempt: number;
  /** Up to where the other cell was told last that all is applied. */
  #told: number;
  /** Whether the last `resume` has been answered. */
  #isOpen: boolean;
  /** What has been taken. */
  #mark: AppliedMark;
  /** Up to where no crash takes it. */
  #committed: number;
  /** The last record that it was stored in. */
  #position: number;
  /** Up to where those have got it who have nothing in the log. */
  #given: number;
  /** By sequence, of what isn't committed: the shared groups of which one of those got it. */
  readonly #givenGroups: Map<number, readonly string[]>;
  /** Of what was stored in this turn: the first sequence; 0 when there is nothing. */
  #firstOfTurn: number;
  /** And the last. */
  #lastOfTurn: number;
  #isFlushing: boolean;
  /** The disk has no room: waits for that. */
  #isStuck: boolean;
  /** Frames that wait for their turn. */
  readonly #waiting: Fifo<WaitingFrame>;
  #waitingBytes: number;
  /** Of them, those that have no sequence. */
  #transientBytes: number;
  /** Of what was refused and is to come again: the topics. */
  readonly #refusedTopics: Set<string>;
  readonly #slice: { turn: number; left: number };

  constructor(host: ForwardingHost, from: number, to: number) {
    this.clientId = `cell ${from}`;
    this.transport = { remoteAddress: this.clientId };
    this.#host = host;
    this.#from = from;
    this.#to = to;
    this.#link = null;
    this.#attempt = 0;
    this.#told = 0;
    this.#isOpen = false;
    this.#mark = host.journal.appliedOf(from) ?? NOTHING;
    this.#committed = this.#mark.sequence;
    this.#given = this.#mark.sequence;
    this.#givenGroups = new Map();
    this.#position = -1;
    this.#firstOfTurn = 0;
    this.#lastOfTurn = 0;
    this.#isFlushing = false;
    this.#isStuck = false;
    this.#waiting = new Fifo();
    this.#waitingBytes = 0;
    this.#transientBytes = 0;
    this.#refusedTopics = new Set();
    this.#slice = { turn: -1, left: 0 };
  }

  // --------------------------------------------------------------- the other cell

  /** There is a link to who serves the other cell. */
  begin(link: Link): void {
    this.#link = link;
    if (!this.#isStuck) this.#resume();
  }

  #resume(): void {
    const link = this.#link;
    this.#forgetWaiting();
    this.#isOpen = false;
    if (link === null) return;
    this.#attempt++;
    this.#told = this.#committed;
    const applied = { generation: this.#mark.generation, sequence: this.#told };
    const body = resumeBody({
      to: this.#to,
      from: this.#from,
      attempt: this.#attempt,
      ...applied,
    });
    link.send(FrameType.resume, body);
  }

  onResumed(link: Link, { attempt, generation, sequence }: Resumed): void {
    if (link !== this.#link || attempt !== this.#attempt) return;
    // Less than it was told: its log was put back in time, and has other messages from there on.
    const isSame = generation === this.#mark.generation && sequence >= this.#told;
    if (!isSame) {
      this.#mark = { generation, sequence };
      this.#committed = sequence;
      this.#given = sequence;
      this.#givenGroups.clear();
    }
    this.#isOpen = true;
    this.#refusedTopics.clear();
  }

  /** @throws {RangeError} when more comes than may be under way */
  onForward(link: Link, body: Uint8Array): void {
    if (link !== this.#link) return;
    if (!this.#isOpen) {
      if (this.#isStuck) this.#refusedTopics.add(readForward(body).message.topic);
      return;
    }
    if (this.#waitingBytes > 2 * WINDOW_BYTES + TRANSIENT_BYTES_MAX) {
      throw new RangeError(`${this.clientId} forwards more than may be under way`);
    }
    const isFirst = this.#waiting.length === 0;
    this.#wait(body, null);
    if (isFirst) this.continue();
  }

  /** As `Forwarding.isInOrder`. */
  get isInOrder(): boolean {
    return this.#waiting.length === 0 && this.#refusedTopics.size === 0;
  }

  /** As `Forwarding.takeInOrder`. */
  takeInOrder(topic: string, body: Uint8Array, take: (body: Uint8Array) => void): boolean {
    if (this.#refusedTopics.has(topic)) return false;
    if (this.#waiting.length === 0) take(body);
    else if (this.#transientBytes > TRANSIENT_BYTES_MAX) return false;
    else this.#wait(body, take);
    return true;
  }

  #wait(body: Uint8Array, take: WaitingFrame['take']): void {
    const kept = body.length <= COPIED_BYTES_MAX ? Buffer.from(body) : body;
    this.#waiting.push({ body: kept, take });
    this.#waitingBytes += body.length;
    if (take !== null) this.#transientBytes += body.length;
  }

  onDown(link: Link): void {
    if (link === this.#link) this.stop();
  }

  /** Takes nothing more from the link that there is. */
  stop(): void {
    this.#link = null;
    this.#isOpen = false;
    this.#forgetWaiting();
  }

  #forgetWaiting(): void {
    this.#waiting.clear();
    this.#waitingBytes = 0;
    this.#transientBytes = 0;
    this.#host.turns.forget(this);
  }

  // -------------------------------------------------------------------- applying

  continue(): void {
    const { turns } = this.#host;
    turns.begin(this.#slice);
    try {
      while (!turns.isOver) {
        const frame = this.#waiting.shift();
        if (frame === undefined) break;
        const { body, take } = frame;
        this.#waitingBytes -= body.length;
        turns.used += UnitsFor.publish + (body.length >> UnitsFor.bytesShift);
        if (take === null) {
          this.#apply(readForward(body));
        } else {
          this.#transientBytes -= body.length;
          take(body);
        }
      }
    } finally {
      turns.end(this.#slice);
    }
    if (this.#waiting.length > 0) turns.wait(this);
  }

  #apply({ sequence, targets, expiresInMs, message }: Forward): void {
    const { stats, router, runtime } = this.#host;
    const kept: Message = { ...message, expiresAt: runtime.now() + expiresInMs };
    // It was sent before, so that it is sent again, and nobody has begun to deliver it here [MQTT-3.3.2-5].
    const to = expiresInMs > 0 ? targets : NOBODY;
    if (sequence === 0) {
      router.publishForwarded(kept, null, to, null);
      return;
    }
    this.#flushLater();
    if (sequence <= this.#mark.sequence) {
      stats.forwarding.duplicates++;
      return;
    }
    const { generation } = this.#mark;
    const origin = { kind: 'cell', generation, cell: this.#from, sequence } as const;
    const given = sequence > this.#given ? null : (this.#givenGroups.get(sequence) ?? NO_GROUPS);
    const { reasonCode, position, givenGroups } = router.publishForwarded(kept, origin, to, given);
    if (reasonCode === ReasonCode.QuotaExceeded) {
      this.#refusedTopics.add(message.topic);
      this.#waitForRoom();
      return;
    }
    stats.forwarding.applied++;
    this.#mark = { generation, sequence };
    this.#given = Math.max(this.#given, sequence);
    if (givenGroups.length > 0) {
      this.#givenGroups.set(sequence, [...(given ?? NO_GROUPS), ...givenGroups]);
    }
    if (position < 0) return;
    this.#position = position;
    this.#lastOfTurn = sequence;
    if (this.#firstOfTurn === 0) this.#firstOfTurn = sequence;
  }

  #flushLater(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#host.flushLater(this);
  }

  /** All of this turn is applied, as soon as its records are committed. */
  flush(): void {
    this.#isFlushing = false;
    const first = this.#firstOfTurn;
    this.#firstOfTurn = 0;
    const { generation, sequence } = this.#mark;
    if (first > 0 && this.#writtenOf(generation) < this.#lastOfTurn) {
      // The disk has refused it before this turn was over.
      this.#onRefused(generation, first);
      return;
    }
    const pending: Pending = {
      position: this.#position,
      onCommitted: () => this.#onCommitted(generation, sequence),
      onRefused: () => this.#onRefused(generation, first),
    };
    this.#host.journal.whenCommitted(pending);
  }

  #onCommitted(generation: number, sequence: number): void {
    if (generation !== this.#mark.generation) return;
    this.#committed = Math.max(this.#committed, sequence);
    for (const given of this.#givenGroups.keys()) {
      if (given > this.#committed) break;
      this.#givenGroups.delete(given);
    }
    if (!this.#isOpen) return;
    const applied = { to: this.#to, from: this.#from, sequence: this.#committed };
    this.#link?.send(FrameType.applied, appliedBody(applied));
  }

  // --------------------------------------------------------------------- refusals

  /** @param first - of what the disk has refused; 0 when it was nothing of that turn */
  #onRefused(generation: number, first: number): void {
    if (generation === this.#mark.generation && first > 0 && first <= this.#mark.sequence) {
      // A part of the turn may have been written before.
      this.#mark = { generation, sequence: Math.max(first - 1, this.#writtenOf(generation)) };
    }
    // What was written before that, and isn't committed yet, is still to be.
    this.#position = Math.min(this.#position, this.#host.journal.lastPosition);
    this.#waitForRoom();
  }

  /** Up to where what was taken is in records, committed or not. */
  #writtenOf(generation: number): number {
    const written = this.#host.journal.appliedOf(this.#from);
    return written?.generation === generation ? written.sequence : 0;
  }

  /** Nothing is taken any more; when there is room, all of it is to come again. */
  #waitForRoom(): void {
    this.#isOpen = false;
    for (const { body, take } of this.#waiting) {
      if (take === null) this.#refusedTopics.add(readForward(body).message.topic);
    }
    this.#forgetWaiting();
    if (this.#isStuck) return;
    this.#isStuck = true;
    this.#host.journal.whenRoom(() => {
      this.#isStuck = false;
      this.#resume();
    });
  }

  // ------------------------------------------------------------------------ faults

  refuse(): void {
    this.fail();
  }

  /** The link ends: the next one begins with what is really here. */
  fail(): void {
    const link = this.#link;
    this.stop();
    link?.close('what it forwards could not be applied');
  }

  cut(): void {
    this.stop();
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    const { generation, sequence } = this.#mark;
    invariant(sequence <= this.#given, `${sequence} was given to nobody`);
    invariant(this.#committed <= sequence, `${this.#committed} of ${sequence} is committed`);
    invariant(!this.#isOpen || this.#link !== null, `${this.clientId} is open without a link`);
    const stored = this.#host.journal.appliedOf(this.#from);
    const isKnown = stored === null || stored.generation !== generation;
    invariant(isKnown || stored.sequence <= sequence, `${stored?.sequence} is not known here`);
    let bytes = 0;
    for (const { body } of this.#waiting) bytes += body.length;
    invariant(bytes === this.#waitingBytes, `${this.#waitingBytes} bytes wait of ${bytes}`);
  }
}
