import type { Clock } from '@promptmq/wal';
import { type Direction, Fate, type Fates, type LinkIdentity } from '../link/fate.ts';
import type { Frame } from '../link/packet-cutter.ts';
import type { PacketLink } from '../link/packet-link.ts';
import { parseDuration, parseRate } from '../measures.ts';
import { badArgument, onlyOptions, TestBrokerError } from '../test-broker-error.ts';
import { wholeNumber } from '../test-broker-options.ts';
import { type ActiveFault, type Fault, PacketFault } from './fault.ts';
import { HalfOpen } from './half-open.ts';
import {
  checkText,
  type PacketName,
  type PacketSelection,
  PacketSelector,
} from './packet-selection.ts';
import { NETWORK_KINDS, RANDOM_KINDS, RandomFaults, type RandomKind } from './random-faults.ts';
import { REFUSED_TYPES } from './refusal.ts';
import { SlowReader } from './slow-reader.ts';

/** Which connections are cut, and when. */
export interface CutOptions extends PacketSelection {
  /** When this packet has arrived. */
  readonly after?: PacketName;
  /** When this packet has been sent and has not arrived. */
  readonly before?: PacketName;
}

/** What happens by lot. */
export interface RandomOptions {
  /** How likely a fault is for each packet, above 0 and up to 1. */
  readonly rate: number;
  /** 0 to 4,294,967,295; that of the test broker by default. */
  readonly seed?: number;
  /** By default what a network really does: `cut`, `delay` and `split`. `drop` and `duplicate` are for brokers and clients that aren't well. */
  readonly kinds?: readonly RandomKind[];
  /** Only of this client identifier. */
  readonly client?: string;
  /** The longest delay; `1s` by default. */
  readonly delay?: string;
}

/**
 * What can go wrong between clients and a test broker, in both directions. Faults begin at once, in the order in which they
 * are made, and each can be undone. All throw a `TestBrokerError` with `bad-argument` before anything happens.
 *
 * A packet is named as in the standard; a list of names is any of them.
 */
export interface TestFaults {
  /** Packets are sent and never arrive. */
  drop(packet: PacketName | readonly PacketName[], selection?: PacketSelection): Fault;
  /** Packets arrive twice. */
  duplicate(packet: PacketName | readonly PacketName[], selection?: PacketSelection): Fault;
  /**
   * Packets arrive later, by the broker's clock; what is sent after them on the same connection waits, too.
   *
   * @param duration - such as `3s`
   */
  delay(
    packet: PacketName | readonly PacketName[],
    duration: string,
    selection?: PacketSelection,
  ): Fault;
  /**
   * Connections are cut: those that there are now, or one `after` or `before` a packet. The broker sees a closed connection without a
   * DISCONNECT.
   */
  cut(options?: CutOptions): Fault;
  /**
   * One connection of a client is half open: the one that it has, else its next one. Nothing gets through in either direction, and neither side is
   * notified of anything.
   */
  halfOpen(client: string): Fault;
  /**
   * CONNECT, PUBLISH, SUBSCRIBE or UNSUBSCRIBE is answered with a reason code in the broker's place, and doesn't reach it.
   *
   * @param reasonCode - 0x80 to 0xFF; before MQTT 5 the client gets what its version has for it, or is closed
   */
  refuse(
    packet: (typeof REFUSED_TYPES)[number],
    reasonCode: number,
    selection?: PacketSelection,
  ): Fault;
  /**
   * A client takes what the broker sends at this rate, by the broker's clock.
   *
   * @param rate - such as `1KB/s`
   */
  slowReader(client: string, rate: string): Fault;
  /**
   * What is sent arrives in pieces, each in a turn of its own.
   *
   * @param size - of a piece: 1 to 65,535 bytes
   */
  split(size: number, selection?: Pick<PacketSelection, 'client' | 'direction'>): Fault;
  /** Faults by lot, the same with the same seed, as far as clients do the same. */
  random(options: RandomOptions): Fault;
  /** Undoes all faults. */
  clear(): void;
}

const REASON_CODE_MIN = 0x80;
const REASON_CODE_MAX = 0xff;
const PIECE_SIZE_MAX = 65_535;
const SEED_MAX = 0xffff_ffff;

/** What the faults of a test broker need of it. */
export interface FaultsHost {
  readonly machine: Clock;
  readonly seed: number;
  readonly links: Iterable<PacketLink>;
}

/** The faults of a test broker that are not undone, in the order in which they were made. */
export class BrokerFaults implements TestFaults, Fates {
  readonly #host: FaultsHost;
  readonly #active: Set<ActiveFault>;
  readonly #onUndone: (fault: ActiveFault) => void;

  constructor(host: FaultsHost) {
    this.#host = host;
    this.#active = new Set();
    this.#onUndone = (fault) => {
      this.#active.delete(fault);
      for (const link of [...host.links]) link.pump();
    };
  }

  // ------------------------------------------------------------------ what tests do

  drop(packet: PacketName | readonly PacketName[], selection: PacketSelection = {}): Fault {
    return this.#packets(new PacketSelector('faults.drop', packet, selection), (fate) => {
      fate.copies = 0;
      fate.notes.push('lost');
    });
  }

  duplicate(packet: PacketName | readonly PacketName[], selection: PacketSelection = {}): Fault {
    return this.#packets(new PacketSelector('faults.duplicate', packet, selection), (fate) => {
      fate.copies *= 2;
      fate.notes.push('twice');
    });
  }

  delay(
    packet: PacketName | readonly PacketName[],
    duration: string,
    selection: PacketSelection = {},
  ): Fault {
    const ms = parseDuration('faults.delay', duration);
    const selector = new PacketSelector('faults.delay', packet, selection);
    return this.#packets(selector, (fate, fault) => {
      fate.holds.push({ until: this.#host.machine.now() + ms, fault });
      fate.notes.push(`held for ${duration}`);
    });
  }

  cut(options: CutOptions = {}): Fault {
    const { after, before } = options;
    if (after !== undefined && before !== undefined) {
      throw new TestBrokerError('bad-argument', 'faults.cut: after or before, not both');
    }
    const name = after ?? before ?? null;
    const selector = new PacketSelector('faults.cut', name, options, 1, ['after', 'before']);
    if (name === null) return this.#cutNow(options);
    return this.#packets(selector, (fate) => {
      if (before !== undefined) fate.copies = 0;
      fate.cuts = true;
      fate.notes.push(before === undefined ? 'cut after' : 'cut before');
    });
  }

  halfOpen(client: string): Fault {
    requireClient('faults.halfOpen', client);
    return this.#add(new HalfOpen(this.#onUndone, client, this.#host.links));
  }

  refuse(
    packet: (typeof REFUSED_TYPES)[number],
    reasonCode: number,
    selection: PacketSelection = {},
  ): Fault {
    if (!REFUSED_TYPES.includes(packet)) {
      badArgument(
        'faults.refuse',
        packet,
        `a packet that can be refused: ${REFUSED_TYPES.join(', ')}`,
      );
    }
    wholeNumber('faults.refuse: reason code', reasonCode, REASON_CODE_MIN, REASON_CODE_MAX);
    const inward = { ...selection, direction: 'in' } as const;
    return this.#packets(new PacketSelector('faults.refuse', packet, inward), (fate) => {
      fate.refusal = reasonCode;
      fate.notes.push('refused');
    });
  }

  slowReader(client: string, rate: string): Fault {
    requireClient('faults.slowReader', client);
    const bytes = parseRate('faults.slowReader', rate);
    return this.#add(new SlowReader(this.#onUndone, this.#host.machine, client, bytes));
  }

  split(size: number, selection: Pick<PacketSelection, 'client' | 'direction'> = {}): Fault {
    wholeNumber('faults.split', size, 1, PIECE_SIZE_MAX);
    onlyOptions('faults.split', selection, ['client', 'direction']);
    return this.#packets(new PacketSelector('faults.split', null, selection), (fate) => {
      fate.pieceSize = size;
    });
  }

  random(options: RandomOptions): Fault {
    onlyOptions('faults.random', options, ['rate', 'seed', 'kinds', 'client', 'delay']);
    const { rate, seed = this.#host.seed, kinds = NETWORK_KINDS, client, delay = '1s' } = options;
    if (typeof rate !== 'number' || !(rate > 0 && rate <= 1)) {
      badArgument('faults.random: rate', rate, 'a number above 0 and up to 1');
    }
    if (!Array.isArray(kinds) || kinds.length === 0) {
      badArgument('faults.random: kinds', kinds, `a list of ${RANDOM_KINDS.join(', ')}`);
    }
    for (const kind of kinds) {
      if (!RANDOM_KINDS.includes(kind)) {
        badArgument('faults.random: kinds', kind, `one of ${RANDOM_KINDS.join(', ')}`);
      }
    }
    wholeNumber('faults.random: seed', seed, 0, SEED_MAX);
    checkText('faults.random: client', client);
    const delayMs = parseDuration('faults.random: delay', delay);
    const plan = { seed, rate, kinds, client: client ?? null, delayMs };
    return this.#add(new RandomFaults(this.#onUndone, plan, () => this.#host.machine.now()));
  }

  clear(): void {
    for (const fault of [...this.#active]) fault.undo();
  }

  // ------------------------------------------------------------------- what links ask

  of(link: LinkIdentity, direction: Direction, frame: Frame): Fate | null {
    if (this.#active.size === 0) return null;
    const fate = new Fate();
    let isAny = false;
    for (const fault of this.#active) {
      if (fault.happensTo(link, direction, frame, fate)) isAny = true;
    }
    return isAny ? fate : null;
  }

  #packets(selector: PacketSelector, happen: (fate: Fate, fault: PacketFault) => void): Fault {
    const takes = (link: LinkIdentity, direction: Direction, frame: Frame) =>
      selector.takes(link, direction, frame);
    return this.#add(new PacketFault(this.#onUndone, takes, happen));
  }

  #cutNow({ client, ...others }: CutOptions): Fault {
    const [first] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
    if (first !== undefined) {
      throw new TestBrokerError(
        'bad-argument',
        `faults.cut: ${first} is for a cut after or before a packet`,
      );
    }
    const fault = new PacketFault(
      () => {},
      () => false,
      () => {},
    );
    for (const link of [...this.#host.links]) {
      if (link.isOver || (client !== undefined && link.clientId !== client)) continue;
      fault.hits++;
      link.cut();
    }
    return fault;
  }

  #add<F extends ActiveFault>(fault: F): F {
    this.#active.add(fault);
    return fault;
  }
}

function requireClient(where: string, client: unknown): void {
  if (client === undefined) badArgument(where, client, 'a client identifier');
  checkText(where, client);
}
