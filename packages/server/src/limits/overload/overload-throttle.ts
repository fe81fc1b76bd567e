import type { PacketThrottle } from '../throttle.ts';
import type { Overload, OverloadingConnection } from './overload.ts';

/** Has one connection wait after each message and SUBSCRIBE, while there is overload, beside what its rates say. */
export class OverloadThrottle implements PacketThrottle {
  readonly #overload: Overload;
  readonly #connection: OverloadingConnection;
  readonly #throttle: PacketThrottle | null;

  /** @param throttle - by its rates; null where there are none */
  constructor(
    overload: Overload,
    connection: OverloadingConnection,
    throttle: PacketThrottle | null,
  ) {
    this.#overload = overload;
    this.#connection = connection;
    this.#throttle = throttle;
  }

  afterMessage(): void {
    this.#throttle?.afterMessage();
    this.#overload.hold(this.#connection);
  }

  afterSubscribe(filters: number): void {
    this.#throttle?.afterSubscribe(filters);
    this.#overload.hold(this.#connection);
  }
}
