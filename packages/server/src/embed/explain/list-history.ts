import type { Broker } from '../../broker.ts';
import { HISTORY_TYPES, type HistoryEntry, type HistoryType } from '../../history/entry.ts';
import { Arguments } from '../calls/arguments.ts';

/** What of the history is wanted; everything by default. */
export interface HistoryOptions {
  readonly clientId?: string | undefined;
  readonly type?: HistoryType | undefined;
  /** The topic name or topic filter, to the letter. */
  readonly topic?: string | undefined;
  /** Entries that are passed over; 0 by default. */
  readonly skip?: number | undefined;
  /** 1 to 10,000; 100 by default. */
  readonly limit?: number | undefined;
}

/** Entries, newest first. */
export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  /** Whether there are older ones. */
  readonly hasMore: boolean;
  /** Since when all is there, in milliseconds since 1970; null when no history is kept. */
  readonly completeSince: number | null;
}

const LIMIT_MAX = 10_000;
const LIMIT_DEFAULT = 100;
const SKIP_MAX = 100_000_000;

/** @throws {EmbedError} `invalid-argument` */
export function listHistory({ history }: Broker, options: HistoryOptions): HistoryPage {
  const { clientId, type, topic, skip, limit } = checked(options);
  if (history === null) return { entries: [], hasMore: false, completeSince: null };
  const completeSince =
    clientId === null
      ? Math.max(history.startedAt, history.forgottenUntil)
      : history.completeSince(clientId);
  const isMeant = (entry: HistoryEntry) =>
    (type === null || entry.type === type) && (topic === null || entry.topic === topic);
  const entries: HistoryEntry[] = [];
  let passed = 0;
  for (const entry of clientId === null ? history.newestFirst() : history.of(clientId)) {
    if (!isMeant(entry) || passed++ < skip) continue;
    if (entries.length === limit) return { entries, hasMore: true, completeSince };
    entries.push(copyOf(entry));
  }
  return { entries, hasMore: false, completeSince };
}

function checked(options: HistoryOptions) {
  const args = new Arguments('history');
  args.options(options, ['clientId', 'type', 'topic', 'skip', 'limit']);
  const { type = null } = options;
  if (type !== null && !HISTORY_TYPES.includes(type)) {
    args.refuse(`type takes ${HISTORY_TYPES.join(', ')}`);
  }
  return {
    clientId: options.clientId === undefined ? null : args.text('clientId', options.clientId),
    type,
    topic: options.topic === undefined ? null : args.text('topic', options.topic),
    skip: args.wholeNumber('skip', options.skip ?? 0, 0, SKIP_MAX),
    limit: args.wholeNumber('limit', options.limit ?? LIMIT_DEFAULT, 1, LIMIT_MAX),
  };
}

/** What a program gets is its own. */
function copyOf(entry: HistoryEntry): HistoryEntry {
  const { type, clientId, at, lastAt, count, topic, cause, detail, address, userName } = entry;
  const { subscription, filters, filterCount, waiting, reasonCode } = entry;
  return {
    ...{ type, clientId, at, lastAt, count, topic, cause, detail, address, userName },
    ...{ subscription, filters, filterCount, waiting, reasonCode },
  };
}
