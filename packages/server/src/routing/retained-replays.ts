import type { Message } from '@promptmq/session';
import type { RetainedStore, RetainedWalk } from '@promptmq/topics';
import { invariant, TextMap } from '@promptmq/topics';
import type { Faults } from '../runtime/faults.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { BrokerSession } from '../sessions/broker-session.ts';

/**
 * Nodes of the tree of retained messages that are visited in a turn, for all new subscriptions together: about 0.5 ms.
 */
const NODES_PER_TURN = 4000;

/** Nodes that are visited for one session before it is the next one's turn: what was found and not sent is no more. */
const NODES_PER_STEP = 250;

/** A new subscription for which retained messages are looked for. */
export interface RetainedReplay {
  readonly walk: RetainedWalk<Message>;
  readonly session: BrokerSession;
  /** Whether what is found goes at QoS 0. */
  readonly isTransient: boolean;
  /** Hands over what was found. */
  readonly onFound: (messages: Message[], now: number) => void;
}

/** What one session is owed. */
class SessionReplays {
  readonly session: BrokerSession;
  /** By topic filter, in the order in which they are done; one at least. */
  readonly replays: Map<string, RetainedReplay>;
  /** Whether all that was found has been sent. */
  isTaken: boolean;

  constructor(session: BrokerSession) {
    this.session = session;
    this.replays = new TextMap();
    this.isTaken = session.replays.length === 0;
  }

  get first(): RetainedReplay {
    const [first] = this.replays.values();
    return first as RetainedReplay;
  }
}

/**
 * Looks for the retained messages of new subscriptions: a bounded number in a turn, so that nobody waits for a client
 * that subscribes to very many, and for each session only when what was found has been sent, so that one that takes
 * nothing holds little, however often it subscribes. Until all have been found, the session's later messages wait.
 *
 * Invariant: a session has one replay at most for each of its subscriptions, and one at most that has begun.
 */
export class RetainedReplays {
  readonly #store: RetainedStore<Message>;
  readonly #runtime: Runtime;
  readonly #faults: Faults;
  readonly #sessions: Map<BrokerSession, SessionReplays>;
  /** Those that can continue, in the order in which they do. */
  readonly #waiting: Set<SessionReplays>;
  /** Nodes that may still be visited in this turn. */
  #nodesLeft: number;
  #isScheduled: boolean;

  constructor(store: RetainedStore<Message>, runtime: Runtime, faults: Faults) {
    this.#store = store;
    this.#runtime = runtime;
    this.#faults = faults;
    this.#sessions = new Map();
    this.#waiting = new Set();
    this.#nodesLeft = NODES_PER_TURN;
    this.#isScheduled = false;
  }

  /**
   * Begins at once: what is found soon is handed over before this returns. One of the same subscription that is under
   * way begins again, so that a client which asks for the same again and again is owed it once.
   */
  add(replay: RetainedReplay): void {
    const { session, walk } = replay;
    let owed = this.#sessions.get(session);
    if (owed === undefined) {
      owed = new SessionReplays(session);
      this.#sessions.set(session, owed);
      session.onReplaysTaken = () => this.#onTaken(session);
    }
    const former = owed.replays.get(walk.topicFilter);
    owed.replays.set(walk.topicFilter, replay);
    if (former === undefined) session.beginReplay();
    else this.#store.end(former.walk);
    if (!owed.isTaken) return;
    this.#waiting.add(owed);
    this.#continue();
  }

  /** The subscription is gone [MQTT-3.10.4-2]. */
  cancel(session: BrokerSession, topicFilter: string): void {
    const owed = this.#sessions.get(session);
    if (owed?.replays.has(topicFilter)) this.#end(owed, topicFilter, this.#runtime.now());
  }

  /** The session has no connection any more: what would go at QoS 0 is not kept for it (§4.1). */
  onDetached(session: BrokerSession): void {
    const owed = this.#sessions.get(session);
    if (owed === undefined) return;
    for (const [topicFilter, { isTransient }] of [...owed.replays]) {
      if (isTransient) this.#end(owed, topicFilter, this.#runtime.now());
    }
  }

  /** The session is over. */
  forget(session: BrokerSession): void {
    const owed = this.#sessions.get(session);
    if (owed === undefined) return;
    for (const { walk } of owed.replays.values()) this.#store.end(walk);
    this.#remove(owed);
  }

  /** Forgets what is under way: the broker stops. */
  stop(): void {
    for (const session of [...this.#sessions.keys()]) this.forget(session);
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    for (const [session, owed] of this.#sessions) {
      invariant(owed.session === session, `what ${session.clientId} is owed is another's`);
      invariant(owed.replays.size > 0, `${session.clientId} is owed nothing, and waits for it`);
      invariant(!session.isEnded, `${session.clientId} has ended, and is owed retained messages`);
      invariant(session.onReplaysTaken !== null, `${session.clientId} won't ask for the rest`);
      for (const { walk } of owed.replays.values()) {
        invariant(!walk.isDone, `${walk.topicFilter} is done, and waits`);
      }
    }
    for (const owed of this.#waiting) {
      const { clientId } = owed.session;
      invariant(
        this.#sessions.get(owed.session) === owed,
        `${clientId} waits, and is owed nothing`,
      );
      invariant(owed.isTaken, `${clientId} waits for more before it has taken what was found`);
    }
    const waiting = this.#waiting.size;
    invariant(waiting === 0 || this.#isScheduled, `${waiting} wait, and nothing is going to come`);
  }

  /** What was found has been sent. */
  #onTaken(session: BrokerSession): void {
    const owed = this.#sessions.get(session);
    if (owed === undefined || owed.isTaken) return;
    owed.isTaken = true;
    this.#waiting.add(owed);
    this.#schedule();
  }

  #continue(): void {
    const now = this.#runtime.now();
    for (const owed of this.#waiting) {
      if (this.#nodesLeft <= 0) break;
      this.#waiting.delete(owed);
      try {
        this.#nodesLeft -= this.#step(owed, Math.min(NODES_PER_STEP, this.#nodesLeft), now);
      } catch (error) {
        this.#fail(owed, error);
      }
    }
    this.#schedule();
  }

  /** @returns how many nodes it has taken, at least 1 */
  #step(owed: SessionReplays, nodesMax: number, now: number): number {
    const { walk, onFound } = owed.first;
    const found: Message[] = [];
    const visited = this.#store.step(walk, nodesMax, found, now);
    if (found.length > 0) {
      owed.isTaken = false;
      onFound(found, now);
    }
    if (walk.isDone) this.#end(owed, walk.topicFilter, now);
    if (owed.isTaken && owed.replays.size > 0) this.#waiting.add(owed);
    return Math.max(1, visited);
  }

  #end(owed: SessionReplays, topicFilter: string, now: number): void {
    const replay = owed.replays.get(topicFilter) as RetainedReplay;
    this.#store.end(replay.walk);
    owed.replays.delete(topicFilter);
    if (owed.replays.size === 0) this.#remove(owed);
    owed.session.endReplay(now);
  }

  #remove(owed: SessionReplays): void {
    this.#sessions.delete(owed.session);
    this.#waiting.delete(owed);
    owed.session.onReplaysTaken = null;
  }

  /** The client has to subscribe again; what else its session gets doesn't wait for it. */
  #fail(owed: SessionReplays, error: unknown): void {
    const { session, replays } = owed;
    const now = this.#runtime.now();
    this.#faults.caught(session.link, 'replaying', error);
    if (session.isEnded) {
      this.forget(session);
      return;
    }
    for (const topicFilter of [...replays.keys()]) {
      this.#faults.contain(session.link, 'replaying', () => this.#end(owed, topicFilter, now));
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#runtime.defer(() => {
      this.#isScheduled = false;
      this.#nodesLeft = NODES_PER_TURN;
      if (this.#waiting.size > 0) this.#continue();
    });
  }
}
