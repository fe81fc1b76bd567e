import type { MonitoredBroker } from '../host.ts';

/** Sessions that are looked at in one turn: some 0.3 ms. */
const SESSIONS_MAX = 5000;
/** Clients that are named at a time. */
const FULL_MAX = 50;
const WAITING_MAX = 10_000;

/** A client whose queue is nearly full. */
export interface FillingQueue {
  readonly clientId: string;
  readonly messages: number;
  readonly bytes: number;
  /** Of what it may have, in messages or bytes. */
  readonly percent: number;
}

/**
 * Goes through the sessions, some in each turn, and knows whose queues are nearly full, and since when something waits
 * for whom. Where nothing waits for anybody, it costs nothing.
 *
 * Invariant: it names sessions that were so when they were looked at last; how many is bounded.
 */
export class QueuesWatch {
  readonly #broker: MonitoredBroker;
  readonly #filling: Map<string, FillingQueue>;
  /** By client identifier: since when something waits, in milliseconds of the broker's time. */
  readonly #waitingSince: Map<string, number>;
  /** The session that was looked at last. */
  #ordinal: number;

  constructor(broker: MonitoredBroker) {
    this.#broker = broker;
    this.#filling = new Map();
    this.#waitingSince = new Map();
    this.#ordinal = 0;
  }

  get filling(): readonly FillingQueue[] {
    return [...this.#filling.values()];
  }

  /** For how long something has waited for a client, in milliseconds, as far as was seen; 0 when it wasn't. */
  waitingMs(clientId: string): number {
    const since = this.#waitingSince.get(clientId);
    return since === undefined ? 0 : Math.max(0, this.#broker.runtime.now() - since);
  }

  /** Looks at the next sessions. */
  look(): void {
    const { sessions, runtime } = this.#broker;
    if (sessions.queuedCount === 0) {
      this.#filling.clear();
      this.#waitingSince.clear();
      this.#ordinal = 0;
      return;
    }
    const now = runtime.now();
    if (this.#ordinal === 0) this.#forgetEnded();
    let left = SESSIONS_MAX;
    for (const { ordinal, session } of sessions.after(this.#ordinal)) {
      this.#ordinal = ordinal;
      this.#note(session.clientId, session.queuedCount, session.queue.bytes, now);
      left--;
      if (left === 0) return;
    }
    this.#ordinal = 0;
  }

  #note(clientId: string, messages: number, bytes: number, now: number): void {
    if (messages === 0) {
      this.#waitingSince.delete(clientId);
      this.#filling.delete(clientId);
      return;
    }
    if (this.#waitingSince.size < WAITING_MAX && !this.#waitingSince.has(clientId)) {
      this.#waitingSince.set(clientId, now);
    }
    const { mqtt, monitor } = this.#broker.config;
    const part = Math.max(messages / mqtt.maxQueuedMessages, bytes / mqtt.maxQueuedBytes);
    const percent = Math.round(100 * part);
    if (percent < monitor.queuePercent) this.#filling.delete(clientId);
    else if (this.#filling.size < FULL_MAX || this.#filling.has(clientId)) {
      this.#filling.set(clientId, { clientId, messages, bytes, percent });
    }
  }

  /** Whoever has no session any more is not seen again. */
  #forgetEnded(): void {
    const { sessions } = this.#broker;
    for (const clientId of this.#filling.keys()) {
      if (sessions.find(clientId) === null) this.#filling.delete(clientId);
    }
    for (const clientId of this.#waitingSince.keys()) {
      if (sessions.find(clientId) === null) this.#waitingSince.delete(clientId);
    }
  }
}
