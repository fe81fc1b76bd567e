import { Random } from '@promptmq/wal/testing';
import type { Direction, Fate, LinkIdentity } from '../link/fate.ts';
import type { Frame } from '../link/packet-cutter.ts';
import { ActiveFault } from './fault.ts';

/** What can happen by lot. */
export const RANDOM_KINDS = ['cut', 'delay', 'split', 'drop', 'duplicate'] as const;
export type RandomKind = (typeof RANDOM_KINDS)[number];

/** What a network really does: TCP neither loses nor repeats. */
export const NETWORK_KINDS: readonly RandomKind[] = ['cut', 'delay', 'split'];

/** A packet arrives in pieces of at most this many bytes. */
const PIECE_SIZE_MAX = 8;

export interface RandomPlan {
  readonly seed: number;
  /** How likely a fault is for each packet, from 0 to 1. */
  readonly rate: number;
  readonly kinds: readonly RandomKind[];
  /** Null: all clients. */
  readonly client: string | null;
  /** Longest delay, in milliseconds. */
  readonly delayMs: number;
}

/**
 * Faults by lot, which come again with the same seed: what happens to a packet depends on the seed, the client, the how manieth
 * connection of it this is, the direction, and the how manieth packet, and on nothing else. PINGREQ and PINGRESP are spared and
 * don't count, as they come when their client's clock says.
 */
export class RandomFaults extends ActiveFault {
  readonly #plan: RandomPlan;
  readonly #now: () => number;
  readonly #lots: WeakMap<LinkIdentity, Record<Direction, Random>>;

  constructor(onUndone: (fault: ActiveFault) => void, plan: RandomPlan, now: () => number) {
    super(onUndone);
    this.#plan = plan;
    this.#now = now;
    this.#lots = new WeakMap();
  }

  override happensTo(link: LinkIdentity, direction: Direction, frame: Frame, fate: Fate): boolean {
    const { client, rate, kinds } = this.#plan;
    const { packet } = frame;
    // Before it has said who it is, nothing is known that would be the same again.
    if (packet === null || link.clientId === null) return false;
    if (client !== null && link.clientId !== client) return false;
    if (packet.cmd === 'pingreq' || packet.cmd === 'pingresp') return false;
    const lots = this.#lotsOf(link)[direction];
    // As many for each packet, whatever comes of them.
    const happens = lots.chance(rate);
    const kind = lots.pick(kinds);
    const amount = lots.next();
    if (!happens) return false;
    this.hits++;
    this.#happen(kind, amount, fate);
    return true;
  }

  #happen(kind: RandomKind, amount: number, fate: Fate): void {
    switch (kind) {
      case 'cut':
        // In half of the cases it has not arrived.
        if (amount < 0.5) fate.copies = 0;
        fate.cuts = true;
        fate.notes.push(amount < 0.5 ? 'cut before' : 'cut after');
        break;
      case 'delay': {
        const ms = Math.ceil(amount * this.#plan.delayMs);
        fate.holds.push({ until: this.#now() + ms, fault: this });
        fate.notes.push(`held for ${ms} ms`);
        break;
      }
      case 'split':
        fate.pieceSize = 1 + Math.floor(amount * PIECE_SIZE_MAX);
        fate.notes.push(`in pieces of ${fate.pieceSize}`);
        break;
      case 'drop':
        fate.copies = 0;
        fate.notes.push('lost');
        break;
      case 'duplicate':
        fate.copies *= 2;
        fate.notes.push('twice');
        break;
    }
  }

  #lotsOf(link: LinkIdentity): Record<Direction, Random> {
    const known = this.#lots.get(link);
    if (known !== undefined) return known;
    const { seed } = this.#plan;
    const of = (direction: Direction) =>
      new Random(digest(`${seed} ${link.number} ${direction} ${link.clientId}`));
    const lots = { in: of('in'), out: of('out') };
    this.#lots.set(link, lots);
    return lots;
  }
}

/** FNV-1a, 32 bits. */
function digest(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
