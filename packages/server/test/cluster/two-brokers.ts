import type { Channel, ChannelUser } from '@promptmq/cluster';
import { Channels, LinkSet } from '@promptmq/cluster';
import { MemoryLink } from '@promptmq/cluster/testing';
import type { Broker } from '../../src/broker.ts';
import { ChannelTransport } from '../../src/cluster/front/channel-transport.ts';
import { decodeFacts, encodeFacts, factsOf } from '../../src/cluster/front/client-facts.ts';
import { Front, type FrontHost } from '../../src/cluster/front/front.ts';
import type { ConfigInput } from '../../src/config/index.ts';
import type { Transport } from '../../src/connection/transport.ts';
import {
  type OpenedBroker,
  openBroker,
  parseEmbeddedConfig,
} from '../../src/embed/create-broker.ts';

/** Clients whose identifier begins so have their session in the broker that is not listened to. */
export const THERE = 'there-';

/** How long a client waits for the broker that has its session, in milliseconds. */
const PATIENCE_MS = 1000;

/**
 * Two brokers in a process with a link between them. One has listeners and a front; the other one has the sessions of the clients that are
 * `THERE`.
 */
export class TwoBrokers {
  readonly here: OpenedBroker;
  readonly there: OpenedBroker;
  readonly front: Front;
  readonly #channels: Channels;
  readonly #links: readonly [LinkSet, LinkSet];
  #link: MemoryLink | null = null;
  /** Clients that have waited for too long. */
  refusedCount = 0;
  /** Where clients of the other broker are sent to; null: they are passed on. */
  reference: string | null = null;
  readonly #waiting: Set<() => void>;

  private constructor(
    here: OpenedBroker,
    there: OpenedBroker,
    front: Front,
    channels: Channels,
    links: readonly [LinkSet, LinkSet],
    waiting: Set<() => void>,
  ) {
    this.here = here;
    this.there = there;
    this.front = front;
    this.#channels = channels;
    this.#links = links;
    this.#waiting = waiting;
  }

  static async start(options: ConfigInput = {}): Promise<TwoBrokers> {
    const there = await openBroker(
      parseEmbeddedConfig({ ...options, server: { bind: 'none', wsBind: '127.0.0.1:0' } }),
    );
    const waiting = new Set<() => void>();
    let self: TwoBrokers | null = null;
    const front = new Front({
      get connectSizeMax() {
        return there.broker.config.mqtt.maxConnectSize;
      },
      isClosed: false,
      patienceMs: PATIENCE_MS,
      nameless: () => null,
      setTimer: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
      onRefused: () => {
        if (self !== null) self.refusedCount++;
      },
      isOwn: (clientId) => !Buffer.from(clientId).toString().startsWith(THERE),
      giveAway: () => false,
      referenceFor: () => self?.reference ?? null,
      openChannel: (_, transport, use) => self?.open(transport, use) ?? null,
      whenReachable: (_, callback) => {
        waiting.add(callback);
        return () => void waiting.delete(callback);
      },
    } satisfies FrontHost);
    const here = await openBroker(
      parseEmbeddedConfig(options),
      {},
      {
        intercept: (transport, accept) => front.intercept(transport, accept),
      },
    );
    const links = [new LinkSet(), new LinkSet()] as const;
    const defer = (callback: () => void) => void setImmediate(callback);
    const channels = new Channels(links[0], { node: 'here', defer, onOpen: () => null });
    new Channels(links[1], {
      node: 'there',
      defer,
      onOpen: (channel, facts) => take(there.broker, channel, facts),
    });
    self = new TwoBrokers(here, there, front, channels, links, waiting);
    self.link();
    return self;
  }

  /** The two reach each other. */
  link(): void {
    const end = (node: string) => ({ node, incarnation: '1', cells: [] });
    this.#link = new MemoryLink(
      { end: end('here'), links: this.#links[0] },
      { end: end('there'), links: this.#links[1] },
      { later: (callback) => void setImmediate(callback) },
    );
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of waiting) callback();
  }

  cut(): void {
    this.#link?.cut();
  }

  get isLinked(): boolean {
    return this.#links[0].of('there') !== null;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  open(transport: Transport, use: (channel: Channel) => ChannelUser): Channel | null {
    const link = this.#links[0].of('there');
    if (link === null) return null;
    const facts = encodeFacts(factsOf(transport, this.here.broker.runtime.now()));
    return this.#channels.open(link, facts, use);
  }

  async stop(): Promise<void> {
    await this.there.running.stop();
    await this.here.running.stop();
  }
}

function take(broker: Broker, channel: Channel, bytes: Uint8Array): ChannelUser | null {
  const facts = decodeFacts(bytes);
  const acceptedAt = broker.runtime.now() - facts.ageMs;
  const transport = new ChannelTransport(channel, facts, null, acceptedAt);
  const handler = broker.accept(transport);
  if (handler === null) return null;
  transport.start(handler);
  return transport;
}
