import type { Direction, Fate, LinkIdentity } from '../link/fate.ts';
import type { Frame } from '../link/packet-cutter.ts';

/** Something that goes wrong between clients and the broker, until it is undone. */
export interface Fault extends Disposable {
  /** To how many packets, or connections, it has happened. */
  readonly hits: number;
  /** It happens no more; what it held back goes on. Called again, nothing happens. */
  undo(): void;
}

/** A fault as its test broker sees it. */
export abstract class ActiveFault implements Fault {
  hits = 0;
  isUndone = false;
  readonly #onUndone: (fault: ActiveFault) => void;

  constructor(onUndone: (fault: ActiveFault) => void) {
    this.#onUndone = onUndone;
  }

  undo(): void {
    if (this.isUndone) return;
    this.isUndone = true;
    this.onUndo();
    this.#onUndone(this);
  }

  [Symbol.dispose](): void {
    this.undo();
  }

  /** @returns whether anything happens to the packet, which `fate` then says */
  happensTo(_link: LinkIdentity, _direction: Direction, _frame: Frame, _fate: Fate): boolean {
    return false;
  }

  protected onUndo(): void {}
}

/** What happens to packets that a selection takes. */
export class PacketFault extends ActiveFault {
  readonly #takes: (link: LinkIdentity, direction: Direction, frame: Frame) => boolean;
  readonly #happen: (fate: Fate, fault: PacketFault) => void;

  constructor(
    onUndone: (fault: ActiveFault) => void,
    takes: (link: LinkIdentity, direction: Direction, frame: Frame) => boolean,
    happen: (fate: Fate, fault: PacketFault) => void,
  ) {
    super(onUndone);
    this.#takes = takes;
    this.#happen = happen;
  }

  override happensTo(link: LinkIdentity, direction: Direction, frame: Frame, fate: Fate): boolean {
    if (!this.#takes(link, direction, frame)) return false;
    this.hits++;
    this.#happen(fate, this);
    return true;
  }
}
