import type { Random } from '@promptmq/wal/testing';
import { Mutator } from './mutations.ts';
import { StrictReader } from './reader.ts';
import { Talker, type User } from './talker.ts';

/** A connection, of whatever kind. */
export interface Link {
  readonly isClosed: boolean;
  /** Whether what it has sent may have come as something else. */
  readonly isSpoiled: boolean;
  send(bytes: Uint8Array): void;
  /** What has come since it was asked last, of MQTT. */
  take(): Uint8Array[];
  /** Closes its own side. */
  halfClose(): void;
  close(): void;
}

/** Clients that are connected, or about to be, at any time. */
const CLIENTS = 12;

/** One connection: what it says, how it is changed, and how it reads. */
interface Caller {
  readonly talker: Talker;
  readonly link: Link;
  readonly reader: StrictReader;
  /** How many of its packets are changed. */
  readonly mutationRate: number;
  /** Whether it takes what it is sent. */
  readonly takes: boolean;
  /** Something of it was changed: what it has asked for isn't known. */
  isObscure: boolean;
  pending: Uint8Array;
}

/**
 * Clients that talk to one broker at the same time, some of them by the book and others not quite. What comes back to those
 * that keep to the book is read strictly.
 */
export class Callers {
  packetCount = 0;
  connectionCount = 0;
  readonly #random: Random;
  readonly #mutator: Mutator;
  readonly #open: (index: number) => Link;
  readonly #userOf: () => User;
  readonly #callers: Caller[] = [];

  /**
   * @param open - a new connection for a place
   * @param userOf - who the next client says that it is
   */
  constructor(random: Random, open: (index: number) => Link, userOf: () => User = () => null) {
    this.#random = random;
    this.#mutator = new Mutator(random);
    this.#open = open;
    this.#userOf = userOf;
  }

  /** One of them sends something. */
  speak(): Caller {
    const caller = this.#caller();
    this.#send(caller);
    return caller;
  }

  /**
   * What has come is read, unless it is one that doesn't read.
   *
   * @throws when the broker broke a rule, or what the client had asked for
   */
  listen(caller: Caller): void {
    const random = this.#random;
    if (caller.takes || random.chance(0.01)) this.#take(caller);
    if (random.chance(0.002)) caller.link.halfClose();
    if (random.chance(0.002)) caller.link.close();
  }

  closeAll(): void {
    for (const caller of this.#callers) caller?.link.close();
  }

  /** One that is there, or a new one in its place. */
  #caller(): Caller {
    const random = this.#random;
    const at = random.below(CLIENTS);
    const found = this.#callers[at];
    const isDone =
      found === undefined ||
      found.link.isClosed ||
      (found.talker.isOver && found.pending.length === 0);
    if (!isDone) return found;
    if (found?.link.isClosed === false && random.chance(0.7)) found.link.close();
    const talker = new Talker(random, this.#userOf());
    this.connectionCount++;
    const caller: Caller = {
      talker,
      link: this.#open(at),
      reader: new StrictReader(talker.terms),
      mutationRate: random.pick([0, 0, 0.02, 0.1, 0.4]),
      takes: random.chance(0.9),
      isObscure: false,
      pending: new Uint8Array(0),
    };
    this.#callers[at] = caller;
    return caller;
  }

  #send(caller: Caller): void {
    const random = this.#random;
    if (caller.pending.length === 0) {
      const count = random.chance(0.1) ? 3 : 1;
      const packets = Array.from({ length: count }, () => this.#nextOf(caller));
      caller.pending = count === 1 ? (packets[0] as Uint8Array) : Buffer.concat(packets);
    }
    const size = random.chance(0.8) ? caller.pending.length : random.pick([1, 2, 7, 100]);
    const chunk = caller.pending.subarray(0, size);
    caller.pending = caller.pending.subarray(size);
    caller.link.send(chunk);
  }

  #nextOf(caller: Caller): Uint8Array {
    const random = this.#random;
    const { talker } = caller;
    if (talker.isOver) return new Uint8Array(0);
    const bytes = talker.next();
    const [type = 0, , high = 0, low = 0] = bytes;
    // Settled before the broker knows: it is never thought to have sent too much because of that.
    if (type === 0x40 || type === 0x70) caller.reader.settle(high * 256 + low);
    this.packetCount++;
    this.#mutator.note(bytes);
    if (!random.chance(caller.mutationRate)) return bytes;
    caller.isObscure = true;
    return this.#mutator.mutate(bytes);
  }

  #take(caller: Caller): void {
    const { talker, link, reader } = caller;
    for (const chunk of link.take()) {
      try {
        for (const received of reader.read(chunk)) talker.hear(received);
      } catch (error) {
        // It may have asked for something else than it knows of.
        if (!caller.isObscure && !link.isSpoiled) throw error;
      }
    }
  }
}
