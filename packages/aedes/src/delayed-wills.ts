import type { HostedClient } from './host.ts';

/** Node's timers take no more. */
const TIMEOUT_MS_MAX = 2_147_483_647;

interface DelayedWill {
  readonly timer: ReturnType<typeof setTimeout>;
  readonly publish: () => void;
}

/** The wills of clients that are gone, and may come back in time (§3.1.3.2.2). */
export class DelayedWills {
  /** By client identifier. */
  readonly #wills: Map<string, DelayedWill>;

  constructor() {
    this.#wills = new Map();
  }

  /** @param publish - called when the time is over, unless the client has come back */
  add(id: string, delayMs: number, publish: () => void): void {
    const publishNow = () => {
      clearTimeout(timer);
      this.#wills.delete(id);
      publish();
    };
    const timer = setTimeout(publishNow, Math.min(delayMs, TIMEOUT_MS_MAX));
    this.#wills.set(id, { timer, publish: publishNow });
  }

  /** A client is there again: its will isn't published [MQTT-3.1.3-9], unless its session has ended. */
  settle({ id, clean }: HostedClient): void {
    const delayed = this.#wills.get(id);
    if (delayed === undefined) return;
    if (clean) {
      delayed.publish();
    } else {
      clearTimeout(delayed.timer);
      this.#wills.delete(id);
    }
  }

  /** None of them is published any more. */
  clear(): void {
    for (const { timer } of this.#wills.values()) clearTimeout(timer);
    this.#wills.clear();
  }
}
