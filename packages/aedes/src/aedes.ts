import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  createBroker,
  type InsideProperties,
  parseConfig,
  type RunningBroker,
} from '@promptmq/server';
import { AedesClient } from './client/client.ts';
import {
  allowAllButSystem,
  allowAnyone,
  allowConnection,
  allowSubscription,
  doNothing,
  forwardAsItIs,
  SYSTEM,
} from './default-handlers.ts';
import { DelayedWills } from './delayed-wills.ts';
import type { AedesEvents } from './events.ts';
import type { ClientHost, HostedClient, Limits } from './host.ts';
import type { Deliver } from './inside-subscriptions.ts';
import { configOf, FOLDER_VARIABLE, limitsOf } from './options.ts';
import { topicFault } from './packets/topics.ts';
import { PassingOn } from './passing-on.ts';
import type {
  AedesOptions,
  AuthenticateHandler,
  AuthorizeForwardHandler,
  AuthorizePublishHandler,
  AuthorizeSubscribeHandler,
  Brokers,
  Client,
  Connection,
  DecodeProtocolHandler,
  PreConnectHandler,
  PublishedHandler,
  PublishedPacket,
  PublishPacket,
  Subscription,
} from './types.ts';

type PublishCallback = (error?: Error | null) => void;

/** A broker with the interface of aedes 1.x. */
export class Aedes extends EventEmitter<AedesEvents> {
  /** In its topics below `$SYS`. */
  readonly id: string;
  /** Of those that are connected, how many. */
  connectedClients: number;
  closed: boolean;
  /** There is this one only, from its first heartbeat on. */
  readonly brokers: Brokers;
  /** Those that are connected, by identifier. */
  readonly clients: Record<string, Client>;
  /**
   * Takes a client. It needs no `this`.
   *
   * @param request - of a WebSocket: what it was opened with
   */
  readonly handle: (stream: Connection, request?: IncomingMessage) => Client;

  preConnect: PreConnectHandler;
  authenticate: AuthenticateHandler;
  authorizePublish: AuthorizePublishHandler;
  authorizeSubscribe: AuthorizeSubscribeHandler;
  authorizeForward: AuthorizeForwardHandler;
  published: PublishedHandler;

  /** Asked for the first bytes of each client where `trustProxy` is set; `data` of what it returns takes their place. */
  decodeProtocol: DecodeProtocolHandler | null;
  trustProxy: boolean;
  readonly trustedProxies: string[];

  readonly #options: AedesOptions;
  readonly #limits: Limits;
  readonly #packetSizeMax: number;
  readonly #host: ClientHost;
  readonly #passingOn: PassingOn;
  readonly #delayedWills: DelayedWills;
  #running: RunningBroker | null;
  #starting: Promise<void> | null;
  #closing: Promise<void> | null;
  #heartbeat: ReturnType<typeof setInterval> | null;

  /**
   * @param options - those of aedes, and PromptMQ's own as `promptmq`
   * @throws {TypeError} for `mq` and `persistence`, which are done otherwise here, and for wrong numbers
   */
  constructor(options: AedesOptions = {}) {
    super();
    this.#options = options;
    this.#limits = limitsOf(options);
    this.id = options.id || randomUUID();
    this.connectedClients = 0;
    this.closed = false;
    this.brokers = Object.create(null);
    this.clients = Object.create(null);
    this.handle = (stream, request) => this.#handle(stream, request);
    this.preConnect = options.preConnect ?? allowConnection;
    this.authenticate = options.authenticate ?? allowAnyone;
    this.authorizePublish = options.authorizePublish ?? allowAllButSystem;
    this.authorizeSubscribe = options.authorizeSubscribe ?? allowSubscription;
    this.authorizeForward = options.authorizeForward ?? forwardAsItIs;
    this.published = options.published ?? doNothing;
    this.decodeProtocol = options.decodeProtocol ?? null;
    this.trustProxy = options.trustProxy ?? false;
    this.trustedProxies = options.trustedProxies ?? [];
    const config = configOf(options, process.env[FOLDER_VARIABLE]);
    this.#packetSizeMax = parseConfig(config).mqtt.maxPacketSize;
    this.#passingOn = new PassingOn(this, this.#limits.concurrency);
    this.#delayedWills = new DelayedWills();
    this.#running = null;
    this.#starting = null;
    this.#closing = null;
    this.#heartbeat = null;
    this.#host = this.#asHost();
  }

  /** Makes a broker, and waits until it has started. @throws what `listen` throws */
  static async createBroker(options: AedesOptions = {}): Promise<Aedes> {
    const broker = new this(options);
    await broker.listen();
    return broker;
  }

  /** @internal What aedes before 1.0 is called by: `new aedes.Server()`. */
  static get Server(): typeof Aedes {
    return Aedes;
  }

  /**
   * Starts PromptMQ, unless it has been started. Streams, messages and subscriptions that came before are dealt with then.
   *
   * @throws {ConfigError} where an option of `promptmq` is wrong; the error of a folder that can't be used
   */
  listen(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Publishes a message, without asking `authorizePublish`.
   *
   * @param callback - when it is as safe as an acknowledgement would say, and functions that have subscribed have called back
   */
  publish(packet: PublishPacket, callback?: PublishCallback): void;
  /** @internal In a client's name, which `published` and the event are told. Plugins of aedes do that. */
  publish(packet: PublishPacket, client: Client | null, callback?: PublishCallback): void;
  publish(
    packet: PublishPacket,
    given: Client | PublishCallback | null = null,
    last: PublishCallback = () => {},
  ): void {
    const [client, callback] = typeof given === 'function' ? [null, given] : [given, last];
    if (this.closed) return void setImmediate(callback, new Error('the broker is closed'));
    const fault = topicFault(packet.topic, 'PUBLISH', this.#limits.maxTopicLevels);
    if (fault !== null) return void setImmediate(callback, fault);
    this.#whenStarted()
      .then(() => this.#publishWithin(packet))
      .then(
        () => this.#passingOn.passOn(packet as PublishedPacket, client, callback),
        (error: Error) => callback(error),
      );
  }

  /**
   * Has a function called for each message that matches, whoever published it. Retained messages don't come.
   *
   * @param topic - a topic filter, of which `#` and `+` match topics of `$SYS`, too
   * @param callback - when that is so
   */
  subscribe(topic: string, deliver: Deliver, callback: () => void = () => {}): void {
    this.#passingOn.subscriptions.add(topic, deliver);
    setImmediate(callback);
  }

  /** Ends what `subscribe` has begun with the same topic filter and function. */
  unsubscribe(topic: string, deliver: Deliver, callback: () => void = () => {}): void {
    this.#passingOn.subscriptions.delete(topic, deliver);
    setImmediate(callback);
  }

  /** Disconnects all clients, and stops. @param callback - when nothing is left open */
  close(callback: () => void = () => {}): void {
    const isFirst = this.#closing === null;
    this.closed = true;
    this.#closing ??= this.#stop();
    void this.#closing.then(() => {
      if (isFirst) this.emit('closed');
      callback();
    });
  }

  // ------------------------------------------------------------------ start and stop

  async #start(): Promise<void> {
    const { logger } = this.#options;
    const config = configOf(this.#options, process.env[FOLDER_VARIABLE]);
    this.#running = await createBroker(config, logger === undefined ? {} : { logger });
    if (this.closed) return;
    this.#heartbeat = setInterval(() => {
      this.brokers[this.id] = Date.now();
      this.#announce('heartbeat', this.id);
    }, this.#limits.heartbeatInterval);
  }

  /** For what has been begun without `listen`, as programs for aedes before 1.0 do. */
  #whenStarted(): Promise<void> {
    if (this.#starting === null) {
      this.#starting = this.#start();
      this.#starting.catch((error: Error) => this.emit('error', error));
    }
    return this.#starting;
  }

  async #stop(): Promise<void> {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#delayedWills.clear();
    const clients = Object.values(this.clients) as HostedClient[];
    await Promise.all(
      clients.map((client) => {
        client.end(0x8b);
        return new Promise<void>((resolve) => client.close(resolve));
      }),
    );
    await this.#starting?.catch(() => {});
    await this.#running?.stop();
  }

  // ------------------------------------------------------------------ what clients need

  #handle(stream: Connection, request: IncomingMessage | undefined): Client {
    const client = new AedesClient(this.#host, stream, request, this.#packetSizeMax);
    if (this.closed) client.close();
    return client;
  }

  #asHost(): ClientHost {
    const broker = this;
    return {
      id: this.id,
      limits: this.#limits,
      get closed() {
        return broker.closed;
      },
      get forwardsAll() {
        return broker.authorizeForward !== forwardAsItIs;
      },
      get watchesMessages() {
        return (
          broker.authorizePublish !== allowAllButSystem ||
          broker.published !== doNothing ||
          broker.listenerCount('publish') > 0 ||
          !broker.#passingOn.subscriptions.isEmpty
        );
      },
      get asksForPublish() {
        return broker.authorizePublish !== allowAllButSystem;
      },
      preConnect: (client, packet, callback) => this.preConnect(client, packet, callback),
      authenticate: (client, name, password, done) =>
        this.authenticate(client, name, password, done),
      authorizePublish: (client, packet, callback) =>
        this.authorizePublish(client, packet, callback),
      authorizeSubscribe: (client, subscription, callback) =>
        this.authorizeSubscribe(client, subscription, callback),
      authorizeForward: (client, packet) => this.authorizeForward(client, packet),
      published: (packet, client, callback) => this.published(packet, client, callback),
      decodeProtocol: (client, bytes) =>
        this.trustProxy ? (this.decodeProtocol?.(client, bytes) ?? null) : null,
      whenStarted: () => this.#whenStarted(),
      attach: (stream, address, protocol) => this.#attach(stream, address, protocol),
      clientOf: (id) => (this.clients[id] as HostedClient | undefined) ?? null,
      register: (client) => this.#register(client),
      unregister: (client) => this.#unregister(client),
      passOn: (packet, client, done) => this.#passingOn.passOn(packet, client, done),
      whenRoom: (callback) => this.#passingOn.whenRoom(callback),
      subscriptionsOf: (id) => this.#subscriptionsOf(id),
      announce: (topic, payload) => this.#announce(topic, payload),
      publishWill: (client, will, delayMs, done) => {
        if (delayMs === 0 || this.closed) return this.#publishWill(client, will, done);
        const publish = () => this.#publishWill(client, will, () => {});
        this.#delayedWills.add(client.id as string, delayMs, publish);
        done();
      },
      emit: (event, first, second) => {
        const emitter = this as EventEmitter;
        return second === undefined
          ? emitter.emit(event, first)
          : emitter.emit(event, first, second);
      },
      listenerCount: (event) => (this as EventEmitter).listenerCount(event),
    };
  }

  #attach(stream: Duplex, remoteAddress: string, protocol: string): void {
    (this.#running as RunningBroker).attach(stream, { remoteAddress, protocol });
  }

  #register(client: HostedClient): void {
    this.#delayedWills.settle(client);
    this.clients[client.id] = client;
    this.connectedClients++;
    this.emit('client', client);
    this.#announce('new/clients', client.id);
  }

  #unregister(client: HostedClient): void {
    if (this.clients[client.id] === client) delete this.clients[client.id];
    this.connectedClients--;
    this.emit('clientDisconnect', client);
    this.#announce('disconnect/clients', client.id);
  }

  #announce(topic: string, payload: string): void {
    if (this.closed) return;
    this.publish({ topic: `${SYSTEM}${this.id}/${topic}`, payload: Buffer.from(payload) });
  }

  #publishWill(client: Client, will: PublishedPacket, done: () => void): void {
    this.authorizePublish(client, will, (error) => {
      if (error) return done();
      this.#publishWithin(will).then(
        () => this.#passingOn.passOn(will, client, () => setImmediate(done)),
        () => done(),
      );
    });
  }

  async #publishWithin({ topic, payload, qos, retain, properties }: PublishPacket): Promise<void> {
    await (this.#running as RunningBroker).publish({
      topic,
      payload: payload ?? '',
      qos: qos ?? 0,
      retain: retain ?? false,
      ...(properties && { properties: messagePropertiesOf(properties) }),
    });
  }

  #subscriptionsOf(id: string): Subscription[] {
    const found = this.#running?.clients.subscriptions(id) ?? [];
    return found.map(({ topicFilter, qos, noLocal, retainAsPublished, retainHandling }) => ({
      topic: topicFilter,
      qos,
      nl: noLocal,
      rap: retainAsPublished,
      rh: retainHandling,
    }));
  }
}

/** What of them belongs to the message, and not to a connection or a will. */
function messagePropertiesOf(
  properties: NonNullable<PublishPacket['properties']> & { willDelayInterval?: number },
): InsideProperties {
  const { topicAlias, subscriptionIdentifier, willDelayInterval, ...others } = properties;
  return others as InsideProperties;
}
