/** What the store of retained messages has to know of a message. It is never changed. */
export interface RetainedMessage {
  readonly topic: string;
  /** Without payload, it only removes the message that its topic has [MQTT-3.3.1-6]. */
  readonly payload: { readonly length: number };
  /** When it expires, in milliseconds of the caller's clock; Infinity when it never does (§3.3.2.3.3). */
  readonly expiresAt: number;
}
