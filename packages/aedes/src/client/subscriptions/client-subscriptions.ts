import {
  generate,
  type ISubackPacket,
  type ISubscribePacket,
  type IUnsubscribePacket,
  type Packet,
} from 'mqtt-packet';
import type { ClientHost } from '../../host.ts';
import { topicFault } from '../../packets/topics.ts';
import type { Client, Subscription } from '../../types.ts';
import { outcomeOf, type PendingSubscribe, remaining } from './subscribing.ts';

/** What subscriptions need of their client. */
export interface SubscriptionsHost {
  readonly face: Client;
  readonly broker: ClientHost;
  readonly version: number;
  readonly isOver: boolean;
  /** Sends bytes to the broker within. */
  pass(bytes: Buffer): void;
  /** Sends bytes to the client. */
  send(bytes: Buffer): void;
  fail(error: Error, reasonCode: number): void;
}

interface PendingUnsubscribe {
  readonly topics: readonly string[];
  /** Whether the client gets no UNSUBACK. */
  readonly isQuiet: boolean;
  readonly callback: (error?: Error) => void;
}

const IDENTIFIER_MAX = 65_535;
const NOT_AUTHORIZED = 0x87;

/**
 * The subscriptions of a client: those that it asks for, those that the program asks for in its place, and those of a session that
 * continues. The program's `authorizeSubscribe` is asked for all of them.
 */
export class ClientSubscriptions {
  readonly #host: SubscriptionsHost;
  /** SUBSCRIBE and UNSUBSCRIBE on their way to the broker within, by packet identifier. */
  readonly #subscribing: Map<number, PendingSubscribe>;
  readonly #unsubscribing: Map<number, PendingUnsubscribe>;
  /** Topic filters of the session that the program doesn't allow any more. */
  readonly #revoked: string[];

  constructor(host: SubscriptionsHost) {
    this.#host = host;
    this.#subscribing = new Map();
    this.#unsubscribing = new Map();
    this.#revoked = [];
  }

  get #kept(): Record<string, Subscription> {
    return this.#host.face.subscriptions as Record<string, Subscription>;
  }

  /** Asks for those of the session that the client is about to continue, one after the other. */
  restore(done: () => void): void {
    const { broker, face } = this.#host;
    this.#restoreNext(broker.subscriptionsOf(face.id as string), done);
  }

  #restoreNext(waiting: Subscription[], done: () => void): void {
    const subscription = waiting.shift();
    if (subscription === undefined) {
      done();
      return;
    }
    const { broker, face } = this.#host;
    broker.authorizeSubscribe(face, { ...subscription }, (error, answer) => {
      if (this.#host.isOver) return;
      if (error) {
        this.#host.fail(error, NOT_AUTHORIZED);
        return;
      }
      if (answer == null) this.#revoked.push(subscription.topic);
      else this.#kept[subscription.topic] = answer;
      this.#restoreNext(waiting, done);
    });
  }

  /** Ends those that the program didn't allow, now that the client is connected. */
  revoke(): void {
    if (this.#revoked.length > 0) this.unsubscribe(this.#revoked, null, () => {});
  }

  onSubscribe(packet: ISubscribePacket, bytes: Buffer, done: () => void): void {
    const { messageId = 0, properties } = packet;
    const asked = packet.subscriptions as Subscription[];
    const onDecided = (decided: ReadonlyMap<string, Subscription | null>) => {
      const answers = messageId;
      const last = new Map(asked.map((one) => [one.topic, one]));
      const isUnchanged =
        !this.#subscribing.has(answers) &&
        [...last.values()].every((one) => isSame(one, decided.get(one.topic)));
      const pending = { asked, decided, answers, isUnchanged, callback: () => {} };
      if (isUnchanged) {
        this.#subscribing.set(answers, pending);
        this.#host.pass(bytes);
      } else {
        this.#request(pending, properties);
      }
      done();
    };
    this.#ask(asked, onDecided, (error) => this.#host.fail(error, NOT_AUTHORIZED));
  }

  /**
   * Subscribes in the client's place.
   *
   * @param answers - the identifier of the SUBACK that the client gets; null for none
   * @param callback - when the broker within has answered, or with what is wrong: the client stays connected then
   */
  subscribe(
    asked: readonly Subscription[],
    answers: number | null,
    callback: (error: Error | null) => void,
  ): void {
    for (const { topic } of asked) {
      const fault = topicFault(topic, 'SUBSCRIBE', this.#host.broker.limits.maxTopicLevels);
      if (fault !== null) return void setImmediate(callback, fault);
    }
    const request = (decided: ReadonlyMap<string, Subscription | null>) => {
      this.#request({ asked, decided, answers, isUnchanged: false, callback }, undefined);
    };
    this.#ask(asked, request, callback);
  }

  /** Has the program decide on each topic filter, once, with the options that it has last. */
  #ask(
    asked: readonly Subscription[],
    onDecided: (decided: ReadonlyMap<string, Subscription | null>) => void,
    onFailed: (error: Error) => void,
  ): void {
    const decided = new Map<string, Subscription | null>();
    const last = new Map(asked.map((subscription) => [subscription.topic, subscription]));
    const waiting = [...last.entries()];
    const askNext = () => {
      const next = waiting.shift();
      if (this.#host.isOver) onFailed(connectionClosed());
      else if (next === undefined) onDecided(decided);
      else
        this.#askFor(next[1], onFailed, (answer) => {
          decided.set(next[0], answer);
          askNext();
        });
    };
    askNext();
  }

  #askFor(
    subscription: Subscription,
    onFailed: (error: Error) => void,
    onAnswer: (answer: Subscription | null) => void,
  ): void {
    const { broker, face } = this.#host;
    broker.authorizeSubscribe(face, { ...subscription }, (error, answer) => {
      if (!error) {
        onAnswer(answer ?? null);
        return;
      }
      onFailed(error);
    });
  }

  #request(pending: PendingSubscribe, properties: ISubscribePacket['properties']): void {
    const subscriptions = remaining(pending);
    if (subscriptions.length === 0) {
      this.#finishSubscribe(pending, []);
      return;
    }
    const messageId = this.#identifierFor(pending.answers, this.#subscribing);
    this.#subscribing.set(messageId, pending);
    const packet = {
      cmd: 'subscribe',
      messageId,
      subscriptions,
      ...(properties && { properties }),
    } as unknown as ISubscribePacket;
    this.#host.pass(generate(packet, { protocolVersion: this.#host.version }));
  }

  /** That of the client's packet, or one of our own, which none that is on its way has. */
  #identifierFor(given: number | null, taken: ReadonlyMap<number, unknown>): number {
    if (given !== null && !taken.has(given)) return given;
    let identifier = IDENTIFIER_MAX;
    while (taken.has(identifier)) identifier--;
    return identifier;
  }

  onSuback(packet: ISubackPacket, bytes: Buffer): void {
    const pending = this.#subscribing.get(packet.messageId ?? 0);
    if (pending === undefined) return;
    this.#subscribing.delete(packet.messageId ?? 0);
    this.#finishSubscribe(pending, packet.granted, packet, bytes);
  }

  #finishSubscribe(
    pending: PendingSubscribe,
    codes: ISubackPacket['granted'],
    packet?: ISubackPacket,
    bytes?: Buffer,
  ): void {
    const { subscriptions, granted } = outcomeOf(pending, codes);
    const kept = this.#kept;
    for (const subscription of subscriptions) {
      if (subscription.qos !== 128) kept[subscription.topic] = subscription;
    }
    this.#host.broker.emit('subscribe', subscriptions, this.#host.face);
    const { id } = this.#host.face;
    this.#host.broker.announce(
      'new/subscribes',
      JSON.stringify({ clientId: id, subs: subscriptions }),
    );
    if (pending.isUnchanged && bytes !== undefined) {
      this.#host.send(bytes);
    } else if (pending.answers !== null) {
      const answer = { ...packet, cmd: 'suback', messageId: pending.answers, granted } as Packet;
      this.#host.send(generate(answer, { protocolVersion: this.#host.version }));
    }
    pending.callback(null);
  }

  onUnsubscribe({ messageId = 0, unsubscriptions }: IUnsubscribePacket): void {
    const pending = { topics: unsubscriptions, isQuiet: false, callback: () => {} };
    this.#unsubscribing.set(messageId, pending);
  }

  unsubscribe(
    topics: readonly string[],
    answers: number | null,
    callback: (error?: Error) => void,
  ): void {
    if (this.#host.isOver) return void setImmediate(callback, connectionClosed());
    for (const topic of topics) {
      const fault = topicFault(topic, 'UNSUBSCRIBE', this.#host.broker.limits.maxTopicLevels);
      if (fault !== null) return void setImmediate(callback, fault);
    }
    const messageId = this.#identifierFor(answers, this.#unsubscribing);
    this.#unsubscribing.set(messageId, { topics, isQuiet: answers === null, callback });
    const packet: IUnsubscribePacket = {
      cmd: 'unsubscribe',
      messageId,
      unsubscriptions: [...topics],
    };
    this.#host.pass(generate(packet, { protocolVersion: this.#host.version }));
  }

  onUnsuback(identifier: number): boolean {
    const pending = this.#unsubscribing.get(identifier);
    if (pending === undefined) return true;
    this.#unsubscribing.delete(identifier);
    const kept = this.#kept;
    for (const topic of pending.topics) delete kept[topic];
    this.#tellUnsubscribed(pending.topics);
    setImmediate(pending.callback);
    return !pending.isQuiet;
  }

  /** The connection has ended: what is on its way isn't answered any more. */
  abandon(): void {
    const error = connectionClosed();
    for (const pending of [...this.#subscribing.values(), ...this.#unsubscribing.values()]) {
      setImmediate(pending.callback, error);
    }
    this.#subscribing.clear();
    this.#unsubscribing.clear();
  }

  /** A clean session ends, and with it what it had. */
  drop(): void {
    const topics = Object.keys(this.#kept);
    if (topics.length > 0) this.#tellUnsubscribed(topics);
  }

  #tellUnsubscribed(topics: readonly string[]): void {
    this.#host.broker.emit('unsubscribe', topics, this.#host.face);
    const { id } = this.#host.face;
    this.#host.broker.announce('new/unsubscribes', JSON.stringify({ clientId: id, subs: topics }));
  }
}

function connectionClosed(): Error {
  return new Error('connection closed');
}

/** Whether the program has left a subscription as it was. */
function isSame(asked: Subscription, decided: Subscription | null | undefined): boolean {
  if (decided == null) return false;
  const { topic, nl, rap, rh } = asked;
  return (
    topic === decided.topic &&
    nl === decided.nl &&
    rap === decided.rap &&
    rh === decided.rh &&
    decided.qos === asked.qos
  );
}
