import type { QoS } from '@promptmq/codec';
import { BenchError } from '../bench-error.ts';
import type { Client } from '../client/client.ts';
import { publishFrame, SEQUENCE_OFFSET, type Version } from '../client/frames.ts';
import type { Cast } from './cast.ts';
import type { Source } from './pump.ts';
import { PAYLOAD_BYTES, type Receiver } from './receiver.ts';
import { DURABLE_SHARE, type Traffic, versionOf } from './traffic.ts';

export interface ChurnOptions {
  /** Clients that come, publish, subscribe, unsubscribe and go, in a second. */
  readonly visitsPerSecond: number;
  /** Retained messages that are set, seen, cleared and seen to be gone, in a second. */
  readonly retainedPerSecond: number;
  /** Subscriptions that come and go, in a second. */
  readonly togglesPerSecond: number;
  readonly durableSessions: number;
  /** How long a durable session is connected, and then away. */
  readonly durableMs: number;
}

/** What has happened so far. */
export interface ChurnCounts {
  visits: number;
  retained: number;
  toggles: number;
  /** Returns of durable sessions. */
  returns: number;
}

const VISITORS_AT_ONCE = 4;
const MESSAGES_A_VISIT = 3;

/** Everything that comes and goes while the traffic flows. */
export class Churn {
  readonly counts: ChurnCounts = { visits: 0, retained: 0, toggles: 0, returns: 0 };
  readonly #cast: Cast;
  readonly #options: ChurnOptions;
  readonly #traffic: Traffic;
  readonly #durables: Durable[] = [];
  readonly #tasks: Promise<void>[] = [];
  /** Resolves when `stop` is called. */
  readonly #stopped: Promise<void>;
  #stop: () => void = () => {};
  #isStopped = false;

  constructor(cast: Cast, traffic: Traffic, options: ChurnOptions) {
    this.#cast = cast;
    this.#traffic = traffic;
    this.#options = options;
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  /** Opens the durable sessions. */
  async openDurables(): Promise<readonly Source[]> {
    const { durableSessions } = this.#options;
    const sources: Source[] = [];
    for (let index = 0; index < durableSessions; index++) {
      // One of them at QoS 2.
      const qos: QoS = index % 4 === 1 ? 2 : 1;
      const topic = this.#cast.topic(`durable/${index}`);
      const name = `durable-${index}`;
      const version = versionOf(index);
      const { stream, publisher } = await this.#cast.publisher(`${name}-pub`, topic, qos, version);
      const receiver = this.#cast.receiver(name).expectAll(stream);
      receiver.mayBeAway = true;
      const durable = { name, version, receiver, client: null, returns: 0 };
      this.#durables.push(durable);
      const client = await this.#return(durable, false);
      await this.#cast.inTime(client.subscribe([topic], qos), `${name}: SUBACK`);
      sources.push({ publisher, share: DURABLE_SHARE / durableSessions, isQos0: false });
    }
    return sources;
  }

  async start(): Promise<void> {
    const { visitsPerSecond, retainedPerSecond, togglesPerSecond } = this.#options;
    const collector = this.#cast.receiver('collector');
    const client = await this.#cast.subscriber('collector', collector, { version: 5 });
    await this.#cast.inTime(
      client.subscribe([this.#cast.topic('visit/+')], 1),
      'collector: SUBACK',
    );
    for (let slot = 0; slot < VISITORS_AT_ONCE; slot++) {
      const visit = this.#visitor(slot, collector);
      this.#repeat((VISITORS_AT_ONCE * 1000) / visitsPerSecond, visit);
    }
    this.#repeat(1000 / retainedPerSecond, await this.#retainer());
    this.#repeat(1000 / togglesPerSecond, await this.#toggler());
    this.#durables.forEach((durable, index) => {
      this.#tasks.push(this.#cycle(durable, index));
    });
  }

  /** Lets everyone finish, and the durable sessions return. */
  async stop(): Promise<void> {
    this.abandon();
    await Promise.all(this.#tasks);
    for (const durable of this.#durables) {
      if (durable.client === null) await this.#return(durable, true);
    }
  }

  /** Lets nothing more begin. */
  abandon(): void {
    this.#isStopped = true;
    this.#stop();
  }

  /** Ends the durable sessions for good. */
  async endDurables(): Promise<void> {
    for (const { name, version, client } of this.#durables) {
      if (client !== null) await this.#cast.leave(client);
      const last = this.#cast.receiver(name);
      await this.#cast.leave(await this.#cast.subscriber(name, last, { version }));
    }
  }

  /** Rejects when one of the tasks has failed. */
  get failure(): Promise<unknown> {
    return Promise.race(this.#tasks.map((task) => task.then(() => new Promise(() => {}))));
  }

  /** Does something so often, but never twice at a time, until `stop`. */
  #repeat(everyMs: number, task: () => Promise<void>): void {
    const loop = async () => {
      while (!this.#isStopped) {
        const startMs = performance.now();
        await task();
        await this.#rest(everyMs - (performance.now() - startMs));
      }
    };
    const running = loop();
    running.catch(() => {}); // It may fail while nobody waits for it.
    this.#tasks.push(running);
  }

  /** For some time, or until `stop`. */
  async #rest(ms: number): Promise<void> {
    if (ms <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([over, this.#stopped]);
    clearTimeout(timer);
  }

  /** One who listens for a while, publishes some messages of a stream that continues, and leaves. */
  #visitor(slot: number, collector: Receiver): () => Promise<void> {
    const topic = this.#cast.topic(`visit/${slot}`);
    let sent = 0;
    const stream = this.#cast.newStream(topic, () => sent);
    collector.expectAll(stream);
    const listener = this.#cast.receiver(`visitor-${slot}`);
    listener.expectIncreasing(this.#traffic.firstStream);
    const filters = [this.#traffic.firstTopic, this.#cast.topic(`nobody/${slot}/#`)];
    return async () => {
      const version = versionOf(this.counts.visits);
      const frames = Array.from({ length: MESSAGES_A_VISIT }, (_, index) =>
        numberedFrame(topic, version, stream.id, sent + index, index + 1, false),
      );
      sent += frames.length;
      const stay = async (client: Client) => {
        await client.subscribe(filters, 0);
        await client.unsubscribe(filters);
      };
      await this.#cast.publishOnce(`visitor-${slot}`, version, frames, stay, listener);
      this.counts.visits++;
    };
  }

  /** Sets a retained message, sees that a new subscription gets it, clears it, and sees that it is gone. */
  async #retainer(): Promise<() => Promise<void>> {
    const topic = this.#cast.topic('retained/t');
    let sent = 0;
    const stream = this.#cast.newStream(topic, () => sent);
    const receiver = this.#cast.receiver('retained').expectAll(stream);
    let whenSeen: () => void = () => {};
    const client = await this.#cast.subscriber('retained-sub', receiver, {
      version: 5,
      onMessages: () => whenSeen(),
    });
    const look = async () => {
      await this.#cast.inTime(client.subscribe([topic], 1), 'retained: SUBACK');
    };
    return async () => {
      const version = versionOf(this.counts.retained);
      const frame = numberedFrame(topic, version, stream.id, sent++, 1, true);
      await this.#cast.publishOnce('retainer', version, [frame]);
      const seen = new Promise<void>((resolve) => {
        whenSeen = resolve;
      });
      await look();
      await this.#cast.inTime(seen, 'a retained message for a new subscription');
      await this.#cast.inTime(client.unsubscribe([topic]), 'retained: UNSUBACK');
      await this.#cast.publishOnce('retainer', version, [emptyFrame(topic, version)]);
      const before = receiver.received;
      await look();
      await this.#cast.inTime(client.ping(), 'retained: PINGRESP');
      await this.#cast.inTime(client.unsubscribe([topic]), 'retained: UNSUBACK');
      if (receiver.received !== before) {
        throw new BenchError('a retained message that was cleared came to a new subscription');
      }
      this.counts.retained++;
    };
  }

  /** Joins and leaves the shared subscription. */
  async #toggler(): Promise<() => Promise<void>> {
    const { pools, shareFilter } = this.#traffic;
    const receiver = this.#cast.receiver('toggler');
    for (const pool of pools) receiver.expectShare(pool);
    const client = await this.#cast.subscriber('toggler', receiver, { version: 5 });
    return async () => {
      await this.#cast.inTime(client.subscribe([shareFilter], 1), 'toggler: SUBACK');
      await this.#rest(20);
      await this.#cast.inTime(client.unsubscribe([shareFilter]), 'toggler: UNSUBACK');
      this.counts.toggles++;
    };
  }

  /** Goes away in order or by a cut, stays away, and comes back to what has gathered. */
  async #cycle(durable: Durable, index: number): Promise<void> {
    const { durableMs, durableSessions } = this.#options;
    await this.#rest((durableMs * index) / durableSessions);
    while (!this.#isStopped) {
      const { client, returns } = durable;
      durable.client = null;
      if (client !== null && returns % 2 === 0) await this.#cast.leave(client);
      else if (client !== null) this.#cast.cut(client);
      await this.#rest(durableMs);
      await this.#return(durable, true);
      await this.#rest(durableMs);
    }
  }

  async #return(durable: Durable, isKept: boolean): Promise<Client> {
    const { name, version, receiver } = durable;
    const client = await this.#cast.subscriber(name, receiver, { version, isClean: false });
    if (isKept && client.connack?.sessionPresent !== true) {
      throw new BenchError(`the broker did not keep the session of ${name}`);
    }
    durable.client = client;
    if (isKept) {
      durable.returns++;
      this.counts.returns++;
    }
    return client;
  }
}

/** A session that outlives its connections. */
interface Durable {
  readonly name: string;
  readonly version: Version;
  readonly receiver: Receiver;
  client: Client | null;
  returns: number;
}

const PLAIN = { qos: 1, userProperties: 0, messageExpiry: 0 } as const;

function numberedFrame(
  topic: string,
  version: Version,
  streamId: number,
  sequence: number,
  packetId: number,
  isRetained: boolean,
): Uint8Array {
  const options = { ...PLAIN, version, isRetained, streamId, payloadBytes: PAYLOAD_BYTES };
  const frame = publishFrame(topic, 0, options);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  view.setUint32(frame.length - PAYLOAD_BYTES + SEQUENCE_OFFSET, sequence);
  // The packet identifier follows the topic, and the fixed header has two bytes as long as all is short.
  view.setUint16(
    (frame[1] as number) < 0x80 ? 2 + 2 + topic.length : 3 + 2 + topic.length,
    packetId,
  );
  return frame;
}

function emptyFrame(topic: string, version: Version): Uint8Array {
  return publishFrame(topic, 0, { ...PLAIN, version, isRetained: true, payloadBytes: 0 });
}
