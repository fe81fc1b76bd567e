import { type Delivery, type Message, storedOf } from '@promptmq/session';
import { invariant, type Recipient } from '@promptmq/topics';
import type { MovedDelivery } from '../storage/journal.ts';
import { type BrokerSession, isStoredFor } from './broker-session.ts';
import type { SessionsHost } from './host.ts';
import { handedOver } from './recipient-terms.ts';
import type { SessionEntry } from './session-entry.ts';

/** Deliveries that are handed over before it is another's turn: about 1 ms. */
const STEP_MAX = 500;

/** What a step's record may take, as far as the names of shared subscriptions go. */
const STEP_NAMES_MAX = 131_072;

/** At most this many deliveries of a session are looked at when invariants are checked. */
const CHECKED_MAX = 100;

type Member = Recipient<BrokerSession>;

/** Something is handed over in steps; returns whether that was the last one. */
type Step = () => boolean;

/** A member of shared subscriptions that has gone, and whose deliveries are in the log. */
interface Giver {
  readonly session: BrokerSession;
  /** Its session has ended: what nobody takes is given up. Else it stays with the session. */
  readonly ended: SessionEntry | null;
  /** QoS 2 up to this sequence stays with it, as it may have been sent [MQTT-4.8.2-5]. */
  readonly keptSequence: number;
  /** The sequence after which the next step begins. */
  at: number;
  /** What has to be read before another member gets it: its new one keeps it in memory only. */
  unread: number[];
  /** Of the last record about what was read and became another stored session's; -1 when that is safe, or there is none. */
  written: number;
}

/**
 * Gives what waits for members of shared subscriptions that have gone to others (§4.8.2), a bounded number in a turn,
 * so that nobody waits for a queue that a client has left, however long it is. The first step is done at once.
 *
 * Invariant: a stored delivery has one owner, in every state that a crash can leave: one record takes it from one
 * session and gives it to the other.
 */
export class HandOvers {
  readonly #host: SessionsHost;
  /** What is in memory only, and would be gone with the process. */
  readonly #unstored: Set<Step>;

  constructor(host: SessionsHost) {
    this.#host = host;
    this.#unstored = new Set();
  }

  /** A session whose deliveries are in memory has gone, or has ended. */
  giveUnstored(deliveries: readonly Delivery[], from: BrokerSession): void {
    let next = 0;
    const step = () => {
      const some = deliveries.slice(next, next + STEP_MAX);
      next += some.length;
      for (const delivery of this.#host.router.redeliver(some, from)) {
        // Nobody else is there any more.
        if (from.isEnded)
          this.#host.clientEvents.messageDropped(
            from.clientId,
            'session-ended',
            delivery.message.topic || null,
          );
        else from.deliver(delivery, this.#host.runtime.now());
      }
      return next >= deliveries.length;
    };
    if (!step()) this.#continue(step);
  }

  #continue(step: Step): void {
    this.#unstored.add(step);
    const { runtime, faults } = this.#host;
    runtime.defer(() => {
      if (!this.#unstored.delete(step)) return;
      faults.contain(null, 'replaying', () => {
        if (!step()) this.#continue(step);
      });
    });
  }

  /** The broker stops: what is in memory goes to those who have it stored. */
  stop(): void {
    for (const step of this.#unstored) while (!step());
    this.#unstored.clear();
  }

  /** The connection of a stored session is over. Others get what it was not sent, while they are connected. */
  giveStored(session: BrokerSession): void {
    const queue = session.stored?.queue;
    if (queue?.hasShared !== true || !this.#host.journal.isOpen) return;
    this.#step({
      session,
      ended: null,
      keptSequence: queue.formerSequence,
      at: 0,
      unread: [],
      written: -1,
    });
  }

  /**
   * A stored session has ended for its client, and `beginEnd` was called; its end is written when nothing is left of it.
   *
   * @param keptSequence - up to which of QoS 2 nothing is handed over
   */
  giveAll(ended: SessionEntry, keptSequence: number): void {
    this.#step({ session: ended.session, ended, keptSequence, at: 0, unread: [], written: -1 });
  }

  /**
   * A message goes to one member of a shared subscription: no other session has it under the same name.
   *
   * @throws {Error} when two have; for tests, in which sessions have little
   */
  checkInvariants(sessions: Iterable<BrokerSession>): void {
    const owners = new Map<string, string>();
    for (const { stored, clientId } of sessions) {
      for (const { group, position } of stored?.after(0, CHECKED_MAX) ?? []) {
        if (group === null || !Number.isFinite(position)) continue;
        const key = `${position} ${group}`;
        const owner = owners.get(key) ?? clientId;
        invariant(owner === clientId, `${owner} and ${clientId} have the message at ${key}`);
        owners.set(key, clientId);
      }
    }
  }

  #step(giver: Giver): void {
    const { journal } = this.#host;
    const { ended, unread } = giver;
    if (!isGiving(giver)) return;
    if (!journal.isOpen) {
      this.#waitForRoom(giver);
      return;
    }
    // While any of it may be refused, the session continues.
    const position = Math.max(this.#give(giver, this.#next(giver)), giver.written);
    giver.written = -1;
    if (position === -1 && unread.length === 0 && this.#next(giver).length === 0) {
      if (ended === null) return;
      // What the disk refused is the session's again, and was passed.
      giver.at = 0;
      if (this.#next(giver).length === 0) {
        journal.endSession(ended);
        return;
      }
    }
    // Before what follows, which may come at once, and end the session.
    if (ended !== null) journal.noteEnding(ended, giver.keptSequence);
    if (position === -1) {
      const { runtime, faults } = this.#host;
      runtime.defer(() => faults.contain(null, 'replaying', () => this.#readNext(giver)));
    } else {
      journal.whenCommitted({
        position,
        onCommitted: () => this.#readNext(giver),
        onRefused: () => this.#waitForRoom(giver),
      });
    }
  }

  /** The disk is full: what is left of a session that has ended has to wait. */
  #waitForRoom(giver: Giver): void {
    const { ended, keptSequence } = giver;
    if (ended === null) return;
    const { journal } = this.#host;
    journal.noteEnding(ended, keptSequence);
    giver.at = 0;
    giver.unread = [];
    giver.written = -1;
    journal.whenRoom(() => this.#step(giver));
  }

  /** What the next step looks at. */
  #next({ session, ended, at }: Giver): readonly Delivery[] {
    const found =
      ended === null
        ? storedOf(session).queue.storedAfter(at, STEP_MAX)
        : storedOf(session).after(at, STEP_MAX);
    let names = 0;
    const count = found.findIndex(({ group }) => {
      names += group?.length ?? 0;
      return names > STEP_NAMES_MAX;
    });
    return count === -1 ? found : found.slice(0, Math.max(1, count));
  }

  /**
   * Gives away what others take as it is, and notes what has to be read first.
   *
   * @returns the record's position; -1 when none was written
   */
  #give(giver: Giver, found: readonly Delivery[]): number {
    const moved: MovedDelivery[] = [];
    const over = new Set<number>();
    for (const delivery of found) {
      const { sequence } = delivery;
      giver.at = sequence;
      const member = this.#memberFor(giver, delivery);
      if (member === null) {
        if (giver.ended !== null) over.add(sequence);
      } else if (isStoredFor(member)) {
        moved.push(this.#moveTo(member, delivery));
      } else {
        giver.unread.push(sequence);
      }
    }
    if (over.size > 0) storedOf(giver.session).drop(over);
    return moved.length === 0 ? -1 : this.#move(giver.session, moved);
  }

  /** Who gets a delivery; null when it stays, or nobody else is there. */
  #memberFor({ session, ended, keptSequence }: Giver, delivery: Delivery): Member | null {
    const { group: name, qos, sequence, isSent } = delivery;
    if (name === null || (qos === 2 && sequence <= keptSequence)) return null;
    const group = this.#host.router.trie.group(name);
    if (group === null) return null;
    // What a process that has ended may have sent stays, unless no connection can follow [MQTT-4.8.2-4].
    if (ended === null && (isSent || !group.hasConnectedBeside(session))) return null;
    return group.next(session);
  }

  #moveTo(member: Member, former: Delivery): MovedDelivery {
    const delivery = handedOver(former, member);
    delivery.position = former.position;
    return { former, session: member.session, delivery };
  }

  #move(session: BrokerSession, moved: readonly MovedDelivery[]): number {
    storedOf(session).take(new Set(moved.map(({ former }) => former.sequence)));
    const position = this.#host.journal.handOver(session, moved);
    const now = this.#host.runtime.now();
    for (const { session: to, delivery } of moved) to.deliver(delivery, now);
    return position;
  }

  /** Reads what has to be read before it is given away, one after the other, then continues. */
  #readNext(giver: Giver): void {
    const { journal } = this.#host;
    const { session, ended } = giver;
    const sequence = giver.unread.shift();
    if (sequence === undefined) {
      this.#step(giver);
      return;
    }
    journal.readBack(
      () => findIn(giver, sequence)?.position ?? -1,
      (message) => {
        if (journal.isOpen) this.#giveRead(giver, sequence, message);
      },
      () => {
        if (!isGiving(giver)) return;
        if (!journal.isOpen) {
          this.#waitForRoom(giver);
          return;
        }
        // One that can't be read, or has no taker any more.
        if (ended !== null) storedOf(session).drop(new Set([sequence]));
        this.#readNext(giver);
      },
    );
  }

  #giveRead(giver: Giver, sequence: number, message: Message): void {
    const { session } = giver;
    const { runtime, clientEvents, journal } = this.#host;
    const delivery = findIn(giver, sequence);
    const member = delivery === null ? null : this.#memberFor(giver, delivery);
    if (delivery === null || member === null) return;
    const now = runtime.now();
    if (message.expiresAt > now && isStoredFor(member)) {
      giver.written = this.#move(session, [this.#moveTo(member, delivery)]);
      return;
    }
    storedOf(session).take(new Set([sequence]));
    journal.onSettled(session, delivery);
    if (message.expiresAt > now) {
      const next = handedOver({ ...delivery, message }, member);
      member.session.deliver(next, now);
    } else {
      clientEvents.messageDropped(session.clientId, 'expired', message.topic); // [MQTT-3.3.2-5]
    }
  }
}

/** Whether there is still something to be given. */
function isGiving({ session, ended }: Giver): boolean {
  return ended !== null || !(session.isConnected || session.isEnded);
}

/** What is still to be given; null when it isn't: of a session that continues, what it has been sent meanwhile stays. */
function findIn(giver: Giver, sequence: number): Delivery | null {
  if (!isGiving(giver)) return null;
  const { session, ended } = giver;
  return ended === null ? storedOf(session).queue.find(sequence) : storedOf(session).find(sequence);
}
