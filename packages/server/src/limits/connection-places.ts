import { invariant } from '@promptmq/topics';
import type { Config } from '../config/index.ts';
import { type BrokerStats, countIn } from '../runtime/stats.ts';
import { addressGroupOf } from './address-group.ts';

/** Connections from one address. */
interface AddressCount {
  readonly address: string;
  /** All that are open, in whatever state. */
  open: number;
  /** Of them, those whose CONNECT has not been accepted. */
  pending: number;
}

/** What places need of the house. */
export interface PlacesHost {
  readonly config: Pick<Config, 'limits'>;
  readonly stats: Pick<BrokerStats, 'limitsReached'>;
}

/**
 * How many connections there may be before their CONNECT is accepted, and how many from one address.
 *
 * Addresses are counted only while one of their limits is configured: connections from before aren't counted.
 *
 * Invariant: `pending` and the counts are those of the places that were taken and not released; no count is 0.
 */
export class ConnectionPlaces {
  readonly #host: PlacesHost;
  readonly #counts: Map<string, AddressCount>;
  #pending: number;

  constructor(host: PlacesHost) {
    this.#host = host;
    this.#counts = new Map();
    this.#pending = 0;
  }

  /** Connections whose CONNECT has not been accepted. */
  get pending(): number {
    return this.#pending;
  }

  /** Addresses that have connections, as far as they are counted. */
  get addresses(): number {
    return this.#counts.size;
  }

  /** A connection was accepted by the system: gives it a place, or the limit that leaves none. */
  take(): ConnectionPlace | string {
    if (this.#pending >= this.#host.config.limits.pendingConnects) {
      return this.#reached('limits.pending-connects');
    }
    this.#pending++;
    return new ConnectionPlace(this);
  }

  /** @returns its count; null where addresses aren't counted, or the limit that leaves no place */
  countFor(remoteAddress: string): AddressCount | string | null {
    const { connections, pendingConnects } = this.#host.config.limits.address;
    if (connections === 0 && pendingConnects === 0) return null;
    const address = addressGroupOf(remoteAddress);
    if (address === null) return null;
    const count = this.#counts.get(address) ?? { address, open: 0, pending: 0 };
    if (connections > 0 && count.open >= connections) {
      return this.#reached('limits.address.connections');
    }
    if (pendingConnects > 0 && count.pending >= pendingConnects) {
      return this.#reached('limits.address.pending-connects');
    }
    this.#counts.set(address, count);
    count.open++;
    count.pending++;
    return count;
  }

  /** A place's CONNECT was accepted. */
  onAdmitted(count: AddressCount | null): void {
    this.#pending--;
    if (count !== null) count.pending--;
  }

  /** A place is free again. */
  onReleased(count: AddressCount | null, isPending: boolean): void {
    if (isPending) this.#pending--;
    if (count === null) return;
    count.open--;
    if (isPending) count.pending--;
    if (count.open === 0) this.#counts.delete(count.address);
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    invariant(this.#pending >= 0, `${this.#pending} connections are pending`);
    for (const { address, open, pending } of this.#counts.values()) {
      const isRight = open > 0 && pending >= 0 && pending <= open;
      invariant(isRight, `${address} has ${open} connections, ${pending} of them pending`);
    }
  }

  #reached(limit: string): string {
    countIn(this.#host.stats.limitsReached, limit);
    return limit;
  }
}

/** The place of one connection, from when it was accepted until it is closed. */
export class ConnectionPlace {
  readonly #places: ConnectionPlaces;
  #count: AddressCount | null;
  #isLocated: boolean;
  #state: 'pending' | 'admitted' | 'released';

  constructor(places: ConnectionPlaces) {
    this.#places = places;
    this.#count = null;
    this.#isLocated = false;
    this.#state = 'pending';
  }

  /**
   * It is known where the connection comes from: it counts for that address, from the first call on.
   *
   * @returns the limit that leaves no place for it, such as `limits.address.connections`; null when it has one
   */
  locate(remoteAddress: string): string | null {
    if (this.#isLocated || this.#state !== 'pending') return null;
    const count = this.#places.countFor(remoteAddress);
    if (typeof count === 'string') return count;
    this.#isLocated = true;
    this.#count = count;
    return null;
  }

  /** Its CONNECT was accepted. */
  admit(): void {
    if (this.#state !== 'pending') return;
    this.#state = 'admitted';
    this.#places.onAdmitted(this.#count);
  }

  /** It is closed; calling it again does nothing. */
  release(): void {
    if (this.#state === 'released') return;
    this.#places.onReleased(this.#count, this.#state === 'pending');
    this.#state = 'released';
  }
}
