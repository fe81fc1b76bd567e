import type { OpenSockets } from '../listeners/open-sockets.ts';
import { descriptorsForSockets } from '../service/open-files.ts';

/** What a broker gets of the file descriptors of its process. */
export interface DescriptorShare {
  /** How many sockets it may have open at present. */
  readonly max: () => number;
  /** It has stopped. */
  readonly leave: () => void;
}

/**
 * The file descriptors of a process, which all its brokers share: what the sockets of one take, those of the others can't
 * have, and each has a log, an index and a metrics address that need some.
 */
export class SharedDescriptors {
  readonly #brokers: Set<OpenSockets>;
  readonly #forSockets: (brokerCount: number) => number;
  /** What the sockets of all may take together. */
  #max: number;

  /** @param forSockets - how many the sockets of that many brokers may take together */
  constructor(forSockets: (brokerCount: number) => number) {
    this.#brokers = new Set();
    this.#forSockets = forSockets;
    this.#max = 0;
  }

  /** One more broker takes part, with these sockets. */
  join(sockets: OpenSockets): DescriptorShare {
    this.#brokers.add(sockets);
    this.#divide();
    return {
      max: () => this.#maxOf(sockets),
      leave: () => {
        this.#brokers.delete(sockets);
        this.#divide();
      },
    };
  }

  #divide(): void {
    this.#max = this.#forSockets(this.#brokers.size);
  }

  #maxOf(sockets: OpenSockets): number {
    let others = 0;
    for (const other of this.#brokers) if (other !== sockets) others += other.count;
    return this.#max - others;
  }
}

/** Those of this process. */
export const processDescriptors = new SharedDescriptors((brokerCount) =>
  descriptorsForSockets(brokerCount),
);
