/** Something that an operator should know of now. */
export interface Condition {
  /** Which it is, such as `fsync_slow`, or `client_queue_filling/CLIENT`: one alarm for each name. */
  readonly name: string;
  /** What is so, in a sentence. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
  /** The figures that it was seen by. */
  readonly details: Readonly<Record<string, string | number>>;
}

/** A condition with when it held. Times are milliseconds since 1970. */
export interface Alarm extends Condition {
  readonly activatedAt: number;
  /** Null while it is active. */
  readonly deactivatedAt: number | null;
}

/** Alarms that are over, of which the oldest are forgotten. */
const PAST_MAX = 500;
/** Alarms at a time: those that come first. */
const ACTIVE_MAX = 200;

/** A condition has ended when it hasn't been seen for this long: else it would come and go. */
const HOLD_MS = 30_000;

interface Active {
  condition: Condition;
  readonly activatedAt: number;
  seenAt: number;
}

export interface AlarmListener {
  onRaised(alarm: Alarm): void;
  onCleared(alarm: Alarm): void;
}

/**
 * Which alarms there are, and which there were.
 *
 * Invariant: at most `ACTIVE_MAX` are active, and `PAST_MAX` are remembered.
 */
export class AlarmBook {
  readonly #listener: AlarmListener;
  readonly #active: Map<string, Active>;
  #past: Alarm[];

  constructor(listener: AlarmListener) {
    this.#listener = listener;
    this.#active = new Map();
    this.#past = [];
  }

  /** In the order in which they began. */
  get active(): Alarm[] {
    return [...this.#active.values()].map((one) => alarmOf(one, null));
  }

  /** The latest first. */
  get past(): readonly Alarm[] {
    return this.#past;
  }

  /** @param conditions - all that hold now */
  update(conditions: readonly Condition[], now: number): void {
    for (const condition of conditions) {
      const known = this.#active.get(condition.name);
      if (known !== undefined) {
        known.condition = condition;
        known.seenAt = now;
      } else if (this.#active.size < ACTIVE_MAX) {
        const active = { condition, activatedAt: now, seenAt: now };
        this.#active.set(condition.name, active);
        this.#listener.onRaised(alarmOf(active, null));
      }
    }
    for (const [name, active] of this.#active) {
      // A wall clock that was set back is no reason to wait for it.
      if (Math.abs(now - active.seenAt) < HOLD_MS) continue;
      this.#active.delete(name);
      const alarm = alarmOf(active, now);
      this.#past = [alarm, ...this.#past.slice(0, PAST_MAX - 1)];
      this.#listener.onCleared(alarm);
    }
  }

  forgetPast(): void {
    this.#past = [];
  }
}

function alarmOf({ condition, activatedAt }: Active, deactivatedAt: number | null): Alarm {
  return { ...condition, activatedAt, deactivatedAt };
}
