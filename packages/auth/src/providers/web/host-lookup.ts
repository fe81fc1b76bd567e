import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';

/** How long the addresses of a host are believed: as long as many name servers say, and no new one is overlooked for long. */
const KEPT_MS = 30_000;

type Callback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/**
 * Finds the addresses of one host. The system's resolver takes a thread of the pool that also writes the broker's log, for seconds
 * where no name server answers: so one look-up at most is under way, however many connections are wanted, and what it found is kept
 * for a while.
 */
export class HostLookup {
  #addresses: readonly LookupAddress[];
  #foundAt: number;
  #waiting: ((error: NodeJS.ErrnoException | null) => void)[];

  constructor() {
    this.#addresses = [];
    this.#foundAt = Number.NEGATIVE_INFINITY;
    this.#waiting = [];
  }

  /** What `connect` of `node:net` takes as its `lookup`. */
  readonly lookup = (host: string, options: LookupOptions, callback: Callback): void => {
    const answer = (error: NodeJS.ErrnoException | null) => {
      const [first] = this.#addresses;
      if (error !== null || first === undefined) {
        callback(error ?? new Error(`${host} has no address`), []);
      } else if (options.all === true) {
        callback(null, [...this.#addresses]);
      } else {
        callback(null, first.address, first.family);
      }
    };
    if (performance.now() - this.#foundAt < KEPT_MS) {
      answer(null);
      return;
    }
    this.#waiting.push(answer);
    if (this.#waiting.length > 1) return;
    lookup(host, { all: true }, (error, addresses) => {
      if (error === null) {
        this.#addresses = addresses;
        this.#foundAt = performance.now();
      }
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const notify of waiting) notify(error);
    });
  };
}
