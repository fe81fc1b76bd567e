import { encode, PublishView } from '@promptmq/codec';
import { type Delivery, InboundTopicAliases, type Message } from '@promptmq/session';
import type { Subscription } from '@promptmq/topics';
import { type ConfigInput, parseConfig } from '../../src/config/index.ts';
import type { Peer } from '../../src/connection/peer.ts';
import { noopLogger } from '../../src/log/index.ts';
import { Router } from '../../src/routing/router.ts';
import { MemoryLedger } from '../../src/runtime/memory-ledger.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { createStats } from '../../src/runtime/stats.ts';
import type { Turns } from '../../src/runtime/turns.ts';
import type { BrokerSession } from '../../src/sessions/broker-session.ts';
import { MemoryJournal } from '../../src/storage/memory-journal.ts';
import { BrokerEvents } from '../../src/tracing/broker-events.ts';
import { ClientEvents } from '../../src/tracing/client-events.ts';
import { ClientTraces } from '../../src/tracing/client-traces.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Reason codes. */
export const Code = { Success: 0, NoMatching: 0x10, NotAuthorized: 0x87, QuotaExceeded: 0x97 };

/** A session without a connection that notes what it is given. */
export class Subscriber {
  readonly delivered: Delivery[] = [];
  readonly link = null;
  readonly isConnected = false;
  readonly isReady = false;
  isFull = false;
  readonly queue = { bytes: 0 };
  readonly clientId: string;
  readonly isStored: boolean;

  constructor(clientId: string, isStored = false) {
    this.clientId = clientId;
    this.isStored = isStored;
  }

  deliver(delivery: Delivery): void {
    this.delivered.push(delivery);
  }

  isFullFor(): boolean {
    return this.isFull;
  }
}

/** A journal on a disk that may be full; positions count up by ten. */
class NotedJournal extends MemoryJournal {
  override isOpen = true as true;
  readonly written: { message: Message; ids: string[]; origin: unknown; isRetained: boolean }[] =
    [];

  fill(): void {
    this.isOpen = false as true;
  }

  override writeMessage(...args: unknown[]): number {
    const [message, sessions, , origin, isRetained] = args as [
      Message,
      readonly { clientId: string }[],
      readonly Delivery[],
      unknown,
      boolean,
    ];
    const ids = sessions.map(({ clientId }) => clientId);
    this.written.push({ message, ids, origin, isRetained });
    return this.written.length * 10;
  }
}

/** A router alone, with sessions and a journal that note what they are given. */
export function routerOf(mqtt: ConfigInput['mqtt'] = {}, more: ConfigInput = {}) {
  const config = parseConfig({ ...more, storage: { enabled: false }, mqtt });
  const stats = createStats();
  const journal = new NotedJournal();
  const runtime = { now: () => 1000 } as Runtime;
  const turns = { used: 0 } as Turns;
  const memory = new MemoryLedger(config);
  const traces = new ClientTraces(noopLogger, config.log);
  const events = new BrokerEvents(runtime, memory.events, stats, noopLogger);
  const clientEvents = new ClientEvents(runtime, stats, noopLogger, traces, events, null);
  const router = new Router(config, runtime, stats, memory, turns, journal, clientEvents);
  const subscribe = (session: Subscriber, fields: Partial<Subscription> = {}) => {
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const subscription = {
      topicFilter: 't',
      qos: 2,
      ...options,
      subscriptionIdentifier: 0,
    } as const;
    router.trie.subscribe(session as unknown as BrokerSession, { ...subscription, ...fields });
    return session;
  };
  return { router, stats, journal, turns, subscribe };
}

export function publisher(fields: Partial<Peer> = {}): Peer {
  const aliases = new InboundTopicAliases<Uint8Array>(5);
  const own = {
    clientId: 'publisher',
    version: 5,
    mountPoint: null,
    permissions: null,
    receivedAt: 1000,
  } as const;
  return { ...own, inboundAliases: aliases, ...fields } as unknown as Peer;
}

interface Fields {
  readonly topic?: string;
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
  readonly topicAlias?: number;
}

export function view({
  topic = 't',
  qos = 1,
  retain = false,
  topicAlias,
}: Fields = {}): PublishView {
  const id = qos === 0 ? {} : { messageId: 1 };
  const properties = topicAlias === undefined ? {} : { properties: { topicAlias } };
  const payload = Buffer.from('payload');
  const packet = { cmd: 'publish', qos, dup: false, retain, topic, payload, ...id } as const;
  const bytes = encode({ ...packet, ...properties }, { protocolVersion: 5 }) as Uint8Array;
  const read = new PublishView();
  read.read(bytes, 0, 2, bytes.length, 5, 'server');
  return read;
}

export function message(fields: Partial<Message> = {}): Message {
  const { topic = 't' } = fields;
  const bytes = { properties: new Uint8Array(0), payload: Buffer.from('payload') };
  const own = { qos: 1, retain: false, expiresAt: NEVER, publisherId: 'publisher' } as const;
  return { topic, topicBytes: Buffer.from(topic), ...bytes, ...own, ...fields };
}
