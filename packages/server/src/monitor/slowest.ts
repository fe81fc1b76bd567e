import { type SlowSubscriber, slowSubscriberOf, waitingBytes } from '../observability/index.ts';
import type { MonitoredBroker } from './host.ts';

/** Sessions that are looked at in one turn: under a millisecond. */
const SESSIONS_MAX = 2000;

/**
 * The sessions for which the most waits, in bytes; those for which nothing waits are left out. It takes as many turns as it needs: who comes
 * or goes meanwhile may be missing.
 */
export async function slowestSubscribers(
  broker: MonitoredBroker,
  limit: number,
): Promise<SlowSubscriber[]> {
  let slowest: SlowSubscriber[] = [];
  let last = 0;
  for (;;) {
    let left = SESSIONS_MAX;
    for (const { ordinal, session } of broker.sessions.after(last)) {
      last = ordinal;
      const one = slowSubscriberOf(session);
      if (one !== null) slowest.push(one);
      left--;
      if (left === 0) break;
    }
    slowest = slowest.sort((a, b) => waitingBytes(b) - waitingBytes(a)).slice(0, limit);
    if (left > 0) return slowest;
    await new Promise<void>((resolve) => broker.runtime.defer(resolve));
  }
}
