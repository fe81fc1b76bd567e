import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Config } from '../config/index.ts';
import type { WhyAnswer } from '../history/why/answer.ts';
import type { InsidePublication } from '../inside/inside-message.ts';
import type { InsidePublished } from '../inside/inside-publish.ts';
import type { Listener } from '../listeners/listener.ts';
import type { BrokerMonitor } from '../monitor/index.ts';
import type { SlowSubscriber } from '../observability/index.ts';
import type { BrokerStats } from '../runtime/stats.ts';
import type { TraceListener } from '../tracing/client-traces.ts';
import type { BrokerEventListener, BrokerEventName, EventOptions } from '../tracing/event-types.ts';
import type { BrokerBanList } from './clients/ban-list.ts';
import type { Clients } from './clients/clients.ts';
import type { InsideSubscribeOptions } from './consume/inside-options.ts';
import type { InsideSubscription } from './consume/inside-subscription.ts';
import type { PublishExplanation, PublishQuestion } from './explain/explain.ts';
import type { AccessExplanation, AccessQuestion } from './explain/explain-access.ts';
import type { DeliveryQuestion } from './explain/explain-delivery.ts';
import type { HistoryOptions, HistoryPage } from './explain/list-history.ts';
import type { Reconfiguration } from './reconfigure.ts';
import type { Retained } from './retained/retained.ts';
import type { StorageInfo } from './storage-info.ts';
import type { ClientOrigin, StreamOptions } from './streams/streams.ts';
import type { Topics } from './topics/topics.ts';
import type { BrokerUsers } from './users/users.ts';

/** A broker that is serving. */
export interface RunningBroker extends AsyncDisposable {
  /** Of the TCP listener, such as `mqtt://127.0.0.1:1883`; null when there is none. */
  readonly url: string | null;
  /** Of the WebSocket listener, such as `ws://127.0.0.1:8080`; null when there is none. */
  readonly wsUrl: string | null;
  /** Of the TLS listener, such as `mqtts://127.0.0.1:8883`; null when there is none. */
  readonly tlsUrl: string | null;
  /** Of the listener for WebSocket over TLS, such as `wss://127.0.0.1:8084`; null when there is none. */
  readonly wssUrl: string | null;
  readonly listeners: readonly Listener[];
  /**
   * Closes all addresses of a listener and disconnects its clients (0x98, Administrative action), until it is started again, or the
   * broker is. Connections that are left after `server.shutdown-timeout` are cut.
   *
   * @param name - as `Listener` has it; nothing happens where it is stopped already
   * @returns resolves when none of its connections is left
   * @throws {EmbedError} by rejection: `invalid-argument`, also where there is none of that name; `stopped`
   */
  stopListener(name: string): Promise<void>;
  /**
   * Has a listener take connections again, at the addresses that it had.
   *
   * @param name - as `Listener` has it; nothing happens where it isn't stopped
   * @throws by rejection: as `stopListener`, and the system's error where an address can't be opened
   */
  startListener(name: string): Promise<void>;
  /** Of metrics, health and readiness, such as `http://127.0.0.1:9090`; null when they aren't served. */
  readonly metricsUrl: string | null;
  /** The configuration in force: `reconfigure` changes it. */
  readonly config: Readonly<Config>;
  /** Of the admin API and the console, such as `http://127.0.0.1:18083`; null while there is no key, or they aren't served. */
  readonly adminUrl: string | null;
  /** Live counters: they change while the broker runs. */
  readonly stats: Readonly<BrokerStats>;
  /**
   * Publishes a message to all who have subscribed, as a client would. It may be called from anywhere, also from what the
   * broker calls: the message is routed when what runs just now has returned, and messages in the order of the calls.
   *
   * @param publication - topic, and what else there is to it; copied before this returns
   * @returns resolves when the message is as safe as PUBACK would say (also at QoS 0, where something was written), and no
   * subscriber that is behind holds it back: so whoever awaits each message is held back as a client is
   * @throws {EmbedError} by rejection. Before anything happens: `invalid-...` for what was passed, `not-allowed`, `too-large`,
   * `too-many` (`mqtt.maxInsidePublishes`, `mqtt.maxInsidePublishBytes`), `stopped`. When its turn has come: `storage-full`,
   * `retained-full` or `queue-full`, and then no client got it, unless the disk has become full only in that moment
   */
  publish(publication: InsidePublication): Promise<InsidePublished>;
  /**
   * Takes a stream as the connection of a client: a serial line, an SSH channel, a socket that the program accepted. The stream
   * is the broker's from then on, which ends and destroys it; it counts among the sockets (`mqtt.maxConnections`). Where
   * there are too many, or the broker has stopped, it is destroyed.
   *
   * @param duplex - of bytes; what it emits, and when, may come at any time
   * @throws {EmbedError} `invalid-argument`; the stream is as it was
   */
  attach(duplex: Duplex, options?: StreamOptions): void;
  /**
   * Takes a client that asks to open a WebSocket on an HTTP server of the program, from its 'upgrade' event: the checks, answers
   * and limits are those of the broker's own listeners, but for the path, which the program decides on. It answers and closes what
   * it refuses; the socket is the broker's from then on.
   *
   * @param request - a request of node:http or node:https
   * @param socket - of the same event
   * @param head - of the same event: what has come after the request
   * @throws {EmbedError} `invalid-argument`; the socket is as it was
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    options?: ClientOrigin,
  ): void;
  /**
   * Connects a client without a socket.
   *
   * @returns the client's end, of which the other one is attached; for MQTT.js `new MqttClient(() => broker.connect(), options)`. It
   * is closed where `attach` would destroy a stream
   * @throws {EmbedError} `invalid-argument`
   */
  connect(options?: ClientOrigin): Duplex;
  /** Its clients: what they are, and how one is disconnected. */
  readonly clients: Clients;
  /** Who isn't let in, whoever it is. */
  readonly bans: BrokerBanList;
  /** Users, groups and roles that are changed while it runs. */
  readonly users: BrokerUsers;
  /** How it does: figures of the last day, alarms, and who has most of the messages. */
  readonly monitor: BrokerMonitor;
  /** What is subscribed to, and which topics there are. */
  readonly topics: Topics;
  /** The messages that it retains. */
  readonly retained: Retained;
  /**
   * Subscribes inside of the program, without a connection. From this call on, what matches is delivered or waits.
   *
   * @param filters - one or several; each at most once counts. `$share/NAME/FILTER` takes part in a shared subscription
   * @throws {EmbedError} `invalid-argument`; `not-available` where the configuration allows nobody such a filter;
   * `quota-exceeded` at a limit; `storage-full`, with a name; `stopped`. The signal's reason when it is aborted. Nothing has
   * happened then
   */
  subscribe(
    filters: string | readonly string[],
    options?: InsideSubscribeOptions,
  ): InsideSubscription;
  /**
   * Has a listener called whenever something happens, from now on: `connect`, `disconnect`, `subscribe`, `unsubscribe`, `publish`,
   * `ack`, `drop`, `refuse`, `error`. What it gets is a plain object of its own, which all listeners of the event share.
   *
   * Listeners are called at the end of the broker's turn, in the order in which things happened and in that in which they were added; so
   * they may call everything of the broker, and what that leads to is reported in the next turn. What a listener throws, or rejects with, is
   * counted and logged (`listener-failed`), and nothing else comes of it; an `error` without a listener is in the log only. Of
   * more events in a turn than `mqtt.max-event-bytes` has room for, the last ones are left out, counted and logged
   * (`events-left-out`). For an event without a listener nothing is done.
   *
   * @param options - `limit`: after how many events the listener is removed; of `publish`: a `filter` for topics
   * @throws {EmbedError} `invalid-argument`
   */
  on<N extends BrokerEventName>(
    name: N,
    listener: BrokerEventListener<N>,
    options?: EventOptions,
  ): this;
  /** As `on`, for the next event only. */
  once<N extends BrokerEventName>(
    name: N,
    listener: BrokerEventListener<N>,
    options?: EventOptions,
  ): this;
  /** Removes a listener, the last one where it was added several times. */
  off<N extends BrokerEventName>(name: N, listener: BrokerEventListener<N>): this;
  /**
   * Says whether the rules allow something, and which one decides.
   *
   * @throws {EmbedError} `invalid-argument`
   */
  explainAccess(question: AccessQuestion): AccessExplanation;
  /**
   * Says who would get a message, at which QoS, and who not and why; nothing is published. `broker.publish` and a client's PUBLISH a moment
   * later may find another state.
   *
   * @throws {EmbedError} `invalid-argument`
   */
  explainPublish(question: PublishQuestion): PublishExplanation;
  /**
   * Says why a client did not get what was published to a topic: from the history, which notes connects, subscriptions, denials and
   * losses, and from what there is now. What was delivered isn't recorded, so nothing is known of single messages.
   *
   * @throws {EmbedError} `invalid-argument`
   */
  explainDelivery(question: DeliveryQuestion): WhyAnswer;
  /**
   * Lists what happened to clients lately, newest first; nothing where `history.enabled` is false.
   *
   * @throws {EmbedError} `invalid-argument`
   */
  history(options?: HistoryOptions): HistoryPage;
  /** The log as it is now; null without storage. */
  readonly storage: StorageInfo | null;
  /** The clients for which the most waits, most first; `limit` is 10 unless given. */
  slowSubscribers(limit?: number): SlowSubscriber[];
  /**
   * Notifies a listener of every packet of a client from now on, whether it is connected or connects later; first,
   * whether it is connected. Of payloads, passwords and the like it gets only the sizes.
   *
   * @param listener - called in the broker's turn: it should be quick, and must not throw
   * @returns a function that ends it
   */
  traceClient(clientId: string, listener: TraceListener): () => void;
  /**
   * Counts and logs an error that nothing has dealt with: for `uncaughtException` and `unhandledRejection` of a
   * process that continues. What clients do doesn't lead to such errors.
   */
  noteUncaught(error: unknown): void;
  /**
   * Puts another configuration in force while clients stay connected, as far as that can be done; the
   * files that it names are read again.
   *
   * @throws {ConfigError} when it can't be used; nothing was changed
   */
  reconfigure(config: Config): Reconfiguration;
  /**
   * Stops accepting, sends every client the reason (0x8B) and closes. Resolves when no socket, timer or other
   * handle is left open; calling it again returns the same promise.
   */
  stop(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
