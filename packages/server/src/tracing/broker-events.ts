import type { MemoryAccount } from '@promptmq/session';
import { invariant, matchesFilter } from '@promptmq/topics';
import type { Logger } from '../log/index.ts';
import { stackOf } from '../runtime/faults.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type BrokerStats, countIn } from '../runtime/stats.ts';
import type {
  BrokerEventListener,
  BrokerEventMap,
  BrokerEventName,
  PublishEvent,
} from './event-types.ts';

/** What an event occupies beside its payload and topic: an estimate. */
const EVENT_BYTES = 400;

/** Of the stack of an error, so much goes to the log. */
const STACK_LENGTH_MAX = 4000;

/**
 * Notes an event; it is the listeners' when the turn ends.
 *
 * @param bytes - of its payload and texts
 */
export type EventSink<N extends BrokerEventName> = (
  event: BrokerEventMap[N],
  bytes: number,
) => void;

/** Where each event goes; null while nobody listens for it: then nothing is made for it. */
export type EventSinks = { readonly [N in BrokerEventName]: EventSink<N> | null } & {
  /** Whether one of those who listen for `publish` wants messages of a topic. */
  wants(topic: string): boolean;
};

interface Registration {
  readonly listener: (event: never) => unknown;
  /** Events that are still to be noted for it. */
  notesLeft: number;
  /** Calls after which it is removed. */
  callsLeft: number;
  /** Of `publish`: which topics it is for; null for all. */
  readonly filter: string | null;
}

/** Topics of which is known whether somebody wants them; beyond, they are looked at again. */
const WANTED_TOPICS_MAX = 10_000;

interface Noted {
  readonly name: BrokerEventName;
  readonly event: BrokerEventMap[BrokerEventName];
}

/**
 * The listeners of the program in which the broker runs.
 *
 * They are called when the turn ends, in the order in which things happened: so a listener may call everything of the broker, and
 * nothing that it does or throws is in the middle of routing. What happens through them is an event of the next turn. What waits
 * is bounded by `mqtt.max-event-bytes`.
 *
 * Invariants: a sink is there exactly while its event has a listener for which more is to be noted; what waits is counted, and is
 * going to be delivered.
 */
export class BrokerEvents implements EventSinks {
  // Fields that are there from the beginning: some are looked at for each message.
  connect: EventSink<'connect'> | null = null;
  disconnect: EventSink<'disconnect'> | null = null;
  subscribe: EventSink<'subscribe'> | null = null;
  unsubscribe: EventSink<'unsubscribe'> | null = null;
  publish: EventSink<'publish'> | null = null;
  ack: EventSink<'ack'> | null = null;
  drop: EventSink<'drop'> | null = null;
  refuse: EventSink<'refuse'> | null = null;
  error: EventSink<'error'> | null = null;
  readonly #runtime: Pick<Runtime, 'defer'>;
  readonly #memory: MemoryAccount;
  readonly #stats: Pick<BrokerStats, 'internalErrors'>;
  readonly #log: Logger;
  readonly #registrations: Map<BrokerEventName, Registration[]>;
  readonly #wanted: Map<string, boolean>;
  #waiting: Noted[];
  #waitingBytes: number;
  #leftOut: number;
  #isScheduled: boolean;

  /**
   * @param memory - where what waits is counted
   * @param log - for what clients can cause
   */
  constructor(
    runtime: Pick<Runtime, 'defer'>,
    memory: MemoryAccount,
    stats: Pick<BrokerStats, 'internalErrors'>,
    log: Logger,
  ) {
    this.#runtime = runtime;
    this.#memory = memory;
    this.#stats = stats;
    this.#log = log;
    this.#registrations = new Map();
    this.#wanted = new Map();
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#leftOut = 0;
    this.#isScheduled = false;
  }

  /**
   * @param limit - events after which it is removed: 1 or more
   * @param filter - of `publish`: a valid topic filter
   */
  add<N extends BrokerEventName>(
    name: N,
    listener: BrokerEventListener<N>,
    limit = Number.POSITIVE_INFINITY,
    filter: string | null = null,
  ): void {
    this.#wanted.clear();
    const registrations = this.#registrations.get(name) ?? [];
    // Another array: those who are being called stay as they are.
    const added = { listener, notesLeft: limit, callsLeft: limit, filter };
    this.#registrations.set(name, [...registrations, added]);
    // The same for as long as anybody listens.
    if (this[name] === null) this.#setSink(name, (event, bytes) => this.#note(name, event, bytes));
  }

  /** Removes a listener, the last one where it was added several times. */
  remove(name: BrokerEventName, listener: Registration['listener']): void {
    const registrations = this.#registrations.get(name) ?? [];
    const index = registrations.findLastIndex((one) => one.listener === listener);
    if (index === -1) return;
    this.#wanted.clear();
    const left = registrations.toSpliced(index, 1);
    this.#registrations.set(name, left);
    if (!left.some(({ notesLeft }) => notesLeft > 0)) this.#setSink(name, null);
  }

  wants(topic: string): boolean {
    const known = this.#wanted.get(topic);
    if (known !== undefined) return known;
    const registrations = this.#registrations.get('publish') ?? [];
    const isWanted = registrations.some(({ filter }) => isFor(filter, topic));
    if (this.#wanted.size >= WANTED_TOPICS_MAX) this.#wanted.clear();
    this.#wanted.set(topic, isWanted);
    return isWanted;
  }

  #setSink<N extends BrokerEventName>(name: N, sink: EventSink<N> | null): void {
    (this as { [K in N]: EventSink<K> | null })[name] = sink;
  }

  #note(name: BrokerEventName, event: BrokerEventMap[BrokerEventName], bytes: number): void {
    const memory = this.#memory;
    const size = EVENT_BYTES + bytes;
    if (memory.bytes + size > memory.max) {
      memory.refusals++;
      this.#leftOut++;
    } else {
      memory.bytes += size;
      this.#waitingBytes += size;
      this.#waiting.push({ name, event });
      this.#countNote(name, event);
    }
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#runtime.defer(() => this.deliver());
  }

  /** Where nobody is to be called for more of it, nothing more is made, though the turn goes on. */
  #countNote(name: BrokerEventName, event: BrokerEventMap[BrokerEventName]): void {
    let isWanted = false;
    for (const registration of this.#registrations.get(name) ?? []) {
      if (registration.notesLeft === 0) continue;
      if (registration.notesLeft !== Number.POSITIVE_INFINITY && isMeant(registration, event)) {
        registration.notesLeft--;
      }
      isWanted ||= registration.notesLeft > 0;
    }
    if (!isWanted) this.#setSink(name, null);
  }

  /** Calls the listeners of what waits; what happens meanwhile waits for the next turn. */
  deliver(): void {
    this.#isScheduled = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#memory.bytes -= this.#waitingBytes;
    this.#waitingBytes = 0;
    if (this.#leftOut > 0) {
      this.#log.warn('events-left-out', { count: this.#leftOut });
      this.#leftOut = 0;
    }
    for (const { name, event } of waiting) {
      for (const registration of this.#registrations.get(name) ?? []) {
        if (isMeant(registration, event)) this.#call(name, registration, event as never);
      }
    }
  }

  #call(name: BrokerEventName, registration: Registration, event: never): void {
    const { listener } = registration;
    if (--registration.callsLeft === 0) this.remove(name, listener);
    try {
      const result = listener(event);
      if (result instanceof Promise) result.catch((error) => this.#failed(name, error));
    } catch (error) {
      this.#failed(name, error);
    }
  }

  /** A listener that throws is the program's fault, and of no consequence for the others. */
  #failed(name: BrokerEventName, error: unknown): void {
    countIn(this.#stats.internalErrors, 'listening');
    this.#log.error('listener-failed', { name, stack: stackOf(error).slice(0, STACK_LENGTH_MAX) });
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    this.#memory.checkInvariants(this.#waitingBytes);
    const isLost = this.#waiting.length > 0 && !this.#isScheduled;
    invariant(!isLost, `${this.#waiting.length} events wait, and nobody gets them`);
    for (const [name, registrations] of this.#registrations) {
      const isWanted = registrations.some(({ notesLeft }) => notesLeft > 0);
      invariant(isWanted === (this[name] !== null), `${registrations.length} listen for ${name}`);
    }
  }
}

function isMeant({ filter }: Registration, event: BrokerEventMap[BrokerEventName]): boolean {
  return filter === null || isFor(filter, (event as PublishEvent).topic);
}

function isFor(filter: string | null, topic: string): boolean {
  return filter === null || matchesFilter(filter, topic);
}
