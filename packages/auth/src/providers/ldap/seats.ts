import { Gate } from '../gate.ts';
import type { DirectoryConnection } from './directory.ts';

/** The connections of one client that is asked about; nobody else uses them meanwhile. */
export interface Seat {
  /** To which users bind. */
  user: DirectoryConnection | null;
  /** To which the broker's own account is bound. */
  reader: DirectoryConnection | null;
}

/** Gives connections to those that are asked about, one after the other. */
export class Seats {
  readonly #gate: Gate;
  readonly #timeout: number;
  /** Those that nobody has. */
  readonly #free: Seat[];
  readonly #taken: Set<Seat>;
  #isClosed: boolean;

  /** @param timeout - milliseconds after which the connections of one who isn't done are closed */
  constructor(concurrentMax: number, waitingMax: number, timeout: number) {
    this.#gate = new Gate(concurrentMax, waitingMax);
    this.#timeout = timeout;
    this.#free = [];
    this.#taken = new Set();
    this.#isClosed = false;
  }

  /**
   * @param signal - closes the connections when it is aborted
   * @throws {BusyError} when too many wait
   */
  use<T>(signal: AbortSignal, action: (seat: Seat) => Promise<T>): Promise<T> {
    return this.#gate.run(signal, async () => {
      if (this.#isClosed) throw new Error('the provider is closed');
      const seat = this.#free.pop() ?? { user: null, reader: null };
      this.#taken.add(seat);
      const end = () => leave(seat);
      const timer = setTimeout(end, this.#timeout);
      signal.addEventListener('abort', end, { once: true });
      try {
        return await action(seat);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#taken.delete(seat);
        if (this.#isClosed) leave(seat);
        else this.#free.push(seat);
      }
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const seat of [...this.#free.splice(0), ...this.#taken]) leave(seat);
  }
}

function leave(seat: Seat): void {
  seat.user?.close();
  seat.reader?.close();
}
