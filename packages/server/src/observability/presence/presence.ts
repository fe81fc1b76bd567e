import { invariant, type Subscription } from '@promptmq/topics';
import { nodeName } from '../../config/index.ts';
import { isFollower } from '../../sessions/followers.ts';
import { isInsideIdentifier } from '../../sessions/inside-identifiers.ts';
import type { ObservedClient, PresenceNotes, PresentClient } from '../../tracing/client-events.ts';
import type { ObservedBroker } from '../host.ts';
import {
  connectFields,
  connectionOf,
  disconnectFields,
  occurrenceOf,
  subscribeFields,
} from './presence-payload.ts';

/** What an event occupies beside its texts: an estimate. */
const EVENT_BYTES = 500;

/** So many are published in a turn. */
const EVENTS_PER_TURN = 500;
const STATES_PER_TURN = 2000;

/** The longest topic name that there is, in bytes (§1.5.4). */
const TOPIC_BYTES_MAX = 65_535;

const CONNECTED = Buffer.from('1');
const DISCONNECTED = Buffer.from('0');
const ENDED = Buffer.alloc(0);

type EventName = 'connected' | 'disconnected' | 'subscribed' | 'unsubscribed';

/** Something that happened and isn't published yet. */
interface Waiting {
  readonly name: EventName;
  readonly clientId: string;
  readonly bytes: number;
  /** What is said of it, to be written as JSON. */
  readonly fields: object;
}

/**
 * Tells clients who may know it what others do, at `$SYS/brokers/NODE/clients/CLIENTID/…`, and whether they are there, at
 * `$SYS/broker/clients/CLIENTID/state`.
 *
 * It is published when the turn ends, in the order in which it happened, and a bounded number in a turn; nothing is written where nobody
 * gets it. What waits is bounded by `presence.max-unpublished-bytes`. A state isn't left out: it is looked up when it is published.
 *
 * Invariants: what waits is counted, and is going to be published.
 */
export class Presence implements PresenceNotes {
  readonly #broker: ObservedBroker;
  readonly #prefix: string;
  readonly #hasConnections: boolean;
  readonly #hasSubscriptions: boolean;
  readonly #hasStates: boolean;
  #waiting: Waiting[];
  #head: number;
  #waitingBytes: number;
  /** Clients whose state may be another one. */
  readonly #changed: Set<string>;
  #leftOut: number;
  #isScheduled: boolean;

  constructor(broker: ObservedBroker) {
    const { presence } = broker.config;
    this.#broker = broker;
    this.#prefix = `$SYS/brokers/${levelOf(nodeName(broker.config))}/clients/`;
    this.#hasConnections = presence.events !== 'none';
    this.#hasSubscriptions = presence.events === 'all';
    this.#hasStates = presence.state;
    this.#waiting = [];
    this.#head = 0;
    this.#waitingBytes = 0;
    this.#changed = new Set();
    this.#leftOut = 0;
    this.#isScheduled = false;
  }

  /** Whether anything is to be said of clients. */
  static isWanted({ config }: Pick<ObservedBroker, 'config'>): boolean {
    return config.presence.events !== 'none' || config.presence.state;
  }

  /** The broker begins to serve: sessions of the process before are there, and their clients aren't. */
  begin(): void {
    if (!this.#hasStates) return;
    for (const { clientId } of this.#broker.sessions.all()) this.#noteState(clientId);
  }

  connected(client: PresentClient): void {
    this.#noteState(client.clientId);
    if (!this.#hasConnections) return;
    this.#noteConnection('connected', client, connectFields(client));
  }

  disconnected(client: ObservedClient, cause: string, reasonCode: number): void {
    this.#noteState(client.clientId);
    if (!this.#hasConnections) return;
    const fields = disconnectFields(cause, reasonCode, this.#broker.runtime.wallNow());
    this.#noteConnection('disconnected', client, fields);
  }

  subscribed(client: ObservedClient, subscription: Subscription): void {
    if (!this.#hasSubscriptions) return;
    this.#noteSubscription('subscribed', client, subscription.topicFilter, () =>
      subscribeFields(subscription),
    );
  }

  unsubscribed(client: ObservedClient, topicFilter: string): void {
    if (!this.#hasSubscriptions) return;
    this.#noteSubscription('unsubscribed', client, topicFilter, () => ({ topic: topicFilter }));
  }

  sessionEnded(clientId: string): void {
    this.#noteState(clientId);
  }

  #noteConnection(name: EventName, client: ObservedClient, fields: object): void {
    const { runtime } = this.#broker;
    const now = runtime.wallNow();
    const connectedAt = Math.round(now - (runtime.now() - client.openedAt));
    this.#note(name, client, 0, () => ({ ...connectionOf(client, connectedAt, now), ...fields }));
  }

  #noteSubscription(
    name: EventName,
    client: ObservedClient,
    topicFilter: string,
    fields: () => object,
  ): void {
    const now = this.#broker.runtime.wallNow();
    this.#note(name, client, 2 * topicFilter.length, () => ({
      ...occurrenceOf(client, now),
      ...fields(),
    }));
  }

  #note(
    name: EventName,
    { clientId, userName }: ObservedClient,
    extraBytes: number,
    fields: () => object,
  ): void {
    const bytes = EVENT_BYTES + 2 * (clientId.length + (userName?.length ?? 0)) + extraBytes;
    if (this.#waitingBytes + bytes > this.#broker.config.presence.maxUnpublishedBytes) {
      this.#leaveOut();
    } else {
      this.#waitingBytes += bytes;
      this.#waiting.push({ name, clientId, bytes, fields: fields() });
    }
    this.#schedule();
  }

  #leaveOut(): void {
    this.#leftOut++;
    this.#broker.stats.presenceLeftOut++;
  }

  #noteState(clientId: string): void {
    if (!this.#hasStates || isInsideIdentifier(clientId)) return;
    this.#changed.add(clientId);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const { runtime, faults } = this.#broker;
    runtime.defer(() => {
      this.#isScheduled = false;
      faults.contain(null, 'observing', () => this.publish());
      if (this.#head < this.#waiting.length || this.#changed.size > 0) this.#schedule();
    });
  }

  /** Publishes what waits, as much of it as may be in a turn. */
  publish(): void {
    if (this.#leftOut > 0) {
      this.#broker.clientLog.warn('presence-left-out', { count: this.#leftOut });
      this.#leftOut = 0;
    }
    this.#publishEvents();
    let count = 0;
    for (const clientId of this.#changed) {
      if (count++ === STATES_PER_TURN) break;
      this.#changed.delete(clientId);
      this.#publishState(clientId);
    }
  }

  #publishEvents(): void {
    const end = Math.min(this.#waiting.length, this.#head + EVENTS_PER_TURN);
    while (this.#head < end) {
      const event = this.#waiting[this.#head++] as Waiting;
      this.#waitingBytes -= event.bytes;
      this.#publishEvent(event);
    }
    this.#waiting = this.#head === this.#waiting.length ? [] : this.#waiting.slice(this.#head);
    this.#head = 0;
  }

  #publishEvent({ name, clientId, fields }: Waiting): void {
    const topic = `${this.#prefix}${levelOf(clientId)}/${name}`;
    if (isTooLong(topic)) {
      this.#leaveOut();
      return;
    }
    this.#broker.router.announce(
      topic,
      () => Buffer.from(JSON.stringify(fields)),
      (session) => isFollower(session, topic),
    );
  }

  #publishState(clientId: string): void {
    const topic = `$SYS/broker/clients/${levelOf(clientId)}/state`;
    if (isTooLong(topic)) return;
    const { sessions, router } = this.#broker;
    const entry = sessions.find(clientId);
    const payload = entry === null ? ENDED : entry.session.isConnected ? CONNECTED : DISCONNECTED;
    router.announceState(topic, payload, (session) => isFollower(session, topic));
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    let bytes = 0;
    for (const event of this.#waiting.slice(this.#head)) bytes += event.bytes;
    invariant(bytes === this.#waitingBytes, `${this.#waitingBytes} bytes are counted of ${bytes}`);
    const isIdle = bytes === 0 && this.#changed.size === 0;
    invariant(isIdle || this.#isScheduled, 'something waits, and nobody will publish it');
  }
}

/**
 * A text as one level of a topic: what would part levels, be a wildcard or have no place in a topic is written as in URLs, and so is
 * `%`, so that no two texts become the same.
 */
function levelOf(text: string): string {
  if (!NOT_IN_LEVELS.test(text)) return text;
  return text.replaceAll(
    EACH_NOT_IN_LEVELS,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: U+0000 has no place in a topic [MQTT-4.7.3-2]
const NOT_IN_LEVELS = /[/+#%\u0000]/;
const EACH_NOT_IN_LEVELS = new RegExp(NOT_IN_LEVELS, 'g');

function isTooLong(topic: string): boolean {
  return topic.length * 3 > TOPIC_BYTES_MAX && Buffer.byteLength(topic) > TOPIC_BYTES_MAX;
}
