/** Microseconds on the generator's clock; only differences mean something. */
export function nowMicros(): number {
  return performance.now() * 1000;
}

/**
 * A time as it is written into a payload: four bytes, which wrap around after 71 minutes. Never 0, which
 * stands for no time.
 */
export function stampOf(micros: number): number {
  return (Math.floor(micros) >>> 0) | 1;
}

/** Microseconds from a stamp to a time. */
export function sinceStamp(stamp: number, micros: number): number {
  const age = (Math.floor(micros) - stamp) >>> 0;
  // A stamp may be a microsecond ahead by its lowest bit.
  return age === 0xffff_ffff ? 0 : age;
}

export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
