import { randomBytes } from 'node:crypto';
import type { QoS } from '@promptmq/codec';
import { BenchError } from '../bench-error.ts';
import { Client } from '../client/client.ts';
import type { Version } from '../client/frames.ts';
import type { Target } from '../client/target.ts';
import { Lane } from '../load/lane.ts';
import { Publisher } from '../load/publisher.ts';
import { buildTape } from '../load/tape.ts';
import type { Histogram } from '../report/histogram.ts';
import { PAYLOAD_BYTES, type Problems, Receiver, type Stream } from './receiver.ts';

/** QoS 0: messages under way in one lane. */
const FLIGHT_MAX = 2000;

/** QoS 1 and 2: unacknowledged messages of a publisher. */
const WINDOW = 500;

/** What takes longer than this will not come. */
const ANSWER_MS = 30_000;

/** Often enough for the keep alive that brokers set by themselves, usually a minute. */
const KEEP_ALIVE_MS = 20_000;

export interface StreamPublisher {
  readonly stream: Stream;
  readonly publisher: Publisher;
}

/** Opens the clients of a soak, and knows all that they have sent and received. */
export class Cast {
  readonly target: Target;
  readonly problems: Problems;
  readonly latency: Histogram;
  readonly prefix = `soak-${randomBytes(3).toString('hex')}`;
  readonly receivers: Receiver[] = [];
  /** Connections opened so far. */
  connects = 0;
  readonly #clients = new Set<Client>();
  readonly #publishers: Publisher[] = [];
  #streamCount = 0;
  #extraSent = 0;
  /** Rejects when a connection ends that should last. */
  readonly failure: Promise<never>;
  readonly #fail: (error: BenchError) => void;
  readonly #keepingAlive: NodeJS.Timeout;

  constructor(target: Target, problems: Problems, latency: Histogram) {
    this.target = target;
    this.problems = problems;
    this.latency = latency;
    let reject: (error: BenchError) => void = () => {};
    this.failure = new Promise((_, rejectFailure) => {
      reject = rejectFailure;
    });
    this.failure.catch(() => {}); // It may fail while nobody waits for it.
    this.#fail = reject;
    this.#keepingAlive = setInterval(() => this.keepAlive(), KEEP_ALIVE_MS);
  }

  /** Has every client show that it is there, also those that only listen. */
  keepAlive(): void {
    for (const client of this.#clients) client.keepAlive();
  }

  get sent(): number {
    return this.#publishers.reduce((sum, { sent }) => sum + sent, 0) + this.#extraSent;
  }

  get received(): number {
    return this.receivers.reduce((sum, { received }) => sum + received, 0);
  }

  get redelivered(): number {
    return this.receivers.reduce((sum, { redelivered }) => sum + redelivered, 0);
  }

  /** Connections that are open. */
  get open(): number {
    return this.#clients.size;
  }

  receiver(name: string): Receiver {
    const receiver = new Receiver(name, this.problems);
    this.receivers.push(receiver);
    return receiver;
  }

  /** A topic that is `suffix` below the prefix of this soak. */
  topic(suffix: string): string {
    return `${this.prefix}/${suffix}`;
  }

  newStream(name: string, sent: () => number): Stream {
    return { id: this.#streamCount++, name, sent };
  }

  /** A client that gets messages. */
  subscriber(
    name: string,
    receiver: Receiver,
    options: {
      readonly version: Version;
      readonly isClean?: boolean;
      readonly isTimed?: boolean;
      readonly onMessages?: (count: number) => void;
    },
  ): Promise<Client> {
    return this.#connect(
      new Client({
        clientId: `${this.prefix}-${name}`,
        version: options.version,
        isClean: options.isClean ?? true,
        payloadBytes: PAYLOAD_BYTES,
        latency: options.isTimed === true ? this.latency : null,
        onPublish: receiver.onPublish,
        onRelease: receiver.onRelease,
        onMessages: options.onMessages,
        onFailure: this.#fail,
      }),
    );
  }

  /** A client that publishes a stream. */
  async publisher(
    name: string,
    topic: string,
    qos: QoS,
    version: Version,
  ): Promise<StreamPublisher> {
    let publisher: Publisher | null = null;
    const client = await this.#connect(
      new Client({
        clientId: `${this.prefix}-${name}`,
        version,
        onAcked: (count) => publisher?.onAcked(count),
        onFailure: this.#fail,
      }),
    );
    const stream = this.newStream(topic, () => publisher?.sent ?? 0);
    const tape = buildTape({
      version,
      qos,
      payloadBytes: PAYLOAD_BYTES,
      streamId: stream.id,
      isRetained: false,
      userProperties: 0,
      messageExpiry: 0,
      topics: [topic],
      usesAliases: false,
    });
    const window = Math.min(WINDOW, client.connack?.properties?.receiveMaximum ?? WINDOW);
    const lane = new Lane(1, FLIGHT_MAX);
    publisher = new Publisher(client, lane, tape, qos, window, Number.POSITIVE_INFINITY);
    this.#publishers.push(publisher);
    return { stream, publisher };
  }

  /** Connects a client, sends these frames at QoS 1, and resolves when all are acknowledged. */
  async publishOnce(
    name: string,
    version: Version,
    frames: readonly Uint8Array[],
    meanwhile: (client: Client) => Promise<unknown> = async () => {},
    receiver: Receiver | null = null,
  ): Promise<void> {
    let missing = frames.length;
    let whenAcked: () => void = () => {};
    const acked = new Promise<void>((resolve) => {
      whenAcked = resolve;
    });
    const client = await this.#connect(
      new Client({
        clientId: `${this.prefix}-${name}`,
        version,
        payloadBytes: PAYLOAD_BYTES,
        onPublish: receiver?.onPublish ?? null,
        onRelease: receiver?.onRelease ?? null,
        onAcked: (count) => {
          missing -= count;
          if (missing === 0) whenAcked();
        },
        onFailure: this.#fail,
      }),
    );
    await this.inTime(meanwhile(client), `${name}: its subscriptions`);
    for (const frame of frames) client.write(frame);
    this.#extraSent += frames.length;
    if (frames.length > 0) await this.inTime(acked, `${name}: acknowledgements`);
    await this.leave(client);
  }

  /** Disconnects in order. */
  async leave(client: Client): Promise<void> {
    this.#clients.delete(client);
    await this.inTime(client.close(), `${client.clientId}: the end of its connection`);
  }

  /** Ends a connection as a broken network would. */
  cut(client: Client): void {
    this.#clients.delete(client);
    client.destroy();
  }

  async leaveAll(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => this.leave(client)));
  }

  /** Ends everything; to be called whatever happened. */
  cutAll(): void {
    clearInterval(this.#keepingAlive);
    for (const client of [...this.#clients]) this.cut(client);
  }

  /** A promise, or an error that says what did not come. */
  async inTime<T>(promise: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new BenchError(`${what} did not come in ${ANSWER_MS / 1000} seconds`)),
        ANSWER_MS,
      );
    });
    try {
      return await Promise.race([promise, late, this.failure]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #connect(client: Client): Promise<Client> {
    await this.inTime(client.connect(this.target), `${client.clientId}: CONNACK`);
    this.connects++;
    this.#clients.add(client);
    return client;
  }
}
