/** A subscription that a client has. */
export interface PresentSubscription {
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

/** What there is of a client and a topic just now. */
export interface Present {
  readonly hasSession: boolean;
  readonly isConnected: boolean;
  /** Its subscriptions that match the topic. */
  readonly matching: readonly PresentSubscription[];
  /** Filters of others that it has, the first of them. */
  readonly others: readonly string[];
  readonly subscriptionCount: number;
  /** Messages that wait to be sent for the first time. */
  readonly queued: number;
  /** QoS 1 and 2 messages that were sent and are not settled. */
  readonly inflight: number;
  /** Whether a message is retained at the topic. */
  readonly isRetained: boolean;
  /** The rule by which the rules deny the client messages of the topic; empty where no rule allows them, null when they don't deny it. */
  readonly receiveDenied: string | null;
  /** Who else takes part in a shared subscription, given by its whole filter: the first of them. */
  readonly otherMembers: (filter: string) => readonly string[];
}
