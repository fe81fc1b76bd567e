import type { Clock } from '@promptmq/wal';
import type { Direction, Fate, LinkIdentity } from '../link/fate.ts';
import type { Frame } from '../link/packet-cutter.ts';
import { ActiveFault } from './fault.ts';

/** A client that takes what the broker sends at no more than a rate. */
export class SlowReader extends ActiveFault {
  readonly #clock: Clock;
  readonly #clientId: string;
  readonly #bytesPerMs: number;
  /** By connection: when it has taken what was sent so far. */
  readonly #takenAt: WeakMap<LinkIdentity, number>;

  /** @param rate - bytes a second */
  constructor(
    onUndone: (fault: ActiveFault) => void,
    clock: Clock,
    clientId: string,
    rate: number,
  ) {
    super(onUndone);
    this.#clock = clock;
    this.#clientId = clientId;
    this.#bytesPerMs = rate / 1000;
    this.#takenAt = new WeakMap();
  }

  override happensTo(
    link: LinkIdentity,
    direction: Direction,
    { bytes }: Frame,
    fate: Fate,
  ): boolean {
    if (direction === 'in' || link.clientId !== this.#clientId) return false;
    const now = this.#clock.now();
    const begin = Math.max(now, this.#takenAt.get(link) ?? now);
    const until = begin + bytes.length / this.#bytesPerMs;
    this.#takenAt.set(link, until);
    this.hits++;
    fate.holds.push({ until, fault: this });
    return true;
  }
}
