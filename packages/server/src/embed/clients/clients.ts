import { ReasonCode, SERVER_DISCONNECT_REASON_CODES } from '@promptmq/codec';
import type { Broker } from '../../broker.ts';
import { Arguments } from '../calls/arguments.ts';
import { committed } from '../calls/committed.ts';
import { EmbedError } from '../calls/embed-error.ts';
import { CLIENT_FILTER_KEYS, type ClientFilter, clientTest } from './client-filter.ts';
import {
  type ClientInfo,
  type ClientSubscription,
  clientInfoOf,
  clientSubscriptionOf,
} from './client-info.ts';
import {
  type ClientMessageOptions,
  type ClientMessagePage,
  inflightMessages,
  queuedMessages,
} from './client-messages.ts';
import {
  type ClientSubscribeRequest,
  subscribeOnBehalf,
  unsubscribeOnBehalf,
} from './on-behalf.ts';
import {
  listSubscriptions,
  type SubscriptionListOptions,
  type SubscriptionPage,
} from './subscription-list.ts';
import { Best, type ClientTopOptions, measureOf } from './top-clients.ts';

export interface ClientListOptions extends ClientFilter {
  /** The `cursor` of the page before; null or left out for the first page. */
  readonly cursor?: string | null | undefined;
  /** How many clients the page has at most, 1 to 10,000; 100 by default. */
  readonly limit?: number | undefined;
}

export interface ClientPage {
  readonly clients: ClientInfo[];
  /** For the next page; null when there is none. */
  readonly cursor: string | null;
}

export interface ClientDisconnectOptions {
  /**
   * For an MQTT 5 client: one that a server may send in DISCONNECT (§3.14.2.1), such as 0x87 or 0x8B; 0x98, Administrative
   * action, by default.
   */
  readonly reasonCode?: number | undefined;
  /** Whether its session ends, too, also when it isn't connected. By default it continues by the rules. */
  readonly dropSession?: boolean | undefined;
  /** Whether its will is not published, also one that is still due. By default it is, by the rules. */
  readonly preventWill?: boolean | undefined;
}

/** The clients of a broker: those that are connected, and those whose session continues without a connection. */
export interface Clients {
  /**
   * A page of the clients, in the order in which their sessions were made; after a restart, in which they were found in the
   * storage. A client that is there all the time is on one page exactly, whoever comes and goes meanwhile; one whose
   * session begins later is on a later page.
   *
   * A call looks at 10,000 sessions at most, some milliseconds: so with a filter a page may have fewer
   * clients than `limit`, or none, and others may follow. All have been found when `cursor` is null.
   *
   * @throws {EmbedError} `invalid-argument`: an option that isn't one, or a cursor that wasn't returned
   */
  list(options?: ClientListOptions): ClientPage;
  /**
   * Where the page begins that has the client with this index, 0 for the first, among all as they are now: it is found
   * without a walk.
   *
   * @returns a cursor for `list`; null when there are no more clients than so many
   * @throws {EmbedError} `invalid-argument`
   */
  cursorAt(index: number): string | null;
  /**
   * The clients with the most of something, such as messages that wait. All sessions are looked at, 2,000 in a turn, so it is of
   * no one moment.
   *
   * @throws {EmbedError} as a rejection: `invalid-argument`; the signal's reason when it is aborted
   */
  top(options: ClientTopOptions): Promise<ClientInfo[]>;
  /**
   * @returns null when the client has no session
   * @throws {EmbedError} `invalid-argument`
   */
  get(clientId: string): ClientInfo | null;
  /**
   * The subscriptions of a client, in the order in which their filters were first subscribed to.
   *
   * @returns null when the client has no session
   * @throws {EmbedError} `invalid-argument`
   */
  subscriptions(clientId: string): ClientSubscription[] | null;
  /**
   * A page of the subscriptions of all clients, in the order of their sessions, or of those that are meant. A call looks at
   * 5,000 sessions and subscriptions at most: so a page may have fewer than `limit`, or none, and others may follow.
   *
   * @throws {EmbedError} `invalid-argument`
   */
  listSubscriptions(options?: SubscriptionListOptions): SubscriptionPage;
  /**
   * A page of the messages that wait to be sent to a client for the first time, in their order: retained ones that it is owed, then those
   * that were published, but for QoS 0 of a stored session. What isn't in memory is read back. Nothing changes by it. While messages
   * are being sent, those of a session that isn't stored move up: a page may then leave some out.
   *
   * @returns null when the client has no session
   * @throws {EmbedError} as a rejection: `invalid-argument`
   */
  queued(clientId: string, options?: ClientMessageOptions): Promise<ClientMessagePage | null>;
  /**
   * A page of the messages of QoS 1 and 2 that were sent to a client and are not settled, in the order in which they were first sent.
   *
   * @returns null when the client has no session
   * @throws {EmbedError} as a rejection: `invalid-argument`
   */
  inflight(clientId: string, options?: ClientMessageOptions): Promise<ClientMessagePage | null>;
  /**
   * Has a client subscribed, connected or not, as if it had asked for that itself: within the same limits and rules, those of its
   * connection where it has one; retained messages follow as by a SUBSCRIBE, but for QoS 0 without a connection. No hook is asked, and
   * the client isn't told. Resolves when it is committed, too.
   *
   * @returns the subscription as it was granted; null when the client has no session
   * @throws {EmbedError} as a rejection, before anything happens: `invalid-argument`; `not-available` where the configuration allows nobody
   * such a filter; `not-allowed` by the rules, and for a subscription inside of the program; `quota-exceeded`; `storage-full`; `stopped`.
   * Also `storage-full` when the disk refuses it afterwards
   */
  subscribe(clientId: string, request: ClientSubscribeRequest): Promise<ClientSubscription | null>;
  /**
   * Takes a subscription of a client away. What is queued by it is still delivered. Resolves when it is committed, too.
   *
   * @param topicFilter - the whole Topic Filter
   * @returns whether the client had it
   * @throws {EmbedError} as a rejection: `invalid-argument`, `not-allowed`, `storage-full`, `stopped`
   */
  unsubscribe(clientId: string, topicFilter: string): Promise<boolean>;
  /**
   * Ends a client's connection, and with it what the options say. What this changes has happened when the call returns;
   * the promise is resolved when it is committed, too, so that a restart doesn't bring it back.
   *
   * @returns whether the client was connected, or had a session that was to lose something
   * @throws {EmbedError} as a rejection, before anything happens: `invalid-argument`; `storage-full` when the end of a session, or
   * of its will, can't be written; `stopped`. Also `storage-full` when the disk refuses it afterwards: then it holds for this
   * process, and is written when there is room
   */
  disconnect(clientId: string, options?: ClientDisconnectOptions): Promise<boolean>;
}

/** Sessions that a call looks at: about a millisecond. */
const LOOKED_AT_MAX = 10_000;

/** Sessions that `top` looks at in a turn, and describes in one: about a millisecond. */
const RANKED_MAX = 2000;
const DESCRIBED_MAX = 500;

/** Clients that `top` finds: ten thousand, and one that shows that there are more. */
const TOP_MAX = 10_001;

const LIMIT_MAX = 10_000;
const LIMIT_DEFAULT = 100;

/** A place among the sessions (`SessionEntry.ordinal`), in base 36. */
const CURSOR = /^[1-9a-z][0-9a-z]{0,9}$/;

/** `Clients` of a broker. */
export class BrokerClients implements Clients {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  list(options: ClientListOptions = {}): ClientPage {
    const args = new Arguments('clients.list');
    args.options(options, [...CLIENT_FILTER_KEYS, 'cursor', 'limit']);
    const isMeant = clientTest(args, options, this.#broker.runtime.shownAheadMs);
    const limit = args.wholeNumber('limit', options.limit ?? LIMIT_DEFAULT, 1, LIMIT_MAX);
    const cursor = args.text('cursor', options.cursor ?? '1');
    if (!CURSOR.test(cursor)) args.refuse('cursor takes what an earlier page returned');
    const { sessions, runtime } = this.#broker;
    const { shownAheadMs } = runtime;
    const clients: ClientInfo[] = [];
    let lookedAt = 0;
    for (const entry of sessions.after(Number.parseInt(cursor, 36) - 1)) {
      if (clients.length === limit || lookedAt === LOOKED_AT_MAX) {
        return { clients, cursor: entry.ordinal.toString(36) };
      }
      lookedAt++;
      if (isMeant !== null && !isMeant(entry)) continue;
      clients.push(clientInfoOf(entry, shownAheadMs));
    }
    return { clients, cursor: null };
  }

  cursorAt(index: number): string | null {
    const args = new Arguments('clients.cursorAt');
    args.wholeNumber('index', index, 0, Number.MAX_SAFE_INTEGER);
    const place = this.#broker.sessions.placeBefore(index);
    return place === null ? null : (place + 1).toString(36);
  }

  async top(options: ClientTopOptions): Promise<ClientInfo[]> {
    const args = new Arguments('clients.top');
    args.options(options, [...CLIENT_FILTER_KEYS, 'by', 'order', 'limit', 'signal']);
    const { order = 'desc', signal } = options;
    const measure = measureOf(args, options.by);
    if (order !== 'asc' && order !== 'desc') args.refuse('order takes asc or desc');
    const best = new Best(args.wholeNumber('limit', options.limit ?? 10, 1, TOP_MAX));
    const isMeant = clientTest(args, options, this.#broker.runtime.shownAheadMs);
    const { sessions, runtime } = this.#broker;
    const sign = order === 'desc' ? 1 : -1;
    let last = 0;
    for (let isDone = false; !isDone; ) {
      signal?.throwIfAborted();
      isDone = true;
      let left = RANKED_MAX;
      for (const entry of sessions.after(last)) {
        if (left === 0) {
          isDone = false;
          break;
        }
        left--;
        last = entry.ordinal;
        if (isMeant !== null && !isMeant(entry)) continue;
        const value = measure(entry);
        best.offer(last, value === -1 ? Number.NEGATIVE_INFINITY : sign * value);
      }
      if (!isDone) await new Promise<void>((resolve) => runtime.defer(resolve));
    }
    return this.#infosAt(best.ordinals());
  }

  /** Those that are still there, in this order. */
  async #infosAt(ordinals: readonly number[]): Promise<ClientInfo[]> {
    const { sessions, runtime } = this.#broker;
    const infos: ClientInfo[] = [];
    for (const [index, ordinal] of ordinals.entries()) {
      if (index % DESCRIBED_MAX === DESCRIBED_MAX - 1) {
        await new Promise<void>((resolve) => runtime.defer(resolve));
      }
      const { value: entry } = sessions.after(ordinal - 1).next();
      if (entry?.ordinal === ordinal) infos.push(clientInfoOf(entry, runtime.shownAheadMs));
    }
    return infos;
  }

  get(clientId: string): ClientInfo | null {
    const { sessions, runtime } = this.#broker;
    const entry = sessions.find(new Arguments('clients.get').text('clientId', clientId));
    return entry === null ? null : clientInfoOf(entry, runtime.shownAheadMs);
  }

  subscriptions(clientId: string): ClientSubscription[] | null {
    const { sessions } = this.#broker;
    const entry = sessions.find(new Arguments('clients.subscriptions').text('clientId', clientId));
    return entry === null ? null : Array.from(entry.subscriptions.values(), clientSubscriptionOf);
  }

  listSubscriptions(options: SubscriptionListOptions = {}): SubscriptionPage {
    return listSubscriptions(this.#broker, options);
  }

  async queued(
    clientId: string,
    options: ClientMessageOptions = {},
  ): Promise<ClientMessagePage | null> {
    const args = new Arguments('clients.queued');
    const entry = this.#broker.sessions.find(args.text('clientId', clientId));
    return entry === null ? null : queuedMessages(this.#broker, args, entry, options);
  }

  async inflight(
    clientId: string,
    options: ClientMessageOptions = {},
  ): Promise<ClientMessagePage | null> {
    const args = new Arguments('clients.inflight');
    const entry = this.#broker.sessions.find(args.text('clientId', clientId));
    return entry === null ? null : inflightMessages(this.#broker, args, entry, options);
  }

  async subscribe(
    clientId: string,
    request: ClientSubscribeRequest,
  ): Promise<ClientSubscription | null> {
    return subscribeOnBehalf(this.#broker, clientId, request);
  }

  async unsubscribe(clientId: string, topicFilter: string): Promise<boolean> {
    return unsubscribeOnBehalf(this.#broker, clientId, topicFilter);
  }

  async disconnect(clientId: string, options: ClientDisconnectOptions = {}): Promise<boolean> {
    const args = new Arguments('clients.disconnect');
    args.text('clientId', clientId);
    args.options(options, ['reasonCode', 'dropSession', 'preventWill']);
    const { reasonCode = ReasonCode.AdministrativeAction } = options;
    if (!SERVER_DISCONNECT_REASON_CODES.includes(reasonCode)) {
      const codes = SERVER_DISCONNECT_REASON_CODES.map((code) => `0x${code.toString(16)}`);
      args.refuse(`reasonCode takes what a server may send in DISCONNECT: ${codes.join(', ')}`); // [MQTT-3.14.2-1]
    }
    const dropsSession = args.flag('dropSession', options.dropSession ?? false);
    const preventsWill = args.flag('preventWill', options.preventWill ?? false);

    const { sessions, journal, isServing } = this.#broker;
    if (!isServing) throw new EmbedError('stopped', 'the broker has been stopped');
    const entry = sessions.find(clientId);
    if (entry === null) return false;
    const { link } = entry.session;
    const losesWill = preventsWill && entry.will !== null;
    const isWritten = entry.number > 0 && (dropsSession || losesWill);
    if (isWritten && !journal.isOpen) {
      throw new EmbedError('storage-full', `no room on the disk to write what ${clientId} loses`);
    }
    const will = preventsWill ? 'discard-will' : 'send-will';
    link?.disconnect(reasonCode, 'administrative action', '', will);
    if (preventsWill) sessions.discardWill(entry);
    if (dropsSession) sessions.drop(entry);
    if (isWritten) await committed(journal, `what ${clientId} was to lose is gone`);
    return link !== null || dropsSession || losesWill;
  }
}
