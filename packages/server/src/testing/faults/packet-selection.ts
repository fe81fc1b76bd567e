import { type Packet, PacketType } from '@promptmq/codec';
import { matchesFilter, topicFilterFault } from '@promptmq/topics';
import type { Direction, LinkIdentity } from '../link/fate.ts';
import type { Frame } from '../link/packet-cutter.ts';
import { badArgument, onlyOptions } from '../test-broker-error.ts';
import { wholeNumber } from '../test-broker-options.ts';

/** The name of a packet, as the standard has it. */
export type PacketName = keyof typeof PacketType;

/** Which packets a fault is for; what is left out may be anything. */
export interface PacketSelection {
  /** The client identifier of the connection. */
  readonly client?: string;
  /** Seen from the broker: `in` is what a client sends. */
  readonly direction?: 'in' | 'out';
  /** Only PUBLISH, of a topic filter. */
  readonly topic?: string;
  /** Only packets for which it returns true. */
  readonly where?: (packet: Packet) => boolean;
  /** The first of them that are spared; 0 by default. */
  readonly skip?: number;
  /** How many of them, then; all by default, and one of `cut`. */
  readonly times?: number;
}

const KEYS = ['client', 'direction', 'topic', 'where', 'skip', 'times'] as const;
const COUNT_MAX = 1_000_000_000;
const NAMES = Object.keys(PacketType);

/** A selection that has been checked, and counts what it has met. */
export class PacketSelector {
  readonly #names: ReadonlySet<string> | null;
  readonly #selection: PacketSelection;
  #skip: number;
  #left: number;

  /**
   * @param names - of packets; null: any
   * @param more - options that are allowed beside those of a selection
   * @throws {TestBrokerError} `bad-argument`
   */
  constructor(
    where: string,
    names: unknown,
    selection: PacketSelection,
    times = Number.POSITIVE_INFINITY,
    more: readonly string[] = [],
  ) {
    onlyOptions(where, selection, [...KEYS, ...more]);
    this.#names = names === null ? null : packetNames(where, names);
    this.#selection = selection;
    checkText(`${where}: client`, selection.client);
    const { direction, topic, where: test } = selection;
    if (direction !== undefined && direction !== 'in' && direction !== 'out') {
      badArgument(`${where}: direction`, direction, "'in' (what a client sends) or 'out'");
    }
    if (topic !== undefined && (typeof topic !== 'string' || topicFilterFault(topic) !== null)) {
      badArgument(`${where}: topic`, topic, 'a topic filter such as a/b, a/+ or a/#');
    }
    if (test !== undefined && typeof test !== 'function') {
      badArgument(`${where}: where`, test, 'a function');
    }
    this.#skip = wholeNumber(`${where}: skip`, selection.skip ?? 0, 0, COUNT_MAX);
    this.#left =
      selection.times === undefined
        ? times
        : wholeNumber(`${where}: times`, selection.times, 1, COUNT_MAX);
  }

  /** Whether the fault happens to this packet; counted. */
  takes({ clientId }: LinkIdentity, direction: Direction, frame: Frame): boolean {
    const { client, topic, where, direction: wanted } = this.#selection;
    const { packet } = frame;
    if (this.#left === 0 || packet === null) return false;
    if (this.#names !== null && !this.#names.has(packet.cmd)) return false;
    if (client !== undefined && clientId !== client) return false;
    if (wanted !== undefined && direction !== wanted) return false;
    if (topic !== undefined && (frame.topic === null || !matchesFilter(topic, frame.topic))) {
      return false;
    }
    if (where !== undefined && where(packet) !== true) return false;
    if (this.#skip > 0) {
      this.#skip--;
      return false;
    }
    this.#left--;
    return true;
  }
}

/** In lower case, as packets have them. @throws {TestBrokerError} `bad-argument` */
function packetNames(where: string, names: unknown): ReadonlySet<string> {
  const list = Array.isArray(names) ? names : [names];
  for (const name of list) {
    if (NAMES.includes(name)) continue;
    badArgument(where, name, `the name of a packet: ${NAMES.join(', ')}`);
  }
  return new Set(list.map((name: string) => name.toLowerCase()));
}

/** @throws {TestBrokerError} `bad-argument` when it is neither a client identifier nor left out */
export function checkText(where: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value !== '')) return;
  badArgument(where, value, 'a client identifier');
}
