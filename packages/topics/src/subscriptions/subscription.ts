/** One Subscription of a Session (§3.8.3.1), as granted. */
export interface Subscription {
  /** The whole Topic Filter, `$share/NAME/` included. */
  readonly topicFilter: string;
  /** The granted Maximum QoS. */
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  /** 1 to 268,435,455; 0 when there is none. */
  readonly subscriptionIdentifier: number;
}

/** Tells whether a Subscription that replaces another changes nothing about deliveries. */
export function deliversAlike(a: Subscription, b: Subscription): boolean {
  return (
    a.qos === b.qos &&
    a.noLocal === b.noLocal &&
    a.retainAsPublished === b.retainAsPublished &&
    a.subscriptionIdentifier === b.subscriptionIdentifier
  );
}
