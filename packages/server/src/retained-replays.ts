import type { Message, RetainedStore, RetainedWalk } from '@promptmq/session';
import type { Connection } from './connection.ts';
import type { Faults } from './faults.ts';
import type { BrokerSession } from './router.ts';
import type { Runtime } from './runtime.ts';

/**
 * Nodes of the tree of retained messages that are visited in a turn, for all new subscriptions together: about 0.5 ms.
 */
const NODES_PER_TURN = 4000;

/** Nodes that are visited for one subscription before it is the next one's turn. */
const NODES_PER_STEP = 1000;

/** A new subscription for which retained messages are looked for. */
export interface RetainedReplay {
  readonly walk: RetainedWalk;
  readonly session: BrokerSession;
  /** The one that subscribed. */
  readonly connection: Connection;
  /** It isn't read from until all has been found. */
  isHeldBack: boolean;
  /** Hands over what was found. */
  readonly onFound: (messages: Message[], now: number) => void;
}

/**
 * Looks for the retained messages of new subscriptions, a bounded number in a turn, so that nobody waits for a client
 * that subscribes to very many. Until all have been found, the session's later messages wait behind them.
 */
export class RetainedReplays {
  readonly #store: RetainedStore;
  readonly #runtime: Runtime;
  readonly #faults: Faults;
  /** In the order in which they go on. */
  readonly #waiting: Set<RetainedReplay>;
  /** Nodes that may still be visited in this turn. */
  #nodesLeft: number;
  #isScheduled: boolean;

  constructor(store: RetainedStore, runtime: Runtime, faults: Faults) {
    this.#store = store;
    this.#runtime = runtime;
    this.#faults = faults;
    this.#waiting = new Set();
    this.#nodesLeft = NODES_PER_TURN;
    this.#isScheduled = false;
  }

  /** Begins at once: what is found soon is handed over before this returns. */
  add(replay: RetainedReplay): void {
    replay.session.beginReplay();
    this.#waiting.add(replay);
    this.#goOn();
    if (!this.#waiting.has(replay)) return;
    replay.isHeldBack = true;
    replay.connection.pauseReading();
  }

  /** Forgets what is under way: the broker stops. */
  stop(): void {
    for (const { walk, connection, isHeldBack } of this.#waiting) {
      this.#store.end(walk);
      if (isHeldBack) connection.resumeReading();
    }
    this.#waiting.clear();
  }

  #goOn(): void {
    const now = this.#runtime.now();
    for (const replay of this.#waiting) {
      if (this.#nodesLeft <= 0) break;
      this.#waiting.delete(replay);
      try {
        this.#nodesLeft -= this.#step(replay, Math.min(NODES_PER_STEP, this.#nodesLeft), now);
      } catch (error) {
        this.#fail(replay, error);
      }
    }
    this.#schedule();
  }

  /** @returns how many nodes it has taken, at least 1 */
  #step(replay: RetainedReplay, nodesMax: number, now: number): number {
    const { walk, session, connection } = replay;
    const isOwed = !session.isEnded && session.subscriptions.has(walk.topicFilter); // [MQTT-3.10.4-2]
    const found: Message[] = [];
    const visited = isOwed ? this.#store.goOn(walk, nodesMax, found, now) : 0;
    if (found.length > 0) replay.onFound(found, now);
    if (isOwed && !walk.isDone) {
      // Behind the others.
      this.#waiting.add(replay);
      return visited;
    }
    this.#store.end(walk);
    if (!session.isEnded) session.endReplay(now);
    if (replay.isHeldBack) connection.resumeReading();
    return Math.max(1, visited);
  }

  /** The client has to subscribe again; what else its session gets doesn't wait for it. */
  #fail({ walk, session, connection, isHeldBack }: RetainedReplay, error: unknown): void {
    const now = this.#runtime.now();
    this.#store.end(walk);
    this.#faults.caught(connection, 'replaying', error);
    if (isHeldBack) connection.resumeReading();
    if (!session.isEnded) {
      this.#faults.contain(session.link, 'replaying', () => session.endReplay(now));
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#runtime.defer(() => {
      this.#isScheduled = false;
      this.#nodesLeft = NODES_PER_TURN;
      if (this.#waiting.size > 0) this.#goOn();
    });
  }
}
