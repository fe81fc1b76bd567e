import type { Packet, ProtocolVersion } from '../src/index.ts';

/** Bytes and what they are: a packet, or the reason for which they are refused. */
export interface Vector {
  readonly name: string;
  readonly version: ProtocolVersion;
  readonly receiver: 'server' | 'client';
  readonly bytes: Uint8Array;
  readonly packet?: Packet;
  /** Whether encoding the packet gives these very bytes; not where there is a shorter form. */
  readonly isCanonical?: boolean;
  readonly reasonCode?: number;
  readonly rule?: string;
}

/** Text becomes its UTF-8 bytes, text in brackets with its length before it; numbers are bytes. */
export type Part = number | string | readonly string[];

export function bytes(...parts: readonly Part[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Buffer.from([part]);
      if (typeof part === 'string') return Buffer.from(part);
      const text = Buffer.from(part.join(''));
      return Buffer.concat([Buffer.from([text.length >> 8, text.length & 0xff]), text]);
    }),
  );
}

/** A packet with its remaining length worked out. */
export function frame(firstByte: number, ...parts: readonly Part[]): Uint8Array {
  const body = bytes(...parts);
  const header = [firstByte];
  let length = body.length;
  do {
    header.push(length > 127 ? (length & 0x7f) | 0x80 : length);
    length >>= 7;
  } while (length > 0);
  return Buffer.concat([Buffer.from(header), body]);
}
