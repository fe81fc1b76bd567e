import type { Random } from '@promptmq/wal/testing';
import type { Part } from '../../../conformance/src/wire/bytes.ts';
import {
  ack,
  auth,
  connect,
  disconnect,
  pingreq,
  publish,
  subscribe,
  unsubscribe,
} from '../../../conformance/src/wire/client-packets.ts';
import { property } from '../../../conformance/src/wire/property.ts';
import type { ReceivedPacket } from '../../../conformance/src/wire/server-packet.ts';
import type { Version } from '../../../conformance/src/wire/version.ts';
import { CLIENT_IDS, FILTERS, LONG, TEXTS, TOPICS } from './words.ts';

/** What a client asks for in CONNECT, which the broker has to keep to. */
export interface Terms {
  readonly version: Version;
  readonly clientId: string;
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
}

/** A name and a password, or nobody. */
export type User = { readonly username: string; readonly password: string } | null;

/**
 * One connection's worth of conversation, as a client would have it that keeps to the standard most of the time: what it
 * sends follows from what it has sent and heard before.
 */
export class Talker {
  readonly terms: Terms;
  readonly #random: Random;
  readonly #user: User;
  /** Answers that it owes, in order. */
  readonly #owed: Uint8Array[] = [];
  /** Of its own messages, by packet identifier: what it waits for. */
  readonly #waits = new Map<number, 'puback' | 'pubrec' | 'pubcomp'>();
  /** Topic aliases that it has set. */
  readonly #aliases: number[] = [];
  #method: string | null = null;
  #hasBegun = false;
  #nextId = 1;
  #isOver = false;

  constructor(random: Random, user: User) {
    this.#random = random;
    this.#user = user;
    const version = random.pick<Version>([3, 4, 5, 5, 5]);
    const isV5 = version === 5;
    this.terms = {
      version,
      clientId: random.chance(0.05) ? random.pick(TEXTS) : random.pick(CLIENT_IDS),
      receiveMaximum: isV5 && random.chance(0.3) ? 1 + random.below(4) : 65_535,
      maximumPacketSize: isV5 && random.chance(0.2) ? random.pick([1, 20, 200, 5000]) : Infinity,
      topicAliasMaximum: isV5 && random.chance(0.4) ? 1 + random.below(5) : 0,
    };
  }

  /** It has said goodbye: nothing more is to come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** The next packet. */
  next(): Uint8Array {
    const random = this.#random;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      return this.#connect();
    }
    const owed = this.#owed.length > 0 && random.chance(0.8) ? this.#owed.shift() : undefined;
    return owed ?? this.#packet();
  }

  /** What the broker has sent. */
  hear({ type, id, qos, reasonCode, properties }: ReceivedPacket): void {
    switch (type) {
      case 'publish':
        if (qos === 1) this.#owed.push(ack('puback', id));
        if (qos === 2) this.#owed.push(ack('pubrec', id));
        return;
      case 'pubrel':
        this.#owed.push(ack('pubcomp', id));
        return;
      case 'pubrec':
        if (reasonCode >= 0x80) this.#waits.delete(id);
        else this.#waits.set(id, 'pubcomp');
        if (reasonCode < 0x80) this.#owed.push(ack('pubrel', id));
        return;
      case 'puback':
      case 'pubcomp':
        this.#waits.delete(id);
        return;
      case 'auth': {
        const method = properties.find((one) => one.id === 0x15)?.value;
        if (typeof method === 'string') this.#owed.push(this.#auth(0x18, method));
        return;
      }
    }
  }

  #connect(): Uint8Array {
    const random = this.#random;
    const { version, clientId, receiveMaximum, maximumPacketSize, topicAliasMaximum } = this.terms;
    const asked: Part[] = [];
    if (random.chance(0.5)) asked.push(property.sessionExpiry(random.pick([0, 1, 5, 1000])));
    if (receiveMaximum < 65_535) asked.push(property.receiveMaximum(receiveMaximum));
    if (maximumPacketSize < Infinity) asked.push(property.maximumPacketSize(maximumPacketSize));
    if (topicAliasMaximum > 0) asked.push(property.topicAliasMaximum(topicAliasMaximum));
    if (random.chance(0.2)) asked.push(property.requestResponseInformation(1));
    if (random.chance(0.2)) asked.push(property.requestProblemInformation(random.below(2)));
    if (random.chance(0.2)) asked.push(this.#userProperties());
    if (random.chance(0.1)) {
      this.#method = random.pick(['challenge', 'challenge', 'challenge', 'x']);
      asked.push(property.authenticationMethod(this.#method));
      if (random.chance(0.5)) asked.push(property.authenticationData(random.pick(['', 'answer'])));
    }
    const will = {
      topic: this.#topic(),
      payload: this.#payload(),
      qos: random.below(3),
      retain: random.chance(0.3),
      properties: [
        random.chance(0.4) ? property.willDelay(random.pick([0, 1, 20])) : [],
        this.#messageProperties(),
      ],
    };
    return connect({
      ...{ version, clientId, clean: clientId === '' || random.chance(0.4) },
      keepAlive: random.pick([0, 0, 1, 60]),
      properties: asked,
      ...(random.chance(0.4) ? { will } : {}),
      ...(this.#user === null ? {} : this.#user),
    });
  }

  #packet(): Uint8Array {
    const random = this.#random;
    const { version } = this.terms;
    const choice = random.below(100);
    if (choice < 55) return this.#publish();
    if (choice < 72) return this.#subscribe();
    if (choice < 78) {
      const filters = [this.#filter(), ...(random.chance(0.3) ? [this.#filter()] : [])];
      return unsubscribe(filters, { version, id: this.#id() });
    }
    if (choice < 84) return pingreq;
    if (choice < 89) return this.#again();
    if (choice < 92) return this.#owed.shift() ?? pingreq;
    if (choice < 94 && (this.#method !== null || random.chance(0.02)) && version === 5) {
      return this.#auth(random.pick([0x18, 0x19]), this.#method ?? 'x');
    }
    if (choice < 98) return this.#publish();
    this.#isOver = true;
    if (version < 5) return disconnect();
    const expiry = random.chance(0.2) ? property.sessionExpiry(random.pick([0, 2, 50])) : undefined;
    return disconnect(random.pick([0, 0, 4, 0x80]), expiry);
  }

  #publish(): Uint8Array {
    const random = this.#random;
    const { version } = this.terms;
    const qos = random.below(3);
    const id = qos > 0 ? this.#id() : 0;
    if (qos > 0) this.#waits.set(id, qos === 1 ? 'puback' : 'pubrec');
    const aliased = version === 5 && random.chance(0.25);
    const known = aliased && random.chance(0.4) ? random.pick([...this.#aliases, 0]) : 0;
    const number = known > 0 ? known : 1 + random.below(random.chance(0.95) ? 3 : 20);
    const topic = known > 0 ? '' : this.#topic();
    const alias = aliased ? property.topicAlias(number) : [];
    if (aliased && known === 0) this.#aliases.push(number);
    return publish(topic, this.#payload(), {
      ...{ version, qos, id, retain: random.chance(0.15) },
      properties: [alias, this.#messageProperties()],
    });
  }

  /** What it waits for an answer to, once more. */
  #again(): Uint8Array {
    const waiting = [...this.#waits];
    const found = waiting[this.#random.below(Math.max(1, waiting.length))];
    if (found === undefined) return pingreq;
    const [id, waitsFor] = found;
    if (waitsFor === 'pubcomp') return ack('pubrel', id);
    const qos = waitsFor === 'puback' ? 1 : 2;
    return publish(this.#topic(), 'again', { version: this.terms.version, qos, id, dup: true });
  }

  #subscribe(): Uint8Array {
    const random = this.#random;
    const { version } = this.terms;
    const count = random.pick([1, 1, 1, 3, 40]);
    const filters = Array.from({ length: count }, () => {
      const filter = this.#filter();
      const isShared = filter.startsWith('$share');
      const options = version === 5 && random.chance(0.3) ? random.pick([8, 16, 32, 40]) : 0;
      const noLocal = version === 5 && !isShared && random.chance(0.1) ? 4 : 0;
      return [filter, random.below(3) | options | noLocal] as const;
    });
    const properties = random.chance(0.3)
      ? property.subscriptionIdentifier(random.pick([1, 2, 127, 128, 268_435_455]))
      : [];
    return subscribe(filters, { version, id: this.#id(), properties });
  }

  #auth(code: number, method: string): Uint8Array {
    const data = this.#random.pick(['', 'answer', 'wrong', 'more']);
    return auth(code, [property.authenticationMethod(method), property.authenticationData(data)]);
  }

  #messageProperties(): Part[] {
    const random = this.#random;
    if (random.chance(0.6)) return [];
    const all: Part[] = [
      property.messageExpiry(random.pick([0, 1, 10, 0xffff_ffff])),
      property.payloadFormat(random.below(2)),
      property.contentType(this.#text()),
      property.responseTopic(random.pick(TOPICS)),
      property.correlationData('c'.repeat(random.below(5))),
      this.#userProperties(),
    ];
    return all.filter(() => random.chance(0.3));
  }

  #userProperties(): Part {
    const random = this.#random;
    return Array.from({ length: random.pick([1, 1, 1, 1, 1, 2, 2, 2, 30]) }, () =>
      property.user(this.#text(), this.#text()),
    );
  }

  #id(): number {
    this.#nextId = this.#random.chance(0.9)
      ? (this.#nextId % 12) + 1
      : this.#random.pick([1, 65_535]);
    return this.#nextId;
  }

  #topic(): string {
    return this.#random.chance(0.97) ? this.#random.pick(TOPICS) : this.#text();
  }

  #filter(): string {
    return this.#random.chance(0.9) ? this.#random.pick(FILTERS) : this.#text();
  }

  #text(): string {
    const random = this.#random;
    return random.chance(0.01) ? LONG + random.below(3) : random.pick(TEXTS);
  }

  #payload(): Uint8Array {
    return Buffer.alloc(
      this.#random.pick([0, 1, 1, 10, 10, 10, 10, 200, 200, this.#random.chance(0.1) ? 20_000 : 3]),
      this.#random.below(256),
    );
  }
}
