import type { QoS } from '@promptmq/codec';

/** What a test found that the broker must never do. */
export class Violation extends Error {}

/** A point in the order of events that the ledger has seen. */
export type Tick = number;

export const NEVER = Number.POSITIVE_INFINITY;

export interface PublicationOptions {
  readonly publisher: string;
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Bytes of payload; 0 removes a retained message. */
  readonly size: number;
  /** Seconds; null when it doesn't expire. */
  readonly expiry: number | null;
  readonly isWill: boolean;
}

/**
 * One application message that a client published, or had published as its will, with what is known of
 * when the broker routed it: not before `earliest`, and, as soon as it is known, not after `latest`.
 */
export class Publication {
  /** Grows with each publication of a run; a client's go out in this order. */
  readonly id: number;
  readonly options: PublicationOptions;
  readonly payload: Buffer;
  earliest: Tick = NEVER;
  earliestMs = NEVER;
  latest: Tick = NEVER;
  latestMs = NEVER;
  /** It has been acknowledged, or is a will that was due: who subscribed has to get it. */
  isPromised = false;
  /** It is a will that must not be published any more. */
  isForbidden = false;
  /** The broker said that it had no room for it: no session that it stores may get it. */
  isRefused = false;
  /** It is a will, and a crash may have undone that it was published. */
  mayComeAgain = false;
  /** How often the disk may have refused it after it had gone to those whom the broker doesn't store. */
  refusals = 0;
  /** How often the session that it was sent in may have ended, without its client knowing that it was another. */
  forgettings = 0;
  /** How often its client has sent it. */
  sends = 0;

  constructor(id: number, options: PublicationOptions) {
    this.id = id;
    this.options = options;
    this.payload = Buffer.from(options.size === 0 ? '' : `${id}:`.padEnd(options.size, 'x'));
  }

  /** The id that a payload begins with; null when it is none that `Publication` makes. */
  static idOf(payload: Uint8Array): number | null {
    let id = 0;
    for (let index = 0; index < payload.length; index++) {
      const byte = payload[index] as number;
      if (byte === 0x3a && index > 0) return id;
      if (byte < 0x30 || byte > 0x39) return null;
      id = id * 10 + byte - 0x30;
    }
    return null;
  }

  get isClearing(): boolean {
    return this.options.size === 0;
  }

  toString(): string {
    const { publisher, topic, qos, retain, size, isWill } = this.options;
    const what = isWill ? 'will' : 'message';
    return `${what} ${this.id} of ${publisher} to ${topic}, QoS ${qos}${retain ? ', retained' : ''}, ${size} bytes`;
  }
}
