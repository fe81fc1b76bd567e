import type { IConnectPacket, IDisconnectPacket } from 'mqtt-packet';
import type { PublishedPacket } from '../../types.ts';

/** The will of a client (§3.1.2.5), until it is known whether it is to be published. */
export class Will {
  #packet: PublishedPacket | null;
  #delayMs: number;
  /** A DISCONNECT has come after which it isn't published. */
  #saysGoodbye: boolean;

  constructor() {
    this.#packet = null;
    this.#delayMs = 0;
    this.#saysGoodbye = false;
  }

  /** Notes what a CONNECT has of it. */
  take(connect: IConnectPacket, brokerId: string, clientId: string): void {
    const { will } = connect;
    this.#delayMs = delayOf(connect);
    if (will === undefined) return;
    const payload = Buffer.from(will.payload);
    this.#packet = { ...will, payload, brokerId, clientId } as PublishedPacket;
  }

  onDisconnect({ reasonCode = 0, properties }: IDisconnectPacket): void {
    const expiry = properties?.sessionExpiryInterval;
    if (expiry !== undefined) this.#delayMs = Math.min(this.#delayMs, expiry * 1000);
    this.#saysGoodbye = reasonCode === 0; // [MQTT-3.14.4-3]
  }

  /** The DISCONNECT that came was wrong. */
  onWrongDisconnect(): void {
    this.#saysGoodbye = false;
  }

  /** What is to be published when the connection has ended, or null. */
  get due(): { readonly packet: PublishedPacket; readonly delayMs: number } | null {
    if (this.#packet === null || this.#saysGoodbye) return null;
    return { packet: this.#packet, delayMs: this.#delayMs };
  }
}

/** Milliseconds that a will waits after the end of the connection (§3.1.3.2.2): at most as long as there is a session. */
function delayOf({ will, properties }: IConnectPacket): number {
  const delay = will?.properties?.willDelayInterval ?? 0;
  return Math.min(delay, properties?.sessionExpiryInterval ?? 0) * 1000;
}
