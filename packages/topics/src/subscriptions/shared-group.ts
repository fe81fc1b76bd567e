import { invariant } from '../invariant.ts';
import type { MatchedRecipient, Recipient } from './recipient.ts';
import { RecipientList } from './recipient-list.ts';
import type { Subscription } from './subscription.ts';

/** What a shared group asks of its sessions when it chooses one. */
export interface SharedSubscriber {
  readonly isConnected: boolean;
  /** Connected, and can be sent a QoS 1 or 2 message at once. */
  readonly isReady: boolean;
}

/** One session's part in a shared group. */
export interface SharedMember<S> {
  readonly session: S;
  readonly subscription: Subscription;
  readonly recipient: Recipient<S>;
}

/**
 * The sessions that subscribed to one `$share/NAME/FILTER` (§4.8.2); each matching message goes to
 * one of them. A session is a member once, however often it subscribed.
 *
 * Invariant: each member subscribed to `wholeFilter`.
 */
export class SharedGroup<S extends SharedSubscriber> {
  readonly shareName: string;
  /** Without `$share/NAME/`. */
  readonly topicFilter: string;
  /** The filter as it is subscribed to, `$share/NAME/FILTER`. */
  readonly wholeFilter: string;
  readonly #members: RecipientList<S>;
  /** Where the next choice starts to look. */
  #cursor: number;

  constructor(shareName: string, topicFilter: string) {
    this.shareName = shareName;
    this.topicFilter = topicFilter;
    this.wholeFilter = `$share/${shareName}/${topicFilter}`;
    this.#members = new RecipientList();
    this.#cursor = 0;
  }

  get memberCount(): number {
    return this.#members.items.length;
  }

  /** How many members are connected now. */
  get connectedCount(): number {
    let count = 0;
    for (const { session } of this.#members.items) if (session.isConnected) count++;
    return count;
  }

  /** Whoever has been a member for longest; undefined when there is none. */
  get first(): Recipient<S> | undefined {
    return this.#members.items[0];
  }

  /** A copy of the members, for inspection. */
  get members(): SharedMember<S>[] {
    return this.firstMembers(Number.POSITIVE_INFINITY);
  }

  /** The same of no more than so many. */
  firstMembers(countMax: number): SharedMember<S>[] {
    return this.#members.items.slice(0, countMax).map((recipient) => ({
      session: recipient.session,
      subscription: recipient.subscription as Subscription,
      recipient,
    }));
  }

  /**
   * Chooses the member that receives a message, by turns: one that is ready, else one that is
   * connected, else any, which then queues it. Usually looks at one member, at worst at all.
   *
   * @param except - passed over: a member that has just gone away
   * @returns null when nobody is left. Its QoS is that member's own. [MQTT-4.8.2-3]
   */
  next(except?: S): Recipient<S> | null {
    const members = this.#members.items;
    let index = this.#cursor;
    let chosen = -1;
    let isChosenConnected = false;
    for (let looked = 0; looked < members.length; looked++, index++) {
      if (index >= members.length) {
        index = 0;
      }
      const session = (members[index] as MatchedRecipient<S>).session;
      if (session === except) {
        continue;
      }
      if (session.isReady) {
        chosen = index;
        break;
      }
      if (chosen === -1 || (!isChosenConnected && session.isConnected)) {
        chosen = index;
        isChosenConnected = session.isConnected;
      }
    }
    if (chosen === -1) {
      return null;
    }
    this.#cursor = chosen + 1;
    return members[chosen] as MatchedRecipient<S>;
  }

  /**
   * Finds out what would be chosen, so that it is the same member's turn afterwards.
   *
   * @param choose - may call `next`
   */
  foresee<T>(choose: () => T): T {
    const cursor = this.#cursor;
    try {
      return choose();
    } finally {
      this.#cursor = cursor;
    }
  }

  /** Whether a member other than one that is about to go away is connected. */
  hasConnectedBeside(session: S): boolean {
    return this.#members.items.some((one) => one.session !== session && one.session.isConnected);
  }

  /** A session's recipient, null when it is no member. For the trie. */
  find(session: S): MatchedRecipient<S> | null {
    return this.#members.items[this.#members.positionOf(session)] ?? null;
  }

  /** Adds or replaces a member. For the trie. */
  put(recipient: MatchedRecipient<S>): void {
    this.#members.put(recipient);
  }

  /** Removes a member; false when it is none. For the trie. */
  remove(session: S): boolean {
    return this.#members.remove(session);
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    this.#members.checkInvariants();
    for (const { subscription } of this.#members.items) {
      const filter = subscription?.topicFilter;
      invariant(filter === this.wholeFilter, `a member of ${this.wholeFilter} by ${filter}`);
    }
  }
}
