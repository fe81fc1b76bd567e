import type { HistoryEntry } from '../entry.ts';
import type { Past } from './past.ts';
import type { Present } from './present.ts';
import type { TimeWindow } from './window.ts';

/** A question with all that is known of its client. */
export interface Case extends TimeWindow {
  readonly clientId: string;
  readonly topic: string;
  readonly now: number;
  /** What happened to the client, newest first. */
  readonly entries: readonly HistoryEntry[];
  readonly past: Past;
  readonly present: Present;
}

/** Whether something happened in the time that is asked about, or both before and after. */
export function isWithin({ from, to }: TimeWindow, { at, lastAt }: HistoryEntry): boolean {
  return at <= to && lastAt >= from;
}
