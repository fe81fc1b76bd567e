import { fromBase64 } from './payload.ts';

/** A message in the stream of events, as the API has it. */
interface ShownMessage {
  readonly clientid: string | null;
  readonly username: string | null;
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly payload?: string;
  readonly payload_encoding?: 'plain' | 'base64';
  readonly payload_size: number;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly ts: number;
}

/** A message that somebody has published. */
export interface SeenMessage {
  readonly topic: string;
  /** The client identifier; null for the program, and the API. */
  readonly publisher: string | null;
  readonly userName: string | null;
  readonly qos: number;
  readonly isRetained: boolean;
  /** What was sent of it: it may be the beginning. */
  readonly payload: Uint8Array;
  /** Bytes of the whole payload. */
  readonly size: number;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** @param data - of an event of the type `message` */
export function seenMessage(data: string): SeenMessage {
  const shown = JSON.parse(data) as ShownMessage;
  return {
    topic: shown.topic,
    publisher: shown.clientid,
    userName: shown.username,
    qos: shown.qos,
    isRetained: shown.retain,
    payload: bytesOf(shown.payload ?? '', shown.payload_encoding),
    size: shown.payload_size,
    properties: shown.properties ?? {},
    at: shown.ts,
  };
}

/** A payload as the API has it. */
export function bytesOf(text: string, encoding: string | undefined): Uint8Array {
  return encoding === 'base64' ? fromBase64(text) : new TextEncoder().encode(text);
}
