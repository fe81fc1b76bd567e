/** Mutations of time: what is due when, whatever becomes of the clock on the wall. */
import type { Mutation } from './mutation.ts';

export const timeMutations: readonly Mutation[] = [
  {
    name: 'wall-clock-followed',
    breaks: 'in a process, time goes as the monotonic clock does',
    edits: [
      {
        find: 'now = (): number => Math.floor(this.#clock.now()) + this.#offsetMs;',
        put: 'now = (): number => Math.round(this.#clock.wallNow()) + 0 * this.#offsetMs;',
      },
    ],
    caughtBy: ['log', 'storage', 'simulation'],
  },
  {
    name: 'clock-not-noted-in-batch',
    breaks: 'what the wall clock shows is in the log with what was caused by its being set',
    edits: [
      {
        find: 'this.#markTime(builder, segment); const timeMs',
        put: '    const timeMs',
      },
    ],
    caughtBy: ['log', 'storage'],
  },
  {
    name: 'clock-not-noted-in-silence',
    breaks: 'a wall clock that is set while nothing is written is noted within a second',
    edits: [{ find: 'this.journal.noteTime();', put: '' }],
    caughtBy: ['storage'],
  },
  {
    name: 'clock-in-first-segment-only',
    breaks: 'each segment says what the wall clock is ahead, as those before it may be removed',
    edits: [
      {
        find: 'state.head += SEGMENT_HEADER_SIZE; this.#time.forgetMark();',
        put: 'state.head += SEGMENT_HEADER_SIZE;',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'refused-clock-taken-for-noted',
    breaks: 'a clock record that the disk refused is written again',
    edits: [
      {
        find: 'time.forgetMark(); this.#compaction.takeBack(fromPosition);',
        put: 'this.#compaction.takeBack(fromPosition);',
      },
    ],
    caughtBy: ['log'],
  },
  {
    name: 'clock-records-not-read',
    breaks: 'the next process knows what the wall clock was ahead',
    edits: [{ find: 'this.#wallAheadMs = wallAheadAt(buffer, start);', put: '' }],
    caughtBy: ['log', 'storage'],
  },
  {
    name: 'checkpoint-time-not-read',
    breaks: 'after an orderly stop, the checkpoint says when that was',
    edits: [
      {
        find: 'this.#wallAheadMs = options.checkpoint.time?.wallAheadMs ?? 0;',
        put: 'this.#wallAheadMs = 0;',
      },
    ],
    caughtBy: ['log', 'storage', 'simulation'],
  },
  {
    name: 'time-goes-back',
    breaks: 'time never goes back before what is in the log [MQTT-3.3.2-6]',
    edits: [
      {
        find: 'if (gapMs < -TOLERANCE_MS) return',
        put: '  if (gapMs < -TOLERANCE_MS) return { gapMs, countedMs: gapMs, why: null };\n  if (gapMs < -TOLERANCE_MS) return',
      },
    ],
    caughtBy: ['log', 'storage', 'simulation'],
  },
  {
    name: 'downtime-not-counted',
    breaks: 'sessions and messages expire while no broker runs',
    edits: [
      {
        find: 'return { gapMs, countedMs: Math.max(0, gapMs), why: null };',
        put: 'return { gapMs, countedMs: 0, why: null };',
      },
    ],
    caughtBy: ['log', 'storage', 'simulation'],
  },
  {
    name: 'unset-clock-believed',
    breaks: 'a clock that had not been set and then was doesn’t age anything by decades',
    edits: [
      {
        find: 'if (beforeMs < EARLIEST_WALL_MS && nowMs >= EARLIEST_WALL_MS) {',
        put: 'if (beforeMs < 0 && nowMs >= EARLIEST_WALL_MS) {',
      },
    ],
    // The gap is one of decades, too.
    caughtBy: ['log'],
  },
  {
    name: 'decades-believed',
    breaks: 'a log isn’t taken to have been left alone for decades',
    edits: [{ find: 'if (gapMs > GAP_MS_MAX) return', put: 'if (gapMs === -1) return' }],
    caughtBy: ['log', 'storage'],
  },
  {
    name: 'timer-armed-by-former-time',
    breaks: 'what is due at the start is done at the start',
    edits: [{ find: 'this.#timer.rearm();', put: '' }],
    caughtBy: ['simulation'],
  },
];
