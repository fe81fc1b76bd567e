import type { PublishImage } from '../../src/index.ts';

/** Of a PUBLISH: what its first byte has of the message. */
export const QOS1 = 2;
export const QOS2 = 4;
export const RETAIN = 1;

export function frameOf(text: string): PublishImage {
  const buffer = Buffer.from(`..${text}..`);
  const end = buffer.length - 2;
  return { buffer, start: 2, end, packetIdOffset: 3, payloadSize: end - 3 };
}

export function textOf({ buffer, start, end }: PublishImage): string {
  return Buffer.from(buffer.subarray(start, end)).toString();
}
