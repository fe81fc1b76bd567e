import type { ISubackPacket } from 'mqtt-packet';
import type { Subscription } from '../../types.ts';

/** What a SUBACK says of a filter that was refused, in all versions that have one for it. */
const REFUSED = 0x80;

/** A SUBSCRIBE on its way to the broker within. */
export interface PendingSubscribe {
  /** As they were asked for, in order; one may be there several times. */
  readonly asked: readonly Subscription[];
  /** What the program made of each topic filter: null where it was negated. */
  readonly decided: ReadonlyMap<string, Subscription | null>;
  /** Of the SUBSCRIBE for which the client gets a SUBACK; null where it gets none. */
  readonly answers: number | null;
  /** Whether the packet of the client was passed on as it came: its answer is the client's, too. */
  readonly isUnchanged: boolean;
  readonly callback: (error: Error | null) => void;
}

/** What came of a SUBSCRIBE. */
export interface SubscribeOutcome {
  /** Without duplicates, with 128 where one was refused. */
  readonly subscriptions: Subscription[];
  /** In the order in which they were asked for. */
  readonly granted: number[];
}

/** Those that the broker is to be asked for, each once. */
export function remaining({ decided }: Pick<PendingSubscribe, 'decided'>): Subscription[] {
  const byTopic = new Map<string, Subscription>();
  for (const subscription of decided.values()) {
    if (subscription !== null) byTopic.set(subscription.topic, subscription);
  }
  return [...byTopic.values()];
}

/**
 * @param granted - what the broker answered, in the order of `remaining`
 */
export function outcomeOf(
  pending: PendingSubscribe,
  granted: ISubackPacket['granted'],
): SubscribeOutcome {
  const codes = new Map<string, number>();
  const requested = pending.isUnchanged ? pending.asked : remaining(pending);
  for (const [index, { topic }] of requested.entries()) {
    codes.set(topic, Number(granted[index] ?? REFUSED));
  }
  const codeOf = (topic: string) => {
    const subscription = pending.decided.get(topic);
    return subscription == null ? REFUSED : (codes.get(subscription.topic) ?? REFUSED);
  };
  const subscriptions: Subscription[] = [];
  for (const [topic, subscription] of pending.decided) {
    const code = codeOf(topic);
    const first = pending.asked.findLast((one) => one.topic === topic) as Subscription;
    subscriptions.push(
      code >= REFUSED
        ? { ...first, qos: 128 }
        : { ...(subscription as Subscription), qos: code as 0 | 1 | 2 },
    );
  }
  return { subscriptions, granted: pending.asked.map(({ topic }) => codeOf(topic)) };
}
