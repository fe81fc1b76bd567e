/** A wall clock that shows less has not been set yet, as docs/architecture.md says. */
const UNSET_BEFORE_MS = Date.UTC(2026, 0, 1);

/** More isn't believed to have passed without a broker. */
const GAP_MS_MAX = 10 * 365.25 * 86_400_000;

/** What the broker doesn't note of a wall clock. */
const TOLERANCE_MS = 110;

/** The broker looks at the wall clock this often, and writes a little later what it has seen. */
export const LOOK_MS = 1200;

/** At least so much, and at most so much. */
interface Range {
  readonly least: number;
  readonly most: number;
}

const NOTHING: Range = { least: 0, most: 0 };

/** How a process of the broker ended. */
export interface End {
  readonly startedMs: number;
  readonly endedMs: number;
  /** What the wall clock showed. */
  readonly wallMs: number;
  /** Whether the log surely has something of it; else it may not even have read it. */
  readonly leftTrace: boolean;
  /** For how long before its end it may have written nothing. */
  readonly untracedMs: number;
  /** For how long before its end what it wrote may be lost. */
  readonly unsafeMs: number;
  /** By how much the wall clock may have been set without the broker's having written so; beside not at all. */
  readonly unnotedMs: readonly number[];
}

/** What may be the last that the log says of time. */
interface Trace {
  readonly end: End;
  /** What the broker counted beyond what passed, up to there. */
  readonly extra: Range;
}

/**
 * How time passes for what a broker has to do: in a process as it does, and between two as far as the broker can tell by a
 * wall clock that may be set. Times are milliseconds of the simulation.
 */
export class BrokerTime {
  /** For each start: what was counted of the time before it, beyond what passed. */
  readonly #starts: { readonly atMs: number; readonly extra: Range }[] = [];
  #traces: Trace[] = [];
  /** Of the process that serves, as it is in `#starts`. */
  #lastExtra: Range | null = null;
  /** Of a wall clock that isn't right: how many milliseconds it loses or gains in one. */
  readonly #driftRate: number;

  constructor(wallRate = 1) {
    this.#driftRate = Math.abs(wallRate - 1);
  }

  /** What surely has passed for the broker. */
  least(fromMs: number, toMs: number): number {
    return this.#passed(fromMs, toMs, 'least');
  }

  /** What has passed for it at most since something that may have happened later, too. */
  most(fromMs: number, toMs: number): number {
    let most = this.#passed(fromMs, toMs, 'most');
    for (const { atMs } of this.#starts) {
      if (fromMs < atMs && atMs <= toMs) most = Math.max(most, this.#passed(atMs, toMs, 'most'));
    }
    return most;
  }

  #passed(fromMs: number, toMs: number, bound: keyof Range): number {
    let passed = toMs - fromMs;
    for (const { atMs, extra } of this.#starts) {
      if (fromMs < atMs && atMs <= toMs) passed += extra[bound];
    }
    return passed;
  }

  /** A process has ended. */
  ended(end: End): void {
    const { startedMs, endedMs, wallMs } = end;
    const lastExtra = this.#lastExtra;
    this.#lastExtra = null;
    const own = { end, extra: NOTHING };
    if (end.leftTrace) {
      this.#traces = [own];
    } else if (lastExtra !== null) {
      // What is counted up to the next start is more or less than up to this one.
      const former = this.#traces.map(({ end: formerEnd, extra }) => ({
        end: formerEnd,
        extra: { least: extra.least - lastExtra.most, most: extra.most - lastExtra.least },
      }));
      this.#traces = [...former, own];
    } else {
      // The wall clock isn't set while a process starts.
      const wallAtStartMs = wallMs - (endedMs - startedMs);
      const further = this.#traces.map((trace) => ({
        end,
        extra: this.#extraOf(trace, startedMs, startedMs, wallAtStartMs),
      }));
      this.#traces = [...this.#traces, ...further];
    }
  }

  /** A process serves, which began to start at some time. @param wallMs - what the wall clock shows */
  serving(startedMs: number, nowMs: number, wallMs: number): void {
    this.#lastExtra = NOTHING;
    if (this.#traces.length === 0) return;
    const all = this.#traces.map((trace) => this.#extraOf(trace, startedMs, nowMs, wallMs));
    this.#lastExtra = hull(all);
    this.#starts.push({ atMs: nowMs, extra: this.#lastExtra });
  }

  #extraOf({ end, extra }: Trace, startedMs: number, nowMs: number, wallMs: number): Range {
    const passedMs = nowMs - end.endedMs;
    const startMs = nowMs - startedMs;
    const drift = this.#driftRate * (LOOK_MS + end.unsafeMs + startMs);
    const slack = drift === 0 && end.unnotedMs.length === 0 ? 0 : TOLERANCE_MS + drift;
    const counted = [0, ...end.unnotedMs].map((unnotedMs) =>
      countedOf(end.wallMs - unnotedMs, wallMs, end.untracedMs, startMs),
    );
    const { least, most } = hull(counted);
    return {
      least: extra.least + least - passedMs - slack,
      most: extra.most + most - passedMs + slack,
    };
  }
}

/**
 * What a broker counts between the end of a process and a moment in the start of the next.
 *
 * @param untracedMs - for how long before that end the log may know nothing
 * @param startMs - for how long the next has been starting at most
 */
function countedOf(beforeMs: number, nowMs: number, untracedMs: number, startMs: number): Range {
  const gapMs = nowMs - beforeMs;
  const unknown = { least: -untracedMs, most: startMs };
  if (beforeMs < UNSET_BEFORE_MS && nowMs >= UNSET_BEFORE_MS) return unknown;
  if (gapMs > GAP_MS_MAX) return unknown;
  if (gapMs >= startMs) return { least: gapMs, most: gapMs };
  return { least: Math.max(-untracedMs, Math.min(0, gapMs)), most: startMs };
}

function hull(ranges: readonly Range[]): Range {
  return {
    least: Math.min(...ranges.map(({ least }) => least)),
    most: Math.max(...ranges.map(({ most }) => most)),
  };
}
