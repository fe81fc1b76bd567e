import type { Case } from './case.ts';
import type { ConnectionSpan } from './past.ts';

/** The connection that a client had at a time; null when it had none. */
export function connectionAt({ past }: Case, at: number): ConnectionSpan | null {
  return past.connections.find(({ from, to }) => from <= at && at < to) ?? null;
}

/** The last connection that was over at a time; null when none is known. */
export function connectionBefore({ past }: Case, at: number): ConnectionSpan | null {
  return past.connections.find(({ to }) => to <= at) ?? null;
}

/** The first connection after a time; null when there was none. */
export function connectionAfter({ past }: Case, at: number): ConnectionSpan | null {
  return past.connections.findLast(({ from }) => from > at) ?? null;
}
