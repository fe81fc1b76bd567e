/** Reason codes that any packet that is wrong may be refused with (§4.13). */
export const WRONG: readonly number[] = [0x80, 0x81, 0x82, 0x83];

/** Those that a topic filter may be refused with. */
export const BAD_FILTER: readonly number[] = [...WRONG, 0x8f, 0x90];

/** A check within a case; `what` says what was expected. */
export function check(isMet: boolean, what: string): void {
  if (!isMet) throw new Error(what);
}

/** Lets time pass, where the standard counts it: expiry, delays, keep alive. */
export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
