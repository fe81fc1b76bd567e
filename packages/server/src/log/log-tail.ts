import type { ConfigurableLogger } from './configurable-logger.ts';
import { LOG_LEVELS, type LogLevel } from './logger.ts';

/** A line of the log, for who looks at it while it is written. */
export interface TailLine {
  /** Counts up from 1 at the start. */
  readonly id: number;
  readonly level: LogLevel;
  readonly event: string;
  /** It as JSON: time, level, event, fields. */
  readonly json: string;
}

/**
 * The last lines of a log, and who follows it. What isn't logged isn't there, either.
 *
 * Invariant: no more than `linesMax` are kept.
 */
export class LogTail {
  readonly #linesMax: () => number;
  readonly #lines: TailLine[];
  readonly #followers: Set<(line: TailLine) => void>;
  #count: number;

  /** @param linesMax - is asked at each line */
  constructor(linesMax: () => number) {
    this.#linesMax = linesMax;
    this.#lines = [];
    this.#followers = new Set();
    this.#count = 0;
  }

  add(level: LogLevel, event: string, fields: object = {}): void {
    const max = this.#linesMax();
    if (max === 0 && this.#followers.size === 0) return;
    const json = jsonOf({ time: new Date().toISOString(), level, event, fields });
    const line = { id: ++this.#count, level, event, json };
    this.#lines.push(line);
    // In one go now and then: each time would move all of them.
    if (this.#lines.length > 2 * max) this.#lines.splice(0, this.#lines.length - max);
    for (const follower of this.#followers) follower(line);
  }

  /** The last ones, oldest first. */
  last(): readonly TailLine[] {
    const max = this.#linesMax();
    return max === 0 ? [] : this.#lines.slice(-max);
  }

  /** @returns a function that ends it */
  follow(listener: (line: TailLine) => void): () => void {
    this.#followers.add(listener);
    return () => void this.#followers.delete(listener);
  }
}

function jsonOf(line: object): string {
  try {
    return JSON.stringify(line);
  } catch (error) {
    return JSON.stringify({ ...line, fields: { error: String(error) } });
  }
}

/** The same logger, of which the tail has each line, too. */
export function tailed(logger: ConfigurableLogger, tail: LogTail): ConfigurableLogger {
  const noting = Object.fromEntries(
    LOG_LEVELS.map((level) => [
      level,
      (event: string, fields?: object) => {
        logger[level](event, fields);
        if (logger.isEnabled?.(level) !== false) tail.add(level, event, fields);
      },
    ]),
  ) as Pick<ConfigurableLogger, LogLevel>;
  return {
    ...noting,
    isEnabled: (level) => logger.isEnabled?.(level) ?? true,
    droppedCount: () => logger.droppedCount?.() ?? 0,
    setStyle: (style) => logger.setStyle(style),
  };
}
