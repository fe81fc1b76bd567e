import type { Message } from '@promptmq/session';
import type { Flushable } from '../../connection/host.ts';
import type { Logger } from '../../log/index.ts';
import type { ForwardedTo } from '../../routing/peers.ts';
import type { DeadlineQueue } from '../../runtime/deadline-queue.ts';
import type { Faults } from '../../runtime/faults.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { BrokerStats } from '../../runtime/stats.ts';
import type { Turns } from '../../runtime/turns.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import type { Journal } from '../../storage/journal.ts';
import type { CellOrigin } from '../../storage/records/message-record.ts';

/** What forwarding needs of the broker that serves a cell. */
export interface ForwardingHost {
  readonly runtime: Pick<Runtime, 'now' | 'uniqueId'>;
  readonly stats: BrokerStats;
  readonly log: Logger;
  readonly turns: Turns;
  readonly faults: Faults;
  readonly deadlines: DeadlineQueue;
  readonly journal: Journal;
  readonly sessions: { readonly cells: { of(cell: number): BrokerSession } };
  readonly router: ForwardedRouter;
  /** Has something done at the end of this turn. */
  flushLater(one: Flushable): void;
}

/** Who takes messages of other cells to those here whom they are for. */
export interface ForwardedRouter {
  /**
   * @param given - where it was given before to those who have nothing in the log, and the disk has refused the rest: the groups of
   * which a member got it so
   * @returns `reasonCode` QuotaExceeded when the disk is full, and nobody got the message; the position of the record that it was
   * written in, -1 when there is none; the groups of which a member got it who has nothing in the log
   */
  publishForwarded(
    message: Message,
    origin: CellOrigin | null,
    to: ForwardedTo,
    given: readonly string[] | null,
  ): {
    readonly reasonCode: number;
    readonly position: number;
    readonly givenGroups: readonly string[];
  };
}

/** What may be under way to another cell: messages, and bytes beside the last one. */
export const WINDOW_MESSAGES = 32_768;
export const WINDOW_BYTES = 4 * 1024 * 1024;

/** What may wait at QoS 0 behind what has come from a cell and isn't taken yet, in bytes beside the last one. */
export const TRANSIENT_BYTES_MAX = 1024 * 1024;
