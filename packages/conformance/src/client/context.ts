import { check, WRONG } from '../check.ts';
import { NotTriedError } from '../not-tried.ts';
import type { Part } from '../wire/bytes.ts';
import {
  ack,
  type ConnectOptions,
  connect,
  type PublishOptions,
  publish,
  subscribe,
} from '../wire/client-packets.ts';
import { property } from '../wire/property.ts';
import type { Version } from '../wire/version.ts';
import { doesNotSpeak } from '../wire/version.ts';
import { RawClient } from './raw-client.ts';
import type { Target, TargetAddress } from './target.ts';
import { withCredentials } from './with-credentials.ts';

/** What the operator of a broker can do to it. */
export interface Operator {
  readonly clients: {
    /** @returns whether the client was connected */
    disconnect(clientId: string): Promise<boolean>;
  };
  stop(): Promise<void>;
}

/** A broker, and which versions of MQTT it speaks. */
export interface Subject {
  readonly target: Target;
  readonly versions: readonly Version[];
}

/** What a case works with: connections to the broker, closed when the case ends. */
export class Context {
  readonly target: Target;
  /** Unique, so that cases that run side by side don't meet. */
  readonly name: string;
  readonly #versions: readonly Version[];
  readonly #operator: Operator | null;
  readonly #clients: RawClient[] = [];
  #clientCount = 0;
  #connectionCount = 0;

  constructor({ target, versions }: Subject, name: string, operator: Operator | null = null) {
    this.target = target;
    this.#versions = versions;
    this.name = name;
    this.#operator = operator;
  }

  /** Of the broker under test; only cases that say that they need one have it. */
  get operator(): Operator {
    if (this.#operator === null) throw new Error('this case has not asked for an operator');
    return this.#operator;
  }

  /** A topic or filter of this case alone. */
  topic(suffix = ''): string {
    return `${this.name}${suffix}`;
  }

  /** A connection on which nothing has been sent. */
  async open(version: Version = 5): Promise<RawClient> {
    if (!this.#versions.includes(version)) throw new NotTriedError(doesNotSpeak(version));
    const client = await RawClient.open(this.#nextTarget(), version);
    this.#clients.push(client);
    return client;
  }

  /** @param path - follows that of the target */
  async openWebSocket(path = '', protocols?: string[]): Promise<RawClient> {
    const target = this.#nextTarget();
    const { wsUrl } = target;
    if (wsUrl === null) throw new NotTriedError('no address of a WebSocket is known');
    const client = await RawClient.openWebSocket(target, `${wsUrl}${path}`, protocols);
    this.#clients.push(client);
    return client;
  }

  /** The nodes of the broker, one after the other. */
  #nextTarget(): Target {
    const { target } = this;
    const nodes = [target, ...target.others];
    const node = nodes[this.#connectionCount++ % nodes.length] as TargetAddress;
    return { ...target, url: node.url, wsUrl: node.wsUrl };
  }

  /** Says that the case is about user names and passwords: a broker that wants its own can't be asked for it. */
  anyCredentials(): void {
    if (this.target.credentials === null) return;
    throw new NotTriedError(
      'it has user names and passwords of its own, and the target wants others',
    );
  }

  /** Starts what is done beside the case, which awaits it in the end; a case that fails before has said why. */
  meanwhile(work: () => Promise<void>): Promise<void> {
    const done = work();
    done.catch(() => {});
    return done;
  }

  /** A CONNECT that isn't sent as a whole, with the credentials that the target wants. */
  connectOf(options: ConnectOptions = {}): Uint8Array {
    const packet = connect({ clientId: this.clientId(), ...options });
    const { credentials } = this.target;
    return credentials === null ? packet : withCredentials(packet, credentials);
  }

  /** A client identifier of this case alone. */
  clientId(suffix = ''): string {
    this.#clientCount++;
    return `${this.name}${suffix === '' ? this.#clientCount : suffix}`;
  }

  /** A client whose CONNECT was accepted. */
  async connect(options: ConnectOptions = {}): Promise<RawClient> {
    const client = await this.open(options.version ?? 5);
    client.send(this.connectOf(options));
    await client.expect('connack', { reasonCode: 0 });
    return client;
  }

  /** A connected client with one subscription; `flags` are those of `subscribe`. */
  async subscriber(
    filter: Part = this.topic(),
    flags = 0,
    options: ConnectOptions = {},
  ): Promise<RawClient> {
    const client = await this.connect(options);
    client.send(subscribe([[filter, flags]], { version: options.version ?? 5 }));
    await client.expect('suback', { reasonCodes: [flags & 3] });
    return client;
  }

  /** CONNECT of a client whose session outlives its connection. */
  durable(options: ConnectOptions = {}): ConnectOptions {
    const properties = options.version === undefined ? property.sessionExpiry(60) : [];
    return { clientId: this.clientId(), clean: false, properties, ...options };
  }

  /**
   * Publishes a message and sees its exchange through: a broker may deliver a QoS 2 message at its
   * PUBLISH or at its PUBREL (§4.3.3).
   */
  async deliver(sender: RawClient, topic: Part, payload: Part, options: PublishOptions = {}) {
    const { qos = 0, id = 1 } = options;
    sender.send(publish(topic, payload, options));
    if (qos === 1) await sender.expect('puback', { id });
    if (qos === 2) {
      await sender.expect('pubrec', { id });
      sender.send(ack('pubrel', id));
      await sender.expect('pubcomp', { id });
    }
    // Who subscribes next isn't to meet it on its way.
    await sender.settle();
  }

  /** Subscribes to a filter that has to be refused: with 0x8F, or by a close. */
  async refusedFilter(filter: string): Promise<void> {
    const client = await this.connect();
    client.send(subscribe([[filter, 0]]));
    const answer = await client.next();
    const isRefused =
      answer === null ||
      (answer.type === 'suback' && answer.reasonCodes[0] === 0x8f) ||
      (answer.type === 'disconnect' && [...WRONG, 0x8f].includes(answer.reasonCode));
    check(isRefused, `${filter}: ${answer?.type}`);
  }

  /** Sends a packet that has to be refused, on a connection of its own that is open. */
  async refused(bytes: Uint8Array, codes: readonly number[], version: Version = 5): Promise<void> {
    const client = await this.connect({ version });
    client.send(bytes);
    await client.expectClosed(codes);
  }

  /** Sends bytes as the first on a connection, which the broker has to close. */
  async refusedConnect(
    bytes: Uint8Array,
    version: Version,
    codes: readonly number[],
  ): Promise<void> {
    const client = await this.open(version);
    client.send(bytes);
    await client.expectClosed(codes);
  }

  close(): void {
    for (const client of this.#clients) client.destroy();
  }
}
