import { Delivery, type Message } from '../../src/index.ts';

const EMPTY = new Uint8Array(0);

export function messageOf(text: string, changes: Partial<Message> = {}): Message {
  return {
    topic: 't',
    topicBytes: EMPTY,
    properties: EMPTY,
    payload: Buffer.from(text),
    qos: 1,
    retain: false,
    expiresAt: Number.POSITIVE_INFINITY,
    publisherId: '',
    ...changes,
  };
}

interface Changes {
  readonly qos?: 0 | 1 | 2;
  readonly expiresAt?: number;
  readonly group?: string | null;
  readonly sequence?: number;
  readonly share?: number;
  readonly retain?: boolean;
}

/** A delivery of a message with this payload; stored with a sequence. */
export function deliveryOf(text: string, changes: Changes = {}): Delivery {
  const { qos = 1, expiresAt = Number.POSITIVE_INFINITY, group = null, retain = false } = changes;
  const delivery = new Delivery(messageOf(text, { qos, expiresAt }), qos, retain, [], group);
  delivery.sequence = changes.sequence ?? 0;
  delivery.share = changes.share ?? 0;
  return delivery;
}

export function payloadOf({ message }: Delivery): string {
  return Buffer.from(message.payload).toString();
}
