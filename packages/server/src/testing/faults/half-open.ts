import type { Direction, Fate, LinkIdentity } from '../link/fate.ts';
import type { Frame } from '../link/packet-cutter.ts';
import type { PacketLink } from '../link/packet-link.ts';
import { ActiveFault } from './fault.ts';

/** One connection of a client that is half open: the one that it has, else the next, from its CONNACK on. */
export class HalfOpen extends ActiveFault {
  readonly #clientId: string;
  #link: PacketLink | null;

  constructor(
    onUndone: (fault: ActiveFault) => void,
    clientId: string,
    links: Iterable<PacketLink>,
  ) {
    super(onUndone);
    this.#clientId = clientId;
    this.#link = null;
    for (const link of links) {
      if (link.clientId !== clientId || !link.isConnected) continue;
      this.#take(link);
      link.isHalfOpen = true;
    }
  }

  override happensTo(link: LinkIdentity, direction: Direction, frame: Frame, fate: Fate): boolean {
    if (this.#link !== null || link.clientId !== this.#clientId) return false;
    if (direction === 'in' || !isAccepted(frame)) return false;
    this.#take(link as PacketLink);
    fate.halfOpens = true;
    return true;
  }

  #take(link: PacketLink): void {
    this.#link = link;
    this.hits++;
  }

  protected override onUndo(): void {
    if (this.#link !== null) this.#link.isHalfOpen = false;
  }
}

function isAccepted({ packet }: Frame): boolean {
  if (packet?.cmd !== 'connack') return false;
  return (packet.reasonCode ?? packet.returnCode) === 0;
}
