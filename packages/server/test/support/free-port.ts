import { freeRange } from './free-range.ts';

/** A port of 127.0.0.1 that nobody listens on, for programs that can't be told to choose one themselves. */
export function freePort(): Promise<number> {
  return freeRange(1);
}
