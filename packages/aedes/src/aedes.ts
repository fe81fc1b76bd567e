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
import type { ClientHost, HostedClient, Limits } from './host.ts';
import { type Deliver, InsideSubscriptions } from './inside-subscriptions.ts';
import { configOf, FOLDER_VARIABLE, limitsOf } from './options.ts';
import { topicFault } from './packets/topics.ts';
import type {
  AedesOptions,
  AedesPublishPacket,
  AuthenticateHandler,
  AuthorizeForwardHandler,
  AuthorizePublishHandler,
  AuthorizeSubscribeHandler,
  Brokers,
  Client,
  ConnackPacket,
  Connection,
  DecodeProtocolHandler,
  PingreqPacket,
  PreConnectHandler,
  PublishedHandler,
  PublishedPacket,
  PublishPacket,
  PubrelPacket,
  Subscription,
} from './types.ts';

/** What events have for their listeners. */
export interface AedesEvents {
  /** A client is known, and not ready yet. */
  client: [client: Client];
  /** It is ready: what waited for it has been sent. */
  clientReady: [client: Client];
  clientDisconnect: [client: Client];
  /** Something has gone wrong for a client, which is disconnected then. */
  clientError: [client: Client, error: Error];
  /** The same before it is known who the client is. */
  connectionError: [client: Client, error: Error];
  /** A client was silent for one and a half times its keep alive. */
  keepaliveTimeout: [client: Client];
  /** A message was published, by a client or, with null, from inside. */
  publish: [packet: PublishedPacket, client: Client | null];
  /** A client has acknowledged a message: that of QoS 1, or PUBREL. */
  ack: [packet: AedesPublishPacket | PubrelPacket | undefined, client: Client];
  ping: [packet: PingreqPacket, client: Client];
  /** A client has subscribed. QoS 128 is a refusal. */
  subscribe: [subscriptions: Subscription[], client: Client];
  /** A client has ended subscriptions, or its session has ended with them. */
  unsubscribe: [topics: string[], client: Client];
  connackSent: [packet: ConnackPacket, client: Client];
  closed: [];
  /** PromptMQ could not be started. Not where that is known by `listen`. */
  error: [error: Error];
}

type PublishCallback = (error?: Error | null) => void;

const SYSTEM = '$SYS/';
/** Node's timers take no more. */
const TIMEOUT_MS_MAX = 2_147_483_647;

interface DelayedWill {
  readonly timer: ReturnType<typeof setTimeout>;
  readonly publish: () => void;
}

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
  readonly #subscriptions: InsideSubscriptions;
  #counter: number;
  /** Messages that functions of the program have not called back for. */
  #inHands: number;
  /** Clients that have published and are held up until there are fewer. */
  readonly #waiting: (() => void)[];
  /** By client identifier: clients are gone, and their wills wait. */
  readonly #delayedWills: Map<string, DelayedWill>;
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
    this.#subscriptions = new InsideSubscriptions();
    this.#counter = 0;
    this.#inHands = 0;
    this.#waiting = [];
    this.#delayedWills = new Map();
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
        () => this.#passOn(packet as PublishedPacket, client, callback),
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
    this.#subscriptions.add(topic, deliver);
    setImmediate(callback);
  }

  /** Ends what `subscribe` has begun with the same topic filter and function. */
  unsubscribe(topic: string, deliver: Deliver, callback: () => void = () => {}): void {
    this.#subscriptions.delete(topic, deliver);
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
    for (const { timer } of this.#delayedWills.values()) clearTimeout(timer);
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
          !broker.#subscriptions.isEmpty
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
      passOn: (packet, client, done) => this.#passOn(packet, client, done),
      whenRoom: (callback) => this.#whenRoom(callback),
      subscriptionsOf: (id) => this.#subscriptionsOf(id),
      announce: (topic, payload) => this.#announce(topic, payload),
      publishWill: (client, will, delayMs, done) => {
        if (delayMs > 0 && !this.closed) this.#publishWillLater(client, will, delayMs, done);
        else this.#publishWill(client, will, done);
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
    this.#settleDelayedWill(client);
    this.clients[client.id] = client;
    this.connectedClients++;
    this.emit('client', client);
    this.#announce('new/clients', client.id);
  }

  /** A client is there again: its will isn't published [MQTT-3.1.3-9], unless its session has ended. */
  #settleDelayedWill({ id, clean }: HostedClient): void {
    const delayed = this.#delayedWills.get(id);
    if (delayed === undefined) return;
    if (clean) {
      delayed.publish();
    } else {
      clearTimeout(delayed.timer);
      this.#delayedWills.delete(id);
    }
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

  #publishWillLater(
    client: Client,
    will: PublishedPacket,
    delayMs: number,
    done: () => void,
  ): void {
    const id = client.id as string;
    const publish = () => {
      clearTimeout(timer);
      this.#delayedWills.delete(id);
      this.#publishWill(client, will, () => {});
    };
    const timer = setTimeout(publish, Math.min(delayMs, TIMEOUT_MS_MAX));
    this.#delayedWills.set(id, { timer, publish });
    done();
  }

  #publishWill(client: Client, will: PublishedPacket, done: () => void): void {
    this.authorizePublish(client, will, (error) => {
      if (error) return done();
      this.#publishWithin(will).then(
        () => this.#passOn(will, client, () => setImmediate(done)),
        () => done(),
      );
    });
  }

  async #publishWithin({ topic, payload, qos, retain, properties }: PublishPacket): Promise<void> {
    await (this.#running as RunningBroker).publish({
      topic,
      payload: bytesOf(payload),
      qos: qos ?? 0,
      retain: retain ?? false,
      ...(properties && { properties: messagePropertiesOf(properties) }),
    });
  }

  #whenRoom(callback: () => void): void {
    if (this.#inHands < Math.max(this.#limits.concurrency, 1)) callback();
    else this.#waiting.push(callback);
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

  /** For functions that have subscribed, then `published`, then the event. */
  #passOn(
    packet: PublishedPacket,
    client: Client | null,
    done: (error: Error | null) => void,
  ): void {
    this.#counter++;
    this.#inHands++;
    const finish = () => {
      this.published(packet, client, (error) => {
        this.#inHands--;
        done(error ?? null);
        this.emit('publish', packet, client);
        while (this.#inHands < this.#limits.concurrency && this.#waiting.length > 0) {
          this.#waiting.shift()?.();
        }
      });
    };
    const functions = this.#subscriptions.match(packet.topic);
    if (functions.length === 0) {
      finish();
      return;
    }
    const clientId = packet.clientId ?? client?.id;
    const delivered: AedesPublishPacket = {
      cmd: 'publish',
      brokerId: this.id,
      brokerCounter: this.#counter,
      topic: packet.topic,
      payload: packet.payload ?? Buffer.alloc(0),
      qos: packet.qos ?? 0,
      retain: packet.retain ?? false,
      dup: packet.dup ?? false,
      ...(clientId !== undefined && clientId !== null && { clientId }),
      ...(packet.properties && { properties: packet.properties }),
    };
    let missing = functions.length;
    for (const deliver of functions) {
      deliver(delivered, () => {
        missing--;
        if (missing === 0) finish();
      });
    }
  }
}

/** What of them belongs to the message, and not to a connection or a will. */
function messagePropertiesOf(
  properties: NonNullable<PublishPacket['properties']> & { willDelayInterval?: number },
): InsideProperties {
  const { topicAlias, subscriptionIdentifier, willDelayInterval, ...others } = properties;
  return others as InsideProperties;
}

function bytesOf(payload: string | Buffer | undefined): Buffer {
  return typeof payload === 'string' || payload === undefined
    ? Buffer.from(payload ?? '')
    : payload;
}

const allowConnection: PreConnectHandler = (_client, _packet, callback) => callback(null, true);
const allowAnyone: AuthenticateHandler = (_client, _name, _password, done) => done(null, true);
const allowSubscription: AuthorizeSubscribeHandler = (_client, subscription, callback) =>
  callback(null, subscription);
const forwardAsItIs: AuthorizeForwardHandler = (_client, packet) => packet;
const doNothing: PublishedHandler = (_packet, _client, callback) => callback(null);
const allowAllButSystem: AuthorizePublishHandler = (_client, packet, callback) =>
  callback(packet.topic.startsWith(SYSTEM) ? new Error(`${SYSTEM} topic is reserved`) : null);
