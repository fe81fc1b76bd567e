import { invariant } from '@promptmq/topics';

const NONE: ReadonlyMap<number, number> = new Map();

/**
 * QoS 2 packet identifiers that were received and are not released yet (§4.3.3).
 *
 * Invariant: `countNow` is how many of them came on this connection.
 */
export class ReceivedIds {
  /** By identifier: the number of the connection that its PUBLISH came on last. Made for the first. */
  #connections: Map<number, number> | null;
  #connection: number;
  #countNow: number;

  constructor() {
    this.#connections = null;
    this.#connection = 0;
    this.#countNow = 0;
  }

  /** How many came on this connection; they count against our Receive Maximum. */
  get countNow(): number {
    return this.#countNow;
  }

  /** How many there are. */
  get size(): number {
    return this.#connections?.size ?? 0;
  }

  /** There is a new connection. */
  beginConnection(): void {
    this.#connection++;
    this.#countNow = 0;
  }

  has(packetId: number): boolean {
    return this.#connections?.has(packetId) === true;
  }

  /** @returns whether it is new */
  add(packetId: number): boolean {
    this.#connections ??= new Map();
    const connection = this.#connections.get(packetId);
    if (connection !== this.#connection) {
      this.#connections.set(packetId, this.#connection);
      this.#countNow++;
    }
    return connection === undefined;
  }

  /** Adds one that a process that has ended had received. */
  restore(packetId: number): void {
    this.#connections ??= new Map();
    if (!this.#connections.has(packetId)) this.#connections.set(packetId, -1);
  }

  /** @returns whether there was one */
  delete(packetId: number): boolean {
    if (this.#connections === null) return false;
    if (this.#connections.get(packetId) === this.#connection) this.#countNow--;
    return this.#connections.delete(packetId);
  }

  clear(): void {
    this.#connections = null;
    this.#countNow = 0;
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    const connections = [...(this.#connections?.values() ?? [])];
    const count = connections.filter((connection) => connection === this.#connection).length;
    invariant(count === this.#countNow, `${this.#countNow} received counted of ${count}`);
  }

  [Symbol.iterator](): Iterator<number> {
    return (this.#connections ?? NONE).keys();
  }
}
