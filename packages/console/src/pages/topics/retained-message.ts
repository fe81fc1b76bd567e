import { bytesOf } from '../../model/message-event.ts';
import type { LastMessage } from '../../model/topic-tree.ts';

/** A retained message as the API lists it. */
export interface RetainedSummary {
  readonly topic: string;
  readonly qos: number;
  /** Null: not by a client. */
  readonly from_clientid: string | null;
  /** Bytes. */
  readonly payload_size: number;
  /** Seconds; null: never. */
  readonly expires_in: number | null;
  /** Base64: the beginning, where it was asked for. */
  readonly payload?: string;
}

/** One with its payload. */
export interface RetainedMessage extends RetainedSummary {
  /** Base64; left out where it is too large for an answer. */
  readonly payload?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Null where the payload is too large for an answer. */
export function retainedBytes({ payload }: RetainedMessage): Uint8Array | null {
  return payload == null ? null : bytesOf(payload, 'base64');
}

export function lastOfRetained(message: RetainedSummary): LastMessage {
  return {
    payload: bytesOf(message.payload ?? '', 'base64'),
    size: message.payload_size,
    qos: message.qos,
    isRetained: true,
    publisher: message.from_clientid,
    at: null,
  };
}
